"""Which protection rule changes what, for whom, and on which day of receipt; P1 to P15 in order."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given

from billing.policy import terms as terms_of_contract
from billing.policy.agreed import Channel, ServiceKind
from billing.policy.terms import Align, CountFrom, Notice, NoticeUnit, Renewal
from tenants.policy import Segment
from terminations.policy import data_act, dates
from terminations.policy.facts import Asked, ServiceFacts
from terminations.policy.protection import LAW_SOURCES, Law, Protected, protected
from tests.terminations.facts import D, requests, service, services, terms

CONSUMER, SMALL, LARGE = Segment.CONSUMER, Segment.PROTECTED_BIZ, Segment.OTHER_BIZ
ECS, BUNDLE, CLOUD, OTHER = ServiceKind.ECS, ServiceKind.BUNDLE, ServiceKind.CLOUD, ServiceKind.OTHER


def judge(segment: Segment, kind: ServiceKind, received_on: str = "2026-11-22", wished_on: str | None = None, **facts: Any) -> Protected:
    contract = facts.pop("contract", None) or terms()
    named = service(contract=contract, segment=segment, kind=kind, **facts)
    return protected(named, D(received_on), None if wished_on is None else D(wished_on))


def keys(case: Protected) -> list[str]:
    return [rule.key for rule in case.applied]


def notes(case: Protected) -> list[str]:
    return [note.key for note in case.notes]


def test_p1_a_consumers_fixed_renewal_becomes_indefinite_on_a_month() -> None:
    case = judge(CONSUMER, OTHER, contract=terms(minimum_months=12, notice=Notice(3), align=Align.EOM))
    assert keys(case) == ["P1"]
    assert (case.terms.renewal, case.terms.align, case.terms.notice) == (Renewal.INDEF, Align.NONE, Notice(1))
    assert dates.earliest_end(case) == D("2026-12-22")
    assert case.applied[0].parameters == {"months": 1}
    assert case.applied[0].law == "BW 6:236 j, r"


@pytest.mark.parametrize("align", [Align.EOM, Align.PERIOD])
def test_p1_lets_no_alignment_stand(align: Align) -> None:
    case = judge(CONSUMER, OTHER, contract=terms(minimum_months=12, renewal=Renewal.INDEF, align=align))
    assert keys(case) == ["P1"]


def test_p1_does_not_touch_what_never_renews_and_p3_shortens_its_notice() -> None:
    case = judge(CONSUMER, ECS, contract=terms(renewal=Renewal.NONE, notice=Notice(3)))
    assert keys(case) == ["P3"]
    assert case.terms.renewal is Renewal.NONE


def test_p2_a_consumer_may_leave_hosting_after_a_year() -> None:
    case = judge(CONSUMER, OTHER, "2025-12-01", contract=terms(minimum_months=36))
    assert case.minimum_end == D("2026-06-15")
    assert keys(case) == ["P1", "P2", "P14"]
    assert case.applied[1].parameters == {"months": 12, "arguable": True}


def test_p2_is_for_other_services_only() -> None:
    assert "P2" not in keys(judge(CONSUMER, CLOUD, contract=terms(minimum_months=36)))


def test_p3_a_consumer_waits_no_longer_than_the_provider_would() -> None:
    weeks = Notice(2, NoticeUnit.WEEKS)
    case = judge(CONSUMER, OTHER, contract=terms(minimum_months=12, renewal=Renewal.INDEF), provider_notice=weeks)
    assert keys(case) == ["P3"]
    assert case.terms.notice == weeks
    assert case.applied[0].parameters == {"n": 2, "unit": "W"}


def test_p3_leaves_a_shorter_notice_alone() -> None:
    case = judge(CONSUMER, OTHER, contract=terms(minimum_months=12, renewal=Renewal.INDEF), provider_notice=Notice(2))
    assert keys(case) == []


def test_a_month_counted_from_receipt_stays_counted_from_receipt() -> None:
    two_months = Notice(2, NoticeUnit.MONTHS, CountFrom.RECEIPT)
    case = judge(CONSUMER, OTHER, contract=terms(minimum_months=12, renewal=Renewal.INDEF, notice=two_months))
    assert case.served_on == D("2026-12-21")
    assert case.terms.notice == Notice(1, NoticeUnit.MONTHS, CountFrom.RECEIPT)


def test_on_equal_days_the_contracts_own_notice_stays() -> None:
    thirty_days = Notice(30, NoticeUnit.DAYS)
    case = judge(CONSUMER, OTHER, contract=terms(minimum_months=12, renewal=Renewal.INDEF, notice=thirty_days))
    assert case.terms.notice == thirty_days
    assert keys(case) == []


@pytest.mark.parametrize("kind", [ECS, BUNDLE])
def test_p5_telecom_binds_a_consumer_24_months_from_signing(kind: ServiceKind) -> None:
    case = judge(CONSUMER, kind, "2026-06-15", contract=terms(minimum_months=36), signed_on=D("2025-05-10"))
    assert keys(case) == ["P1", "P5"]
    assert case.minimum_end == D("2027-05-09")
    assert case.applied[1].parameters == {"months": 24, "signed_on": "2025-05-10"}


def test_p5_without_a_signing_date_counts_from_the_start() -> None:
    assert judge(CONSUMER, ECS, contract=terms(minimum_months=36)).minimum_end == D("2027-06-15")


@pytest.mark.parametrize(
    ("segment", "waiver", "end"),
    [
        (SMALL, False, "2027-06-15"),
        (Segment.UNKNOWN, False, "2027-06-15"),
        (SMALL, True, "2028-06-15"),
        (LARGE, False, "2028-06-15"),
        (Segment.GOV, False, "2028-06-15"),
    ],
)
def test_p6_a_small_business_too_unless_it_waived(segment: Segment, waiver: bool, end: str) -> None:  # noqa: FBT001 - a table's column
    case = judge(segment, ECS, contract=terms(minimum_months=36), waiver_on_file=waiver)
    assert case.minimum_end == D(end)
    assert keys(case) == (["P6"] if end == "2027-06-15" else [])


ENDED_FIRST_TERM = terms(minimum_months=12, notice=Notice(3), align=Align.EOM)


@pytest.mark.parametrize("segment", [SMALL, LARGE, Segment.GOV, Segment.UNKNOWN])
def test_p7_after_renewal_telecom_ends_on_a_month(segment: Segment) -> None:
    case = judge(segment, ECS, contract=ENDED_FIRST_TERM)
    assert keys(case) == ["P7"]
    assert case.free_exit
    assert not case.binds
    assert dates.earliest_end(case) == D("2026-12-22")
    assert case.applied[0].parameters == {"months": 1, "renewed_on": "2026-06-16"}


def test_p7_in_time_leaves_the_contract_as_written() -> None:
    case = judge(LARGE, ECS, "2027-03-15", contract=terms(notice=Notice(3)))
    assert keys(case) == []
    assert not case.free_exit
    assert case.terms.renewal is Renewal.FIXED
    assert dates.earliest_end(case) == D("2027-06-15")


def test_p7_a_day_too_late_counts_a_month_from_the_first_day_renewed() -> None:
    case = judge(LARGE, ECS, "2027-05-20", contract=terms(notice=Notice(3)))
    assert keys(case) == ["P7"]
    assert case.terms.notice == Notice(3)
    assert dates.earliest_end(case) == D("2027-07-16")
    assert dates.last_notice_day(case, D("2027-07-16")) is None
    assert case.binds


def test_p7_lists_nothing_where_the_contract_already_gives_it() -> None:
    case = judge(LARGE, ECS, "2027-05-20", contract=terms(renewal=Renewal.INDEF))
    assert keys(case) == []
    assert case.free_exit


@pytest.mark.parametrize(
    ("kind", "facts"), [(ECS, {"m2m": True}), (BUNDLE, {}), (OTHER, {}), (ECS, {"contract": terms(minimum_months=0, renewal_months=1)})]
)
def test_p7_is_not_for_machines_other_services_large_bundles_or_what_never_was_renewed(kind: ServiceKind, facts: dict[str, Any]) -> None:
    case = judge(LARGE, kind, **{"contract": ENDED_FIRST_TERM, **facts})
    assert "P7" not in keys(case)
    assert not case.free_exit


def test_p7_is_not_for_what_ends_by_itself() -> None:
    case = judge(LARGE, ECS, contract=terms(minimum_months=12, renewal=Renewal.NONE))
    assert not case.free_exit
    assert dates.already_ended(case)


def test_p7_on_the_last_day_of_the_term_the_contract_still_counts_from_receipt() -> None:
    case = judge(LARGE, ECS, "2027-06-15", contract=terms(notice=Notice(3)))
    assert dates.earliest_end(case) == D("2027-07-16")
    assert case.terms.notice == Notice(3)


def test_a_rule_that_shortens_the_notice_leaves_the_anchor_of_renewals() -> None:
    leap = terms(start=D("2024-02-29"), notice=Notice(3))
    case = judge(LARGE, CLOUD, "2027-06-01", contract=leap)
    assert keys(case) == ["P15"]
    assert case.applied[0].parameters == {"months": 2, "since_on": "2025-09-12"}
    assert dates.earliest_end(case) == D("2028-02-28")


def test_a_notice_in_working_days_knows_the_decreed_holidays() -> None:
    notice = Notice(1, NoticeUnit.WORKING_DAYS)
    contract = terms(minimum_months=0, renewal=Renewal.INDEF, notice=notice)
    assert judge(LARGE, OTHER, "2026-05-13", contract=contract).served_on == D("2026-05-15")
    closed = frozenset({D("2026-05-15")})
    assert judge(LARGE, OTHER, "2026-05-13", contract=contract, extra_holidays=closed).served_on == D("2026-05-18")


def test_the_deadline_in_working_days_knows_them_too() -> None:
    contract = terms(start=D("2024-05-16"), notice=Notice(1, NoticeUnit.WORKING_DAYS))
    case = judge(LARGE, OTHER, "2026-01-05", contract=contract, extra_holidays=frozenset({D("2026-05-15")}))
    assert dates.last_notice_day(case, D("2026-05-15")) == D("2026-05-12")


def test_a_right_counts_from_its_first_day() -> None:
    contract = terms(start=D("2024-11-13"), minimum_months=12, renewal=Renewal.FIXED, notice=Notice(3))
    assert dates.last_notice_day(judge(LARGE, CLOUD, "2025-06-01", contract=contract), D("2025-11-12")) == D("2025-09-12")


def test_without_limits_in_force_there_is_no_switch() -> None:
    assert dates.earliest_switch_end(judge(LARGE, CLOUD), D("2027-06-15"), ()) is None


def test_on_its_last_day_a_service_has_not_ended_yet() -> None:
    contract = terms(start=D("2025-11-23"), minimum_months=12, renewal=Renewal.NONE)
    assert not dates.already_ended(judge(LARGE, OTHER, "2026-11-22", contract=contract))
    assert dates.already_ended(judge(LARGE, OTHER, "2026-11-23", contract=contract))


def test_a_wish_no_later_than_the_notice_sets_no_deadline() -> None:
    contract = terms(minimum_months=0, renewal=Renewal.INDEF)
    on_it, after = judge(LARGE, OTHER, contract=contract), judge(LARGE, OTHER, contract=contract)
    assert dates.last_notice_day(on_it, D("2026-12-22"), D("2026-12-22")) is None
    assert dates.last_notice_day(after, D("2026-12-23"), D("2026-12-23")) == D("2026-11-23")


def test_p8_a_large_business_that_asked_waits_three_months() -> None:
    case = judge(LARGE, ECS, contract=terms(minimum_months=12, notice=Notice(6)), long_notice_request_on_file=True)
    assert keys(case) == ["P7", "P8"]
    assert case.terms.notice == Notice(3)
    assert case.applied[1].parameters == {"months": 3}


def test_p8_is_silent_where_it_changes_nothing() -> None:
    in_time = judge(LARGE, ECS, "2026-10-15", contract=terms(minimum_months=18, notice=Notice(3)), long_notice_request_on_file=True)
    assert keys(in_time) == ["P7"]
    assert dates.earliest_end(in_time) == D("2027-01-15")


def test_p8_is_not_for_small_business() -> None:
    case = judge(SMALL, ECS, contract=terms(minimum_months=12, notice=Notice(3)), long_notice_request_on_file=True)
    assert keys(case) == ["P7"]


@pytest.mark.parametrize(("received", "barred"), [("2026-06-15", True), ("2026-06-16", False)])
def test_p14_no_buyout_for_a_consumers_other_service_while_it_binds(received: str, barred: bool) -> None:  # noqa: FBT001
    case = judge(CONSUMER, OTHER, received, contract=terms(minimum_months=12, renewal=Renewal.INDEF))
    assert case.buyout_barred is barred
    assert keys(case) == (["P14"] if barred else [])
    assert not case.buyout_allowed


@pytest.mark.parametrize(("received", "notice"), [("2025-09-11", 3), ("2025-09-12", 2)])
def test_p15_cloud_ends_on_two_months_from_the_day_the_data_act_applies(received: str, notice: int) -> None:
    case = judge(LARGE, CLOUD, received, contract=terms(start=D("2024-01-01"), minimum_months=12, renewal=Renewal.INDEF, notice=Notice(3)))
    assert case.terms.notice == Notice(notice)
    assert keys(case) == ([] if notice == 3 else ["P15"])


def test_p15_a_paid_switch_is_possible_during_the_term() -> None:
    case = judge(LARGE, CLOUD, contract=terms(notice=Notice(3)))
    assert dates.earliest_switch_end(case, D("2027-06-15")) == D("2027-01-22")
    assert dates.earliest_switch_end(case, D("2027-01-22")) is None
    assert dates.earliest_switch_end(judge(LARGE, OTHER), D("2027-06-15")) is None
    assert dates.earliest_switch_end(judge(LARGE, CLOUD, "2025-09-11"), D("2027-06-15")) is None
    assert dates.earliest_switch_end(judge(LARGE, CLOUD, contract=terms(minimum_months=12, renewal=Renewal.INDEF)), D("2028-06-15")) is None


def test_the_data_act_forbids_switching_charges_later() -> None:
    assert data_act.switching_limits(D("2025-09-11")) is None
    first, second = data_act.switching_limits(D("2027-01-11")), data_act.switching_limits(D("2027-01-12"))
    assert first is not None
    assert first.switching_charges_allowed
    assert second is not None
    assert not second.switching_charges_allowed


def test_the_figures_of_the_law_are_parameters() -> None:
    named = service(segment=CONSUMER, kind=ECS, contract=terms(minimum_months=36))
    assert protected(named, D("2026-11-22"), law=Law(commitment_months=12)).minimum_end == D("2026-06-15")


@pytest.mark.parametrize(
    ("segment", "kind", "facts", "found"),
    [
        (CONSUMER, OTHER, {"channel": Channel.ONLINE, "is_domain": True}, ["P4", "P11"]),
        (CONSUMER, OTHER, {}, []),
        (SMALL, OTHER, {}, ["P12"]),
        (SMALL, CLOUD, {}, []),
        (LARGE, OTHER, {"channel": Channel.ONLINE, "is_domain": True}, []),
        (LARGE, ECS, {}, ["P9"]),
        (LARGE, ECS, {"contract": terms(renewal=Renewal.NONE)}, []),
        (LARGE, ECS, {"contract": terms(minimum_months=12)}, []),
        (LARGE, ECS, {"contract": terms(explicit_end=D("2026-11-22"))}, ["P9"]),
        (LARGE, ECS, {"contract": terms(minimum_months=0, renewal=Renewal.INDEF)}, []),
    ],
)
def test_what_is_worth_knowing_is_a_note_not_a_rule(segment: Segment, kind: ServiceKind, facts: dict[str, Any], found: list[str]) -> None:
    assert notes(judge(segment, kind, **facts)) == found


def test_p9_names_the_day_to_inform_by() -> None:
    (note,) = judge(LARGE, ECS).notes
    assert note.parameters == {"inform_on": "2027-04-16", "term_ends_on": "2027-06-15"}


def test_p10_a_bundle_binds_no_longer_than_its_strictest_part() -> None:
    case = protected(service(segment=CONSUMER, kind=BUNDLE), D("2026-11-22"), bundle_end=D("2027-01-31"))
    assert case.minimum_end == D("2027-01-31")
    assert case.notes[-1].key == "P10"
    assert case.notes[-1].parameters == {"last_on": "2027-01-31"}
    later = protected(service(segment=SMALL, kind=BUNDLE), D("2026-11-22"), bundle_end=D("2028-01-31"))
    assert notes(later) == ["P9"]


def test_where_the_law_shortens_a_term_that_never_renews_the_customer_may_stay_or_leave() -> None:
    long_term = terms(minimum_months=36, renewal=Renewal.NONE)
    in_time = judge(CONSUMER, ECS, "2026-11-22", contract=long_term)
    after = judge(CONSUMER, ECS, "2027-08-01", contract=long_term)
    at_the_end = judge(CONSUMER, ECS, "2028-06-01", contract=long_term)
    assert dates.earliest_end(in_time) == D("2027-06-15")
    assert dates.earliest_end(after) == D("2027-09-01")
    assert dates.earliest_end(at_the_end) == D("2028-06-15")
    assert not dates.already_ended(after)
    assert dates.already_ended(judge(CONSUMER, ECS, "2028-06-16", contract=long_term))


def test_a_wish_in_the_renewal_to_come_has_a_last_notice_day() -> None:
    case = judge(LARGE, ECS, "2026-11-22", "2027-08-15")
    assert dates.earliest_end(case, D("2027-08-15")) == D("2027-08-15")
    assert dates.last_notice_day(case, D("2027-08-15"), D("2027-08-15")) == D("2027-07-15")


def test_the_last_notice_day_follows_the_rules_of_that_day() -> None:
    contract = terms(start=D("2024-01-01"), minimum_months=24, renewal=Renewal.FIXED, notice=Notice(3))
    before = judge(LARGE, CLOUD, "2025-06-01", contract=contract)
    assert dates.last_notice_day(before, D("2025-12-31")) == D("2025-10-31")
    assert dates.last_notice_day(before, D("2025-10-31")) == D("2025-07-31")


@pytest.mark.parametrize(("received", "until"), [("2026-11-22", "2027-06-16"), ("2027-05-15", "2027-06-16"), ("2027-05-16", "2028-06-16")])
def test_bound_until_the_running_term_or_the_end_a_late_notice_reaches(received: str, until: str) -> None:
    assert dates.committed_until(judge(LARGE, OTHER, received)) == D(until)


def test_a_late_notice_for_an_indefinite_service_binds_until_it_is_over() -> None:
    assert dates.committed_until(judge(LARGE, OTHER, "2027-06-01", contract=terms(renewal=Renewal.INDEF))) == D("2027-07-02")


def test_nothing_binds_in_an_indefinite_service_or_under_p7() -> None:
    assert dates.committed_until(judge(LARGE, OTHER, contract=terms(minimum_months=12, renewal=Renewal.INDEF))) is None
    assert dates.committed_until(judge(LARGE, ECS, contract=terms(minimum_months=12))) is None


@given(services(), requests)
def test_protection_never_makes_a_customer_worse_off(facts: ServiceFacts, request: Asked) -> None:
    as_written = protected(_without_protection(facts), request.received_on, request.wished_on)
    case = protected(facts, request.received_on, request.wished_on)
    assert case.served_on <= as_written.served_on
    if case.minimum_end is not None and as_written.minimum_end is not None:
        assert case.minimum_end <= as_written.minimum_end


@given(services(), requests)
def test_the_last_notice_day_is_in_time(facts: ServiceFacts, request: Asked) -> None:
    case = protected(facts, request.received_on)
    end = dates.earliest_end(case)
    last_day = dates.last_notice_day(case, end)
    if last_day is not None:
        assert last_day >= request.received_on
        assert any(terms_of_contract.notice_last_day(last_day, right.notice) <= end for right in case.rights if right.since <= last_day)


@given(services(), requests)
def test_every_rule_applied_names_its_source(facts: ServiceFacts, request: Asked) -> None:
    case = protected(facts, request.received_on, request.wished_on)
    for rule in (*case.applied, *case.notes):
        assert rule.law == LAW_SOURCES[rule.key]
    numbers = [int(rule.key[1:]) for rule in case.applied]
    assert numbers == sorted(numbers)
    assert not case.buyout_barred or facts.segment is CONSUMER


def _without_protection(facts: ServiceFacts) -> ServiceFacts:
    return service(contract=facts.terms, segment=LARGE, kind=OTHER)


def test_the_earliest_date_is_the_day_the_rules_begin() -> None:
    assert protected(service(), D("2026-11-22")).rights[0].since == date.min
