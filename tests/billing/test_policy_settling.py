"""A payment is divided as the debtor says, else the oldest first."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from billing.policy.settling import Claim, MoreThanLeft, MoreThanOpen, Share, divide, must_fit, take_back

A, B, C = (UUID(int=nth) for nth in (1, 2, 3))
CLAIMS = [
    Claim(invoice=A, number="F-2", due_on=date(2026, 11, 30), open_cents=100),
    Claim(invoice=B, number="F-1", due_on=date(2026, 10, 31), open_cents=50),
    Claim(invoice=C, number="F-3", due_on=date(2026, 10, 31), open_cents=25),
]


@pytest.mark.parametrize(
    ("cents", "indicated", "shares", "left"),
    [
        (175, None, [(B, 50), (C, 25), (A, 100)], 0),
        (60, None, [(B, 50), (C, 10)], 0),
        (200, None, [(B, 50), (C, 25), (A, 100)], 25),
        (60, [A], [(A, 60)], 0),
        (160, [A], [(A, 100)], 60),
        (160, [C, A], [(C, 25), (A, 100)], 35),
        (30, [C, C], [(C, 25)], 5),
        (30, [], [], 30),
        (30, [UUID(int=9)], [], 30),
    ],
)
def test_the_debtor_decides_else_what_fell_due_first(
    cents: int, indicated: list[UUID] | None, shares: list[tuple[UUID, int]], left: int
) -> None:
    division = divide(cents, CLAIMS, indicated)

    assert ([(share.invoice, share.cents) for share in division.shares], division.left_cents) == (shares, left)


def test_what_is_settled_already_takes_nothing() -> None:
    settled = Claim(invoice=A, number="F-2", due_on=date(2026, 1, 1), open_cents=0)

    assert divide(10, [settled], [A]).left_cents == 10


@pytest.mark.parametrize(
    ("shares", "left", "error"),
    [
        ([Share(A, 101)], 500, MoreThanOpen),
        ([Share(A, 60), Share(A, 41)], 500, MoreThanOpen),
        ([Share(A, 0)], 500, MoreThanOpen),
        ([Share(A, -5)], 500, MoreThanOpen),
        ([Share(C, 5)], 500, MoreThanOpen),
        ([Share(A, 60), Share(B, 41)], 100, MoreThanLeft),
    ],
)
def test_more_than_there_is_does_not_fit(shares: list[Share], left: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        must_fit(shares, {A: 100, B: 50}, left)


def test_what_goes_back_is_taken_from_the_account_first_then_from_what_was_settled_last() -> None:
    assert take_back(30, 10, [Share(A, 15), Share(B, 15)]) == (Share(B, 15), Share(A, 5))
    assert take_back(10, 10, [Share(A, 15)]) == ()
    with pytest.raises(MoreThanLeft):
        take_back(50, 10, [Share(A, 15)])
