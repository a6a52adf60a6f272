"""A quote knows what it was computed from, and which input changed since."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from billing.policy.terms import Notice
from terminations.policy.facts import Asked, ServiceFacts
from terminations.policy.inputs import ChangedInput, canonical_inputs, changed_inputs
from tests.terminations.facts import D, asked, requests, service, services, terms


def test_the_same_facts_in_another_order_are_the_same() -> None:
    first, second = service("A"), service("B")
    assert canonical_inputs([first, second], asked()) == canonical_inputs([second, first], asked())


def test_looking_again_tomorrow_changes_nothing() -> None:
    assert canonical_inputs([service()], asked()) == canonical_inputs([service()], asked(today=D("2026-11-23")))


@pytest.mark.parametrize(
    ("then", "now", "changed"),
    [
        (service(), service(monthly_fee_cents=9995), ChangedInput("services.S1.monthly_fee_cents", 8995, 9995)),
        (service(), service(contract=terms(notice=Notice(3))), ChangedInput("services.S1.terms.notice.n", 1, 3)),
        (service(), service(paid_until=D("2027-01-01")), ChangedInput("services.S1.paid_until", "2026-12-01", "2027-01-01")),
        (service(), service(bundle="b"), ChangedInput("services.S1.bundle", None, "b")),
    ],
)
def test_what_changed_is_named(then: ServiceFacts, now: ServiceFacts, changed: ChangedInput) -> None:
    assert changed_inputs(canonical_inputs([then], asked()), canonical_inputs([now], asked())) == (changed,)


def test_a_wish_that_changed_is_named() -> None:
    then, now = canonical_inputs([service()], asked()), canonical_inputs([service()], asked(wished_on="2027-01-01", early=True))
    assert changed_inputs(then, now) == (
        ChangedInput("asked.early", then=False, now=True),
        ChangedInput("asked.wished_on", None, "2027-01-01"),
    )


def test_a_service_that_came_or_went_is_one_change() -> None:
    one, both = canonical_inputs([service("A")], asked()), canonical_inputs([service("A"), service("B")], asked())
    (came,), (went,) = changed_inputs(one, both), changed_inputs(both, one)
    assert (came.key, came.then, came.now["name"]) == ("services.B", None, "Service B")
    assert (went.key, went.then["name"], went.now) == ("services.B", "Service B", None)


@given(services(), requests)
def test_what_was_stored_can_be_read_back(facts: ServiceFacts, request: Asked) -> None:
    stored = canonical_inputs([facts], request)
    read = msgspec.convert(msgspec.json.decode(stored)["services"]["S1"], ServiceFacts)
    assert changed_inputs(stored, canonical_inputs([read], request)) == ()
