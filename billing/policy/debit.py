"""SEPA direct debit: how long a mandate holds, which of its collections one is, and on which day money may be collected."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from partner_portal.kernel.dates import add_months, add_working_days, next_working_day

from .money_in import Scheme, Sequence

LAPSE_MONTHS = 36
"""A mandate that was not used for so long has ended (SEPA rulebooks)."""
ANNOUNCED_DAYS = 14
"""So long before the money is taken the debtor knows the day and the sum, by the invoice."""
SOON = timedelta(days=60)
"""So long before a mandate lapses whoever looks at it is told: an invoice of now may be due after that."""
SUBMITTED_WORKING_DAYS = 2
"""A file is at the bank a working day before; a day more leaves time to bring it there."""


def lapses_on(signed_on: date, last_used_on: date | None) -> date:
    """The first day on which the mandate holds no more, unless it is used before."""
    return add_months(last_used_on or signed_on, LAPSE_MONTHS)


def holds_on(day: date, signed_on: date, last_used_on: date | None) -> bool:
    """Whether money may be collected by the mandate on that day, as it was used so far: not whether it holds today counts, but then."""
    return day < lapses_on(signed_on, last_used_on)


def lapses_soon(signed_on: date, last_used_on: date | None, today: date) -> date | None:
    """The first day on which the mandate holds no more, where that is near; None where it is not."""
    day = lapses_on(signed_on, last_used_on)
    return day if day <= today + SOON else None


def sequence(last_used_on: date | None, *, is_final: bool = False) -> Sequence:
    """Which collection it is: the first of a mandate, one of many, or the last."""
    if is_final:
        return Sequence.FINAL
    return Sequence.RECURRENT if last_used_on else Sequence.FIRST


def collection_day(issued_on: date, due_on: date, today: date, announced_days: int = ANNOUNCED_DAYS) -> date:
    """The day on which an invoice is collected: when it is due, announced long enough before, the file in time, on a day when banks work."""
    announced = issued_on + timedelta(days=announced_days)
    return next_working_day(max(due_on, announced, first_day(today)))


def first_day(today: date) -> date:
    """The first day on which a file that is made today can collect."""
    return add_working_days(today, SUBMITTED_WORKING_DAYS)


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """What a debtor was told of a collection: on which day, how much (cents), by which mandate of which creditor, from which account."""

    on: date
    amount_cents: int
    mandate: str
    creditor_id: str
    iban: str
    scheme: Scheme = Scheme.CORE

    @property
    def can_be_refunded(self) -> bool:
        """Whether the debtor's bank takes the money back when it is asked to: for eight weeks, of a core debit."""
        return self.scheme is Scheme.CORE

    @property
    def account(self) -> str:
        """The account as it is said in a mail: enough to know one's own by, not enough to use it."""
        return f"{self.iban[:4]} •••• {self.iban[-4:]}"
