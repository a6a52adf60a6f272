"""Which language an answer speaks."""

from __future__ import annotations

from functools import lru_cache

from partner_portal.infra.formats import LANGUAGES
from partner_portal.kernel.actor import Actor, ActorKind

LANGUAGE_COOKIE = "language"


def choose(actor: Actor | None, accepted: str, chosen: str = "") -> str:
    """The person's own choice; for people we do not know yet what they chose in this browser; else what Accept-Language prefers of the languages we have."""
    if actor is None:
        return chosen if chosen in LANGUAGES else _preferred(accepted) or LANGUAGES[0]
    if actor.kind is ActorKind.KEY:
        return _preferred(accepted) or actor.language
    return actor.language if actor.language in LANGUAGES else LANGUAGES[0]


@lru_cache(maxsize=512)
def _preferred(accepted: str) -> str:
    wishes = []
    for place, part in enumerate(accepted[:200].split(",")):
        tag, _, weight = part.partition(";")
        language = tag.strip().split("-", 1)[0].lower()
        if language in LANGUAGES and (rank := _weight(weight)) > 0:
            wishes.append((-rank, place, language))
    return min(wishes)[2] if wishes else ""


def _weight(given: str) -> int:
    """Thousandths, so that no fraction is needed; unreadable counts as not wanted."""
    name, _, value = given.strip().partition("=")
    if not name:
        return 1000
    whole, _, part = value.strip().partition(".")
    digits = (part + "000")[:3]
    return int(whole) * 1000 + int(digits) if name == "q" and whole.isdigit() and digits.isdigit() else 0
