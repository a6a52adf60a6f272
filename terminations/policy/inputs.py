"""What a quote was computed from, in one canonical form: its fingerprint, and which inputs changed since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from .facts import Asked, ServiceFacts


class ChangedInput(msgspec.Struct, frozen=True):
    """One input that is no longer what it was: its key (`services.<ref>.terms.notice.n`), then and now as JSON values."""

    key: str
    then: Any
    now: Any


def canonical_inputs(services: Sequence[ServiceFacts], asked: Asked) -> bytes:
    """Return the inputs as JSON, the same bytes for the same facts in whatever order the services come.

    The day on which we look is left out: looking again tomorrow changes no fact.
    """
    request = msgspec.to_builtins(asked)
    del request["today"]
    facts = {service.ref: service for service in services}
    return msgspec.json.encode({"asked": request, "services": facts}, order="deterministic")


def changed_inputs(then: bytes, now: bytes) -> tuple[ChangedInput, ...]:
    """Return every input that differs between two canonical forms, by key; a service that came or went is one input."""
    return tuple(_differences("", msgspec.json.decode(then), msgspec.json.decode(now)))


def _differences(key: str, then: Any, now: Any) -> Iterator[ChangedInput]:
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted(then.keys() | now.keys()):
            yield from _differences(f"{key}.{name}" if key else name, then.get(name), now.get(name))
    elif then != now:
        yield ChangedInput(key, then, now)
