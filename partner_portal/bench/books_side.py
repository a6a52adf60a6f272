"""A stand-in for Xero that answers at once: it keeps numbers and what was asked, and judges nothing. In a process of its own.

What it was asked since it was last told to forget is read at `/asked`, so that the same can be asked again bare.
"""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import msgspec
import uvicorn

from partner_portal.infra import settings

_AMOUNTS = msgspec.json.Encoder(decimal_format="number")
_KEPT = ("authorization", "content-type", "xero-tenant-id", "idempotency-key", "if-modified-since")
_NOW = "/Date(1795392000000+0000)/"


class Asked(msgspec.Struct, frozen=True):
    """A question, to be asked again."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class Side:
    """What it keeps: contacts and invoices by id, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.kept: dict[str, dict[str, dict[str, Any]]] = {"Contacts": {}, "Invoices": {}}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        said = self._answer(scope, body)
        await send(
            {"type": "http.response.start", "status": 200 if said is not None else 404, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": _AMOUNTS.encode(said)})

    def _answer(self, scope: Any, body: bytes) -> Any:
        path, query = scope["path"], scope["query_string"].decode()
        if path == "/healthz":
            return {}
        if path == "/asked":
            told, self.asked, self.kept = self.asked, [], {"Contacts": {}, "Invoices": {}}
            return told
        headers = {name.decode(): value.decode() for name, value in scope["headers"] if name.decode() in _KEPT}
        self.asked.append(Asked(scope["method"], f"{path}?{query}" if query else path, headers, base64.b64encode(body).decode()))
        place, _, one = path.removeprefix("/").partition("/")
        if scope["method"] == "PUT":
            return {place: [self._made(place, given) for given in msgspec.json.decode(body, type=dict[str, list[dict[str, Any]]])[place]]}
        if one:
            found = [
                thing
                for thing in self.kept[place].values()
                if one in {thing.get("ContactNumber"), thing.get("ContactID"), thing.get("InvoiceID")}
            ]
            return {place: found} if found else None
        numbers = parse_qs(query).get("InvoiceNumbers", [""])[0].split(",")
        return {place: [thing for thing in self.kept.get(place, {}).values() if thing.get("InvoiceNumber") in numbers]}

    def _made(self, place: str, given: dict[str, Any]) -> dict[str, Any]:
        made = {**given, f"{place[:-1]}ID": str(uuid4()), "UpdatedDateUTC": _NOW}
        if place == "Invoices":
            net, tax = (sum((Decimal(str(line[name])) for line in given["LineItems"]), Decimal(0)) for name in ("LineAmount", "TaxAmount"))
            made |= {"SubTotal": net, "TotalTax": tax, "Total": net + tax, "StatusAttributeString": "OK"}
        self.kept[place][made[f"{place[:-1]}ID"]] = made
        return made


if __name__ == "__main__":
    uvicorn.run(Side(), host="127.0.0.1", port=settings.load().port, log_level="error", access_log=False, lifespan="off")
