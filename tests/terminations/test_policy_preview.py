"""One case previewed: dates, kinds of ending, offers, bills, bundles and grounds."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.agreed import Channel, ServiceKind
from billing.policy.charges import Proration
from billing.policy.tax import Vat
from billing.policy.terms import Align, Notice, Renewal
from tenants.policy import Segment
from terminations.policy import grounds
from terminations.policy.cost_sheet import LineCode
from terminations.policy.facts import Asked, BuyoutRule, Caps, Discount, Equipment, Ground, ServiceFacts, flat
from terminations.policy.preview import Ending, EndKind, ServicePreview, preview
from terminations.policy.protection import protected
from tests.terminations.facts import D, asked, requests, service, services, terms

CONSUMER, LARGE = Segment.CONSUMER, Segment.OTHER_BIZ
INDEF = terms(renewal=Renewal.INDEF)


def one(facts: ServiceFacts, request: Asked) -> ServicePreview:
    (seen,) = preview([facts], request).services
    return seen


def codes(ending: Ending) -> list[str]:
    return [line.code.value for line in ending.sheet.lines]


def test_without_a_wish_the_first_possible_day() -> None:
    seen = one(service(), asked())
    assert (seen.ref, seen.name) == ("S1", "Service S1")
    assert seen.ending.kind is EndKind.ORDINARY
    assert seen.ending.ends_on == seen.ending.billing_ends_on == seen.first_possible_end == D("2027-06-15")
    assert (seen.minimum_end, seen.last_notice_day, seen.served_on) == (D("2027-06-15"), D("2027-05-15"), D("2026-12-22"))
    assert seen.committed_until == D("2027-06-16")
    assert seen.offer is None
    assert seen.buyout_allowed
    assert not seen.already_ended
    assert not seen.in_tacit_renewal
    assert seen.switch_end is None
    assert codes(seen.ending) == []
    assert [line.amount_cents for line in seen.ending.sheet.fees] == [58468]


def test_a_wish_too_early_ends_as_soon_as_possible_with_the_buyout_as_an_offer() -> None:
    whole = preview([service()], asked(wished_on="2026-12-15"))
    (seen,) = whole.services
    assert seen.ending.ends_on == D("2027-06-15")
    assert seen.offer is not None
    assert (seen.offer.kind, seen.offer.ends_on, seen.offer.billing_ends_on) == (EndKind.BUYOUT, D("2026-12-15"), D("2026-12-15"))
    assert codes(seen.offer) == ["BUYOUT"]
    assert whole.bill.total_cents == 0
    assert whole.offer_bill is not None
    assert whole.offer_bill.total_cents == 48978
    assert whole.offer_bill.total_to_pay_cents == 48978 + 5266


@pytest.mark.parametrize(("wish", "offered"), [("2027-06-14", True), ("2027-06-15", False)])
def test_who_wishes_the_first_possible_day_is_offered_nothing_beside_it(wish: str, offered: bool) -> None:  # noqa: FBT001 - a table's column
    seen = one(service(), asked(wished_on=wish))
    assert seen.ending.ends_on == D("2027-06-15")
    assert (seen.offer is not None) is offered


def test_a_buyout_is_chosen_expressly() -> None:
    whole = preview([service()], asked(wished_on="2026-12-15", early=True))
    (seen,) = whole.services
    assert (seen.ending.kind, seen.ending.ends_on, seen.offer) == (EndKind.BUYOUT, D("2026-12-15"), None)
    assert whole.offer_bill is None
    assert [line.code for line in whole.bill.lines] == [LineCode.BUYOUT]
    assert whole.bill.totals[0].base_cents == 40478
    assert whole.bill.fee_totals[0].base_cents == 4352


@pytest.mark.parametrize(("wish", "end"), [("2027-06-15", "2027-06-15"), ("2027-06-16", "2028-06-15"), ("2028-01-01", "2028-06-15")])
def test_a_later_wish_goes_to_the_next_end_of_a_fixed_term(wish: str, end: str) -> None:
    seen = one(service(), asked(wished_on=wish, early=True))
    assert (seen.ending.kind, seen.ending.ends_on, seen.offer) == (EndKind.ORDINARY, D(end), None)


def test_a_later_wish_is_honoured_when_indefinite() -> None:
    seen = one(service(contract=INDEF), asked(wished_on="2027-08-10"))
    assert seen.ending.ends_on == D("2027-08-10")
    assert seen.last_notice_day == D("2027-07-10")
    assert seen.first_possible_end == D("2027-06-15")


@pytest.mark.parametrize(
    ("received", "today", "wish", "end"),
    [
        ("2026-11-22", "2026-11-22", "2026-11-01", "2026-11-22"),
        ("2026-11-10", "2026-11-22", "2026-11-12", "2026-11-22"),
        ("2026-11-22", "2026-11-10", "2026-11-12", "2026-11-22"),
    ],
)
def test_nothing_ends_in_the_past(received: str, today: str, wish: str, end: str) -> None:
    seen = one(service(), asked(received, wish, early=True, today=D(today)))
    assert seen.ending.ends_on == D(end)


def test_without_a_commitment_leaving_before_the_notice_is_over_is_billed_to_its_end() -> None:
    over = terms(start=D("2022-03-01"), minimum_months=12, renewal=Renewal.INDEF)
    seen = one(service(contract=over), asked(wished_on="2026-12-01", early=True))
    assert (seen.ending.kind, seen.ending.ends_on, seen.ending.billing_ends_on) == (EndKind.ORDINARY, D("2026-12-01"), D("2026-12-22"))
    assert codes(seen.ending) == []
    assert [line.amount_cents for line in seen.ending.sheet.fees] == [6384]


def test_without_a_price_to_buy_out_at_the_customer_pays_on() -> None:
    seen = one(service(buyout=BuyoutRule()), asked(wished_on="2026-12-01", early=True))
    assert (seen.ending.kind, seen.ending.ends_on, seen.ending.billing_ends_on) == (EndKind.ORDINARY, D("2026-12-01"), D("2027-06-15"))
    assert codes(seen.ending) == []


def test_an_aligned_service_pays_on_to_the_end_of_the_month() -> None:
    over = terms(start=D("2022-03-01"), minimum_months=0, renewal=Renewal.INDEF, align=Align.EOM)
    seen = one(service(contract=over), asked(wished_on="2026-12-01", early=True))
    assert seen.ending.billing_ends_on == D("2026-12-31")


def test_p14_a_consumer_leaves_hosting_for_the_notice_only() -> None:
    facts = service(segment=CONSUMER, contract=terms(start=D("2026-02-01"), minimum_months=12), equipment=Equipment(9900, 12))
    early = one(facts, asked(wished_on="2026-11-30", early=True))
    later = one(facts, asked(wished_on="2027-01-10", early=True))
    assert (early.ending.kind, early.ending.billing_ends_on) == (EndKind.BUYOUT, D("2026-12-22"))
    assert codes(early.ending) == []
    assert [cap.key for cap in early.ending.sheet.caps] == ["cap.consumer_zero"]
    assert later.ending.billing_ends_on == D("2027-01-10")
    assert not later.buyout_allowed


def test_p7_nothing_but_the_fee_during_notice() -> None:
    facts = service(kind=ServiceKind.ECS, contract=terms(minimum_months=12), discount=Discount(12000, 36), equipment=Equipment(24000, 36))
    seen = one(facts, asked())
    assert seen.ending.ends_on == D("2026-12-22")
    assert seen.in_tacit_renewal
    assert codes(seen.ending) == []
    assert [cap.key for cap in seen.ending.sheet.caps] == ["cap.exit_right"]
    assert [rule.key for rule in seen.applied] == ["P7"]


@pytest.mark.parametrize(("wish", "end"), [("2027-06-15", "2027-06-15"), ("2027-06-16", "2027-06-16"), ("2027-08-10", "2027-08-10")])
def test_p7_any_day_wished_after_the_first_term_is_the_end(wish: str, end: str) -> None:
    seen = one(service(kind=ServiceKind.ECS), asked(wished_on=wish))
    assert (seen.ending.ends_on, seen.ending.kind, seen.offer) == (D(end), EndKind.ORDINARY, None)
    assert ("P7" in [rule.key for rule in seen.applied]) is (wish > "2027-06-15")


def test_p7_does_not_make_leaving_the_first_term_free() -> None:
    facts = service(kind=ServiceKind.ECS, contract=terms(notice=Notice(3)))
    seen = one(facts, asked("2027-05-20", "2027-05-31", early=True))
    assert (seen.ending.kind, codes(seen.ending)) == (EndKind.BUYOUT, ["BUYOUT"])
    assert seen.committed_until == D("2027-07-17")


def test_what_ended_by_itself_stays_ended() -> None:
    ended = terms(start=D("2025-02-01"), minimum_months=12, renewal=Renewal.NONE)
    seen = one(service(contract=ended, paid_until=D("2026-03-01")), asked(wished_on="2026-01-01", early=True))
    assert seen.already_ended
    assert (seen.ending.ends_on, seen.ending.kind, seen.offer) == (D("2026-01-31"), EndKind.ORDINARY, None)
    assert [(line.code.value, line.amount_cents) for line in seen.ending.sheet.lines] == [("CREDIT", -8995)]


def test_a_service_never_paid_owes_from_its_start() -> None:
    facts = service(contract=terms(start=D("2026-11-01"), minimum_months=0, renewal=Renewal.INDEF), paid_until=None)
    seen = one(facts, asked())
    assert seen.ending.sheet.fees[0].parameters["from_on"] == "2026-11-01"
    assert codes(seen.ending) == []


@pytest.mark.parametrize(("proration", "cents"), [(Proration.CAL, 4352), (Proration.YEAR_365, 4436), (Proration.NONE, 8995)])
def test_the_days_until_the_end_are_priced_as_the_contract_prices_days(proration: Proration, cents: int) -> None:
    sheet = one(service(proration=proration), asked(wished_on="2026-12-15", early=True)).ending.sheet
    assert [(line.service, line.amount_cents) for line in sheet.fees] == [("S1", cents)]
    assert [(line.service, line.amount_cents) for line in sheet.lines] == [("S1", 40478)]


def test_several_units_cost_several_fees() -> None:
    assert one(service(quantity=3), asked(wished_on="2026-12-15", early=True)).ending.sheet.lines[0].amount_cents == 121433


def test_a_months_credit_is_anchored_on_what_was_billed() -> None:
    facts = service(billed_from=D("2026-11-20"), paid_until=D("2027-02-20"), credit_mode="MONTHS")
    facts = msgspec.convert(msgspec.to_builtins(facts), ServiceFacts)
    (_, credit) = one(facts, asked(wished_on="2026-12-15", early=True)).ending.sheet.lines
    assert credit.amount_cents == -2 * 8995


def test_a_case_of_several_services_is_billed_together_per_vat() -> None:
    gross = Vat(prices_include_vat=True)
    case = [
        service("A", vat=gross, monthly_fee_cents=50),
        service("B", vat=gross, monthly_fee_cents=50),
        service("C", vat=Vat(rate=Decimal(9))),
    ]
    bill = preview(case, asked(wished_on="2027-05-15", early=True)).bill
    assert [(total.vat.rate, total.base_cents, total.vat_cents) for total in bill.totals] == [
        (Decimal(21), 63, 13),
        (Decimal(9), 6746, 607),
    ]
    assert [line.net_cents for line in bill.lines] == [32, 31, 6746]
    assert bill.total_cents == 76 + 6746 + 607


def test_the_cent_of_difference_is_found_over_the_whole_case() -> None:
    gross = Vat(prices_include_vat=True)
    case = [service(ref, vat=gross, monthly_fee_cents=50, buyout=BuyoutRule(scale=flat(100))) for ref in "ABC"]
    bill = preview(case, asked(wished_on="2027-05-15", early=True)).bill
    assert [line.net_cents for line in bill.lines] == [42, 41, 41]
    assert (bill.totals[0].base_cents, bill.totals[0].total_cents) == (124, 150)


def test_p10_a_bundle_follows_its_strictest_part() -> None:
    internet = service("I", segment=CONSUMER, kind=ServiceKind.ECS, bundle="home", contract=terms(minimum_months=24))
    hosting = service("H", segment=CONSUMER, bundle="home", contract=terms(start=D("2026-01-01"), minimum_months=24))
    seen = preview([internet, hosting], asked())
    (bundle,) = seen.bundles
    assert (bundle.ref, bundle.services, bundle.strictest, bundle.last_day) == ("home", ("I", "H"), "I", D("2027-06-15"))
    assert [one_of.first_possible_end for one_of in seen.services] == [D("2027-06-15"), D("2027-06-15")]
    assert [[note.key for note in one_of.notes] for one_of in seen.services] == [["P9"], ["P9", "P10"]]
    assert [rule.key for rule in seen.services[1].applied] == ["P1"]


def test_p10_a_term_restarted_by_agreement_stands() -> None:
    internet = service("I", segment=CONSUMER, kind=ServiceKind.ECS, bundle="home")
    hosting = service("H", segment=CONSUMER, bundle="home", contract=terms(start=D("2026-01-01")), term_restart_agreed=True)
    assert preview([internet, hosting], asked()).services[1].first_possible_end == D("2027-12-31")


@pytest.mark.parametrize(
    ("kind", "segment", "minimum"), [(ServiceKind.OTHER, CONSUMER, 24), (ServiceKind.ECS, LARGE, 24), (ServiceKind.ECS, CONSUMER, 0)]
)
def test_no_bundle_without_telecom_a_protected_customer_or_a_term(kind: ServiceKind, segment: Segment, minimum: int) -> None:
    contract = terms(minimum_months=minimum)
    case = [
        service("I", segment=segment, kind=kind, bundle="b", contract=contract),
        service("H", segment=segment, bundle="b", contract=contract),
    ]
    assert preview(case, asked()).bundles == ()


def test_a_consumer_sees_his_cooling_off_period() -> None:
    facts = service(segment=CONSUMER, channel=Channel.ONLINE, signed_on=D("2026-11-20"), withdrawal_right_told_on=D("2026-11-20"))
    (*_, note) = one(facts, asked("2026-12-04")).notes
    assert (note.key, note.law, note.parameters) == ("cooling_off", "BW 6:230o", {"last_on": "2026-12-04"})
    assert "cooling_off" not in [note.key for note in one(facts, asked("2026-12-05")).notes]
    decreed = msgspec.structs.replace(facts, extra_holidays=frozenset({D("2026-12-04")}))
    assert one(decreed, asked("2026-12-07")).notes[-1].parameters == {"last_on": "2026-12-07"}
    unsigned = msgspec.structs.replace(facts, signed_on=None)
    assert "cooling_off" not in [note.key for note in one(unsigned, asked("2026-12-04")).notes]


TELECOM: dict[str, Any] = {"kind": ServiceKind.ECS, "signed_on": D("2025-06-16")}


@pytest.mark.parametrize(
    ("ground", "facts", "request_facts", "end", "kind", "keys"),
    [
        (
            "CHANGE",
            TELECOM,
            {"ground_told_on": D("2026-11-01"), "ground_effective_on": D("2027-01-01")},
            "2027-01-01",
            "EXTRAORDINARY",
            ["ground.change"],
        ),
        (
            "CHANGE",
            TELECOM,
            {"ground_told_on": D("2026-11-01"), "ground_effective_on": D("2026-11-01")},
            "2026-11-22",
            "EXTRAORDINARY",
            ["ground.change"],
        ),
        (
            "CHANGE",
            TELECOM,
            {"ground_told_on": D("2026-10-21"), "ground_effective_on": D("2027-01-01")},
            "2027-06-15",
            "ORDINARY",
            ["ground.too_late"],
        ),
        ("CHANGE", TELECOM, {"ground_told_on": D("2026-11-01")}, "2027-06-15", "ORDINARY", ["ground.no_date"]),
        ("CHANGE", TELECOM, {"ground_effective_on": D("2027-01-01")}, "2027-06-15", "ORDINARY", ["ground.no_date"]),
        ("CHANGE", {}, {"ground_effective_on": D("2027-01-01")}, "2027-06-15", "ORDINARY", ["ground.telecom_only"]),
        ("PRICE_3M", {}, {}, "2027-06-15", "ORDINARY", ["ground.consumers_only"]),
        (
            "PRICE_3M",
            {"segment": CONSUMER, "signed_on": D("2026-09-01"), "contract": terms(start=D("2026-09-01"), minimum_months=12)},
            {},
            "2026-11-22",
            "EXTRAORDINARY",
            ["ground.price_3m"],
        ),
        (
            "PRICE_3M",
            {"segment": CONSUMER, "contract": terms(start=D("2026-08-21"), minimum_months=12)},
            {},
            "2027-08-20",
            "ORDINARY",
            ["ground.too_late"],
        ),
        (
            "PRICE_3M",
            {"segment": CONSUMER, "contract": terms(start=D("2026-08-01"), minimum_months=12)},
            {"ground_told_on": D("2026-11-01")},
            "2026-11-22",
            "EXTRAORDINARY",
            ["ground.price_3m"],
        ),
        ("NON_CONFORMITY", {}, {"wished_on": "2026-12-05"}, "2026-12-05", "EXTRAORDINARY", ["ground.non_conformity"]),
        ("FORCE_MAJEURE", {}, {}, "2026-11-22", "EXTRAORDINARY", ["ground.force_majeure", "ground.needs_person"]),
        ("UNFORESEEN", {}, {}, "2027-06-15", "ORDINARY", ["ground.unforeseen", "ground.needs_person"]),
        ("RELOCATION", {}, {"wished_on": "2026-12-15"}, "2026-12-15", "BUYOUT", ["ground.relocation"]),
        (
            "DEATH",
            {"segment": CONSUMER, "kind": ServiceKind.CLOUD},
            {"wished_on": "2026-12-15"},
            "2026-12-15",
            "EXTRAORDINARY",
            ["ground.death"],
        ),
        ("BANKRUPTCY", {}, {}, "2027-06-15", "ORDINARY", ["ground.bankruptcy", "ground.needs_person"]),
        ("PORT_OUT", {}, {"wished_on": "2026-12-15"}, "2026-12-15", "BUYOUT", ["ground.port_out"]),
        ("NON_PAYMENT", {}, {}, "2027-06-15", "ORDINARY", ["ground.non_payment", "ground.needs_person"]),
    ],
)
def test_grounds(ground: str, facts: dict[str, Any], request_facts: dict[str, Any], end: str, kind: str, keys: list[str]) -> None:
    seen = one(service(**facts), asked(ground=Ground(ground), evidence_on_file=True, **request_facts))
    assert (seen.ending.ends_on, seen.ending.kind.value) == (D(end), kind)
    assert [note.key for note in seen.notes if note.key.startswith(("ground", "evidence"))] == keys
    law = grounds.GROUND_RULES[Ground(ground)].law
    assert {note.law for note in seen.notes if note.key.startswith("ground")} == {law}
    if kind == "EXTRAORDINARY":
        assert seen.ending.billing_ends_on == seen.ending.ends_on
        assert "BUYOUT" not in codes(seen.ending)


@pytest.mark.parametrize(
    ("ground", "evidence"),
    [
        (Ground.NON_CONFORMITY, "evidence.default_notice"),
        (Ground.FORCE_MAJEURE, "evidence.outage_record"),
        (Ground.RELOCATION, "evidence.new_address"),
        (Ground.BANKRUPTCY, "evidence.curator_letter"),
        (Ground.PORT_OUT, "evidence.port_mandate"),
        (Ground.NON_PAYMENT, "evidence.default_notice"),
    ],
)
def test_what_is_still_to_be_shown_is_said(ground: Ground, evidence: str) -> None:
    (shown,) = [note for note in one(service(), asked(ground=ground)).notes if note.key.startswith("evidence")]
    assert (shown.key, shown.law) == (evidence, grounds.GROUND_RULES[ground].law)
    assert evidence not in [note.key for note in one(service(), asked(ground=ground, evidence_on_file=True)).notes]


def test_only_an_announced_change_sets_the_latest_day() -> None:
    request = asked(wished_on="2026-12-15", ground=Ground.NON_CONFORMITY, ground_effective_on=D("2026-12-01"))
    assert one(service(), request).ending.ends_on == D("2026-12-15")
    change = asked(wished_on="2026-12-15", ground=Ground.CHANGE, ground_told_on=D("2026-11-01"), ground_effective_on=D("2026-12-01"))
    assert one(service(**TELECOM), change).ending.ends_on == D("2026-12-01")
    sooner = msgspec.structs.replace(change, wished_on=D("2026-11-25"))
    assert one(service(**TELECOM), sooner).ending.ends_on == D("2026-11-25")


def test_an_unmet_ground_says_which() -> None:
    (note,) = one(service(), asked(ground=Ground.DEATH)).notes
    assert (note.key, note.parameters) == ("ground.consumers_only", {"ground": "DEATH"})


@pytest.mark.parametrize(
    ("ground", "free"),
    [(Ground.NON_CONFORMITY, True), (Ground.RELOCATION, False), (Ground.PORT_OUT, False), (Ground.UNFORESEEN, False)],
)
def test_a_ground_frees_or_does_not(ground: Ground, free: bool) -> None:  # noqa: FBT001 - a table's columns
    assert grounds.effect_of(protected(service(), D("2026-11-22")), asked(ground=ground)).free == free


def test_moving_house_has_its_own_price() -> None:
    facts = service(buyout=BuyoutRule(relocation_percentage=Decimal(25)))
    seen = one(facts, asked(wished_on="2026-12-15", ground=Ground.RELOCATION, evidence_on_file=True))
    assert [(line.percentage, line.amount_cents) for line in seen.ending.sheet.lines] == [("25", 13493)]
    other = one(facts, asked(wished_on="2026-12-15", early=True))
    assert codes(other.ending) == []


def test_a_statutory_exit_leaves_only_the_equipment() -> None:
    facts = service(equipment=Equipment(24000, 24), discount=Discount(18900, 24), **TELECOM)
    seen = one(facts, asked(wished_on="2026-12-15", ground=Ground.NON_CONFORMITY, evidence_on_file=True))
    assert codes(seen.ending) == ["RESIDUAL"]


def test_a_ground_that_ends_later_than_the_contract_changes_nothing() -> None:
    over = terms(minimum_months=12, renewal=Renewal.INDEF)
    seen = one(service(contract=over), asked(wished_on="2027-02-01", ground=Ground.NON_CONFORMITY, evidence_on_file=True))
    assert (seen.ending.ends_on, seen.ending.kind) == (D("2027-02-01"), EndKind.ORDINARY)


@given(services(), requests)
def test_ordinary_endings_wait_for_the_notice_and_are_never_bought_out(facts: ServiceFacts, request: Asked) -> None:
    seen = one(facts, msgspec.structs.replace(request, early=False))
    assert seen.ending.kind is EndKind.ORDINARY
    if facts.terms.renewal is not Renewal.NONE:
        assert seen.ending.ends_on >= seen.served_on
    assert LineCode.BUYOUT not in {line.code for line in seen.ending.sheet.lines}
    assert LineCode.HANDLING not in {line.code for line in seen.ending.sheet.lines}
    if seen.offer is not None:
        assert seen.offer.ends_on < seen.first_possible_end


@given(services(), requests)
def test_no_buyout_where_nothing_binds(facts: ServiceFacts, request: Asked) -> None:
    seen = one(facts, request)
    for ending in (seen.ending, seen.offer):
        if ending is not None and not seen.buyout_allowed:
            assert LineCode.BUYOUT not in {line.code for line in ending.sheet.lines}


@given(services(), requests, st.integers(0, 60))
def test_a_later_wish_never_ends_earlier(facts: ServiceFacts, request: Asked, later: int) -> None:
    if request.wished_on is not None:
        wait = msgspec.structs.replace(request, wished_on=request.wished_on + timedelta(days=later))
        assert one(facts, request).ending.ends_on <= one(facts, wait).ending.ends_on


@given(st.lists(services(), min_size=1, max_size=3), requests)
def test_the_bill_is_the_sum_of_its_lines(case: list[ServiceFacts], request: Asked) -> None:
    named = [msgspec.structs.replace(facts, ref=f"S{number}") for number, facts in enumerate(case)]
    seen = preview(named, request)
    bill = seen.bill
    assert sum(line.net_cents for line in bill.lines) == sum(total.base_cents for total in bill.totals)
    assert bill.total_cents == sum(total.base_cents + total.vat_cents for total in bill.totals)
    assert bill.total_to_pay_cents - bill.total_cents == sum(total.total_cents for total in bill.fee_totals)
    assert len(bill.lines) == sum(len(one_of.ending.sheet.lines) for one_of in seen.services)


@given(services(), requests)
def test_no_day_is_both_charged_and_credited(facts: ServiceFacts, request: Asked) -> None:
    ending = one(facts, request).ending
    assert not ending.sheet.fees or "CREDIT" not in codes(ending)
    assert ending.billing_ends_on >= ending.ends_on


def test_caps_may_be_lifted_by_contract() -> None:
    facts = service(buyout=BuyoutRule(scale=flat(100), handling_cents=2500))
    capped = one(facts, asked(wished_on="2026-12-15", early=True)).ending
    uncapped = one(msgspec.structs.replace(facts, caps=Caps(whole_contract=False)), asked(wished_on="2026-12-15", early=True)).ending
    assert sum(line.amount_cents for line in capped.sheet.lines) == 53970
    assert sum(line.amount_cents for line in uncapped.sheet.lines) == 56470
    assert isinstance(capped.ends_on, date)
