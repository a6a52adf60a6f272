"""A server on this machine that answers as Mollie's API v2 does, by its documentation: what is asked is kept, and failures can be ordered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

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

    def paid(self, payment: str, at: str = "2026-11-22T23:30:00+00:00") -> None:
        """The payer has paid."""
        self.payments[payment] |= {"status": "paid", "paidAt": at, "method": "ideal"}
        self.payments[payment]["_links"].pop("checkout", None)

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
        if headers.get("authorization") != f"Bearer {KEY}":
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
            case "POST", ["payments", payment, "refunds"] if payment in self.payments:
                return self._refund(payment, given)
        return self._problem(404, "Not Found", "No payment exists with token tr_unknown.")

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
