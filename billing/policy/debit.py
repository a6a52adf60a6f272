"""SEPA direct debit: how long a mandate holds, which of its collections one is, and on which day money may be collected."""

from __future__ import annotations

from datetime import date, timedelta

from partner_portal.kernel.dates import add_months, add_working_days, next_working_day

from .money_in import Sequence

LAPSE_MONTHS = 36
"""A mandate that was not used for so long has ended (SEPA rulebooks)."""
ANNOUNCED_DAYS = 14
"""So long before the money is taken the debtor knows the day and the sum, by the invoice."""
SUBMITTED_WORKING_DAYS = 2
"""A file is at the bank a working day before; a day more leaves time to bring it there."""


def lapses_on(signed_on: date, last_used_on: date | None) -> date:
    """The first day on which the mandate holds no more, unless it is used before."""
    return add_months(last_used_on or signed_on, LAPSE_MONTHS)


def sequence(last_used_on: date | None, *, is_final: bool = False) -> Sequence:
    """Which collection it is: the first of a mandate, one of many, or the last."""
    if is_final:
        return Sequence.FINAL
    return Sequence.RECURRENT if last_used_on else Sequence.FIRST


def collection_day(issued_on: date, due_on: date, today: date) -> date:
    """The day on which an invoice is collected: when it is due, announced long enough before, the file in time, on a day when banks work."""
    announced = issued_on + timedelta(days=ANNOUNCED_DAYS)
    return next_working_day(max(due_on, announced, add_working_days(today, SUBMITTED_WORKING_DAYS)))
