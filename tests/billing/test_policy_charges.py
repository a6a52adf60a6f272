"""What part of a month costs, and which days a billing period charges."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy import charges
from billing.policy.charges import PARTS_OF_MONTH, BillingCycle, ChargedPeriod, Proration
from partner_portal.kernel.dates import Period

D = date.fromisoformat
CAL, YEAR_365, E30_360, NONE = Proration.CAL, Proration.YEAR_365, Proration.E30_360, Proration.NONE
some_day = st.dates(date(2020, 1, 1), date(2032, 12, 31))
additive = st.sampled_from([CAL, YEAR_365, E30_360])


@pytest.mark.parametrize(("proration", "amount"), [(CAL, 4643), (YEAR_365, 4732), (E30_360, 4498), (NONE, 8995)])
def test_half_of_december_by_each_way_of_counting(proration: Proration, amount: int) -> None:
    assert charges.prorated(8995, D("2026-12-16"), D("2027-01-01"), proration) == amount


@pytest.mark.parametrize("proration", list(Proration))
def test_no_days_cost_nothing(proration: Proration) -> None:
    assert charges.prorated(8995, D("2026-12-16"), D("2026-12-16"), proration) == 0
    assert charges.prorated(8995, D("2026-12-16"), D("2026-12-15"), proration) == 0


@given(some_day, st.integers(0, 500), st.integers(0, 500), additive)
def test_adjoining_stretches_add_up_exactly(start: date, first: int, second: int, proration: Proration) -> None:
    middle, until = start + timedelta(days=first), start + timedelta(days=first + second)
    whole = charges.parts(proration, start, until)
    assert charges.parts(proration, start, middle) + charges.parts(proration, middle, until) == whole


@given(st.integers(-(10**6), 10**6), some_day, st.integers(0, 500), st.sampled_from(list(Proration)))
def test_charging_and_crediting_the_same_days_leaves_nothing(fee: int, start: date, length: int, proration: Proration) -> None:
    until = start + timedelta(days=length)
    assert charges.prorated(fee, start, until, proration) + charges.prorated(-fee, start, until, proration) == 0


@given(some_day, st.integers(1, 24))
def test_whole_calendar_months_cost_whole_fees(day: date, months: int) -> None:
    start = day.replace(day=1)
    until = date(start.year + (start.month - 1 + months) // 12, (start.month - 1 + months) % 12 + 1, 1)
    for proration in (CAL, E30_360, NONE):
        assert charges.parts(proration, start, until) == months * PARTS_OF_MONTH


def test_a_month_has_so_many_parts_that_every_day_is_whole() -> None:
    assert all(PARTS_OF_MONTH % days == 0 for days in (28, 29, 30, 31, 365))


@pytest.mark.parametrize(
    ("since", "until", "days"), [("2026-01-30", "2026-02-01", 1), ("2026-02-28", "2026-03-31", 32), ("2025-12-31", "2026-01-31", 30)]
)
def test_commercial_days(since: str, until: str, days: int) -> None:
    assert charges.commercial_days(D(since), D(until)) == days


def test_a_share_is_rounded_once() -> None:
    assert charges.share_of(3100, 16, 31) == 1600
    assert charges.share_of(100, 1, 3) == 33


@pytest.mark.parametrize(
    ("start", "day_of_month", "first"),
    [("2012-01-16", 17, "2012-01-17"), ("2012-01-31", 30, "2012-02-29"), ("2012-07-16", 15, "2012-08-15"), ("2012-03-03", 3, "2012-03-03")],
)
def test_the_first_billing_day(start: str, day_of_month: int, first: str) -> None:
    assert charges.first_cycle_day(D(start), day_of_month) == D(first)


def test_a_billing_day_keeps_its_number_through_short_months() -> None:
    cycle = BillingCycle(D("2026-01-31"), 31)
    assert [charges.cycle_day(cycle, index) for index in range(-1, 4)] == [
        D("2025-12-31"),
        D("2026-01-31"),
        D("2026-02-28"),
        D("2026-03-31"),
        D("2026-04-30"),
    ]
    assert charges.cycle_day(BillingCycle(D("2026-01-31"), 31, 3), 1) == D("2026-04-30")


def _charged(*dates: str) -> ChargedPeriod:
    start, until, whole_start, whole_until = map(D, dates)
    return ChargedPeriod(Period(start, until), Period(whole_start, whole_until))


@pytest.mark.parametrize(
    ("cycle", "on", "periods"),
    [
        (BillingCycle(D("2026-01-20"), 1), "2026-01-20", [_charged("2026-01-20", "2026-02-01", "2026-01-01", "2026-02-01")]),
        (BillingCycle(D("2026-01-20"), 1), "2026-01-19", []),
        (
            BillingCycle(D("2026-01-20"), 1, until=D("2026-02-11")),
            "2026-06-30",
            [
                _charged("2026-01-20", "2026-02-01", "2026-01-01", "2026-02-01"),
                _charged("2026-02-01", "2026-02-11", "2026-02-01", "2026-03-01"),
            ],
        ),
        (BillingCycle(D("2026-01-01"), 1), "2026-01-31", [_charged("2026-01-01", "2026-02-01", "2026-01-01", "2026-02-01")]),
    ],
)
def test_what_is_charged_in_advance(cycle: BillingCycle, on: str, periods: list[ChargedPeriod]) -> None:
    charged = list(charges.charged_in_advance(cycle, D(on)))
    assert charged == periods
    assert [period.is_whole for period in charged] == [period.days == period.whole for period in periods]


@given(some_day, st.integers(1, 31), st.sampled_from([1, 3, 12]), st.integers(0, 800))
def test_charged_periods_tile_the_days_from_the_start(start: date, day_of_month: int, months: int, later: int) -> None:
    charged = list(charges.charged_in_advance(BillingCycle(start, day_of_month, months), start + timedelta(days=later)))
    assert charged[0].days.start == start
    assert all(before.days.until == after.days.start for before, after in pairwise(charged))
    assert charged[-1].days.start <= start + timedelta(days=later) < charged[-1].days.until
