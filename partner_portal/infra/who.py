"""Who did something, as people read it."""

from __future__ import annotations

from partner_portal.kernel.actor import SYSTEM

from . import catalogue

_ITSELF = catalogue.sentence("the portal itself")


def who(called: str, language: str) -> str:
    """A name as it is kept, or kind and id where no name is: what the portal does by itself is done by the portal itself, in words."""
    is_the_portal = called in {"", SYSTEM.label} or called.startswith(f"{SYSTEM.kind.value}:")
    return catalogue.text(_ITSELF, language) if is_the_portal else called
