"""A payment settles costs, interest, principal; collection costs follow the statutory scale; a consumer is warned first."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy import collection
from billing.policy.collection import Debt, ReceiptUnknown

D = date.fromisoformat
OLD = Debt(id="A", due_on=D("2026-10-15"), costs_cents=4000, interest_cents=205, principal_cents=12100)
NEW = Debt(id="B", due_on=D("2026-11-15"), interest_cents=110, principal_cents=8995)

debts = st.lists(
    st.builds(
        Debt,
        id=st.text("ABCDE", min_size=1, max_size=3),
        due_on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
        costs_cents=st.integers(0, 10**5),
        interest_cents=st.integers(0, 10**5),
        principal_cents=st.integers(0, 10**6),
    ),
    max_size=6,
)


def test_the_oldest_debt_is_settled_first_costs_before_interest_before_principal() -> None:
    allocation = collection.allocate(5000, [NEW, OLD])
    first, second = allocation.settled
    assert (first.id, first.costs_cents, first.interest_cents, first.principal_cents, first.open_cents) == ("A", 4000, 205, 795, 11305)
    assert (second.id, second.open_cents) == ("B", 9105)
    assert allocation.left_cents == 0


def test_the_payer_may_indicate_another() -> None:
    allocation = collection.allocate(12000, [OLD, NEW], indicated="B")
    assert [settled.id for settled in allocation.settled] == ["B", "A"]
    assert allocation.settled[0].open_cents == 0
    assert allocation.settled[1].costs_cents == 2895


def test_what_is_too_much_stays_on_account() -> None:
    assert collection.allocate(30000, [OLD]).left_cents == 30000 - 16305


@given(st.integers(0, 10**7), debts)
def test_no_cent_of_a_payment_is_lost(payment: int, owed: list[Debt]) -> None:
    allocation = collection.allocate(payment, owed)
    settled = sum(part.costs_cents + part.interest_cents + part.principal_cents for part in allocation.settled)
    assert settled + allocation.left_cents == payment
    total = sum(debt.costs_cents + debt.interest_cents + debt.principal_cents for debt in owed)
    assert sum(part.open_cents for part in allocation.settled) == total - settled
    assert allocation.left_cents >= 0


@pytest.mark.parametrize(
    ("principal", "costs"),
    [
        (1000, 4000),
        (26666, 4000),
        (26670, 4001),
        (55263, 8289),
        (250000, 37500),
        (500000, 62500),
        (1000000, 87500),
        (2500000, 102500),
        (20000000, 277500),
        (200000000, 677500),
    ],
)
def test_collection_costs_by_the_statutory_scale(principal: int, costs: int) -> None:
    assert collection.collection_costs([principal]) == costs


def test_half_a_per_cent_is_rounded_from_nothing_but_itself() -> None:
    assert collection.collection_costs([20000099]) == 277500
    assert collection.collection_costs([20000100]) == 277501


def test_claims_are_added_before_the_scale_is_read() -> None:
    assert collection.collection_costs([499999, 2]) == collection.collection_costs([500001]) == 62500


@pytest.mark.parametrize("principals", [[], [0], [50_000, -50_000], [-1]])
def test_where_nothing_is_owed_nothing_is_charged_for_collecting_it(principals: list[int]) -> None:
    assert collection.collection_costs(principals) == 0


@given(st.integers(1, 10**9), st.integers(0, 10**6))
def test_costs_stay_between_their_bounds_and_never_fall(principal: int, more: int) -> None:
    costs = collection.collection_costs([principal])
    assert 4000 <= costs <= 677500
    assert costs <= collection.collection_costs([principal + more])


def test_a_business_owes_costs_from_the_day_after_the_due_date() -> None:
    assert collection.business_costs_from(D("2026-11-30")) == D("2026-12-01")


@pytest.mark.parametrize(
    ("received", "sent", "days"),
    [
        ("2026-11-05", None, ("2026-11-05", "2026-11-19", "2026-11-19", "2026-11-20")),
        ("2027-03-12", None, ("2027-03-12", "2027-03-26", "2027-03-30", "2027-03-31")),
        (None, "2026-12-23", ("2026-12-28", "2027-01-11", "2027-01-11", "2027-01-12")),
    ],
)
def test_the_fourteen_days_run_from_the_day_after_receipt(received: str | None, sent: str | None, days: tuple[str, ...]) -> None:
    letter = collection.fourteen_day_letter(received_on=received and D(received), sent_on=sent and D(sent))  # type: ignore[arg-type]
    assert (letter.received_on, letter.fourteenth_day, letter.last_day_to_pay, letter.costs_from) == tuple(map(D, days))


def test_assumed_delivery_and_holidays_are_parameters() -> None:
    letter = collection.fourteen_day_letter(
        sent_on=D("2026-05-13"), assumed_delivery_days=1, extra_holidays=frozenset({D("2026-05-15"), D("2026-06-01")})
    )
    assert letter.received_on == D("2026-05-18")
    assert letter.last_day_to_pay == D("2026-06-02")


def test_a_letter_nobody_sent_starts_no_term() -> None:
    with pytest.raises(ReceiptUnknown):
        collection.fourteen_day_letter()


def test_a_consumer_owes_costs_only_after_the_last_day() -> None:
    letter = collection.fourteen_day_letter(received_on=D("2026-11-05"))
    assert collection.consumer_costs_due(letter, D("2026-11-19"), [55263]) == 0
    assert collection.consumer_costs_due(letter, D("2026-11-20"), [55263]) == 8289
