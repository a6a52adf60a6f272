"""How long a service may be paused, and which days are billed around a pause."""

from __future__ import annotations

from datetime import date

import pytest

from billing.policy.pausing import Pausable, faults
from billing.policy.recurring import Billed, due, due_since
from partner_portal.kernel.dates import Period

TODAY = date(2027, 1, 10)


def days(start: str, until: str) -> Period:
    return Period(date.fromisoformat(start), date.fromisoformat(until))


def pausable(*pauses: Period, months: int | None = 3, ends: date | None = None) -> Pausable:
    return Pausable(starts_on=date(2026, 1, 1), paid_until=date(2027, 2, 1), ends=ends, pauses=pauses, months=months)


MARCH = days("2027-03-01", "2027-04-01")


@pytest.mark.parametrize(
    ("service", "wanted", "wrong"),
    [
        (pausable(), days("2027-02-01", "2027-03-01"), []),
        (pausable(), days("2027-01-31", "2027-03-01"), [("pauses_from", "billed-already")]),
        (pausable(), days("2027-01-09", "2027-03-01"), [("pauses_from", "in-the-past")]),
        (pausable(), days("2027-03-01", "2027-03-01"), [("resumes_on", "nothing-paused")]),
        (pausable(ends=date(2027, 4, 1)), MARCH, []),
        (pausable(ends=date(2027, 3, 31)), MARCH, [("resumes_on", "after-the-end")]),
        (pausable(MARCH), days("2027-03-31", "2027-04-02"), [("pauses_from", "paused-already")]),
        (pausable(MARCH), days("2027-04-01", "2027-05-01"), []),
        (pausable(), days("2027-03-01", "2027-06-01"), []),
        (pausable(), days("2027-03-01", "2027-06-02"), [("resumes_on", "paused-too-long")]),
        (pausable(MARCH), days("2027-08-01", "2027-10-01"), []),
        (pausable(MARCH), days("2027-08-01", "2027-10-02"), [("resumes_on", "paused-too-long")]),
        (pausable(MARCH), days("2028-04-01", "2028-07-01"), []),
        (pausable(days("2027-09-01", "2027-12-01")), MARCH, [("resumes_on", "paused-too-long")]),
        (pausable(months=0), MARCH, [("resumes_on", "paused-too-long")]),
        (pausable(months=None), days("2027-03-01", "2029-03-01"), []),
    ],
)
def test_a_pause_is_ahead_apart_and_no_longer_than_the_offer_allows(
    service: Pausable, wanted: Period, wrong: list[tuple[str, str]]
) -> None:
    assert list(faults(service, wanted, TODAY)) == wrong


def billed(*pauses: Period, paid: str = "2027-02-01", **more: object) -> Billed:
    return Billed(starts_on=date(2026, 1, 1), paid_until=date.fromisoformat(paid), pauses=pauses, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("service", "on", "expected"),
    [
        (billed(MARCH), "2027-02-28", [days("2027-02-01", "2027-03-01")]),
        (billed(MARCH, paid="2027-03-01"), "2027-03-31", []),
        (billed(MARCH, paid="2027-03-01"), "2027-04-01", [days("2027-04-01", "2027-05-01")]),
        (billed(days("2027-02-10", "2027-02-20")), "2027-02-01", [days("2027-02-01", "2027-02-10")]),
        (billed(days("2027-02-10", "2027-02-20"), paid="2027-02-10"), "2027-02-20", [days("2027-02-20", "2027-03-01")]),
        (billed(days("2027-02-01", "2027-02-02")), "2027-02-02", [days("2027-02-02", "2027-03-01")]),
        (
            billed(days("2027-02-05", "2027-02-08"), days("2027-02-20", "2027-04-15")),
            "2027-04-15",
            [days("2027-02-01", "2027-02-05"), days("2027-02-08", "2027-02-20"), days("2027-04-15", "2027-05-01")],
        ),
        (billed(MARCH, paid="2027-03-01", in_advance=False), "2027-04-30", []),
        (billed(MARCH, paid="2027-03-01", in_advance=False), "2027-05-01", [days("2027-04-01", "2027-05-01")]),
        (billed(MARCH, paid="2027-03-01", ends=date(2027, 3, 20)), "2027-12-01", []),
    ],
)
def test_days_are_billed_around_a_pause(service: Billed, on: str, expected: list[Period]) -> None:
    assert [stretch.days for stretch in due(service, date.fromisoformat(on))] == expected


def test_nothing_is_due_any_more_of_what_ends_within_a_pause() -> None:
    assert due_since(billed(MARCH, paid="2027-03-01", ends=date(2027, 3, 20))) is None
    assert due_since(billed(MARCH, paid="2027-03-01")) == date(2027, 4, 1)


def test_a_broken_first_month_brings_no_month_along_that_follows_a_pause() -> None:
    first = Billed(starts_on=date(2027, 2, 10), paid_until=date(2027, 2, 10), cycle_day=1, pauses=(MARCH,))

    assert [stretch.days for stretch in due(first, date(2027, 2, 10))] == [days("2027-02-10", "2027-03-01")]
