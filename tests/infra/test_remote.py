"""Another system is asked once; only the way to it is tried twice."""

from __future__ import annotations

import asyncio
from typing import Any

import httpcore
import pytest
from httpcore._backends.auto import AutoBackend

from partner_portal.infra import remote
from partner_portal.infra.outgoing import NotReached, Why


async def _answers(failing: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[bytes]]:
    """The status that comes when so many connections fail first, and what the other side was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b" ")[0])
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    tries, connect = 0, AutoBackend.connect_tcp

    async def slow(self: AutoBackend, *args: Any, **named: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries <= failing:
            raise httpcore.ConnectTimeout
        return await connect(self, *args, **named)

    monkeypatch.setattr(AutoBackend, "connect_tcp", slow)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        return (await remote.ask("POST", f"http://127.0.0.1:{port}/", body=b"")).status, asked


async def test_a_connection_that_does_not_come_is_tried_once_more_and_the_question_is_put_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _answers(1, monkeypatch) == (204, [b"POST"])


async def test_who_cannot_be_reached_twice_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotReached) as refused:
        await _answers(2, monkeypatch)

    assert refused.value.why is Why.TOO_SLOW
