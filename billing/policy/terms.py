"""What a service's contract says about time: its terms, its renewals, and the notice that ends it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from itertools import count

import msgspec

from partner_portal.kernel.dates import (
    NO_EXTRA_HOLIDAYS,
    ONE_DAY,
    Period,
    add_months,
    add_working_days,
    anchored_period,
    is_working_day,
    last_of_month,
    whole_months,
)
from partner_portal.kernel.errors import Invalid


class RenewalHasNoLength(Invalid):
    """A contract that renews for a fixed time says for how many months."""


class Renewal(StrEnum):
    """What happens when the minimum term is over and nobody gave notice."""

    NONE = "NONE"
    FIXED = "FIXED"
    INDEF = "INDEF"


class NoticeUnit(StrEnum):
    """What a notice period is counted in."""

    DAYS = "D"
    WEEKS = "W"
    MONTHS = "M"
    WORKING_DAYS = "WD"


class CountFrom(StrEnum):
    """Whether counting begins on the day after receipt (usual) or on the day of receipt."""

    NEXT = "NEXT"
    RECEIPT = "RECEIPT"


class Align(StrEnum):
    """Up to which day an indefinite service runs on after its notice is over."""

    NONE = "NONE"
    EOM = "EOM"
    PERIOD = "PERIOD"


class TermEndPolicy(StrEnum):
    """How a term of months that begins on the 29th to 31st ends: clipped (Dutch usage) or by BGB 188."""

    CLIP = "CLIP"
    BGB188 = "BGB188"


class Notice(msgspec.Struct, frozen=True):
    """A notice period: how many of which unit, counted from when."""

    n: int
    unit: NoticeUnit = NoticeUnit.MONTHS
    count_from: CountFrom = CountFrom.NEXT


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """When a service began, how long it binds, how it renews and how notice is given.

    `explicit_end` is the last day the signed contract prints; it wins over start and months.
    `billing_months` is the billing cycle that PERIOD aligns to, anchored on `start`.
    """

    start: date
    minimum_months: int = 0
    renewal: Renewal = Renewal.INDEF
    renewal_months: int = 0
    notice: Notice = Notice(1)
    align: Align = Align.NONE
    explicit_end: date | None = None
    billing_months: int = 1
    term_end_policy: TermEndPolicy = TermEndPolicy.CLIP

    def __post_init__(self) -> None:
        """Refuse a fixed renewal of no length: it would have no next end."""
        if self.renewal is Renewal.FIXED and self.renewal_months <= 0:
            raise RenewalHasNoLength(renewal_months=self.renewal_months)


def last_day_of_term(start: date, months: int, policy: TermEndPolicy = TermEndPolicy.CLIP) -> date:
    """Return the last day of a term of `months` months that begins on `start`; `start` counts.

    BGB 188 looks for the day before the same number, and takes the month's last day where that is missing.
    """
    if policy is TermEndPolicy.CLIP or start.day == 1:
        return add_months(start, months) - ONE_DAY
    return add_months(start - ONE_DAY, months)


def notice_last_day(received_on: date, notice: Notice, extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS) -> date:
    """Return the last day of the notice period for a notice received on `received_on`.

    Counted from receipt, the period ends one day earlier. A contractual period is never moved for weekends.
    """
    counted_from_receipt = notice.count_from is CountFrom.RECEIPT
    if notice.unit is NoticeUnit.WORKING_DAYS:
        day_before_counting = received_on - ONE_DAY if counted_from_receipt else received_on
        return add_working_days(day_before_counting, notice.n, extra_holidays)
    in_months = notice.unit is NoticeUnit.MONTHS
    last = add_months(received_on, notice.n) if in_months else received_on + _length_in_days(notice)
    return last - ONE_DAY if counted_from_receipt else last


def last_notice_day(end: date, notice: Notice, extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS) -> date:
    """Return the latest day on which notice can be received so that its period is over on or before `end`."""
    if notice.unit is NoticeUnit.WORKING_DAYS:
        first_counted = _nth_working_day_back(end + ONE_DAY, notice.n, extra_holidays)
        return first_counted if notice.count_from is CountFrom.RECEIPT else first_counted - ONE_DAY
    if notice.count_from is CountFrom.RECEIPT:
        end += ONE_DAY
    if notice.unit is not NoticeUnit.MONTHS:
        return end - _length_in_days(notice)
    latest = add_months(end, -notice.n)
    while add_months(latest + ONE_DAY, notice.n) <= end:
        latest += ONE_DAY
    return latest


def minimum_end(terms: Terms) -> date | None:
    """Return the last day of the minimum term, or None where the contract never had one."""
    if terms.explicit_end is None and terms.minimum_months <= 0:
        return None
    return term_end(terms, 0)


def term_end(terms: Terms, renewals: int) -> date:
    """Return the last day after so many renewals; 0 is the minimum term. Always counted from the contract's own anchor."""
    if terms.explicit_end is None:
        months = terms.minimum_months + renewals * terms.renewal_months
        return last_day_of_term(terms.start, months, terms.term_end_policy)
    if renewals == 0:
        return terms.explicit_end
    return last_day_of_term(terms.explicit_end + ONE_DAY, renewals * terms.renewal_months, terms.term_end_policy)


def first_term_end(terms: Terms, day: date) -> date:
    """Return the first end of a term on or after `day`, for a contract that renews for a fixed time."""
    return term_end(terms, _renewals_reaching(terms, day))


def term_holding(terms: Terms, day: date) -> Period | None:
    """Return the term that binds on `day`; None once nothing binds any more (or a minimum never did)."""
    minimum = minimum_end(terms)
    if minimum is not None and day <= minimum:
        return Period(terms.start, minimum + ONE_DAY)
    if terms.renewal is not Renewal.FIXED:
        return None
    renewals = _renewals_reaching(terms, day)
    start = term_end(terms, renewals - 1) + ONE_DAY if renewals else terms.start
    return Period(start, term_end(terms, renewals) + ONE_DAY)


def committed_until(terms: Terms, day: date) -> date | None:
    """Return the first day on which the term that runs on `day` no longer binds; None where none runs."""
    term = term_holding(terms, day)
    return None if term is None else term.until


def earliest_end(terms: Terms, served_on: date) -> date:
    """Return the first lawful last day for a notice (or a wish) that reaches up to `served_on`.

    A term that ends on `served_on` itself is in time. Without renewal the term's own end stands, even if past.
    """
    own_end = term_end(terms, 0)
    if terms.renewal is Renewal.NONE:
        return own_end
    if terms.renewal is Renewal.FIXED:
        return first_term_end(terms, served_on)
    return own_end if served_on <= own_end else aligned(terms, served_on)


def aligned(terms: Terms, day: date) -> date:
    """Return `day` moved forward to the end of its calendar month or billing period, where the contract says so."""
    if terms.align is Align.EOM:
        return last_of_month(day)
    if terms.align is Align.PERIOD:
        return anchored_period(terms.start, terms.billing_months, day).last_day
    return day


def notice_deadlines(terms: Terms, day: date) -> Iterator[tuple[date, date]]:
    """Yield, from `day` on, each last day to give notice with the term's end it still reaches; fixed renewal only."""
    end = earliest_end(terms, notice_last_day(day, terms.notice))
    while True:
        yield last_notice_day(end, terms.notice), end
        end = first_term_end(terms, end + ONE_DAY)


def _length_in_days(notice: Notice) -> timedelta:
    return timedelta(weeks=notice.n) if notice.unit is NoticeUnit.WEEKS else timedelta(days=notice.n)


def _nth_working_day_back(day: date, n: int, extra_holidays: frozenset[date]) -> date:
    while n > 0:
        day -= ONE_DAY
        n -= is_working_day(day, extra_holidays)
    return day


def _renewals_reaching(terms: Terms, day: date) -> int:
    """Return the smallest number of renewals whose term ends on or after `day`."""
    anchor, own_months = terms.start, terms.minimum_months
    if terms.explicit_end is not None:
        anchor, own_months = terms.explicit_end, 0
    renewals = max((whole_months(anchor, day) - own_months) // terms.renewal_months, 0)
    return next(k for k in count(renewals) if term_end(terms, k) >= day)
