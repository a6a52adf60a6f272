"""A consumer takes a contract back within its cooling-off period: nothing is owed, everything paid comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from billing.policy.agreed import Channel, CreditMode
from billing.policy.tax import Vat
from tenants.policy import Segment
from terminations.policy.buyout import CapKey
from terminations.policy.cost_sheet import LineCode
from terminations.policy.facts import Asked, Discount, Equipment, Ground, ServiceFacts
from terminations.policy.preview import EndKind, ServicePreview, preview
from tests.terminations.facts import D, asked, requests, service, services, terms

STARTED = D("2026-11-15")
FRESH = terms(start=STARTED)


def bought(**facts: object) -> ServiceFacts:
    usual: dict[str, Any] = {
        "contract": FRESH,
        "segment": Segment.CONSUMER,
        "channel": Channel.ONLINE,
        "signed_on": D("2026-11-12"),
        "paid_until": D("2027-01-15"),
        "withdrawal_right_told_on": D("2026-11-12"),
    }
    return service(**{**usual, **facts})


def undone(facts: ServiceFacts, request: Asked | None = None) -> ServicePreview:
    (seen,) = preview([facts], request or asked(ground=Ground.COOLING_OFF)).services
    return seen


def test_all_that_was_paid_comes_back_and_the_service_stops_by_the_day_it_has() -> None:
    seen = undone(bought())

    assert (seen.ending.kind, seen.ending.ends_on) == (EndKind.EXTRAORDINARY, D("2026-11-29"))
    assert seen.ending.billing_ends_on == D("2026-11-14"), "not one day is billed"
    (line,) = seen.ending.sheet.lines
    assert (line.code, line.amount_cents) == (LineCode.CREDIT, -2 * 8995)
    assert (line.parameters["from_on"], line.parameters["last_on"]) == ("2026-11-15", "2027-01-14")
    assert seen.ending.sheet.fees == ()
    note = next(note for note in seen.notes if note.key == "ground.cooling_off")
    assert (note.law, note.parameters) == ("BW 6:230o", {"refund_on": "2026-12-06", "return_on": "2026-12-06"})


def test_discount_and_equipment_cost_nothing_for_they_go_back() -> None:
    seen = undone(bought(discount=Discount(12000, 24), equipment=Equipment(18000, 36)))

    assert [line.code for line in seen.ending.sheet.lines] == [LineCode.CREDIT]
    assert [(cap.key, cap.law) for cap in seen.ending.sheet.caps] == [(CapKey.UNDONE.value, "BW 6:230s")]


@pytest.mark.parametrize("mode", CreditMode)
def test_no_clause_about_credits_keeps_money_back(mode: CreditMode) -> None:
    (line,) = undone(bought(credit_mode=mode, billed_from=D("2026-12-15"))).ending.sheet.lines

    assert line.amount_cents == -2 * 8995


def test_a_part_of_a_month_that_was_paid_comes_back_by_its_days() -> None:
    (line,) = undone(bought(paid_until=D("2026-12-01"))).ending.sheet.lines

    assert (line.quantity, line.amount_cents) == ({"days": 16}, -4797)


def test_an_earlier_day_can_be_wished_a_later_one_not() -> None:
    assert undone(bought(), asked(ground=Ground.COOLING_OFF, wished_on="2026-11-25")).ending.ends_on == D("2026-11-25")
    assert undone(bought(), asked(ground=Ground.COOLING_OFF, wished_on="2027-03-01")).ending.ends_on == D("2026-11-29")
    assert undone(bought(), asked(ground=Ground.COOLING_OFF, today=D("2026-12-20"))).ending.ends_on == D("2026-12-20"), "never in the past"


@pytest.mark.parametrize(
    ("received_on", "note"),
    [("2026-11-26", "ground.cooling_off"), ("2026-11-27", "ground.too_late")],
)
def test_the_last_day_still_counts_the_next_no_longer(received_on: str, note: str) -> None:
    seen = undone(bought(), asked(received_on, ground=Ground.COOLING_OFF))

    assert note in {one.key for one in seen.notes}
    assert (seen.ending.kind is EndKind.ORDINARY) is (note == "ground.too_late")


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"segment": Segment.PROTECTED_BIZ}, "ground.consumers_only"),
        ({"channel": Channel.ON_PREMISES}, "ground.too_late"),
        ({"signed_on": None, "withdrawal_right_told_on": None}, "ground.cooling_off"),
    ],
)
def test_only_a_consumer_at_a_distance_takes_a_contract_back(facts: dict[str, object], note: str) -> None:
    assert note in {one.key for one in undone(bought(**facts)).notes}


@given(services(), requests)
def test_taking_back_never_costs_anything(facts: ServiceFacts, request: Asked) -> None:
    request = Asked(received_on=request.received_on, today=request.today, ground=Ground.COOLING_OFF)
    seen = undone(facts, request)

    if seen.ending.kind is EndKind.EXTRAORDINARY:
        assert all(line.amount_cents <= 0 or line.code is LineCode.USAGE for line in seen.ending.sheet.lines)
        assert seen.ending.sheet.fees == ()
        assert seen.ending.ends_on <= max(request.received_on + timedelta(days=14), request.today)


def test_what_comes_back_includes_the_vat_that_was_paid() -> None:
    taxed = Vat(prices_include_vat=True)
    (whole,) = [preview([bought(vat=taxed)], asked(ground=Ground.COOLING_OFF)).bill]

    assert whole.total_cents == -2 * 8995
