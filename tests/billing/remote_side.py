"""What the packages played by the tests have in common: an HTTP server on this machine whose every question and answer is held against a contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl

import msgspec
import uvicorn

AMOUNTS = msgspec.json.Encoder(decimal_format="number")


class Asked(msgspec.Struct, frozen=True):
    """A question as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, if it is JSON."""
        return msgspec.json.decode(self.body) if self.body and self.headers.get("content-type") == "application/json" else None


class Told(msgspec.Struct, frozen=True):
    """An answer: `said` as JSON."""

    status: int
    said: Any = None
    headers: dict[str, str] = {}


class Contract(Protocol):
    """What the package published."""

    def check(self, asked: Asked, told: Told) -> list[str]:
        """What is not as published, in the question or the answer; nothing where all is well."""


class RemoteSide:
    """A package. `failures` are given instead of the next answers; of `lost` many questions the answer never arrives, though what they ask for is done."""

    def __init__(self, contract: Contract) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.breaches: list[str] = []
        self.failures: list[tuple[int, bytes, dict[str, str]]] = []
        self.lost = 0
        self._contract = contract

    def answer(self, asked: Asked) -> Told:
        """What the package says; the package's own part."""
        raise NotImplementedError

    def fails(self, status: int, body: bytes = b"", **headers: str) -> None:
        """The next question is answered like this."""
        self.failures.append((status, body, {name.replace("_", "-"): value for name, value in headers.items()}))

    def done(self, method: str, part: str) -> list[Asked]:
        """The questions so far with this method and this in their path."""
        return [one for one in self.asked if one.method == method and part in one.path]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], dict(parse_qsl(scope["query_string"].decode())), headers, body)
        self.asked.append(asked)
        if self.failures:
            status, content, extra = self.failures.pop(0)
        else:
            told = self.answer(asked)
            self.breaches += self._contract.check(asked, told)
            status, content, extra = told.status, b"" if told.said is None else AMOUNTS.encode(told.said), told.headers
            if self.lost and asked.method != "GET":
                self.lost -= 1
                while (await receive())["type"] != "http.disconnect":
                    pass
                return
        head = [(b"content-type", b"application/json"), *((name.encode(), value.encode()) for name, value in extra.items())]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": content})


S = TypeVar("S", bound=RemoteSide)


@asynccontextmanager
async def serving(side: S, base: str) -> AsyncIterator[S]:
    """The package at an address of this machine; afterwards nothing was asked or told that the contract does not know."""
    server = uvicorn.Server(uvicorn.Config(side, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    side.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}{base}"
    try:
        yield side
    finally:
        server.should_exit = True
        await running
    assert side.breaches == [], "\n".join(side.breaches)
