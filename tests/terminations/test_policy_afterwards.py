"""What a customer may wish for its numbers, domain name and data when a service ends."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from terminations.policy.afterwards import Leaving, Plan, Thing, Wish, faults, kept_until, things_of

HOSTING, PHONE = UUID(int=1), UUID(int=2)
TODAY, LAST = date(2026, 11, 22), date(2027, 1, 31)
SERVICES = {HOSTING: Leaving((Thing.DOMAIN, Thing.DATA), LAST), PHONE: Leaving((Thing.NUMBER,), LAST)}


def wish(**given: Any) -> Wish:
    usual: dict[str, Any] = {"service_id": HOSTING, "thing": Thing.DATA, "plan": Plan.TAKE_ALONG}
    return Wish(**usual | given)


def test_each_kind_of_thing_can_be_taken_along_for_so_long_after_the_last_day() -> None:
    assert {thing: kept_until(thing, LAST).isoformat() for thing in Thing} == {
        Thing.NUMBER: "2027-03-02",
        Thing.DOMAIN: "2027-03-12",
        Thing.DATA: "2027-03-02",
    }


def test_a_product_leaves_behind_what_it_has() -> None:
    assert things_of(has_numbers=True, is_domain=False, has_data=True) == (Thing.NUMBER, Thing.DATA)
    assert things_of(has_numbers=False, is_domain=False, has_data=False) == ()


@pytest.mark.parametrize("until", [None, TODAY, date(2027, 3, 2)])
def test_an_export_may_be_wanted_from_today_until_data_is_erased(until: date | None) -> None:
    assert faults([wish(until=until)], SERVICES, TODAY) == []


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        (wish(service_id=UUID(int=3)), "/afterwards/0/thing", "not-of-the-service"),
        (wish(thing=Thing.NUMBER), "/afterwards/0/thing", "not-of-the-service"),
        (wish(thing=Thing.DOMAIN, until=LAST), "/afterwards/0/until", "only-for-data"),
        (wish(plan=Plan.LET_GO, until=LAST), "/afterwards/0/until", "only-for-data"),
        (wish(until=date(2026, 11, 21)), "/afterwards/0/until", "not-kept-then"),
        (wish(until=date(2027, 3, 3)), "/afterwards/0/until", "not-kept-then"),
    ],
)
def test_what_cannot_be_is_told_at_its_place(wrong: Wish, pointer: str, code: str) -> None:
    assert [(fault.pointer, fault.code) for fault in faults([wrong], SERVICES, TODAY)] == [(pointer, code)]


def test_one_thing_of_one_service_has_one_plan() -> None:
    told = faults([wish(), wish(thing=Thing.DOMAIN), wish(plan=Plan.LET_GO)], SERVICES, TODAY)

    assert [(fault.pointer, fault.code) for fault in told] == [("/afterwards/2", "twice")]
