"""When a service may be paused and for how long. A pause is agreed beforehand and costs nothing; a stop for non-payment is none and is billed on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from partner_portal.kernel.dates import Period, add_months


class Pausable(msgspec.Struct, frozen=True, kw_only=True):
    """A service as pauses look at it: its days in force (`ends` is the first day no longer billed), the first day not billed yet, its pauses in order.

    `months` is how long it may be paused in a year by its offer; None sets no limit, as for staff.
    """

    starts_on: date
    paid_until: date
    ends: date | None
    pauses: tuple[Period, ...]
    months: int | None


def faults(service: Pausable, wanted: Period, today: date) -> Iterator[tuple[str, str]]:
    """The fields that make the pause impossible, each with why: days that were billed or are gone, others' days, more than the offer allows."""
    if wanted.start < max(today, service.starts_on):
        yield "pauses_from", "in-the-past"
    elif wanted.start < service.paid_until:
        yield "pauses_from", "billed-already"
    if wanted.until <= wanted.start:
        yield "resumes_on", "nothing-paused"
    elif service.ends is not None and wanted.until > service.ends:
        yield "resumes_on", "after-the-end"
    elif any(wanted.start < pause.until and pause.start < wanted.until for pause in service.pauses):
        yield "pauses_from", "paused-already"
    elif service.months is not None and not _fits(service, wanted):
        yield "resumes_on", "paused-too-long"


def _fits(service: Pausable, wanted: Period) -> bool:
    """Whether in no twelve months that end with a pause more days are paused than the offer's months from that pause's first day."""
    pauses = sorted([*service.pauses, wanted], key=lambda pause: pause.start)
    return all(
        paused_days(pauses, Period(add_months(pause.until, -12), pause.until))
        <= (add_months(pause.start, service.months or 0) - pause.start).days
        for pause in pauses
        if pause.until > add_months(wanted.start, -12)
    )


def paused_days(pauses: Sequence[Period], days: Period) -> int:
    """How many of the days are paused."""
    return sum(max((min(pause.until, days.until) - max(pause.start, days.start)).days, 0) for pause in pauses)
