"""A schedule of instalments: spread evenly to the cent, and read as people type it."""

from __future__ import annotations

from datetime import date

import pytest

from billing.policy.instalments import MOST, Ended, Every, Instalment, ended, spread, typed, written
from partner_portal.kernel.errors import Invalid

FIRST = date(2027, 1, 31)


def test_the_first_instalments_are_a_cent_more_and_months_come_back_to_the_last_day() -> None:
    made = spread(100_00, 3, FIRST, Every.MONTH)

    assert made == (Instalment(FIRST, 33_34), Instalment(date(2027, 2, 28), 33_33), Instalment(date(2027, 3, 31), 33_33))


def test_nothing_is_spread_over_more_days_than_there_are_cents() -> None:
    assert spread(2, 3, FIRST, Every.WEEK) == (Instalment(FIRST, 1), Instalment(date(2027, 2, 7), 1))


@pytest.mark.parametrize(
    ("open_cents", "due_cents", "is_written_off", "is_credited", "how"),
    [
        (300_00, 0, False, False, None),
        (200_00, 100_00, False, False, None),
        (200_00, 100_01, False, False, Ended.BROKEN),
        (1, 300_00, False, False, Ended.BROKEN),
        (0, 300_00, False, False, Ended.KEPT),
        (0, 0, False, False, Ended.KEPT),  # all at once, before the first day
        (0, 0, True, False, Ended.WRITTEN_OFF),
        (0, 300_00, True, False, Ended.WRITTEN_OFF),  # a part was paid, and the rest given up
        (0, 100_00, False, True, Ended.CREDITED),
        (0, 100_00, True, True, Ended.WRITTEN_OFF),  # one given up and another credited: not all of it was taken back
        (200_00, 100_00, True, False, None),  # one of its invoices was given up, another is still paid
        (200_00, 100_01, True, False, Ended.BROKEN),
    ],
)
def test_a_plan_ends_as_what_happened_to_it(
    open_cents: int, due_cents: int, *, is_written_off: bool, is_credited: bool, how: Ended | None
) -> None:
    assert ended(300_00, open_cents, due_cents, is_written_off=is_written_off, is_credited=is_credited) is how


def test_what_is_written_reads_as_it_was() -> None:
    made = spread(1_234_567, 4, FIRST, Every.FORTNIGHT)

    assert typed(written(made)) == made


@pytest.mark.parametrize(
    ("said", "cents"),
    [
        ("150", 150_00), ("150,5", 150_50), ("150.05", 150_05), ("1.500", 1_500_00), ("1.500,00", 1_500_00), ("1.234.567,89", 1_234_567_89),
        ("EUR 12,00", 12_00), ("€ 12", 12_00),
    ],
)  # fmt: skip
def test_amounts_are_read_with_comma_or_point(said: str, cents: int) -> None:
    assert typed(f"31-1-2027 {said}") == (Instalment(FIRST, cents),)
    assert typed(f"2027-01-31: {said}") == (Instalment(FIRST, cents),)


@pytest.mark.parametrize(
    "line",
    [
        "31-1-2027 1.2.3", "31-1-2027 12.345.6", "31-1-2027 10,555", "31-1-2027 10.5555", "31-1-2027 1.23,45", "31-1-2027 1500.00,00",
        "31-1-2027 0", "31-1-2027 1.", "31-2-2027 10", "10 31-1-2027", "morgen 10", f"31-1-2027 {'9' * 12}",
    ],
)  # fmt: skip
def test_a_line_that_says_something_else_is_named(line: str) -> None:
    with pytest.raises(Invalid) as refused:
        typed(f"30-1-2027 10\n{line}")

    assert [(one.pointer, one.code, one.facts["line"]) for one in refused.value.fields] == [("/schedule", "not-an-instalment", 2)]


def test_more_lines_than_a_plan_holds_are_refused() -> None:
    with pytest.raises(Invalid):
        typed("31-1-2027 10\n" * (MOST + 1))
