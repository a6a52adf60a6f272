"""Who an answer is meant for."""

from __future__ import annotations

from enum import StrEnum

from partner_portal.kernel.actor import ActorKind


class Audience(StrEnum):
    """For whom an article is written; each may also read what is meant for the wider ones below it."""

    HANDLERS = "handlers"
    CUSTOMERS = "customers"
    PUBLIC = "public"


def readable_by(kind: ActorKind | None) -> frozenset[Audience]:
    """The audiences whose articles this kind of reader may see; None is the anonymous public."""
    if kind in {ActorKind.STAFF, ActorKind.MEMBER, ActorKind.KEY, ActorKind.SYSTEM}:
        return frozenset(Audience)
    if kind is ActorKind.CUSTOMER:
        return frozenset({Audience.CUSTOMERS, Audience.PUBLIC})
    return frozenset({Audience.PUBLIC})
