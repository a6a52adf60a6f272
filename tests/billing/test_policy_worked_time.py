"""Worked time is rounded as was agreed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.worked_time import Rounding, Steps, Worked, rounded

NINE = 9 * 3600


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (Rounding.OUTWARD, Worked(NINE, NINE + 1800, 1800)),
        (Rounding.UP, Worked(NINE + 900, NINE + 1800, 900)),
        (Rounding.DOWN, Worked(NINE, NINE + 900, 900)),
        (Rounding.NEAREST, Worked(NINE, NINE + 1800, 1800)),
    ],
)
def test_each_way_of_rounding_to_a_quarter(way: Rounding, expected: Worked) -> None:
    assert rounded(NINE + 7 * 60, NINE + 23 * 60, Steps(begin=15, end=15), way) == expected


def test_half_a_step_goes_down_and_a_second_more_goes_up() -> None:
    assert rounded(NINE, NINE + 450, Steps(duration=15), Rounding.NEAREST).seconds == 0
    assert rounded(NINE, NINE + 451, Steps(duration=15), Rounding.NEAREST).seconds == 900


@given(st.integers(0, 86_399), st.integers(0, 40_000), st.sampled_from([0, 1, 5, 15, 30]), st.sampled_from(list(Rounding)))
def test_outward_never_bills_less_and_whole_steps_stay(begin: int, length: int, step: int, way: Rounding) -> None:
    steps = Steps(begin=step, end=step, duration=step)
    worked = rounded(begin, begin + length, steps, way)
    assert way is not Rounding.OUTWARD or worked.seconds >= length
    assert rounded(worked.begin, worked.end, steps, way) == worked
