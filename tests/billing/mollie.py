"""A server on this machine that answers as Mollie's API v2 does, by its documentation: what is asked is kept, and failures can be ordered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import uvicorn

TOKEN = "access_of_the_organisation"
KEY = "test_dHar4XY7LxsDOtmnkVtjNVWXLSlXsM"


class Mollie:
    """Payments with their refunds and chargebacks; keys are remembered, as there."""

    def __init__(self) -> None:
        self.url = ""
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.chargebacks: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, str, dict[str, str], dict[str, Any]]] = []
        self.by_key: dict[str, tuple[int, dict[str, Any]]] = {}
        self.failure: tuple[int, bytes] | None = None
        self.slow = 0.0
        self.settlements: list[dict[str, Any]] = []
        self.broken: set[str] = set()
        self.parts: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def paid(self, payment: str, at: str = "2026-11-22T23:30:00+00:00") -> None:
        """The payer has paid."""
        self.payments[payment] |= {"status": "paid", "paidAt": at, "method": "ideal"}
        self.payments[payment]["_links"].pop("checkout", None)

    def settle(
        self, number: str, reference: str, at: str, *, payments: dict[str, str], refunds: dict[str, str] | None = None, fee: str = "0.00"
    ) -> None:
        """Paid out in one sum: these payments, less these refunds and the fee."""
        refunds = refunds or {}
        total = sum((Decimal(one) for one in [*payments.values(), *refunds.values()]), Decimal(0)) - Decimal(fee)
        cost = {"description": "iDEAL", "amountNet": euro(fee), "amountVat": None, "amountGross": euro(fee), "count": 1}
        self.settlements.append(
            {
                "resource": "settlement",
                "id": number,
                "reference": reference,
                "settledAt": at,
                "status": "paidout",
                "amount": euro(str(total)),
                "periods": {"2026": {"11": {"revenue": [], "costs": [cost]}}},
            }
        )
        self.parts[number, "payments"] = [{"resource": "payment", "id": one, "amount": euro(cents)} for one, cents in payments.items()]
        self.parts[number, "refunds"] = [{"resource": "refund", "id": one, "amount": euro(cents)} for one, cents in refunds.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        given = json.loads(body) if body else {}
        self.asked.append((scope["method"], scope["path"], headers, given))
        await asyncio.sleep(self.slow)
        status, answer = self.failure or self._answer(scope, headers, given)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/hal+json")]})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, scope: Any, headers: dict[str, str], given: dict[str, Any]) -> tuple[int, Any]:
        of_organisation = scope["path"].startswith("/v2/settlements")
        if headers.get("authorization") != f"Bearer {TOKEN if of_organisation else KEY}":
            return self._problem(401, "Unauthorized Request", "Missing authentication, or failed to authenticate")
        key = headers.get("idempotency-key")
        if scope["method"] == "POST" and key in self.by_key:
            return self.by_key[key]
        answer = self._route(scope["method"], scope["path"].removeprefix("/v2/").split("/"), scope["query_string"].decode(), given)
        if scope["method"] == "POST" and key and answer[0] < 300:
            self.by_key[key] = answer
        return answer

    def _route(self, method: str, path: list[str], query: str, given: dict[str, Any]) -> tuple[int, Any]:
        match method, path:
            case "POST", ["payments"]:
                return 201, self._create(given)
            case "GET", ["payments", payment] if payment in self.payments:
                return 200, self._with(payment, query)
            case "GET", ["settlements"]:
                return 200, {"count": len(self.settlements), "_embedded": {"settlements": self.settlements}, "_links": {"next": None}}
            case "GET", ["settlements", number] if number in self.broken:
                return self._problem(503, "Service Unavailable", "This settlement cannot be read now")
            case "GET", ["settlements", number]:
                return 200, next(one for one in self.settlements if one["id"] == number)
            case "GET", ["settlements", number, kind]:
                return 200, self._page(number, kind, query)
            case "POST", ["payments", payment, "refunds"] if payment in self.payments:
                return self._refund(payment, given)
        return self._problem(404, "Not Found", "No payment exists with token tr_unknown.")

    def _page(self, number: str, kind: str, query: str) -> dict[str, Any]:
        """One at a time, with the address of the next."""
        of, at = self.parts.get((number, kind), []), int(parse_qs(query).get("from", ["0"])[0])
        more = {"href": f"{self.url}/settlements/{number}/{kind}?from={at + 1}", "type": "application/hal+json"}
        return {"_embedded": {kind: of[at : at + 1]}, "_links": {"next": more if at + 1 < len(of) else None}}

    def _create(self, given: dict[str, Any]) -> dict[str, Any]:
        payment = f"tr_{len(self.payments) + 1:010d}"
        self.payments[payment] = {
            "resource": "payment",
            "id": payment,
            "mode": "test",
            "createdAt": "2026-11-22T11:00:00+00:00",
            "amount": given["amount"],
            "description": given["description"],
            "method": None,
            "metadata": given["metadata"],
            "status": "open",
            "isCancelable": False,
            "expiresAt": "2026-11-22T11:15:00+00:00",
            "profileId": "pfl_QkEhN94Ba",
            "sequenceType": "oneoff",
            "redirectUrl": given["redirectUrl"],
            "webhookUrl": given["webhookUrl"],
            "_links": {
                "self": {"href": "...", "type": "application/hal+json"},
                "checkout": {"href": f"https://pay.example.com/{payment}", "type": "text/html"},
            },
        }
        return self.payments[payment]

    def _with(self, payment: str, query: str) -> dict[str, Any]:
        found = dict(self.payments[payment])
        if "embed=refunds,chargebacks" in query:
            found["_embedded"] = {"refunds": self.refunds.get(payment, []), "chargebacks": self.chargebacks.get(payment, [])}
        return found

    def _refund(self, payment: str, given: dict[str, Any]) -> tuple[int, Any]:
        if self.payments[payment]["status"] != "paid":
            return self._problem(422, "Unprocessable Entity", "The payment cannot be refunded.")
        made = {
            "resource": "refund",
            "id": f"re_{len(self.refunds.get(payment, [])) + 1}",
            "amount": given["amount"],
            "status": "pending",
            "createdAt": "2026-11-23T08:00:00+00:00",
            "description": given["description"],
            "metadata": given["metadata"],
            "paymentId": payment,
        }
        self.refunds.setdefault(payment, []).append(made)
        return 201, made

    @staticmethod
    def _problem(status: int, title: str, detail: str) -> tuple[int, Any]:
        return status, {
            "status": status,
            "title": title,
            "detail": detail,
            "_links": {"documentation": {"href": "...", "type": "text/html"}},
        }


def euro(value: str) -> dict[str, str]:
    """An amount as there."""
    return {"currency": "EUR", "value": value}


@asynccontextmanager
async def serving() -> AsyncIterator[Mollie]:
    """The server at an address of this machine."""
    mollie = Mollie()
    server = uvicorn.Server(uvicorn.Config(mollie, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    mollie.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v2"
    try:
        yield mollie
    finally:
        server.should_exit = True
        await running
