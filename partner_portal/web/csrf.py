"""Proof that a change which a browser sends comes from one of our own pages.

Twofold: browsers say from where they send (Sec-Fetch-Site, Origin), and our pages send a token that only this session's pages know. Requests with an
Authorization header are exempt: no browser sends one by itself. The admin checks tokens of its own; of it only the origin is asked here.

Pages leave compressed, and the length of a compressed page tells who listens whether two things in it are alike (BREACH): in pages the token stands under
a mask of its own each time. In headers and JSON, which are not compressed, it stands as it is.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header  # type: ignore[import-untyped]

from .problems import UntrustedOrigin

HEADER = b"x-csrf-token"
FIELD = "csrf_token"
COOKIE = "portal_csrf"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OUR_SITE = frozenset({b"same-origin", b"none"})
_DIGITS = 64
_MOST_PARTS = 1000


def token(session_token: str) -> str:
    """The token that pages of this session send along; whoever does not know the session's own token cannot make it."""
    return hmac.new(session_token.encode(), b"csrf", hashlib.sha256).hexdigest()


def masked(session_token: str) -> str:
    """The same token for a form of a page: other digits each time, as right as the plain one."""
    mask = secrets.token_bytes(_DIGITS // 2)
    return mask.hex() + _xor(mask, bytes.fromhex(token(session_token))).hex()


def _plain(sent: str) -> str:
    if len(sent) != 2 * _DIGITS:
        return sent
    try:
        return _xor(bytes.fromhex(sent[:_DIGITS]), bytes.fromhex(sent[_DIGITS:])).hex()
    except ValueError:
        return ""


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))


async def check(method: str, given: Mapping[bytes, bytes], session_token: str, body: Callable[[], Awaitable[bytes]]) -> None:
    """Nothing for requests that change nothing; UntrustedOrigin for a change that did not come from a page of the session's own."""
    if method in _SAFE or b"authorization" in given:
        return
    if not _same_origin(given):
        raise UntrustedOrigin
    if session_token:
        sent = given[HEADER].decode("latin-1") if HEADER in given else await _in_form(given.get(b"content-type", b""), body)
        if not hmac.compare_digest(token(session_token).encode(), _plain(sent).encode()):
            raise UntrustedOrigin


def _same_origin(given: Mapping[bytes, bytes]) -> bool:
    site = given.get(b"sec-fetch-site")
    if site is not None:
        return site in _OUR_SITE
    origin = given.get(b"origin")
    # The scheme is not compared: behind a proxy that ends TLS we see http where the browser sees https.
    return origin is None or origin.partition(b"://")[2] == given.get(b"host", b"")


async def _in_form(kind: bytes, body: Callable[[], Awaitable[bytes]]) -> str:
    media_type, options = parse_options_header(kind.decode("latin-1"))
    if media_type == "application/x-www-form-urlencoded":
        return next((value for name, value in parse_qsl((await body()).decode("latin-1")) if name == FIELD), "")
    if media_type == "multipart/form-data":
        return _in_parts(await body(), options.get("boundary", ""))
    return ""


def _in_parts(body: bytes, boundary: str) -> str:
    found = b""
    named = ""
    try:
        with PushMultipartParser(boundary, max_segment_count=_MOST_PARTS) as parser:
            for piece in parser.parse(body):
                if isinstance(piece, MultipartSegment):
                    named = piece.name
                elif piece and named == FIELD and len(found) <= 2 * _DIGITS:
                    found += piece
    except (MultipartError, ValueError):
        return ""  # the route says what is wrong with such a form
    return found.decode("latin-1")
