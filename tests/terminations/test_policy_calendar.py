"""The what-if calendar shows, for every day, exactly what a preview of that day would."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.policy.agreed import Method, ServiceKind
from billing.policy.terms import Align, Notice, Renewal
from partner_portal.kernel.dates import ONE_DAY, add_months
from tenants.policy import Segment
from terminations.policy.calendar import Mark, Row, Saving, cheapest_of, row_of, what_if, wishing
from terminations.policy.facts import Asked, BuyoutRule, Caps, Discount, Equipment, Ground, ServiceFacts, flat
from terminations.policy.preview import preview
from tests.terminations.facts import D, asked, requests, service, services, terms


def by_day(facts: ServiceFacts, request: Asked, **keywords: Any) -> dict[str, Row]:
    return {row.day.isoformat(): row for row in what_if([facts], request, **keywords).rows}


def test_waiting_for_the_month_to_be_over_saves_money() -> None:
    seen = what_if([service(monthly_fee_cents=8900)], asked("2026-11-10", "2026-12-10"))
    rows = {row.day: row for row in seen.rows}
    assert rows[D("2026-12-10")].total_to_pay_cents == 49596
    assert rows[D("2026-12-15")].total_to_pay_cents == 44356
    assert seen.saving == Saving(D("2026-12-15"), 5, 5240)
    assert seen.chosen == D("2026-12-10")
    assert seen.first_free_end == D("2027-06-15")
    assert rows[D("2027-06-15")] == Row(D("2027-06-15"), D("2027-06-15"), D("2027-06-15"), 57850, 0, 0, 0, 0, 0, 0)


def test_the_days_that_stand_out_are_marked() -> None:
    seen = what_if([service(monthly_fee_cents=8900, paid_until=D("2026-11-10"))], asked("2026-11-10"))
    assert seen.marks == {
        D("2027-05-15"): (Mark.NOTICE_DEADLINE,),
        D("2027-06-15"): (Mark.FIRST_FREE_END, Mark.CHOSEN),
        seen.cheapest: (Mark.CHEAPEST,),
    }
    assert seen.cheapest == cheapest_of(seen.rows).day == D("2026-11-15")
    assert seen.saving is None


def test_of_equal_totals_the_earliest_is_the_cheapest() -> None:
    rule = BuyoutRule(method=Method.CAL_DAYS, scale=flat(100))
    seen = what_if([service(buyout=rule, monthly_fee_cents=6000)], asked(wished_on="2026-12-10"))
    by_total = {row.total_to_pay_cents for row in seen.rows if D("2026-12-01") <= row.day < D("2027-06-15")}
    assert max(by_total) - min(by_total) <= 1
    assert seen.cheapest == min(row.day for row in seen.rows if row.total_to_pay_cents == min(one.total_to_pay_cents for one in seen.rows))


def test_leaving_on_the_chosen_day_may_be_the_cheapest() -> None:
    assert what_if([service()], asked(wished_on="2026-12-31")).saving == Saving(D("2027-01-15"), 15, 2395)
    indefinite = service(contract=terms(minimum_months=0, renewal=Renewal.INDEF))
    assert what_if([indefinite], asked(wished_on="2026-12-31")).saving is None


def test_money_comes_back_when_more_was_paid_than_used() -> None:
    row = by_day(service(contract=terms(minimum_months=0, renewal=Renewal.INDEF), paid_until=D("2027-02-01")), asked())["2026-12-22"]
    assert (row.credit_cents, row.fees_cents, row.extra_cost_cents) == (11606, 0, 0)
    assert row.total_to_pay_cents == -11606


@pytest.mark.parametrize(
    ("contract", "request_facts", "horizon"),
    [
        (terms(), {}, "2028-11-22"),
        (terms(minimum_months=60), {}, "2030-06-16"),
        (terms(), {"today": D("2026-12-01")}, "2028-12-01"),
    ],
)
def test_the_horizon_is_two_years_or_the_end_of_the_commitment(contract: Any, request_facts: dict[str, Any], horizon: str) -> None:
    rows = what_if([service(contract=contract)], asked(**request_facts)).rows
    assert rows[-1].day == D(horizon) - ONE_DAY
    assert rows[0].day == request_facts.get("today", D("2026-11-22"))
    assert [row.day for row in rows] == [rows[0].day + timedelta(days=number) for number in range(len(rows))]


def test_a_horizon_of_ones_own() -> None:
    assert len(what_if([service()], asked(), D("2026-12-02")).rows) == 10
    assert len(what_if([service()], asked(), D("2026-01-01")).rows) == 1
    assert what_if([service()], asked(wished_on="2027-01-01"), D("2026-12-02")).saving is None


def test_a_fixed_term_is_sat_out_after_the_first_free_end() -> None:
    row = by_day(service(), asked())["2027-06-16"]
    assert (row.ends_on, row.billing_ends_on) == (D("2028-06-15"), D("2028-06-15"))


def test_several_services_are_added_up() -> None:
    first, second = service("A"), service("B", contract=terms(start=D("2026-01-01")), monthly_fee_cents=2000)
    together = what_if([first, second], asked())
    alone = [what_if([facts], asked(), add_months(D("2026-11-22"), 24)) for facts in (first, second)]
    for row, *apart in zip(together.rows, alone[0].rows, alone[1].rows, strict=True):
        assert row.total_to_pay_cents == sum(one.total_to_pay_cents for one in apart)
        assert row.billing_ends_on == max(one.billing_ends_on for one in apart)
        assert row.ends_on == max(one.ends_on for one in apart)
    assert together.first_free_end == D("2027-12-31")
    assert [day for day, marks in together.marks.items() if Mark.NOTICE_DEADLINE in marks] == [D("2027-05-15"), D("2027-11-30")]


def test_with_a_ground_each_day_is_previewed() -> None:
    request = asked(ground=Ground.NON_CONFORMITY, evidence_on_file=True)
    rows = by_day(service(), request, horizon=D("2026-12-10"))
    assert {row.extra_cost_cents for row in rows.values()} == {0}
    assert rows["2026-12-05"].fees_cents == 1451


BOUGHT_OUT = [(15000, 3000), (13000, 2600), (12000, 2400), (0, 0)]
BILLED_TO_THE_END = [(12000, 2400), (12000, 2400), (12000, 2400), (0, 0)]  # no price is agreed for leaving early


@pytest.mark.parametrize("renewal", [Renewal.FIXED, Renewal.INDEF])
@pytest.mark.parametrize(("buyout", "owed"), [(BuyoutRule(scale=flat(75)), BOUGHT_OUT), (BuyoutRule(), BILLED_TO_THE_END)])
def test_p7_a_discount_is_claimed_back_up_to_the_last_day_of_the_first_term(
    renewal: Renewal, buyout: BuyoutRule, owed: list[tuple[int, int]]
) -> None:
    internet = service(
        kind=ServiceKind.ECS,
        contract=terms(renewal=renewal),
        buyout=buyout,
        discount=Discount(36000, 36),
        equipment=Equipment(7200, 36),
        caps=Caps(whole_contract=False),
    )
    rows = by_day(internet, asked())
    seen = [rows[day] for day in ("2027-03-15", "2027-06-14", "2027-06-15", "2027-06-16")]
    assert [(row.clawback_cents, row.residual_cents) for row in seen] == owed
    assert {row.extra_cost_cents for day, row in rows.items() if day > "2027-06-15"} == {0}
    assert by_day(internet, asked(wished_on="2027-08-10")) == rows, "what a day costs does not depend on the day wished"


def test_who_is_in_a_renewed_term_sits_it_out_from_the_day_after_its_end() -> None:
    rows = by_day(service(contract=terms(minimum_months=12)), asked())
    assert [rows[day].ends_on for day in ("2027-06-14", "2027-06-15", "2027-06-16", "2027-06-17")] == [
        D("2027-06-14"),
        D("2027-06-15"),
        D("2028-06-15"),
        D("2028-06-15"),
    ]


def test_what_nothing_is_known_of_has_no_deadline() -> None:
    seen = what_if([service(contract=terms(minimum_months=0, renewal=Renewal.INDEF))], asked())
    assert Mark.NOTICE_DEADLINE not in {mark for marks in seen.marks.values() for mark in marks}


@pytest.mark.parametrize(
    "facts",
    [
        service(segment=Segment.CONSUMER, contract=terms(minimum_months=24, start=D("2026-06-01"))),
        service(kind=ServiceKind.ECS, segment=Segment.PROTECTED_BIZ),
        service(kind=ServiceKind.ECS, contract=terms(notice=Notice(3), align=Align.EOM)),
        service(contract=terms(renewal=Renewal.INDEF, align=Align.PERIOD)),
        service(contract=terms(renewal=Renewal.NONE)),
        service(buyout=BuyoutRule(scale=flat(100), handling_cents=2500)),
        service(buyout=BuyoutRule(method=Method.FULL_FLOOR_DAYS, scale=flat(100), handling_cents=2500), caps=Caps(whole_contract=False)),
    ],
)
def test_every_day_of_the_usual_contracts_is_the_preview_of_that_day(facts: ServiceFacts) -> None:
    request = asked()
    for row in what_if([facts], request).rows:
        assert row == row_of(preview([facts], wishing(request, row.day)), row.day)


@settings(deadline=None)
@given(services(), requests, st.data())
def test_every_day_is_the_preview_of_that_day(facts: ServiceFacts, request: Asked, data: st.DataObject) -> None:
    rows = what_if([facts], request).rows
    for row in data.draw(st.lists(st.sampled_from(rows), min_size=1, max_size=25)):
        assert row == row_of(preview([facts], wishing(request, row.day)), row.day)


@settings(deadline=None)
@given(services(ref="A", bundle="b"), services(ref="B", bundle="b"), requests, st.data())
def test_every_day_of_a_bundle_is_the_preview_of_that_day(
    first: ServiceFacts, second: ServiceFacts, request: Asked, data: st.DataObject
) -> None:
    same_customer = msgspec.structs.replace(second, segment=first.segment)
    case = [first, same_customer]
    rows = what_if(case, request).rows
    for row in data.draw(st.lists(st.sampled_from(rows), min_size=1, max_size=12)):
        assert row == row_of(preview(case, wishing(request, row.day)), row.day)
