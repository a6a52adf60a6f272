"""What a service owes for which days: its billing periods, when each is due, and what it costs where it was cut or its price changed.

A period is cut on the same day of each month, which shorter months clip and which is never lost by that. A period that is neither begun nor ended
inside costs the monthly price times its months. A stretch of one costs its part of the month by the contract's way of counting, and never more than the
period. Where the price changes inside, each side is billed at its own price, so that both together are the period.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum

import msgspec

from partner_portal.kernel.dates import Period, add_months
from partner_portal.kernel.money import round_half_up

from .charges import PARTS_OF_MONTH, BillingCycle, ChargedPeriod, Proration, cycle_day, first_cycle_day, parts

LONGEST_BEHIND_MONTHS = 12
"""What was due longer ago than this is no day that a run was missed, but a mistake: a person looks first."""


class Why(StrEnum):
    """Why a run leaves something to a person."""

    NO_ISSUER = "no issuer"
    NO_ADDRESS = "no address"
    NO_VAT_RATE = "no VAT rate"
    NO_PARTNER_PRICE = "no partner price"
    BILLED_ALREADY = "billed already"
    FAR_BEHIND = "far behind"
    TOO_LITTLE_EVIDENCE = "too little evidence"
    CONTRADICTING_EVIDENCE = "contradicting evidence"
    OVER_THRESHOLD = "over threshold"


class PriceFrom(msgspec.Struct, frozen=True):
    """From this day on a unit costs so many cents a month."""

    since: date
    cents: int


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """What billing has to know of a service; `paid_until` is the first day not billed yet, `ends` the first day no longer billed."""

    starts_on: date
    paid_until: date
    months: int = 1
    cycle_day: int | None = None
    in_advance: bool = True
    proration: Proration = Proration.CAL
    quantity: int = 1
    ends: date | None = None
    pauses: tuple[Period, ...] = ()
    """Days that are not billed, in order and apart from each other."""

    @property
    def cycle(self) -> BillingCycle:
        """Its billing periods: from its own day of the month, or the one that was agreed."""
        return BillingCycle(self.starts_on, self.cycle_day or self.starts_on.day, self.months, self.ends)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Days at one price: what they cost together, for all units. `is_whole` when they are a period that nothing cut."""

    days: Period
    whole: Period
    monthly_cents: int
    amount_cents: int
    is_whole: bool


def due(service: Billed, on: date) -> list[ChargedPeriod]:
    """The stretches that are to be billed on a day, in order: those that begin by then in advance, those that are over by then in arrears.

    What is billed first in advance brings the next whole period along where the service began inside a period (rules 3.4).
    """
    stretches: list[ChargedPeriod] = []
    for stretch in _unbilled(service):
        if _due_on(service, stretch) > on and not _comes_along(service, stretch, stretches):
            break
        stretches.append(stretch)
    return stretches


def due_since(service: Billed) -> date | None:
    """The day from which the next stretch is to be billed; None when everything was billed up to the end."""
    stretch = next(_unbilled(service), None)
    return None if stretch is None else _due_on(service, stretch)


def far_behind(service: Billed, on: date) -> bool:
    """Whether the next stretch was due so long ago that a person is to look first."""
    since = due_since(service)
    return since is not None and add_months(since, LONGEST_BEHIND_MONTHS) < on


def pieces(service: Billed, stretch: ChargedPeriod, prices: Sequence[PriceFrom]) -> list[Piece]:
    """A stretch as it is billed: one piece for each price in it. `prices` are in order of their days, the first from the beginning on.

    A contract that knows whole months only keeps the price of the stretch's first day until it is over.
    """
    monthly = [(days, cents * service.quantity) for days, cents in _by_price(stretch.days, prices)]
    if service.proration is Proration.NONE:
        monthly = [(stretch.days, monthly[0][1])]
    single = stretch.is_whole and len(monthly) == 1
    return [
        Piece(
            days=days,
            whole=stretch.whole,
            monthly_cents=cents,
            amount_cents=cents * service.months if single else _amount(cents, service, days, stretch),
            is_whole=single,
        )
        for days, cents in monthly
    ]


def _unbilled(service: Billed) -> Iterator[ChargedPeriod]:
    cycle, since = service.cycle, max(service.paid_until, service.starts_on)
    index = _index_holding(cycle, since)
    while cycle.until is None or since < cycle.until:
        whole = Period(cycle_day(cycle, index), cycle_day(cycle, index + 1))
        until = whole.until if cycle.until is None else min(whole.until, cycle.until)
        for days in _without(service.pauses, Period(since, until)):
            yield ChargedPeriod(days, whole)
        index, since = index + 1, until


def _without(pauses: Sequence[Period], days: Period) -> Iterator[Period]:
    """The stretches of these days that are not paused."""
    since = days.start
    for pause in pauses:
        if since < min(pause.start, days.until):
            yield Period(since, min(pause.start, days.until))
        since = max(since, min(pause.until, days.until))
    if since < days.until:
        yield Period(since, days.until)


def _due_on(service: Billed, stretch: ChargedPeriod) -> date:
    return stretch.days.start if service.in_advance else stretch.days.until


def _comes_along(service: Billed, stretch: ChargedPeriod, before: list[ChargedPeriod]) -> bool:
    follows = len(before) == 1 and before[0].days.until == stretch.days.start
    return service.in_advance and follows and before[0].days.start == service.starts_on > before[0].whole.start


def _index_holding(cycle: BillingCycle, day: date) -> int:
    """The number of the period that holds a day, counted as `cycle_day` counts."""
    first = first_cycle_day(cycle.start, cycle.day_of_month)
    months = (day.year - first.year) * 12 + day.month - first.month
    index = months // cycle.months
    return index if cycle_day(cycle, index) <= day else index - 1


def _by_price(days: Period, prices: Sequence[PriceFrom]) -> Iterator[tuple[Period, int]]:
    changes = [price for price in prices if price.since < days.until]
    for place, price in enumerate(changes):
        until = changes[place + 1].since if place + 1 < len(changes) else days.until
        start = max(days.start, price.since if place else days.start)
        if start < until:
            yield Period(start, until), price.cents


def _amount(monthly_cents: int, service: Billed, days: Period, stretch: ChargedPeriod) -> int:
    """Rounded half up once: of a period that is only split, the days' part of it; of one that is cut, their part of a month, but at most the period.

    By the calendar, a period that spans two months can be a little longer than its months; its days are then measured by the period.
    """
    way, months = service.proration, service.months * PARTS_OF_MONTH
    period = parts(way, stretch.whole.start, stretch.whole.until)
    by_period = stretch.is_whole or (way is Proration.CAL and period > months)
    amount = round_half_up(monthly_cents * service.months * parts(way, days.start, days.until), period if by_period else months)
    return min(amount, monthly_cents * service.months)
