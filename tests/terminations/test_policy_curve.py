"""The curve that people see costs, on every day, to the cent what the preview of that day says."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.policy.tax import Vat
from terminations.policy.calendar import Saving, what_if, wishing
from terminations.policy.curve import Point, curve, good_early_day, saving
from terminations.policy.facts import Asked, ServiceFacts
from terminations.policy.preview import preview
from tests.terminations.facts import D, asked, requests, service, services, vats


@settings(max_examples=60)
@given(st.lists(services(), min_size=1, max_size=3), requests, vats, st.integers(0, 900))
def test_each_day_costs_what_its_own_preview_says(drawn: list[ServiceFacts], request: Asked, vat: Vat, ahead: int) -> None:
    chosen = [msgspec.structs.replace(facts, ref=f"S{nth}", vat=vat) for nth, facts in enumerate(drawn)]
    calendar = what_if(chosen, request)
    nth = min(ahead, len(calendar.rows) - 1)

    point, bill = curve(calendar, vat)[nth], preview(chosen, wishing(request, request.first_day + timedelta(days=nth))).bill

    assert (point.final_cents, point.total_cents) == (bill.total_cents, bill.total_to_pay_cents)


def test_a_consumers_prices_include_vat_already() -> None:
    bare = what_if([service(monthly_fee_cents=8900)], asked("2026-11-10"))
    told = next(row for row in bare.rows if row.day == D("2027-06-15"))

    assert curve(bare, Vat(prices_include_vat=True))[bare.rows.index(told)] == Point(0, told.fees_cents)
    assert curve(bare, Vat())[bare.rows.index(told)] == Point(0, 69999)  # 578.50 with 21 % is 699.985


def test_a_good_early_day_is_the_cheapest_of_the_month_to_come() -> None:
    seen = what_if([service(monthly_fee_cents=8900)], asked("2026-11-22"))
    points = curve(seen, Vat())

    # A month of the buyout goes by on the 15th; three quarters of its fee are less than the fees of another month.
    assert good_early_day(seen, points, D("2026-12-06")) == D("2026-12-15")
    assert good_early_day(seen, points, D("2026-12-16")) == D("2026-12-16")
    assert good_early_day(seen, points, D("2026-11-01")) == D("2026-11-22")


def test_where_nothing_binds_any_more_leaving_early_is_no_question() -> None:
    seen = what_if([service()], asked("2026-11-22"))

    assert seen.first_free_end == D("2027-06-15")
    assert good_early_day(seen, curve(seen, Vat()), D("2027-06-14")) == D("2027-06-14")
    assert good_early_day(seen, curve(seen, Vat()), D("2027-06-15")) is None


def test_waiting_saves_what_the_two_totals_differ() -> None:
    points = [Point(*cents) for cents in ((900, 0), (500, 100), (700, 0), (500, 100))]

    assert saving(points, D("2026-11-22"), D("2026-11-22")) == Saving(D("2026-11-23"), 1, 300)
    assert saving(points, D("2026-11-22"), D("2026-11-23")) is None
    assert saving(points, D("2026-11-22"), D("2026-11-24")) == Saving(D("2026-11-25"), 1, 100)
    assert saving(points, D("2026-11-22"), D("2026-11-26")) is None
    assert saving(points, D("2026-11-22"), D("2026-11-21")) is None
