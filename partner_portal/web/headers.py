"""The headers that every answer bears."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.status_codes import HTTP_200_OK

Header = tuple[bytes, bytes]

_STRICT = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    b"manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# The generated admin styles its elements inline and builds its charts from data addresses; its scripts are files.
_ADMIN = (
    b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    b"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
)
_COMMON: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Links with a token in their path go to no other site; not "no-referrer", under which browsers send `Origin: null` with our own forms.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # Nothing here looks, listens, measures or pays, and no script that got in should.
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"),
)
_HSTS: Header = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
_PRIVATE: Header = (b"cache-control", b"private, no-cache")


class Security(msgspec.Struct, frozen=True):
    """The security headers of this installation."""

    ours: tuple[Header, ...]
    admin: tuple[Header, ...]


def security(*, production: bool) -> Security:
    """The headers for our own pages and for the admin; HSTS only where TLS is certain."""
    hsts = (_HSTS,) if production else ()
    return Security(
        (*_COMMON, *hsts, (b"content-security-policy", _STRICT), _PRIVATE),
        (*_COMMON, *hsts, (b"content-security-policy", _ADMIN), _PRIVATE),
    )


def completed(given: list[Header], added: tuple[Header, ...]) -> list[Header]:
    """The headers of an answer, named in small letters as ASGI has them, with the `added` ones that it does not have itself."""
    names = {name for name, _ in given}
    if names.isdisjoint(_OVERRIDABLE):
        return [*given, *added]
    return [*given, *(header for header in added if header[0] not in names)]


_OVERRIDABLE = frozenset({name for name, _ in (*_COMMON, _HSTS, _PRIVATE)} | {b"content-security-policy"})


def followed_by_htmx(message: Any) -> Any:
    """A "see other" as htmx sees it: the browser would follow it unseen, and the page that comes would land inside the page that is open."""
    given = [(b"hx-redirect", value) if name == b"location" else (name, value) for name, value in message["headers"]]
    return {**message, "status": HTTP_200_OK, "headers": given}


def rate(used: int, limit: int, resets_in_ms: int) -> list[Header]:
    """What the sender may still ask, by the names of the IETF draft and by those that clients know."""
    most, left, seconds = str(limit).encode(), str(max(0, limit - used)).encode(), str(-(-resets_in_ms // 1000)).encode()
    return [
        (b"ratelimit-limit", most),
        (b"ratelimit-remaining", left),
        (b"ratelimit-reset", seconds),
        (b"x-ratelimit-limit", most),
        (b"x-ratelimit-remaining", left),
        (b"x-ratelimit-reset", seconds),
    ]
