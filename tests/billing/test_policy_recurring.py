"""Which days of a service are billed when, and what they cost."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy import recurring
from billing.policy.charges import Proration
from billing.policy.recurring import Billed, PriceFrom
from partner_portal.kernel.dates import ONE_DAY, add_months, days_in_month
from partner_portal.kernel.money import round_half_up

D = date.fromisoformat
CAL, YEAR_365, E30_360, NONE = Proration.CAL, Proration.YEAR_365, Proration.E30_360, Proration.NONE
ALWAYS = date(2000, 1, 1)


def service(starts_on: str, paid_until: str = "", **terms: Any) -> Billed:
    return Billed(starts_on=D(starts_on), paid_until=D(paid_until or starts_on), **terms)


def days(of: Billed, on: str) -> list[tuple[str, str]]:
    return [(part.days.start.isoformat(), part.days.until.isoformat()) for part in recurring.due(of, D(on))]


def test_a_service_begun_on_the_31st_keeps_its_31st() -> None:
    assert days(service("2026-01-31"), "2026-05-31") == [
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-31"),
        ("2026-03-31", "2026-04-30"),
        ("2026-04-30", "2026-05-31"),
        ("2026-05-31", "2026-06-30"),
    ]


@pytest.mark.parametrize(
    ("in_advance", "on", "expected"),
    [
        (True, "2026-11-30", []),
        (True, "2026-12-01", [("2026-12-01", "2027-01-01")]),
        (True, "2026-12-31", [("2026-12-01", "2027-01-01")]),
        (False, "2026-12-31", []),
        (False, "2027-01-01", [("2026-12-01", "2027-01-01")]),
        (False, "2027-02-01", [("2026-12-01", "2027-01-01"), ("2027-01-01", "2027-02-01")]),
    ],
)
def test_a_period_is_due_on_its_first_day_in_advance_and_after_its_last_in_arrears(
    *, in_advance: bool, on: str, expected: list[tuple[str, str]]
) -> None:
    assert days(service("2024-01-01", "2026-12-01", in_advance=in_advance), on) == expected


def test_the_first_bill_holds_the_broken_month_and_the_next_whole_one() -> None:
    begun = service("2026-12-16", cycle_day=1)

    assert days(begun, "2026-12-15") == []
    assert days(begun, "2026-12-16") == [("2026-12-16", "2027-01-01"), ("2027-01-01", "2027-02-01")]
    assert days(service("2026-12-16", "2027-02-01", cycle_day=1), "2027-01-31") == []


def test_in_arrears_a_broken_month_is_billed_by_itself() -> None:
    assert days(service("2026-12-16", cycle_day=1, in_advance=False), "2027-01-01") == [("2026-12-16", "2027-01-01")]


@pytest.mark.parametrize(
    ("ends", "on", "expected"),
    [
        ("2026-12-16", "2026-12-01", [("2026-12-01", "2026-12-16")]),
        ("2027-01-01", "2027-06-01", [("2026-12-01", "2027-01-01")]),
        ("2026-12-01", "2027-06-01", []),
        ("2026-06-01", "2027-06-01", []),
    ],
)
def test_nothing_is_billed_after_billing_has_ended(ends: str, on: str, expected: list[tuple[str, str]]) -> None:
    assert days(service("2024-01-01", "2026-12-01", ends=D(ends)), on) == expected


def test_quarters_and_years_keep_their_months() -> None:
    assert days(service("2025-11-15", "2026-11-15", months=3), "2027-02-15") == [("2026-11-15", "2027-02-15"), ("2027-02-15", "2027-05-15")]
    assert days(service("2024-02-29", "2026-02-28", months=12), "2026-02-28") == [("2026-02-28", "2027-02-28")]
    assert days(service("2024-02-29", "2028-01-31", months=12), "2028-02-29")[-1] == ("2028-02-29", "2029-02-28")


def test_days_billed_up_to_the_middle_of_a_period_are_caught_up_by_days() -> None:
    assert days(service("2024-01-15", "2026-12-01"), "2026-12-15") == [("2026-12-01", "2026-12-15"), ("2026-12-15", "2027-01-15")]


def test_a_service_that_begins_later_is_not_billed_before() -> None:
    assert days(service("2027-01-15", "2026-12-01"), "2027-01-14") == []
    assert days(service("2027-01-15", "2026-12-01"), "2027-01-15") == [("2027-01-15", "2027-02-15")]


def billed(of: Billed, on: str, *prices: tuple[str, int]) -> list[tuple[str, str, int]]:
    """The first stretch as it is billed: first day, last day, cents."""
    stretch = recurring.due(of, D(on))[0]
    found = recurring.pieces(of, stretch, [PriceFrom(D(since) if since else ALWAYS, cents) for since, cents in prices])
    return [(piece.days.start.isoformat(), piece.days.last_day.isoformat(), piece.amount_cents) for piece in found]


@pytest.mark.parametrize(("proration", "cents"), [(CAL, 4643), (YEAR_365, 4732), (E30_360, 4498), (NONE, 8995)])
def test_half_of_december_costs_what_the_contract_counts(proration: Proration, cents: int) -> None:
    begun = service("2026-12-16", cycle_day=1, proration=proration)

    assert billed(begun, "2026-12-16", ("", 8995)) == [("2026-12-16", "2026-12-31", cents)]


def test_a_whole_period_costs_its_months_times_all_units() -> None:
    assert billed(service("2024-01-15", "2026-10-15", months=3, quantity=4), "2026-12-15", ("", 8995)) == [
        ("2026-10-15", "2027-01-14", 4 * 3 * 8995)
    ]


def test_a_new_price_splits_the_period_at_its_day() -> None:
    dear = billed(service("2024-01-01", "2026-12-01"), "2026-12-01", ("", 3100), ("2026-12-11", 6200))

    assert dear == [("2026-12-01", "2026-12-10", 1000), ("2026-12-11", "2026-12-31", 4200)]


def test_a_price_that_changes_on_the_first_day_of_a_period_splits_nothing() -> None:
    assert billed(service("2024-01-01", "2026-12-01"), "2026-12-01", ("", 3100), ("2026-12-01", 6200)) == [
        ("2026-12-01", "2026-12-31", 6200)
    ]
    assert billed(service("2024-01-01", "2026-12-01"), "2026-12-01", ("", 3100), ("2027-01-01", 6200)) == [
        ("2026-12-01", "2026-12-31", 3100)
    ]


def test_two_prices_in_one_period_make_three_lines() -> None:
    made = billed(service("2024-01-01", "2026-12-01"), "2026-12-01", ("", 3100), ("2026-12-02", 31000), ("2026-12-31", 310))

    assert made == [("2026-12-01", "2026-12-01", 100), ("2026-12-02", "2026-12-30", 29000), ("2026-12-31", "2026-12-31", 10)]


def test_a_contract_of_whole_months_takes_its_new_price_with_the_next_one() -> None:
    whole_months = service("2024-01-01", "2026-12-01", proration=NONE)

    assert billed(whole_months, "2026-12-01", ("", 3100), ("2026-12-11", 6200)) == [("2026-12-01", "2026-12-31", 3100)]


@pytest.mark.parametrize("proration", [CAL, YEAR_365, E30_360])
def test_a_month_but_a_day_never_costs_more_than_the_month(proration: Proration) -> None:
    begun = service("2026-01-15", "2026-01-16", proration=proration)

    (first,) = billed(begun, "2026-01-16", ("", 10000))

    assert first[:2] == ("2026-01-16", "2026-02-14")
    assert first[2] < 10000


def test_what_was_due_more_than_a_year_ago_is_for_a_person_to_look_at() -> None:
    assert not recurring.far_behind(service("2024-01-01", "2025-12-01"), D("2026-12-01"))
    assert recurring.far_behind(service("2024-01-01", "2025-12-01"), D("2026-12-02"))
    assert not recurring.far_behind(service("2024-01-01", "2025-01-01", months=12, in_advance=False), D("2026-12-31"))
    assert not recurring.far_behind(service("2024-01-01", "2025-12-01", ends=D("2025-12-01")), D("2027-11-30"))


services = st.builds(
    lambda start, months, day, in_advance, proration, quantity, life: Billed(
        starts_on=start,
        paid_until=start,
        months=months,
        cycle_day=day,
        in_advance=in_advance,
        proration=proration,
        quantity=quantity,
        ends=None if life is None else start + timedelta(days=life),
    ),
    st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    st.sampled_from([1, 2, 3, 6, 12]),
    st.none() | st.integers(1, 31),
    st.booleans(),
    st.sampled_from(list(Proration)),
    st.integers(1, 5),
    st.none() | st.integers(1, 900),
)


@given(services, st.lists(st.integers(0, 200), min_size=1, max_size=6))
def test_days_are_billed_once_and_none_is_skipped_whenever_the_run_comes(of: Billed, pauses: list[int]) -> None:
    now, found = of.starts_on, []
    paid_until = of.starts_on
    for pause in pauses:
        now += timedelta(days=pause)
        for part in recurring.due(Billed(**{**_terms(of), "paid_until": paid_until}), now):
            found.append(part)
            paid_until = part.days.until
    assert not found or found[0].days.start == of.starts_on
    assert all(before.days.until == after.days.start for before, after in pairwise(found))
    assert all(part.days.days for part in found)
    owed = now if of.ends is None else min(now, of.ends - ONE_DAY)
    if of.in_advance:
        assert owed < of.starts_on or paid_until > owed
    else:
        assert paid_until <= max(now, of.starts_on)


def _terms(of: Billed) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__struct_fields__}


@given(services, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 20_000)), max_size=4, unique_by=lambda change: change[0]))
def test_pieces_tile_their_stretch_each_at_its_price(of: Billed, changes: list[tuple[int, int]]) -> None:
    prices = [PriceFrom(ALWAYS, 5000), *(PriceFrom(of.starts_on + timedelta(days=after), cents) for after, cents in sorted(changes))]
    for stretch in recurring.due(of, add_months(of.starts_on, 15)):
        made = recurring.pieces(of, stretch, prices)
        assert (made[0].days.start, made[-1].days.until) == (stretch.days.start, stretch.days.until)
        assert all(before.days.until == after.days.start for before, after in pairwise(made))
        for piece in made:
            valid = [price.cents for price in prices if price.since <= piece.days.start][-1]
            assert piece.monthly_cents == valid * of.quantity
            assert 0 <= piece.amount_cents <= valid * of.quantity * of.months


@given(services, st.integers(1, 400), st.integers(1, 100_000))
def test_a_period_split_at_a_price_that_stays_the_same_costs_the_same(of: Billed, after: int, cents: int) -> None:
    change = PriceFrom(of.starts_on + timedelta(days=after), cents)
    for stretch in recurring.due(of, add_months(of.starts_on, 15)):
        unsplit = sum(piece.amount_cents for piece in recurring.pieces(of, stretch, [PriceFrom(ALWAYS, cents)]))
        split = recurring.pieces(of, stretch, [PriceFrom(ALWAYS, cents), change])
        assert abs(unsplit - sum(piece.amount_cents for piece in split)) <= len(split) - 1


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(1, 1200), st.integers(1, 100_000))
def test_calendar_months_cost_each_day_its_part_of_its_month(start: date, life: int, cents: int) -> None:
    of = Billed(starts_on=start, paid_until=start, cycle_day=1, ends=start + timedelta(days=life))

    made = [piece for part in recurring.due(of, date(2040, 1, 1)) for piece in recurring.pieces(of, part, [PriceFrom(ALWAYS, cents)])]

    by_month: dict[tuple[int, int], Fraction] = {}
    for after in range(life):
        day = start + timedelta(days=after)
        by_month[day.year, day.month] = by_month.get((day.year, day.month), Fraction(0)) + Fraction(cents, days_in_month(day))
    assert [piece.amount_cents for piece in made] == [round_half_up(month.numerator, month.denominator) for month in by_month.values()]
