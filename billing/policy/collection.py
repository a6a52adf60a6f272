"""Collecting what is overdue: what a payment settles, collection costs, and the fourteen-day letter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from partner_portal.kernel.dates import NO_EXTRA_HOLIDAYS, ONE_DAY, add_working_days, statutory_days_end
from partner_portal.kernel.errors import Invalid
from partner_portal.kernel.money import round_half_up


class ReceiptUnknown(Invalid):
    """The fourteen days run from receipt: either it or the day of sending must be known."""


class CostBand(msgspec.Struct, frozen=True):
    """A percentage over so many cents of the principal; `width_cents` None for all that remains."""

    width_cents: int | None
    percentage: Decimal


class CostScale(msgspec.Struct, frozen=True):
    """Collection costs by bands of the principal, with a least and a most."""

    bands: tuple[CostBand, ...]
    minimum_cents: int
    maximum_cents: int


# Besluit vergoeding voor buitengerechtelijke incassokosten, art. 2.
STATUTORY_SCALE = CostScale(
    bands=(
        CostBand(2_500_00, Decimal(15)),
        CostBand(2_500_00, Decimal(10)),
        CostBand(5_000_00, Decimal(5)),
        CostBand(190_000_00, Decimal(1)),
        CostBand(None, Decimal("0.5")),
    ),
    minimum_cents=40_00,
    maximum_cents=6_775_00,
)


class Debt(msgspec.Struct, frozen=True, kw_only=True):
    """What is open of one claim, in cents."""

    id: str
    due_on: date
    principal_cents: int
    costs_cents: int = 0
    interest_cents: int = 0


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What a payment settles of one debt, and what stays open of it, in cents."""

    id: str
    costs_cents: int
    interest_cents: int
    principal_cents: int
    open_cents: int


class Allocation(msgspec.Struct, frozen=True):
    """What a payment settles, debt by debt in the order they are settled, and what is left on account, in cents."""

    settled: tuple[Settled, ...]
    left_cents: int


class FourteenDayLetter(msgspec.Struct, frozen=True, kw_only=True):
    """The days that a consumer's last reminder sets: costs are due from `costs_from` on, not before."""

    received_on: date
    fourteenth_day: date
    last_day_to_pay: date
    costs_from: date


def allocate(payment_cents: int, debts: Sequence[Debt], indicated: str | None = None) -> Allocation:
    """Settle debts with a payment: the debt the payer indicates first, then the oldest (BW 6:43).

    Within a debt: costs, then interest, then principal (BW 6:44); each debt is filled before the next.
    """
    left = payment_cents
    settled = []
    for debt in sorted(debts, key=lambda debt: (debt.id != indicated, debt.due_on)):
        paid = []
        for part in (debt.costs_cents, debt.interest_cents, debt.principal_cents):
            paid.append(min(part, left))
            left -= paid[-1]
        owed = debt.costs_cents + debt.interest_cents + debt.principal_cents
        costs, interest, principal = paid
        settled.append(
            Settled(id=debt.id, costs_cents=costs, interest_cents=interest, principal_cents=principal, open_cents=owed - sum(paid))
        )
    return Allocation(tuple(settled), left)


def collection_costs(principals_cents: Sequence[int], scale: CostScale = STATUTORY_SCALE) -> int:
    """Return the collection costs in cents over all claims together (BW 6:96(7)), rounded half up, without VAT; none where nothing is owed."""
    left = sum(principals_cents)
    if left <= 0:
        return 0
    costs = Decimal(0)
    for band in scale.bands:
        within = left if band.width_cents is None else min(left, band.width_cents)
        costs += within * band.percentage
        left -= within
    numerator, denominator = costs.as_integer_ratio()
    return min(max(round_half_up(numerator, denominator * 100), scale.minimum_cents), scale.maximum_cents)


def business_costs_from(due_on: date) -> date:
    """Return the day from which a business owes collection costs, without any reminder (BW 6:96(4))."""
    return due_on + ONE_DAY


def fourteen_day_letter(
    *,
    received_on: date | None = None,
    sent_on: date | None = None,
    assumed_delivery_days: int = 2,
    extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS,
) -> FourteenDayLetter:
    """Return the days of the letter of BW 6:96(6), counted from the day after receipt (ECLI:NL:HR:2016:2704).

    Where receipt is not proven the letter is taken to arrive `assumed_delivery_days` working days after sending. The
    fourteenth day moves to a working day (Algemene termijnenwet).
    """
    if received_on is None:
        if sent_on is None:
            raise ReceiptUnknown
        received_on = add_working_days(sent_on, assumed_delivery_days, extra_holidays)
    last_day = statutory_days_end(received_on, 14, extra_holidays)
    return FourteenDayLetter(
        received_on=received_on,
        fourteenth_day=received_on + timedelta(days=14),
        last_day_to_pay=last_day,
        costs_from=last_day + ONE_DAY,
    )


def consumer_costs_due(letter: FourteenDayLetter, paid_on: date, principals_cents: Sequence[int]) -> int:
    """Return the collection costs in cents that a consumer owes who pays on `paid_on`: none up to the letter's last day."""
    return 0 if paid_on <= letter.last_day_to_pay else collection_costs(principals_cents)
