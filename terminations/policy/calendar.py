"""The what-if calendar: what ending on each day would still cost, over one horizon, by the arithmetic of the preview.

A row's total is the fees until billing ends, plus the cost of leaving, less what was paid in advance: without VAT where
prices are without. Costs that change once a month are computed once a month; nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

import msgspec

from billing.policy.charges import PARTS_OF_MONTH, parts
from billing.policy.terms import Align, Renewal, Terms
from partner_portal.kernel.dates import ONE_DAY, add_months
from partner_portal.kernel.money import round_half_up

from . import dates
from .buyout import credit
from .cost_sheet import CostLine, LineCode, Occasion
from .facts import Asked, ServiceFacts
from .leaving_by_day import LeavingByDay
from .preview import Bundle, Judged, Plan, Preview, bundles_of, ending_plan, judged, occasion_for, preview, reckoning_for
from .protection import DUTCH_LAW, Law

HORIZON_MONTHS = 24

_total = attrgetter("total_to_pay_cents")

_LAST_DAY = date.max - ONE_DAY


class Mark(StrEnum):
    """What is special about a day of the calendar."""

    NOTICE_DEADLINE = "notice_deadline"
    FIRST_FREE_END = "first_free_end"
    CHEAPEST = "cheapest"
    CHOSEN = "chosen"


class Row(msgspec.Struct, frozen=True):
    """What ending on `day` costs, in cents, over all services; `credit_cents` is what is given back, as a positive amount.

    `usage_cents` is all use, also of days before a withdrawal.

    `ends_on` is the last day of the service that runs longest: later than `day` where a fixed term has to be sat out.
    """

    day: date
    ends_on: date
    billing_ends_on: date
    fees_cents: int
    buyout_cents: int
    clawback_cents: int
    residual_cents: int
    handling_cents: int
    usage_cents: int
    credit_cents: int

    @property
    def extra_cost_cents(self) -> int:
        """What leaving costs on top of fees and use."""
        return self.buyout_cents + self.clawback_cents + self.residual_cents + self.handling_cents

    @property
    def total_to_pay_cents(self) -> int:
        """All that is still to pay; below zero, money comes back."""
        leaving = self.buyout_cents + self.clawback_cents + self.residual_cents + self.handling_cents
        return self.fees_cents + leaving + self.usage_cents - self.credit_cents


class Saving(msgspec.Struct, frozen=True):
    """Waiting `wait_days` longer than the day chosen saves `saves_cents`."""

    day: date
    wait_days: int
    saves_cents: int


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """The rows by day, the days that stand out, and what waiting would save."""

    rows: tuple[Row, ...]
    first_free_end: date
    cheapest: date
    chosen: date
    marks: dict[date, tuple[Mark, ...]]
    saving: Saving | None


def what_if(services: Sequence[ServiceFacts], asked: Asked, horizon: date | None = None, *, law: Law = DUTCH_LAW) -> Calendar:
    """Return what ending on each day costs, from the first day possible up to (not including) `horizon`.

    By default the horizon is the day nothing binds any more, or 24 months after the first day, whichever is later. The same
    total on several days: the earliest is the cheapest.
    """
    bundles = bundles_of(services, asked.received_on, law)
    unwished = msgspec.structs.replace(asked, wished_on=None)
    verdicts = [judged(facts, unwished, bundles, law) for facts in services]
    until = horizon_of(verdicts, asked.first_day) if horizon is None else max(horizon, asked.first_day + ONE_DAY)
    if asked.ground is None:
        columns = [_service_rows(facts, asked, until, bundles, law) for facts in services]
        rows = tuple(_together(rows_of_day) for rows_of_day in zip(*columns, strict=True))
    else:
        days = (date.fromordinal(number) for number in range(asked.first_day.toordinal(), until.toordinal()))
        rows = tuple(row_of(preview(services, wishing(asked, day), law), day) for day in days)
    return _calendar(rows, verdicts, asked)


def horizon_of(verdicts: Sequence[Judged], first_day: date) -> date:
    """Return the first day no longer compared: when nothing binds any more, at least 24 months after the first day."""
    ends = [verdict.committed_until for verdict in verdicts if verdict.committed_until is not None]
    return max([add_months(first_day, HORIZON_MONTHS), *ends])


def wishing(asked: Asked, day: date) -> Asked:
    """Return the same request with `day` wished as the end, bought out where something still binds."""
    return msgspec.structs.replace(asked, wished_on=day, early=True)


def row_of(seen: Preview, day: date) -> Row:
    """Return the calendar's row for a preview of ending on `day`."""
    endings = [service.ending for service in seen.services]
    lines = [line for ending in endings for line in (*ending.sheet.lines, *ending.sheet.fees)]
    return Row(
        day,
        max(ending.ends_on for ending in endings),
        max(ending.billing_ends_on for ending in endings),
        _sum_of(lines, LineCode.FEES),
        _sum_of(lines, LineCode.BUYOUT),
        _sum_of(lines, LineCode.CLAWBACK),
        _sum_of(lines, LineCode.RESIDUAL),
        _sum_of(lines, LineCode.HANDLING),
        _sum_of(lines, LineCode.USAGE, LineCode.EARLY_USE),
        -_sum_of(lines, LineCode.CREDIT, LineCode.CREDIT_SETUP),
    )


def cheapest_of(rows: Sequence[Row]) -> Row:
    """Return the row with the lowest total; of equals the earliest. Rows come in the order of their days."""
    return min(rows, key=_total)


def fee_and_credit_cents(occasion: Occasion, fee_cents: int, billed_until: date) -> tuple[int, int]:
    """Return the fees still to come until billing ends, and what is given back of a fee paid in advance."""
    since, advance = occasion.charged_until, occasion.advance
    fees = returned = 0
    if since is not None and since < billed_until:
        fees = round_half_up(fee_cents * parts(occasion.proration, since, billed_until), PARTS_OF_MONTH)
    if advance is not None and billed_until < advance.billed_until:
        returned = round_half_up(advance.fee_cents * credit(advance, billed_until).parts, PARTS_OF_MONTH)
    return fees, returned


def _sum_of(lines: Sequence[CostLine], *codes: LineCode) -> int:
    return sum(line.amount_cents for line in lines if line.code in codes)


class _Stretch(NamedTuple):
    """Days that end alike: on the day itself (None) or on one day, billed likewise."""

    first: date
    last: date
    ends_on: date | None
    billing_ends_on: date | None
    exit_right: bool


def _stretches(unwished: Judged, renewed: Judged, first: date, horizon: date) -> Iterator[_Stretch]:
    """Yield the days up to `horizon` in stretches that end alike; `renewed` holds for days after the minimum term."""
    minimum = unwished.case.minimum_end or date.min
    while first < horizon:
        verdict = renewed if first > minimum else unwished
        free_from = verdict.first_possible_end
        early = first < free_from
        plan = ending_plan(verdict, first if early else dates.earliest_end(verdict.case, first))
        last = _last_alike(verdict.case.terms, plan, first, free_from - ONE_DAY if early else None)
        if first <= minimum:
            last = min(last, minimum)
        yield _Stretch(
            first,
            min(last, horizon - ONE_DAY),
            None if plan.ends_on == first else plan.ends_on,
            None if plan.billing_ends_on == first else plan.billing_ends_on,
            plan.exit_right,
        )
        first = last + ONE_DAY


def _last_alike(terms: Terms, plan: Plan, first: date, last_early_day: date | None) -> date:
    """Return the last day that ends as `plan` does: on itself, or on the same later day."""
    if last_early_day is not None:
        return last_early_day if plan.billing_ends_on == first else min(last_early_day, plan.billing_ends_on)
    if plan.ends_on != first:
        return max(first, plan.ends_on)
    each_day_is_free = terms.renewal is Renewal.INDEF and terms.align is Align.NONE
    return _LAST_DAY if each_day_is_free else first


def _service_rows(facts: ServiceFacts, asked: Asked, horizon: date, bundles: Sequence[Bundle], law: Law) -> Iterator[Row]:
    """Yield the rows of one service, day by day."""
    unwished, renewed = _verdicts(facts, asked, bundles, law)
    occasion = occasion_for(facts, asked.first_day, asked.first_day)
    fee_cents, usage_cents = facts.fee_cents, facts.usage_cents
    for stretch in _stretches(unwished, renewed, asked.first_day, horizon):
        leaving = LeavingByDay(reckoning_for(unwished, exit_right=stretch.exit_right))
        billed, fees, returned = date.min, 0, 0
        for number in range(stretch.first.toordinal(), stretch.last.toordinal() + 1):
            day = date.fromordinal(number)
            ends_on, billing_ends_on = stretch.ends_on or day, stretch.billing_ends_on or day
            if billing_ends_on != billed:
                billed = billing_ends_on
                fees, returned = fee_and_credit_cents(occasion, fee_cents, billed + ONE_DAY)
            gone_on = max(ends_on, billed) + ONE_DAY
            yield Row(day, ends_on, billed, fees, *leaving.on(gone_on), usage_cents, returned)


def _verdicts(facts: ServiceFacts, asked: Asked, bundles: Sequence[Bundle], law: Law) -> tuple[Judged, Judged]:
    """Return what the rules say for a day in the minimum term, and for a day wished after it (P7)."""
    unwished = judged(facts, msgspec.structs.replace(asked, wished_on=None), bundles, law)
    minimum = unwished.case.minimum_end
    if minimum is None:
        return unwished, unwished
    return unwished, judged(facts, wishing(asked, max(minimum, asked.received_on) + ONE_DAY), bundles, law)


def _together(rows: Sequence[Row]) -> Row:
    """Return one row for the same day of several services."""
    if len(rows) == 1:
        return rows[0]
    return Row(
        rows[0].day,
        max(row.ends_on for row in rows),
        max(row.billing_ends_on for row in rows),
        *(sum(amounts) for amounts in zip(*(msgspec.structs.astuple(row)[3:] for row in rows), strict=True)),
    )


def _calendar(rows: tuple[Row, ...], verdicts: Sequence[Judged], asked: Asked) -> Calendar:
    first_free_end = max(verdict.first_possible_end for verdict in verdicts)
    chosen = max(asked.wished_on or first_free_end, asked.first_day)
    cheapest = cheapest_of(rows)
    deadlines = [
        deadline for verdict in verdicts if (deadline := dates.last_notice_day(verdict.case, verdict.first_possible_end)) is not None
    ]
    marks: dict[date, tuple[Mark, ...]] = {}
    for mark, day in (
        *((Mark.NOTICE_DEADLINE, deadline) for deadline in sorted(set(deadlines))),
        (Mark.FIRST_FREE_END, first_free_end),
        (Mark.CHEAPEST, cheapest.day),
        (Mark.CHOSEN, chosen),
    ):
        marks[day] = (*marks.get(day, ()), mark)
    return Calendar(
        rows=rows,
        first_free_end=first_free_end,
        cheapest=cheapest.day,
        chosen=chosen,
        marks=marks,
        saving=_saving(rows, chosen, cheapest),
    )


def _saving(rows: Sequence[Row], chosen: date, cheapest: Row) -> Saving | None:
    """Return the best that waiting longer than the day chosen would save; None where it saves nothing."""
    from_chosen = rows[(chosen - rows[0].day).days :]
    if not from_chosen:
        return None
    now = from_chosen[0]
    best = cheapest if cheapest.day >= chosen else cheapest_of(from_chosen)
    if best.day == now.day:
        return None
    return Saving(best.day, (best.day - now.day).days, now.total_to_pay_cents - best.total_to_pay_cents)
