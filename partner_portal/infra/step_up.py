"""Giving the password once more before something that a thief would do: a session alone, or a screen left open, is not enough for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import NotAllowed

from . import clock, settings

HOLDS_FOR = timedelta(minutes=10)
"""So long nobody is asked again, in the browser where the password was given."""
COOKIE = "password_given"
_SIGNATURE = 32


class PasswordNeeded(NotAllowed):
    """Somebody signed in must give the password again first; what software does by a key never gets this far."""


def required(actor: Actor) -> None:
    """PasswordNeeded unless the person gave the password a moment ago; the portal itself need not."""
    if actor.kind is not ActorKind.SYSTEM and not actor.is_proven:
        raise PasswordNeeded


def proof(session: str) -> str:
    """What the browser keeps beside its session for `HOLDS_FOR`; worthless beside any other session."""
    until = (clock.now() + HOLDS_FOR).isoformat().encode()
    return base64.urlsafe_b64encode(_signed(until, session) + until).decode()


def is_proven(given: str, session: str) -> bool:
    """Whether the password was given in this session a moment ago."""
    if not given or not session:
        return False
    try:
        raw = base64.urlsafe_b64decode(given.encode())
        signature, until = raw[:_SIGNATURE], raw[_SIGNATURE:]
        return hmac.compare_digest(signature, _signed(until, session)) and datetime.fromisoformat(until.decode()) > clock.now()
    except ValueError:
        return False


def _signed(until: bytes, session: str) -> bytes:
    said = until + b" " + hashlib.sha256(session.encode()).digest()
    return hmac.digest(settings.current().secret_key.encode(), b"password given " + said, hashlib.sha256)
