"""The one way out to addresses that others name: HTTP requests that never reach a private network.

The host is looked up once, everything it leads to is judged, and the connection goes to exactly an address that was judged, with the host's own name
for TLS: a second answer of the name server changes nothing. No redirect is followed, no proxy of the environment is asked, little is read.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import cast
from urllib.parse import quote, urlsplit

import httpcore
import idna
import msgspec

from partner_portal.kernel.errors import Invalid, Unavailable

from . import settings

LONGEST_URL = 1000
MOST_READ = 8192
"""Bytes of an answer; whatever comes after is not read."""
_CONNECT_SECONDS = 5.0
_WORDS_SECONDS = 2.0
_USUAL = {"https": 443, "http": 80}
_KEPT = "/%:@!$&'()*+,;=~-._?"
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_NUMBER = re.compile(
    r"(.*\.)?(\d+|0x[0-9a-f]*)"
)  # 127.1, 2130706433, 0x7f.1: some resolvers read these as addresses, people never write them

Address = IPv4Address | IPv6Address


class Why(StrEnum):
    """What is wrong with an address, or went wrong on the way to it; stable names for people's words."""

    NOT_AN_ADDRESS = "not-an-address"
    NOT_HTTPS = "not-https"
    CREDENTIALS = "credentials-in-address"
    PORT = "port-not-allowed"
    PRIVATE = "private-network"
    UNKNOWN_HOST = "unknown-host"
    NO_CONNECTION = "no-connection"
    CERTIFICATE = "certificate"
    TOO_SLOW = "too-slow"
    BROKEN = "broken-answer"


class UnfitAddress(Invalid):
    """Nothing is ever sent to this address; `why` is one of Why."""

    def __init__(self, why: Why) -> None:
        super().__init__(why=why.value)
        self.why = why


class NotReached(Unavailable):
    """No answer came from there; `why` is one of Why."""

    def __init__(self, why: Why) -> None:
        super().__init__(why=why.value)
        self.why = why


class Target(msgspec.Struct, frozen=True):
    """An address that may be asked, as far as can be told without looking its host up."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as they stand in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _USUAL[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address in plain letters."""
        return f"{self.scheme}://{self.authority}{self.path}"


class Answer(msgspec.Struct, frozen=True):
    """What came back: the first MOST_READ bytes, and the Retry-After header as it was sent."""

    status: int
    body: bytes
    retry_after: str


def target(url: str) -> Target:
    """The parts of `url`; UnfitAddress for what could never be asked: no https, a name and password in it, another port, a private address."""
    if len(url) > LONGEST_URL or "\\" in url or " " in url or not url.isprintable():
        raise UnfitAddress(Why.NOT_AN_ADDRESS)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnfitAddress(Why.NOT_AN_ADDRESS) from None
    if parts.scheme != "https" and (parts.scheme != "http" or settings.current().in_production):
        raise UnfitAddress(Why.NOT_HTTPS)
    if "@" in parts.netloc:
        raise UnfitAddress(Why.CREDENTIALS)
    if not parts.hostname or parts.fragment:
        raise UnfitAddress(Why.NOT_AN_ADDRESS)
    asked = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    found = Target(
        parts.scheme, _host(parts.hostname), _USUAL[parts.scheme] if port is None else port, (quote(parts.path, safe=_KEPT) or "/") + asked
    )
    _judge_unseen(found)
    return found


def _host(name: str) -> str:
    if ":" in name:
        address = _literal(name)
        if address is None or "%" in name:
            raise UnfitAddress(Why.NOT_AN_ADDRESS)
        return str(address)
    try:
        plain = (name if name.isascii() else idna.encode(name, uts46=True).decode()).removesuffix(".")
    except idna.IDNAError:
        raise UnfitAddress(Why.NOT_AN_ADDRESS) from None
    if not _NAME.fullmatch(plain) or (_NUMBER.fullmatch(plain) and _literal(plain) is None):
        raise UnfitAddress(Why.NOT_AN_ADDRESS)
    return plain


def _judge_unseen(found: Target) -> None:
    """What can be said before the host is looked up: people should hear it while they type the address."""
    literal = _literal(found.host)
    if literal is not None:
        _judge(found, literal)
    elif not settings.current().outgoing_allowed:
        if "." not in found.host:
            raise UnfitAddress(Why.PRIVATE)
        if found.port not in settings.current().outgoing_open_ports:
            raise UnfitAddress(Why.PORT)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _judge(found: Target, address: Address) -> None:
    """UnfitAddress unless a request for `found` may be sent to this very address."""
    is_ours = any(address.version == network.version and address in network for network in settings.current().outgoing_allowed)
    if not is_ours and not is_public(address):
        raise UnfitAddress(Why.PRIVATE)
    if found.scheme == "http" and not (is_ours and address.is_loopback):
        raise UnfitAddress(Why.NOT_HTTPS)
    if not is_ours and found.port not in settings.current().outgoing_open_ports:
        raise UnfitAddress(Why.PORT)


# What is no ordinary address of the public internet, by the IANA registries of special-purpose addresses (RFC 6890 and its updates).
_NOT_PUBLIC_4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own translation (RFC 6598)
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number, but answered by the machine's host in one large cloud
        "169.254.0.0/16",  # link-local, and the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Of IPv6 only what is given out as global unicast; so nothing that is mapped or translated to IPv4 (::ffff:0:0/96, 64:ff9b::/96), local or multicast.
_GLOBAL_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address within
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


def is_public(address: Address) -> bool:
    """Whether it is an ordinary address of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _GLOBAL_6 and address.scope_id is None and not any(address in network for network in _NOT_PUBLIC_6)


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of `host`, in the order in which to try them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def judged(found: Target) -> list[Address]:
    """Where the host leads, looked up this once; UnfitAddress if it leads to anything that may not be asked, were it one of many."""
    try:
        names = await look_up(found.host, found.port)
    except (OSError, UnicodeError):
        raise NotReached(Why.UNKNOWN_HOST) from None
    addresses = [address for name in names if (address := _literal(name)) is not None]
    if not addresses:
        raise NotReached(Why.UNKNOWN_HOST)
    for address in addresses:
        _judge(found, address)
    return addresses


class _ToJudged(httpcore.AsyncNetworkBackend):
    """Connects to an address that was judged, whatever the host's name leads to by then."""

    def __init__(self, found: Target) -> None:
        self._found, self._tcp = found, httpcore.AnyIOBackend()
        self._opened: list[httpcore.AsyncNetworkStream] = []

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, **_options: object) -> httpcore.AsyncNetworkStream:  # type: ignore[override]  # noqa: ARG002, ASYNC109  # httpcore's signature
        failed: Exception = httpcore.ConnectError()
        for address in await judged(self._found):
            try:
                self._opened.append(await self._tcp.connect_tcp(str(address), port, timeout=timeout))
                return self._opened[-1]
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def sleep(self, seconds: float) -> None:
        await self._tcp.sleep(seconds)

    async def close(self) -> None:
        """Nothing is left open: httpcore forgets a connection whose TLS handshake was given up."""
        for stream in self._opened:
            await stream.aclose()


async def post(found: Target, body: bytes, headers: Mapping[str, str], *, within: float) -> Answer:
    """What the address answers to `body`; NotReached if no answer began `within` seconds, UnfitAddress if it may not be asked."""
    timeouts = {"connect": min(_CONNECT_SECONDS, within), "read": within, "write": within, "pool": within}
    address = httpcore.URL(scheme=found.scheme, host=found.host, port=found.port, target=found.path)
    usual = {"host": found.authority, "content-length": str(len(body)), "accept-encoding": "identity", "connection": "close"}
    request = httpcore.Request("POST", address, headers=list({**headers, **usual}.items()), content=body, extensions={"timeout": timeouts})
    way = _ToJudged(found)
    try:
        async with httpcore.AsyncConnectionPool(ssl_context=_trust(), network_backend=way) as pool:
            async with asyncio.timeout(within):
                response = await pool.handle_async_request(request)
            try:
                return Answer(response.status, await _beginning(response), _header(response, b"retry-after"))
            finally:
                await response.aclose()
    except (TimeoutError, httpcore.TimeoutException):
        raise NotReached(Why.TOO_SLOW) from None
    except httpcore.ConnectError as error:
        by_tls = isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError)
        raise NotReached(Why.CERTIFICATE if by_tls else Why.NO_CONNECTION) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError):
        raise NotReached(Why.BROKEN) from None
    finally:
        await way.close()


async def _beginning(response: httpcore.Response) -> bytes:
    read = b""
    # The status is the answer; of its words we take what comes soon, for the log.
    with suppress(TimeoutError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout(_WORDS_SECONDS), aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_stream())) as chunks:
            async for chunk in chunks:
                read += chunk
                if len(read) >= MOST_READ:
                    break
    return read[:MOST_READ]


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for found, value in response.headers if found.lower() == name), "")


@cache
def _trust() -> ssl.SSLContext:
    # The certificates the machine trusts, or those of SSL_CERT_FILE where a company has its own.
    return ssl.create_default_context()
