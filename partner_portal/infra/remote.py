"""Other systems' APIs, whose addresses operators set: one request, one answer, within a time; no redirect is followed and not everything is read.

What partners or customers type as an address goes through `outgoing` instead, which trusts nobody.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import httpx
import msgspec

from .outgoing import NotReached, Why

MOST_READ = 4 * 1024 * 1024
"""Bytes; a longer answer is none."""


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes
    retry_after: str = ""


async def ask(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, within: float = 10.0
) -> Answer:
    """The answer of another system, whatever its status; NotReached when none came within so many seconds, or too long a one.

    Half of the time is for connecting, and that is tried twice: until a connection is there nothing was asked.
    """
    edge = _Edge.transport or httpx.AsyncHTTPTransport(verify=_trust(), trust_env=False, retries=1)
    async with httpx.AsyncClient(transport=edge, timeout=httpx.Timeout(within, connect=within / 2), trust_env=False) as client:
        try:
            async with client.stream(method, url, headers=dict(headers or {}), content=body) as response:
                read = b""
                async for chunk in response.aiter_bytes():
                    read += chunk
                    if len(read) > MOST_READ:
                        raise NotReached(Why.BROKEN)
                return Answer(response.status_code, read, response.headers.get("retry-after", ""))
        except httpx.TimeoutException as error:
            raise NotReached(Why.TOO_SLOW) from error
        except httpx.ConnectError as error:
            raise NotReached(Why.NO_CONNECTION) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotReached(Why.BROKEN) from error


class _Edge:
    transport: httpx.AsyncBaseTransport | None = None


@contextmanager
def through(transport: httpx.AsyncBaseTransport) -> Iterator[None]:
    """Inside the block every request goes this way: for tests, whose world ends here."""
    before, _Edge.transport = _Edge.transport, transport
    try:
        yield
    finally:
        _Edge.transport = before


@cache
def _trust() -> ssl.SSLContext:
    # The certificates the machine trusts, or those of SSL_CERT_FILE where a company has its own; read once.
    return ssl.create_default_context()
