"""When the cost of leaving changes next, and what is left to count, day by day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.policy.agreed import Method, ResidualMode, ScaleKind
from billing.policy.charges import PARTS_OF_MONTH
from terminations.policy.buyout import Costs, Counted, Reckoning, Stay
from terminations.policy.facts import Band, BuyoutRule, Caps, Discount, Equipment, Scale, flat
from terminations.policy.leaving_by_day import LeavingByDay, LeavingCents, leaving_cents
from tests.terminations.facts import D


def reckoning(method: Method = Method.FULL_STARTED, scale: Scale | None = None, **facts: Any) -> Reckoning:
    """Two years from 16 June 2025 at 89.95 a month, at 75 % unless a scale is given."""
    rule = BuyoutRule(method=method, scale=scale or flat(75), handling_cents=2500)
    usual = {"start": D("2025-06-16"), "committed_until": D("2027-06-16"), "fee_cents": 8995, "rule": rule, "caps": Caps()}
    return Reckoning(Stay(**{**usual, **facts}))


BY_DAY: dict[str, Any] = {"equipment": Equipment(24000, 24, ResidualMode.DAYS), "committed_until": None}
BY_MONTH: dict[str, Any] = {"equipment": Equipment(24000, 24, ResidualMode.MONTHS), "committed_until": None}


@pytest.mark.parametrize(
    ("made", "gone_on", "changes_on"),
    [
        (reckoning(), "2026-12-15", "2026-12-16"),  # the day before a month drops out
        (reckoning(), "2026-12-16", "2027-01-16"),
        (reckoning(), "2026-12-17", "2027-01-16"),
        (reckoning(), "2027-06-15", "2027-06-16"),
        (reckoning(), "2027-06-16", None),  # nothing binds any more
        (reckoning(Method.FULL_FLOOR_DAYS), "2026-12-17", "2026-12-18"),
        (reckoning(Method.CAL_DAYS), "2027-06-15", "2027-06-16"),
        (reckoning(Method.CAL_DAYS), "2027-06-16", None),
        (reckoning(Method.CAL_DAYS, committed_until=None), "2026-12-17", None),
        (reckoning(Method.CAL_DAYS, **BY_MONTH), "2026-12-17", "2027-01-16"),
        (reckoning(**BY_DAY), "2026-12-17", "2026-12-18"),
        (reckoning(**BY_DAY), "2027-06-15", "2027-06-16"),
        (reckoning(**BY_DAY), "2027-06-16", None),
    ],
)
def test_what_leaving_costs_is_the_same_until_it_changes(made: Reckoning, gone_on: str, changes_on: str | None) -> None:
    assert made.next_change(D(gone_on)) == (date.max if changes_on is None else D(changes_on))


@pytest.mark.parametrize(("gone_on", "begins"), [("2026-06-15", "2026-06-16"), ("2026-06-16", "2026-07-16")])
def test_a_band_that_has_begun_begins_no_more(gone_on: str, begins: str) -> None:
    two_bands = Scale(ScaleKind.BY_MOMENT, (Band(1, Decimal(100)), Band(13, Decimal(50))))
    assert reckoning(scale=two_bands).next_jump(D(gone_on)) == D(begins)


@pytest.mark.parametrize(
    ("method", "gone_on", "left"),
    [
        (Method.FULL_STARTED, "2026-12-23", Counted(6 * PARTS_OF_MONTH, 6)),
        (Method.FULL_FLOOR_DAYS, "2027-05-31", Counted(16 * PARTS_OF_MONTH // 30, 0, 16, 30)),
        (Method.CAL_DAYS, "2027-05-31", Counted(PARTS_OF_MONTH // 31 + PARTS_OF_MONTH // 2, 0, 16)),
        (Method.CAL_DAYS, "2027-06-16", Counted(0)),
        (Method.CAL_DAYS, "2027-06-17", Counted(0)),
    ],
)
def test_what_remains_is_counted_to_the_day(method: Method, gone_on: str, left: Counted) -> None:
    assert reckoning(method).remaining(D(gone_on)) == left


def test_nothing_remains_and_nothing_is_handled_where_nothing_binds() -> None:
    free, over = reckoning(committed_until=None), D("2027-06-16")
    assert free.remaining(over) == Counted(0)
    assert free.handling(over) == reckoning().handling(over) == 0
    assert reckoning().handling(D("2027-06-15")) == 2500 * reckoning().unit


@pytest.mark.parametrize(
    ("kind", "gone_on", "months_charged"),
    [
        (ScaleKind.BY_MOMENT, "2026-05-16", []),
        (ScaleKind.BY_MOMENT, "2026-06-16", [12]),
        (ScaleKind.BY_CONTRACT_MONTH, "2026-05-16", [12]),
        (ScaleKind.BY_CONTRACT_MONTH, "2026-06-16", [12]),
    ],
)
def test_months_before_the_only_band_cost_nothing(kind: ScaleKind, gone_on: str, months_charged: list[int]) -> None:
    made = reckoning(scale=Scale(kind, (Band(13, Decimal(75)),)))
    assert [band.counted.months for band in made.leaving(D(gone_on)).bands] == months_charged


@pytest.mark.parametrize(
    ("kind", "from_month", "gone_on", "months_charged"),
    [
        (ScaleKind.PERCENTAGE, 1, "2025-06-01", [25]),
        (ScaleKind.BY_MOMENT, 1, "2025-06-01", [25]),
        (ScaleKind.BY_MOMENT, 2, "2025-07-15", []),
        (ScaleKind.BY_MOMENT, 2, "2025-07-16", [23]),
        (ScaleKind.BY_CONTRACT_MONTH, 1, "2025-06-01", [25]),
        (ScaleKind.BY_CONTRACT_MONTH, 2, "2025-06-16", [23]),
    ],
)
def test_the_first_band_holds_before_the_start_too_a_later_one_from_its_month(
    kind: ScaleKind, from_month: int, gone_on: str, months_charged: list[int]
) -> None:
    made = reckoning(scale=Scale(kind, (Band(from_month, Decimal(75)),)))
    assert [band.counted.months for band in made.leaving(D(gone_on)).bands] == months_charged


def test_a_cap_to_nothing_leaves_not_a_fraction_of_a_cent() -> None:
    left_early, two_bands = D("2026-12-17"), Scale(ScaleKind.BY_CONTRACT_MONTH, (Band(1, Decimal(100)), Band(20, Decimal(50))))
    costly: dict[str, Any] = {"scale": two_bands, "discount": Discount(18900, 24), "equipment": Equipment(24000, 24)}
    nothing_owed = reckoning(**costly, caps=Caps(consumer_zero=True)).leaving(left_early)
    only_equipment = reckoning(**costly, caps=Caps(eecc_equipment=True)).leaving(left_early)
    assert min(*nothing_owed.before.buyout, *nothing_owed.before[1:]) > 0
    assert nothing_owed.after == Costs((0, 0), 0, 0, 0)
    assert only_equipment.after == Costs((0, 0), 0, 0, only_equipment.before.residual)


@pytest.mark.parametrize("method", list(Method))
def test_a_service_without_a_fee_costs_nothing_to_leave_on_any_day(method: Method) -> None:
    by_day = LeavingByDay(reckoning(rule=BuyoutRule(method=method, scale=flat(75)), fee_cents=0))
    assert {by_day.on(D("2026-12-01") + timedelta(days=number)) for number in range(240)} == {LeavingCents(0, 0, 0, 0)}


@pytest.mark.parametrize("method", list(Method))
def test_on_a_right_to_leave_equipment_never_costs_more_than_the_fees_left_on_any_day(method: Method) -> None:
    made = reckoning(
        rule=BuyoutRule(method=method),
        caps=Caps(whole_contract=False, eecc_equipment=True),
        equipment=Equipment(24000, 36, ResidualMode.DAYS),
    )
    by_day = LeavingByDay(made)
    for number in range(240):
        gone_on = D("2026-12-01") + timedelta(days=number)
        assert by_day.on(gone_on) == leaving_cents(made.leaving(gone_on), made.unit), gone_on
