"""Secrets that we must know again: derived from SECRET_KEY, so that no table holds them, not even the mail that carries them.

A stored mail names its secrets by placeholders; they are filled in on the way to the mail server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from uuid import UUID

from . import settings

_PLACEHOLDER = re.compile(r"\[\[(token|code):([0-9a-f-]{36}):([0-9]{1,4})\]\]")
_CODE_DIGITS = 6


def placeholder(kind: str, row: UUID, nth: int = 0) -> str:
    """What stands in a stored mail for the token (or code) of `row`; `nth` tells codes of the same row apart."""
    return f"[[{kind}:{row}:{nth}]]"


def token(row: UUID, nth: int = 0) -> str:
    """The 256-bit secret of a link, the same whenever it is asked for (43 characters, safe in a URL)."""
    return base64.urlsafe_b64encode(_derived("token", row, nth)).rstrip(b"=").decode()


def code(row: UUID, nth: int) -> str:
    """Six digits for a second channel."""
    return f"{int.from_bytes(_derived('code', row, nth)) % 10**_CODE_DIGITS:0{_CODE_DIGITS}}"


def key(row: UUID) -> bytes:
    """256 secret bits to sign with in the name of `row`, the same whenever they are asked for."""
    return _derived("key", row, 0)


def sha256(secret: str) -> bytes:
    """How a token is kept: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def keyed(secret: str) -> bytes:
    """How a short code is kept: without SECRET_KEY its hash tells nothing."""
    return hmac.new(_key(), secret.encode(), hashlib.sha256).digest()


def fill(text: str) -> str:
    """`text` with its placeholders replaced by the secrets they stand for."""
    return _PLACEHOLDER.sub(lambda found: (token if found[1] == "token" else code)(UUID(found[2]), int(found[3])), text)


def disarm(text: str, *, ours: str) -> str:
    """`text` in which only those placeholders are left that stand in `ours`: what people type can ask for no secret."""
    return _PLACEHOLDER.sub(lambda found: found[0] if found[0] in ours else found[0].replace("[[", "[ ["), text)


def _derived(kind: str, row: UUID, nth: int) -> bytes:
    return hmac.new(_key(), f"{kind}:{row}:{nth}".encode(), hashlib.sha256).digest()


def _key() -> bytes:
    return settings.current().secret_key.encode()
