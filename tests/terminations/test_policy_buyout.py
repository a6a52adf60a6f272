"""What leaving early costs: counting, scales, caps and the sheet that shows them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.agreed import ClawbackMode, CreditMode, Method, ResidualMode, ScaleKind
from billing.policy.tax import Vat
from terminations.policy.buyout import Advance, CapKey, Reckoning, Stay, credit
from terminations.policy.cost_sheet import CostSheet, LineCode, Occasion, cost_sheet, totals, with_nets
from terminations.policy.facts import Band, BandsOutOfOrder, BuyoutRule, Caps, Discount, Equipment, Scale, flat
from terminations.policy.leaving_by_day import LeavingByDay, leaving_cents
from tests.terminations.facts import D, discounts, equipments, rules, vats

NO_CAPS = Caps(whole_contract=False)
YEARS = (Band(1, Decimal(100)), Band(13, Decimal(75)), Band(25, Decimal(50)))


def stay(**facts: Any) -> Stay:
    usual = {
        "start": D("2025-06-16"),
        "committed_until": D("2027-06-16"),
        "fee_cents": 8995,
        "rule": BuyoutRule(scale=flat(75)),
        "caps": NO_CAPS,
    }
    return Stay(**{**usual, **facts})


def sheet(bound: Stay, gone_on: str = "2026-12-16", **facts: Any) -> CostSheet:
    return cost_sheet(Reckoning(bound), Occasion(service="S1", gone_on=D(gone_on), vat=Vat(), **facts))


def lines(made: CostSheet) -> list[tuple[str, int]]:
    return [(line.code.value, line.amount_cents) for line in made.lines]


@st.composite
def stays(draw: st.DrawFn) -> Stay:
    start = draw(st.dates(date(2023, 1, 1), date(2027, 12, 31)))
    return Stay(
        start=start,
        committed_until=draw(st.none() | st.integers(1, 1300).map(lambda days: start + timedelta(days=days))),
        fee_cents=draw(st.integers(0, 50000)),
        rule=draw(rules),
        discount=draw(discounts),
        equipment=draw(equipments),
        caps=Caps(whole_contract=draw(st.booleans()), eecc_equipment=draw(st.booleans()), consumer_zero=draw(st.booleans())),
    )


leaving_days = st.dates(date(2023, 1, 1), date(2031, 12, 31))


def test_the_typical_final_bill() -> None:
    bound = stay(rule=BuyoutRule(scale=flat(75), handling_cents=2500), equipment=Equipment(24000, 24))
    advance = Advance(D("2026-10-01"), D("2027-01-01"), 8995)
    made = sheet(bound, advance=advance, usage_cents=1337)
    assert lines(made) == [("BUYOUT", 40478), ("RESIDUAL", 6000), ("HANDLING", 2500), ("USAGE", 1337), ("CREDIT", -4643)]
    (total,) = totals(made.lines)
    assert (total.base_cents, total.vat_cents, total.total_cents) == (45672, 9591, 55263)
    assert made.remaining_fee_cents == 53970
    assert made.caps == ()


def test_a_line_says_how_it_was_reckoned() -> None:
    (line,) = sheet(stay()).lines
    assert (line.code, line.service, line.basis) == (LineCode.BUYOUT, "S1", "contract")
    assert (line.rule, line.formula) == ("line.buyout.started_months", "formula.months")
    assert line.quantity == {"months": 6}
    assert line.parameters == {"months": 6, "fee_cents": 8995, "percentage": "75"}
    assert (line.before_caps, line.unrounded, line.percentage) == ("404.775000", "404.775000", "75")
    assert (line.net_cents, line.vat) == (40478, Vat())


@pytest.mark.parametrize(
    ("method", "gone_on", "amount", "quantity", "formula"),
    [
        (Method.FULL_STARTED, "2026-12-23", 53970, {"months": 6}, "formula.months"),
        (Method.FULL_FLOOR_DAYS, "2026-12-23", 51939, {"months": 5, "days": 24, "of": 31}, "formula.months_and_days"),
        (Method.FULL_FLOOR_DAYS, "2026-12-16", 53970, {"months": 6}, "formula.months"),
        (Method.CAL_DAYS, "2026-12-23", 52084, {"days": 175}, "formula.calendar_days"),
    ],
)
def test_three_ways_to_count_what_remains(method: Method, gone_on: str, amount: int, quantity: dict[str, int], formula: str) -> None:
    (line,) = sheet(stay(rule=BuyoutRule(method=method, scale=flat(100))), gone_on).lines
    assert (line.amount_cents, line.quantity, line.formula) == (amount, quantity, formula)


@pytest.mark.parametrize(
    ("method", "formula"),
    [
        (Method.FULL_STARTED, "formula.months_less_avoided"),
        (Method.FULL_FLOOR_DAYS, "formula.months_and_days_less_avoided"),
        (Method.CAL_DAYS, "formula.calendar_days_less_avoided"),
    ],
)
def test_costs_avoided_come_off_the_buyout_only(method: Method, formula: str) -> None:
    rule = BuyoutRule(method=method, scale=flat(75), avoided_cost_percentage=Decimal(10))
    (line,) = sheet(stay(rule=rule), "2026-12-17").lines
    (full,) = sheet(stay(rule=BuyoutRule(method=method, scale=flat(75))), "2026-12-17").lines
    assert abs(Decimal(line.unrounded) - Decimal(full.unrounded) * 9 / 10) <= Decimal("0.000001")
    assert line.formula == formula
    assert line.parameters["avoided_percentage"] == "10"


BY_MONTH, BY_MOMENT = Scale(ScaleKind.BY_CONTRACT_MONTH, YEARS), Scale(ScaleKind.BY_MOMENT, YEARS)
LATE_BANDS = (Band(13, Decimal(75)), Band(25, Decimal(50)))


@pytest.mark.parametrize(
    ("method", "scale", "gone_on", "found"),
    [
        (Method.FULL_STARTED, BY_MONTH, "2026-12-01", [("75", {"months": 7}), ("50", {"months": 12})]),
        (Method.FULL_STARTED, BY_MOMENT, "2026-12-01", [("75", {"months": 19})]),
        (Method.FULL_STARTED, BY_MOMENT, "2026-06-15", [("100", {"months": 25})]),
        (Method.FULL_STARTED, BY_MOMENT, "2026-06-16", [("75", {"months": 24})]),
        (Method.FULL_STARTED, Scale(ScaleKind.BY_MOMENT, LATE_BANDS), "2026-06-15", []),
        (
            Method.FULL_STARTED,
            Scale(ScaleKind.BY_CONTRACT_MONTH, LATE_BANDS),
            "2026-05-16",
            [("75", {"months": 12}), ("50", {"months": 12})],
        ),
        (Method.CAL_DAYS, BY_MONTH, "2026-12-01", [("75", {"days": 197}), ("50", {"days": 366})]),
        (Method.FULL_FLOOR_DAYS, BY_MONTH, "2026-12-01", [("75", {"months": 7}), ("50", {"months": 11, "days": 15, "of": 30})]),
        (Method.FULL_FLOOR_DAYS, BY_MONTH, "2028-06-01", [("50", {"months": 0, "days": 15, "of": 30})]),
        (Method.FULL_FLOOR_DAYS, BY_MONTH, "2027-06-01", [("75", {"months": 1}), ("50", {"months": 11, "days": 15, "of": 30})]),
    ],
)
def test_declining_scales(method: Method, scale: Scale, gone_on: str, found: list[tuple[str, dict[str, int]]]) -> None:
    bound = stay(committed_until=D("2028-06-16"), rule=BuyoutRule(method=method, scale=scale))
    assert [(line.percentage, line.quantity) for line in sheet(bound, gone_on).lines] == found


@pytest.mark.parametrize(
    ("until", "found"),
    [
        ("2026-06-26", [("100", 8995, {"months": 1}), ("75", 2249, {"months": 0, "days": 10, "of": 30})]),
        ("2026-06-17", [("100", 8995, {"months": 1}), ("75", 225, {"months": 0, "days": 1, "of": 30})]),
        ("2026-06-16", [("100", 8995, {"months": 1})]),
        ("2026-06-15", [("100", 8705, {"months": 0, "days": 30, "of": 31})]),
    ],
)
def test_odd_days_are_priced_in_the_band_they_begin_in(until: str, found: list[tuple[str, int, dict[str, int]]]) -> None:
    bound = stay(committed_until=D(until), rule=BuyoutRule(method=Method.FULL_FLOOR_DAYS, scale=BY_MONTH))
    assert [(line.percentage, line.amount_cents, line.quantity) for line in sheet(bound, "2026-05-16").lines] == found


@pytest.mark.parametrize(
    "bands", [(), (Band(0, Decimal(1)),), (Band(5, Decimal(1)), Band(5, Decimal(2))), (Band(9, Decimal(1)), Band(5, Decimal(2)))]
)
def test_bands_rise(bands: tuple[Band, ...]) -> None:
    with pytest.raises(BandsOutOfOrder) as refused:
        Scale(ScaleKind.BY_MOMENT, bands)
    assert refused.value.facts == {"from_months": [band.from_month for band in bands]}


@pytest.mark.parametrize(
    ("mode", "gone_on", "amount", "rule", "formula"),
    [
        (ClawbackMode.PRO_RATA, "2026-12-16", 4725, "line.clawback.pro_rata", "formula.share"),
        (ClawbackMode.FULL, "2026-12-16", 18900, "line.clawback.full", "formula.whole"),
        (ClawbackMode.FULL, "2027-06-15", 18900, "line.clawback.full", "formula.whole"),
        (ClawbackMode.FULL, "2027-06-16", 0, "", ""),
    ],
)
def test_a_discount_is_claimed_back(mode: ClawbackMode, gone_on: str, amount: int, rule: str, formula: str) -> None:
    made = sheet(stay(rule=BuyoutRule(), discount=Discount(18900, 24, mode)), gone_on)
    assert lines(made) == ([("CLAWBACK", amount)] if amount else [])
    if amount:
        assert (made.lines[0].rule, made.lines[0].formula) == (rule, formula)
        assert made.lines[0].parameters["value_cents"] == 18900


@pytest.mark.parametrize(
    ("mode", "gone_on", "quantity", "amount", "rule"),
    [
        (ResidualMode.MONTHS, "2026-12-20", {"remaining": 6, "total": 24, "unit": "months"}, 6000, "line.residual.months"),
        (ResidualMode.DAYS, "2026-12-20", {"remaining": 178, "total": 730, "unit": "days"}, 5852, "line.residual.days"),
    ],
)
def test_equipment_keeps_a_residual_value(mode: ResidualMode, gone_on: str, quantity: dict[str, Any], amount: int, rule: str) -> None:
    (line,) = sheet(stay(rule=BuyoutRule(), equipment=Equipment(24000, 24, mode)), gone_on).lines
    assert (line.quantity, line.amount_cents, line.rule, line.formula) == (quantity, amount, rule, "formula.share")
    assert line.parameters == {"remaining": quantity["remaining"], "total": quantity["total"], "value_cents": 24000}


def test_equipment_paid_off_is_worth_nothing() -> None:
    equipment = Equipment(24000, 24, ResidualMode.DAYS)
    assert lines(sheet(stay(rule=BuyoutRule(), equipment=equipment), "2027-07-01")) == []


@pytest.mark.parametrize(("gone_on", "charged"), [("2027-06-15", True), ("2027-06-16", False)])
def test_handling_is_for_leaving_early_only(gone_on: str, charged: bool) -> None:  # noqa: FBT001 - a table's column
    made = sheet(stay(rule=BuyoutRule(handling_cents=2500)), gone_on)
    assert lines(made) == ([("HANDLING", 2500)] if charged else [])
    assert lines(sheet(stay(committed_until=None, rule=BuyoutRule(handling_cents=2500)), gone_on)) == []


def test_handling_and_use_are_shown_as_they_are() -> None:
    handling, usage = sheet(stay(rule=BuyoutRule(handling_cents=2500)), usage_cents=843).lines
    assert (handling.rule, handling.formula, handling.parameters, handling.quantity) == (
        "line.handling",
        "formula.whole",
        {"value_cents": 2500},
        {},
    )
    assert (usage.rule, usage.formula, usage.parameters, usage.amount_cents) == ("line.usage", "formula.whole", {"value_cents": 843}, 843)


DEAR = {"rule": BuyoutRule(scale=flat(100), handling_cents=2500), "discount": Discount(9600, 24), "equipment": Equipment(20000, 24)}


@pytest.mark.parametrize(
    ("caps", "fee", "found", "cut"),
    [
        (NO_CAPS, 1000, [("BUYOUT", 6000), ("CLAWBACK", 2400), ("RESIDUAL", 5000), ("HANDLING", 2500)], []),
        (Caps(), 1000, [("CLAWBACK", 1000), ("RESIDUAL", 5000)], [CapKey.WHOLE_CONTRACT]),
        (Caps(), 2000, [("BUYOUT", 2100), ("CLAWBACK", 2400), ("RESIDUAL", 5000), ("HANDLING", 2500)], [CapKey.WHOLE_CONTRACT]),
        (Caps(eecc_equipment=True, whole_contract=False), 1000, [("RESIDUAL", 5000)], [CapKey.EXIT_RIGHT]),
        (Caps(eecc_equipment=True, whole_contract=False), 500, [("RESIDUAL", 3000)], [CapKey.EXIT_RIGHT]),
        (Caps(consumer_zero=True), 1000, [], [CapKey.CONSUMER_ZERO]),
    ],
)
def test_caps_cut_buyout_handling_clawback_residual_in_that_order(
    caps: Caps, fee: int, found: list[tuple[str, int]], cut: list[CapKey]
) -> None:
    made = sheet(stay(fee_cents=fee, caps=caps, **DEAR))
    assert lines(made) == found
    assert [cap.key for cap in made.caps] == [key.value for key in cut]
    assert all(cap.law for cap in made.caps)


def test_the_last_band_is_cut_first() -> None:
    rule = BuyoutRule(scale=Scale(ScaleKind.BY_CONTRACT_MONTH, (Band(1, Decimal(150)), Band(19, Decimal(100)))))
    bound = stay(fee_cents=1000, caps=Caps(), rule=rule)
    assert [(line.before_caps, line.amount_cents) for line in sheet(bound, "2026-10-16").lines] == [
        ("30.000000", 3000),
        ("60.000000", 5000),
    ]


def test_what_is_cut_shows_its_value_before() -> None:
    (line,) = sheet(stay(fee_cents=500, caps=Caps(eecc_equipment=True), **DEAR)).lines
    assert (line.before_caps, line.unrounded) == ("50.000000", "30.000000")


def test_a_cap_that_cuts_nothing_is_not_named() -> None:
    assert sheet(stay(caps=Caps(consumer_zero=True), rule=BuyoutRule())).caps == ()
    assert sheet(stay(caps=Caps(eecc_equipment=True), rule=BuyoutRule(), equipment=Equipment(2400, 24))).caps == ()
    assert sheet(stay(caps=Caps(), rule=BuyoutRule(scale=flat(100)))).caps == ()


@pytest.mark.parametrize(
    ("mode", "parts_of_line", "amount"),
    [
        (CreditMode.CAL, ({"days": 51}, "line.credit.calendar_days", "formula.calendar_days_returned"), -14667),
        (CreditMode.YEAR_365, ({"days": 51}, "line.credit.year_days", "formula.year_days_returned"), -14755),
        (CreditMode.E30_360, ({"days": 51}, "line.credit.commercial_days", "formula.commercial_days_returned"), -14667),
        (CreditMode.MONTHS, ({"months": 1}, "line.credit.months", "formula.months_returned"), -8800),
    ],
)
def test_what_was_paid_in_advance_returns(mode: CreditMode, parts_of_line: tuple[dict[str, int], str, str], amount: int) -> None:
    advance = Advance(D("2026-10-01"), D("2027-01-01"), 8800, mode)
    (line,) = sheet(stay(rule=BuyoutRule()), "2026-11-11", advance=advance).lines
    assert (line.quantity, line.rule, line.formula) == parts_of_line
    assert line.amount_cents == amount
    assert line.parameters == {**parts_of_line[0], "fee_cents": 8800, "from_on": "2026-11-11", "last_on": "2026-12-31"}


@pytest.mark.parametrize(
    ("gone_on", "mode", "months_or_days"),
    [
        ("2027-01-01", CreditMode.CAL, (0, 0)),
        ("2026-11-11", CreditMode.NONE, (0, 0)),
        ("2026-09-01", CreditMode.CAL, (0, 92)),
        ("2026-09-01", CreditMode.MONTHS, (3, 0)),
        ("2026-10-01", CreditMode.MONTHS, (3, 0)),
        ("2026-10-02", CreditMode.MONTHS, (2, 0)),
        ("2026-12-31", CreditMode.MONTHS, (0, 0)),
    ],
)
def test_only_unused_time_returns(gone_on: str, mode: CreditMode, months_or_days: tuple[int, int]) -> None:
    counted = credit(Advance(D("2026-10-01"), D("2027-01-01"), 8800, mode), D(gone_on))
    assert (counted.months, counted.days) == months_or_days


def test_nothing_to_return_is_no_line() -> None:
    advance = Advance(D("2026-10-01"), D("2026-11-01"), 8800)
    assert lines(sheet(stay(rule=BuyoutRule()), advance=advance)) == []


def test_a_credit_runs_from_the_end_of_billing() -> None:
    advance = Advance(D("2026-10-01"), D("2027-01-01"), 3100)
    made = sheet(stay(rule=BuyoutRule()), "2026-12-16", advance=advance, billed_until=D("2026-12-22"))
    assert lines(made) == [("CREDIT", -1000)]


def test_fees_until_billing_ends() -> None:
    made = sheet(stay(rule=BuyoutRule()), "2026-12-16", charged_until=D("2026-12-01"), billed_until=D("2026-12-16"))
    (line,) = made.fees
    assert (line.code, line.amount_cents, line.net_cents, line.quantity) == (LineCode.FEES, 4352, 4352, {"days": 15})
    assert (line.rule, line.formula, line.basis, line.service) == ("line.fees", "formula.period", "contract", "S1")
    assert (line.before_caps, line.unrounded) == ("43.524194", "43.524194")
    facts = {"from_on": "2026-12-01", "last_on": "2026-12-15", "days": 15, "fee_cents": 8995, "proration": "CAL"}
    assert line.parameters == facts


@pytest.mark.parametrize(
    ("charged", "billed", "fee"),
    [(None, "2026-12-16", 100), ("2026-12-01", None, 100), ("2026-12-16", "2026-12-16", 100), ("2026-12-01", "2026-12-16", 0)],
)
def test_no_fees_where_all_is_paid_or_free(charged: str | None, billed: str | None, fee: int) -> None:
    facts = {"charged_until": charged and D(charged), "billed_until": billed and D(billed)}
    assert sheet(stay(rule=BuyoutRule(), fee_cents=fee), "2026-12-16", **facts).fees == ()


def test_a_consumers_lines_add_up_to_the_base() -> None:
    bound = stay(rule=BuyoutRule(scale=flat(50), handling_cents=50), fee_cents=50, caps=NO_CAPS)
    occasion = Occasion(service="S1", gone_on=D("2026-12-16"), vat=Vat(prices_include_vat=True), usage_cents=50)
    made = cost_sheet(Reckoning(bound), occasion)
    assert [(line.amount_cents, line.net_cents) for line in made.lines] == [(150, 125), (50, 41), (50, 41)]
    assert sum(line.net_cents for line in made.lines) == totals(made.lines)[0].base_cents == 207


@given(stays(), leaving_days, vats)
def test_the_sheet_holds(bound: Stay, gone_on: date, vat: Vat) -> None:
    occasion = Occasion(service="S1", gone_on=gone_on, vat=vat, usage_cents=7)
    reckoning = Reckoning(bound)
    made = cost_sheet(reckoning, occasion)
    leaving = reckoning.leaving(gone_on)
    four = [line for line in made.lines if line.code is not LineCode.USAGE]
    assert all(line.amount_cents > 0 for line in four)
    assert sum(total.total_cents for total in totals(made.lines)) >= sum(line.net_cents for line in made.lines)
    assert sum(line.net_cents for line in made.lines) == sum(total.base_cents for total in totals(made.lines))
    assert leaving.after.together <= leaving.before.together
    if bound.caps.whole_contract:
        assert leaving.after.together <= leaving.remaining_fee
        assert sum(line.amount_cents for line in four) <= made.remaining_fee_cents + len(four)
    if bound.caps.consumer_zero:
        assert four == []
    if bound.committed_until is None or gone_on >= bound.committed_until:
        assert {line.code for line in four} <= {LineCode.CLAWBACK, LineCode.RESIDUAL}
    assert with_nets(made.lines) == made.lines


@given(stays(), leaving_days)
def test_leaving_later_never_costs_more_for_what_is_counted_in_months(bound: Stay, gone_on: date) -> None:
    reckoning = Reckoning(bound)
    if bound.rule.scale is None or bound.rule.scale.kind is ScaleKind.PERCENTAGE:
        now, later = reckoning.leaving(gone_on), reckoning.leaving(gone_on + timedelta(days=1))
        if bound.rule.method is not Method.FULL_FLOOR_DAYS:
            assert later.before.together <= now.before.together


@given(stays(), leaving_days)
def test_costs_stay_the_same_until_the_next_change(bound: Stay, gone_on: date) -> None:
    reckoning = Reckoning(bound)
    changes_on = reckoning.next_change(gone_on)
    assert changes_on > gone_on
    last_same = min(changes_on, gone_on + timedelta(days=400)) - timedelta(days=1)
    unit = reckoning.unit
    assert leaving_cents(reckoning.leaving(last_same), unit) == leaving_cents(reckoning.leaving(gone_on), unit)


NEARLY_ALL = Scale(ScaleKind.BY_CONTRACT_MONTH, (Band(1, Decimal(75)), Band(25, Decimal(100))))
BY_DAY = Equipment(60000, 36, ResidualMode.DAYS)


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize(
    "scale", [flat(75), flat(100), BY_MONTH, BY_MOMENT, Scale(ScaleKind.BY_CONTRACT_MONTH, LATE_BANDS), NEARLY_ALL, None]
)
@pytest.mark.parametrize(
    "facts",
    [
        {"equipment": BY_DAY},
        {"equipment": BY_DAY, "caps": Caps()},
        {"discount": Discount(12000, 36), "caps": Caps()},
        {"caps": Caps()},
        {"equipment": Equipment(24000, 36), "caps": Caps()},
        {"caps": Caps(), "fee_cents": 90000, "equipment": BY_DAY},
        {"caps": Caps(eecc_equipment=True), "equipment": BY_DAY},
        {"caps": Caps(consumer_zero=True), "equipment": BY_DAY},
    ],
)
def test_no_day_of_a_contract_is_carried_along_wrongly(method: Method, scale: Scale | None, facts: dict[str, Any]) -> None:
    rule = BuyoutRule(method=method, scale=scale, handling_cents=2500)
    bound = stay(committed_until=D("2028-06-16"), rule=rule, **facts)
    by_day, reckoning = LeavingByDay(Reckoning(bound)), Reckoning(bound)
    for number in range(0, 1200, 2):
        gone_on = D("2025-06-01") + timedelta(days=number)
        assert by_day.on(gone_on) == leaving_cents(reckoning.leaving(gone_on), reckoning.unit), gone_on


@given(stays(), leaving_days, st.integers(1, 90))
def test_day_by_day_costs_are_those_of_the_day(bound: Stay, first: date, length: int) -> None:
    by_day, reckoning = LeavingByDay(Reckoning(bound)), Reckoning(bound)
    for number in range(length):
        gone_on = first + timedelta(days=number)
        assert by_day.on(gone_on) == leaving_cents(reckoning.leaving(gone_on), reckoning.unit), gone_on
