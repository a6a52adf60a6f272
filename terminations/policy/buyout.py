"""What leaving early costs: buyout, claw-back, residual value and handling, limited by the caps. Exact until rounded.

All amounts are whole numbers of one `unit`, a fraction of a cent so small that months, days, percentages and write-off
periods of the contract all divide it. The single preview and the calendar use the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import lcm
from typing import NamedTuple

import msgspec

from billing.policy.agreed import ClawbackMode, CreditMode, Method, ResidualMode, ScaleKind
from billing.policy.charges import PARTS_OF_MONTH, Proration, calendar_position, parts
from partner_portal.kernel.dates import ONE_DAY, add_months, first_day_reaching, months_floor_days, months_started

from .facts import BuyoutRule, Caps, Discount, Equipment, ServiceFacts


class Advance(msgspec.Struct, frozen=True):
    """A fee already billed for days that may come after the end: from, until (exclusive), per month, and how it returns."""

    billed_from: date
    billed_until: date
    fee_cents: int
    mode: CreditMode = CreditMode.CAL


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """What binds the customer and what leaving before `committed_until` (exclusive) costs; None where nothing binds."""

    start: date
    committed_until: date | None
    fee_cents: int
    rule: BuyoutRule = BuyoutRule()
    discount: Discount | None = None
    equipment: Equipment | None = None
    caps: Caps = Caps()


def stay_of(facts: ServiceFacts, committed_until: date | None, caps: Caps) -> Stay:
    """Return the figures of a service that leaving early looks at."""
    return Stay(
        start=facts.terms.start,
        committed_until=committed_until,
        fee_cents=facts.fee_cents,
        rule=facts.buyout,
        discount=facts.discount,
        equipment=facts.equipment,
        caps=caps,
    )


class Counted(NamedTuple):
    """Time priced alike: as parts of a month, and as a person counts it. `of` is the length of the odd days' month."""

    parts: int
    months: int = 0
    days: int = 0
    of: int = 0


class BandCost(NamedTuple):
    """The buyout of the time that falls in one band."""

    exact: int
    counted: Counted
    percentage: Decimal


class Share(NamedTuple):
    """An amount that shrinks over time: what is left of it, and of how much time."""

    exact: int = 0
    remaining: int = 0
    total: int = 0


class CapKey(StrEnum):
    """Which cap lowered the costs."""

    UNDONE = "cap.undone"
    CONSUMER_ZERO = "cap.consumer_zero"
    EXIT_RIGHT = "cap.exit_right"
    WHOLE_CONTRACT = "cap.whole_contract"


class Costs(NamedTuple):
    """The four costs of leaving, in units; each not below zero."""

    buyout: tuple[int, ...]
    handling: int
    clawback: int
    residual: int

    @property
    def together(self) -> int:
        """The sum of the four."""
        return sum(self.buyout) + self.handling + self.clawback + self.residual


class Leaving(NamedTuple):
    """The exact costs of leaving on one day, before and after the caps."""

    bands: tuple[BandCost, ...]
    clawback: Share
    residual: Share
    remaining_fee: int
    before: Costs
    after: Costs
    caps: tuple[CapKey, ...]


class Reckoning:
    """The exact costs of leaving for one stay; ask per first day without service (`gone_on`)."""

    def __init__(self, stay: Stay) -> None:
        self.stay = stay
        rule, scale = stay.rule, stay.rule.scale
        bands = () if scale is None else scale.bands
        charged = [band.percentage * (100 - rule.avoided_cost_percentage) for band in bands]
        ratios = [percentage.as_integer_ratio() for percentage in charged]
        whole = 100 * 100 * lcm(*(denominator for _, denominator in ratios))
        periods = [item.total_months for item in (stay.discount, stay.equipment) if item is not None]
        if stay.equipment is not None:
            self.equipment_end = add_months(stay.start, stay.equipment.total_months)
            self.equipment_days = (self.equipment_end - stay.start).days
            periods.append(self.equipment_days)
        self.unit = PARTS_OF_MONTH * whole * lcm(*periods)
        self.part_value = stay.fee_cents * (self.unit // PARTS_OF_MONTH)
        self.weights = [self.unit // PARTS_OF_MONTH * num // (den * 100 * 100) * stay.fee_cents for num, den in ratios]
        self.bands = bands
        self.begins = [date.min if band.from_month == 1 else add_months(stay.start, band.from_month - 1) for band in bands]
        self.ends = [*self.begins[1:], date.max]
        self.discount_end = None if stay.discount is None else add_months(stay.start, stay.discount.total_months)
        self.until_position = 0 if stay.committed_until is None else calendar_position(stay.committed_until)
        month_ends = {stay.committed_until, self.discount_end, *self.begins}
        if stay.equipment is not None:
            month_ends.add(self.equipment_end)
        self.month_ends = [end for end in month_ends if end is not None and end != date.min]

    def leaving(self, gone_on: date) -> Leaving:
        """Return what leaving costs when `gone_on` is the first day without service."""
        remaining = self.remaining(gone_on)
        bands = self.buyout(gone_on, remaining)
        clawback, residual = self.clawback(gone_on), self.residual(gone_on)
        before = Costs(tuple([band.exact for band in bands]), self.handling(gone_on), clawback.exact, residual.exact)
        remaining_fee = self.remaining_fee(remaining)
        after, caps = self.capped(before, remaining_fee)
        return Leaving(tuple(bands), clawback, residual, remaining_fee, before, after, caps)

    def next_change(self, gone_on: date) -> date:
        """Return the first day after `gone_on` on which leaving may cost something else; until then it costs the same."""
        return gone_on + ONE_DAY if self._changes_daily(gone_on) else self.next_jump(gone_on)

    def next_jump(self, gone_on: date) -> date:
        """Return the first day after `gone_on` on which a month counted drops out, a band begins or a term is over."""
        steps = [date.max]
        for end in self.month_ends:
            left = months_started(gone_on, end)
            if left:
                steps.append(first_day_reaching(end, left - 1))
        steps.extend(begin for begin in self.begins if begin > gone_on)
        return min(steps)

    def _changes_daily(self, gone_on: date) -> bool:
        until, equipment = self.stay.committed_until, self.stay.equipment
        bound = until is not None and gone_on < until
        if bound and self.stay.rule.method is not Method.FULL_STARTED:
            return True
        return equipment is not None and equipment.mode is ResidualMode.DAYS and gone_on < self.equipment_end

    def remaining(self, gone_on: date) -> Counted:
        """Return the time from `gone_on` to the end of the commitment, counted by the contract's method."""
        until = self.stay.committed_until
        if until is None or until <= gone_on:
            return Counted(0)
        method = self.stay.rule.method
        if method is Method.FULL_STARTED:
            months = months_started(gone_on, until)
            return Counted(months * PARTS_OF_MONTH, months)
        if method is Method.CAL_DAYS:
            return Counted(self.until_position - calendar_position(gone_on), 0, (until - gone_on).days)
        counted = months_floor_days(gone_on, until)
        odd = PARTS_OF_MONTH // counted.of * counted.days
        return Counted(counted.months * PARTS_OF_MONTH + odd, counted.months, counted.days, counted.of)

    def remaining_fee(self, remaining: Counted) -> int:
        """Return the full fee of the remaining time: what both caps measure against."""
        return remaining.parts * self.part_value

    def buyout(self, gone_on: date, remaining: Counted) -> list[BandCost]:
        """Return the buyout by band, in the order of the bands; bands without remaining time are left out."""
        until = self.stay.committed_until
        if until is None or not remaining.parts or not self.bands:
            return []
        if len(self.bands) == 1 and self.begins[0] == date.min:
            return [self._band_cost(0, remaining)]
        scale = self.stay.rule.scale
        if scale is not None and scale.kind is ScaleKind.BY_CONTRACT_MONTH:
            split = self._by_contract_month(gone_on, until, remaining)
            return [self._band_cost(band, counted) for band, counted in split if counted.parts]
        reached = [band for band, begin in enumerate(self.begins) if begin <= gone_on]
        return [self._band_cost(reached[-1], remaining)] if reached else []

    def clawback(self, gone_on: date) -> Share:
        """Return what is claimed back of a discount: by started months left of its own period, or all of it."""
        discount = self.stay.discount
        if discount is None or self.discount_end is None:
            return Share()
        left = months_started(gone_on, self.discount_end)
        charged = left if discount.mode is ClawbackMode.PRO_RATA or not left else discount.total_months
        return Share(discount.given_cents * charged * (self.unit // discount.total_months), left, discount.total_months)

    def residual(self, gone_on: date) -> Share:
        """Return what retained equipment is still worth, in a straight line over its own period."""
        equipment = self.stay.equipment
        if equipment is None:
            return Share()
        if equipment.mode is ResidualMode.MONTHS:
            left, total = months_started(gone_on, self.equipment_end), equipment.total_months
        else:
            left, total = max((self.equipment_end - gone_on).days, 0), self.equipment_days
        return Share(equipment.value_cents * left * (self.unit // total), left, total)

    def handling(self, gone_on: date) -> int:
        """Return the handling fee: once, and only for leaving before the commitment is over."""
        until = self.stay.committed_until
        return self.stay.rule.handling_cents * self.unit if until is not None and gone_on < until else 0

    def capped(self, costs: Costs, remaining_fee: int) -> tuple[Costs, tuple[CapKey, ...]]:
        """Return the costs within all caps, and the caps that lowered them.

        The whole-contract cap cuts the buyout first (last band first), then handling, claw-back and residual value.
        """
        caps, cut = self.stay.caps, []
        if (caps.undone or caps.consumer_zero) and costs.together:
            costs = Costs((0,) * len(costs.buyout), 0, 0, 0)
            cut.append(CapKey.UNDONE if caps.undone else CapKey.CONSUMER_ZERO)
        if caps.eecc_equipment:
            limited = Costs((0,) * len(costs.buyout), 0, 0, min(costs.residual, remaining_fee))
            if limited != costs:
                cut.append(CapKey.EXIT_RIGHT)
            costs = limited
        if caps.whole_contract and costs.together > remaining_fee:
            costs = _within(costs, remaining_fee)
            cut.append(CapKey.WHOLE_CONTRACT)
        return costs, tuple(cut)

    def _band_cost(self, band: int, counted: Counted) -> BandCost:
        return BandCost(counted.parts * self.weights[band], counted, self.bands[band].percentage)

    def _by_contract_month(self, gone_on: date, until: date, remaining: Counted) -> Iterator[tuple[int, Counted]]:
        """Yield for each band the remaining time whose months begin in it; odd days by their first day, days one by one."""
        odd_days_begin = add_months(gone_on, remaining.months)
        for band, (begin, end) in enumerate(zip(self.begins, self.ends, strict=True)):
            if self.stay.rule.method is Method.CAL_DAYS:
                first, last = max(gone_on, begin), min(until, end)
                yield band, Counted(parts(Proration.CAL, first, last), days=max((last - first).days, 0))
                continue
            months = _months_before(gone_on, end, remaining.months) - _months_before(gone_on, begin, remaining.months)
            has_odd_days = remaining.days > 0 and begin <= odd_days_begin < end
            days, of = (remaining.days, remaining.of) if has_odd_days else (0, remaining.of)
            odd = PARTS_OF_MONTH // of * days if days else 0
            yield band, Counted(months * PARTS_OF_MONTH + odd, months, days, of)


def credit(advance: Advance, gone_on: date) -> Counted:
    """Return the time billed in advance that is given back: what lies on or after `gone_on`, by the contract's way of counting."""
    since = max(gone_on, advance.billed_from)
    if since >= advance.billed_until or advance.mode is CreditMode.NONE:
        return Counted(0)
    if advance.mode is not CreditMode.MONTHS:
        return Counted(parts(Proration(advance.mode.value), since, advance.billed_until), days=(advance.billed_until - since).days)
    billed = months_started(advance.billed_from, advance.billed_until)
    months = billed - months_started(advance.billed_from, since)
    return Counted(months * PARTS_OF_MONTH, months)


def _months_before(gone_on: date, day: date, most: int) -> int:
    """Return how many of the months counted from `gone_on` begin before `day`, at most `most`."""
    return min(months_started(gone_on, day), most)


def _within(costs: Costs, limit: int) -> Costs:
    excess = costs.together - limit
    kept = []
    for amount in (*reversed(costs.buyout), costs.handling, costs.clawback, costs.residual):
        cut = min(amount, excess)
        excess -= cut
        kept.append(amount - cut)
    *buyout, handling, clawback, residual = kept
    return Costs(tuple(reversed(buyout)), handling, clawback, residual)
