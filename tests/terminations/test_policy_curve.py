"""The curve that people see costs, on every day, to the cent what the preview of that day says."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.policy.tax import Vat
from terminations.policy.calendar import what_if, wishing
from terminations.policy.curve import Point, curve
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
