"""A real HTTP server on this machine that answers as it is told, for what the portal sends out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec


class Received(msgspec.Struct, frozen=True):
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


class Said(msgspec.Struct, frozen=True):
    """An answer: its status with headers and body; `after` so many seconds, and `then` so many between its pieces."""

    status: int = 204
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    after: float = 0.0
    pieces: int = 1
    then: float = 0.0
    raw: bytes = b""


class Receiver:
    """What came in; answers with the next of `answers`, with the last of them from then on."""

    def __init__(self) -> None:
        self.port = 0
        self.received: list[Received] = []
        self.answers: list[Said] = [Said()]
        self.connections = 0
        self.at_once = self.most_at_once = 0
        self.told: Callable[[Received], Said] | None = None

    @property
    def url(self) -> str:
        """Where it listens, in the clear."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.at_once -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        came = Received(head[0], headers, await reader.readexactly(int(headers.get("content-length", "0"))))
        self.received.append(came)
        said = self.told(came) if self.told else self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(said.after)
        if said.raw:
            writer.write(said.raw)
            await writer.drain()
            return
        lines = [f"HTTP/1.1 {said.status} X", *(f"{name}: {value}" for name, value in said.headers)]
        if not any(name.lower() == "content-length" for name, _ in said.headers):
            lines.append(f"Content-Length: {len(said.body) * said.pieces}")
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        for _ in range(said.pieces):
            writer.write(said.body)
            await writer.drain()
            await asyncio.sleep(said.then)


@asynccontextmanager
async def receiver(trust: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """The server runs inside the block; with `trust` it speaks TLS."""
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=trust)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
