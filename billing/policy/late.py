"""What paying too late costs (BW 6:96, 6:119, 6:119a), and what of a debt is given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from partner_portal.kernel.dates import ONE_DAY, Period, add_months
from partner_portal.kernel.money import round_half_up

from .collection import collection_costs
from .interest import Rate, Reduction, known_until, statutory_interest

YEAR = 12


class Uncollectable(StrEnum):
    """Why a claim is given up; `paid` is why one came back to life."""

    BANKRUPT = "bankrupt"
    UNTRACEABLE = "untraceable"
    NO_MEANS = "no means"
    TOO_SMALL = "too small"
    PRESCRIBED = "prescribed"
    OTHER = "other"
    PAID = "paid"
    MISTAKE = "mistake"


REVIVING = frozenset({Uncollectable.PAID, Uncollectable.MISTAKE})
"""Reasons for which something comes back to life; all others are reasons to give it up."""


class Outcome(StrEnum):
    """What a second person made of a proposal."""

    AGREED = "agreed"
    DECLINED = "declined"


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that was not paid in time: what it asked for without what was credited of it, and what was paid of it on which day, in cents.

    What is credited was never owed, so it bears no interest from the first day on; what is paid bears none from the day it was received. `days` are
    those whose interest the `nth` document about it charges; None before the first.
    """

    invoice: UUID
    due_on: date
    owed_cents: int
    paid: Sequence[tuple[date, int]] = ()
    days: Period | None = None
    nth: int = 1

    def open_after(self, day: date) -> int:
        """What was not paid at the end of the day."""
        return max(self.owed_cents - sum(cents for on, cents in self.paid if on <= day), 0)

    def interest_of(self, days: Period, rates: Sequence[Rate]) -> int:
        """The interest of these days: what all days up to their end cost, rounded once, less what those before them do.

        So what is charged in pieces adds up to what it would be in one.
        """
        return self._interest_until(days.until, rates) - self._interest_until(days.start, rates)

    def _interest_until(self, until: date, rates: Sequence[Rate]) -> int:
        if until <= self.due_on + ONE_DAY:
            return 0
        return statutory_interest(
            self.owed_cents, self.due_on, until, rates, reductions=[Reduction(on, cents) for on, cents in self.paid]
        ).cents


class Charged(msgspec.Struct, frozen=True):
    """What one invoice adds: the principal that was open, the interest, in cents, and of which days it is; `nth` as of `Late`."""

    invoice: UUID
    principal_cents: int
    interest_cents: int
    days: Period
    nth: int = 1


class Reckoning(msgspec.Struct, frozen=True, kw_only=True):
    """What is due on top of the principals, in cents."""

    charged: tuple[Charged, ...]
    costs_cents: int

    @property
    def principal_cents(self) -> int:
        """What the costs are reckoned over."""
        return sum(one.principal_cents for one in self.charged)

    @property
    def interest_cents(self) -> int:
        """Of all of them."""
        return sum(one.interest_cents for one in self.charged)


def reckon(
    late: Sequence[Late],
    *,
    rates: Sequence[Rate],
    term_ended_on: date,
    until: date,
    said_costs_cents: int,
    earlier: tuple[int, int] = (0, 0),
) -> Reckoning:
    """What invoices of one letter cost on top: interest from the day after each was due up to (not including) `until`, and costs over all together.

    Nothing for what was paid by the end of the term that the letter gave, and no interest of days whose rate is not known. The costs are those of the
    scale over what was still open then, the principals added (BW 6:96(7)), and never more than the letter said. `earlier`: principal and costs that were
    charged after this letter before.
    """
    charged = []
    for one in late:
        days = days_until(one.due_on + ONE_DAY, until, rates) if one.days is None else one.days
        principal = one.open_after(term_ended_on)
        if principal > 0:
            charged.append(Charged(one.invoice, principal, one.interest_of(days, rates), days, one.nth))
    if not charged:
        return Reckoning(charged=(), costs_cents=0)
    principal, before = earlier
    of_scale = collection_costs([principal, *(one.principal_cents for one in charged)])
    return Reckoning(charged=tuple(charged), costs_cents=max(min(of_scale, said_costs_cents) - before, 0))


def days_until(first_on: date, until: date, rates: Sequence[Rate]) -> Period:
    """The days from the first one up to `until` whose rate is known; none where that is none."""
    return Period(first_on, max(min(until, known_until(rates)), first_on))


def rest(late: Sequence[Late], rates: Sequence[Rate]) -> Reckoning:
    """The interest of the days of each, after a document charged those before: nothing where nothing was open any more when they began."""
    charged = tuple(
        Charged(one.invoice, principal, one.interest_of(one.days, rates), one.days, one.nth)
        for one in late
        if one.days and (principal := one.open_after(one.days.start)) > 0
    )
    return Reckoning(charged=charged, costs_cents=0)


def vat_within(amount_cents: int, *, vat_cents: int, gross_cents: int) -> int:
    """The VAT in a part of a document, rounded half up; all of the document gives all of its VAT."""
    if gross_cents <= 0:
        return 0
    sign = -1 if amount_cents < 0 else 1
    return sign * round_half_up(abs(amount_cents) * vat_cents, gross_cents)


def a_year_after(due_on: date) -> date:
    """The day on which what was due counts as unpaid for VAT, whatever else is known (Wet OB 1968 art. 29 lid 2)."""
    return add_months(due_on, YEAR)
