"""What an amount below zero takes back of a payment: always so that what stands is what was settled less what was taken back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.accounting import TakenBack, taken_back


@pytest.mark.parametrize(
    ("shares", "found"),
    [
        ([("a", 100)], TakenBack()),
        ([("a", 100), ("b", -100)], TakenBack(("a",))),
        ([("a", 100), ("b", -30)], TakenBack(("a",), 70)),
        ([("a", 100), ("b", -30), ("c", -70)], TakenBack(("b",))),
        ([("a", 50), ("b", 30), ("c", -30)], TakenBack(("b",))),
        ([("a", 50), ("b", 30), ("c", -40)], TakenBack(("b", "a"), 40)),
        ([("a", 50), ("b", -50), ("c", 50), ("d", -50)], TakenBack(("c",))),
        ([("a", 50), ("b", -60)], TakenBack(("a",))),
        ([("b", -60)], TakenBack()),
    ],
)
def test_the_latest_is_taken_back_first(shares: list[tuple[str, int]], found: TakenBack) -> None:
    assert taken_back(shares) == found


@given(st.lists(st.integers(-500, 500).filter(bool), max_size=12))
def test_what_stands_there_is_what_was_settled_less_what_was_taken_back(amounts: list[int]) -> None:
    shares: list[tuple[str, int]] = []
    standing: dict[str, int] = {}
    for nth, cents in enumerate(amounts):
        if cents < 0 and sum(standing.values()) + cents < 0:
            continue  # no more is taken back than was settled
        shares.append((str(nth), cents))
        found = taken_back(shares)
        if cents > 0:
            assert found == taken_back(shares[:-1]) or not found.keys or shares[-1][0] not in found.keys
            standing[str(nth)] = cents
            continue
        assert all(standing.pop(key) for key in found.keys)
        if found.rest_cents:
            standing[str(nth)] = found.rest_cents
        assert sum(standing.values()) == sum(cents for _key, cents in shares)
