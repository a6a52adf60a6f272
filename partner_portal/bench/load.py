"""The second process: sends requests over kept-alive connections as fast as they are answered, and counts.

Reads an order per line of standard input and writes its result as a line of standard output, both JSON.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from itertools import cycle
from time import perf_counter
from typing import cast

import httptools
import msgspec
import uvloop

_FIRST_ERROR = 400


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Send these requests (whole, as they go over the wire) to a port of this machine: in turn for some seconds, or each exactly once."""

    port: int
    requests: list[str]
    seconds: float | None = None
    connections: int = 8
    keep: bool = False
    """Whether the result is to hold the bodies of the answers, in the order of the requests."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How many were answered in how many seconds; `fault` is the first answer that was an error."""

    answers: int
    seconds: float
    fault: str | None = None
    bodies: list[str] = []


class _Run:
    """One order under way."""

    def __init__(self, order: Order) -> None:
        numbered = list(enumerate(request.encode("latin-1") for request in order.requests))
        self.next: Iterator[tuple[int, bytes]] = iter(numbered) if order.seconds is None else cycle(numbered)
        self.bodies: dict[int, bytes] = {}
        self.keep = order.keep
        self.answers = 0
        self.fault: str | None = None
        self.ends = float("inf")
        self.last = 0.0
        self.open = 0
        self.over = asyncio.Event()


class _Line(asyncio.Protocol):
    """One connection: the next request goes out when the last was answered."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._nth = 0
        self._body: list[bytes] = []
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._run.open += 1

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        run = self._run
        run.answers += 1
        run.last = perf_counter()
        status = self._parser.get_status_code()
        if status >= _FIRST_ERROR and run.fault is None:
            run.fault = f"{status} {b''.join(self._body)[:500].decode(errors='replace')}"
        if run.keep:
            run.bodies[self._nth] = b"".join(self._body)
        self._body.clear()
        self.ask()

    def ask(self) -> None:
        """The next request is on its way; the connection closes when there is none."""
        asked = next(self._run.next, None) if perf_counter() < self._run.ends else None
        if asked is None:
            self._transport.close()
            return
        self._nth, request = asked
        self._transport.write(request)

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None and self._run.fault is None:
            self._run.fault = f"connection lost: {error}"
        self._run.open -= 1
        if not self._run.open:
            self._run.over.set()


async def carry_out(order: Order) -> Result:
    """The order is carried out; time runs from the first request, when all connections stand, to the last answer."""
    run = _Run(order)
    loop = asyncio.get_running_loop()
    lines = [(await loop.create_connection(lambda: _Line(run), "127.0.0.1", order.port))[1] for _ in range(order.connections)]
    begun = perf_counter()
    if order.seconds is not None:
        run.ends = begun + order.seconds
    for line in lines:
        line.ask()
    await run.over.wait()
    bodies = [run.bodies[nth].decode("latin-1") for nth in sorted(run.bodies)]
    return Result(answers=run.answers, seconds=run.last - begun, fault=run.fault, bodies=bodies)


def main() -> None:
    """Carries out orders until there are no more."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:
            result = runner.run(carry_out(msgspec.json.decode(line, type=Order)))
            sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
