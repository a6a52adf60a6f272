"""What is to follow the end of a service: what the customer wants with its telephone numbers, its domain name and its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from partner_portal.kernel.errors import FieldError


class Thing(StrEnum):
    """What a service may leave behind."""

    NUMBER = "number"
    DOMAIN = "domain"
    DATA = "data"


class Plan(StrEnum):
    """What the customer wants with it."""

    TAKE_ALONG = "take_along"
    """Numbers are ported, a domain name moves with its token, data is exported."""
    LET_GO = "let_go"
    UNDECIDED = "undecided"


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan for one thing of one service; `until`: the last day on which data that is taken along must be there."""

    service_id: UUID
    thing: Thing
    plan: Plan
    until: date | None = None


class Leaving(msgspec.Struct, frozen=True):
    """A service that ends: what it leaves behind, and its last day."""

    things: tuple[Thing, ...]
    ends_on: date


KEPT_DAYS = {Thing.NUMBER: 30, Thing.DOMAIN: 40, Thing.DATA: 30}
"""For how long after the last day it is still there: numbers a month (EECC art. 106(3)), .nl names in quarantine, data by the Data Act (art. 25(2)(g))."""


def things_of(*, has_numbers: bool, is_domain: bool, has_data: bool) -> tuple[Thing, ...]:
    """What a service of such a product leaves behind, in the order in which it is asked."""
    found = ((Thing.NUMBER, has_numbers), (Thing.DOMAIN, is_domain), (Thing.DATA, has_data))
    return tuple(thing for thing, there in found if there)


def kept_until(thing: Thing, ends_on: date) -> date:
    """The last day on which it can still be taken along."""
    return ends_on + timedelta(days=KEPT_DAYS[thing])


def faults(wishes: Sequence[Wish], services: Mapping[UUID, Leaving], today: date) -> list[FieldError]:
    """Everything in `wishes` that cannot be, by its place in the list."""
    found = []
    for nth, wish in enumerate(wishes):
        leaving = services.get(wish.service_id)
        if leaving is None or wish.thing not in leaving.things:
            found.append(FieldError(f"/afterwards/{nth}/thing", "not-of-the-service"))
        elif any((one.service_id, one.thing) == (wish.service_id, wish.thing) for one in wishes[:nth]):
            found.append(FieldError(f"/afterwards/{nth}", "twice"))
        elif wish.until is not None:
            found += _wrong_day(f"/afterwards/{nth}/until", wish, wish.until, today, kept_until(wish.thing, leaving.ends_on))
    return found


def _wrong_day(pointer: str, wish: Wish, until: date, first: date, last: date) -> list[FieldError]:
    if wish.thing is not Thing.DATA or wish.plan is not Plan.TAKE_ALONG:
        return [FieldError(pointer, "only-for-data")]
    return [] if first <= until <= last else [FieldError(pointer, "not-kept-then", {"first": first, "last": last})]
