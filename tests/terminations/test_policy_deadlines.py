"""The last day to give notice as a rule: the preview's own, true until it says, and what missing it costs."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.policy.agreed import ServiceKind
from billing.policy.terms import Align, Notice, NoticeUnit, Renewal
from partner_portal.kernel.dates import ONE_DAY
from tenants.policy import Segment
from terminations.policy.deadlines import NO_DEADLINE, Deadline, deadline
from terminations.policy.facts import Asked, ServiceFacts
from terminations.policy.preview import preview
from tests.terminations.facts import D, service, services, terms

DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))  # the last change of the law that dates can cross came into force in 2025


def on(facts: ServiceFacts, day: date) -> tuple[date, date | None]:
    """What a preview says that day: the first free end, and the last day to give notice for it."""
    (seen,) = preview([facts], Asked(received_on=day, today=day)).services
    return seen.first_possible_end, seen.last_notice_day


def test_a_contract_that_renews_by_the_year_names_the_day_the_end_and_the_twelve_months_of_missing_it() -> None:
    assert deadline(service(), D("2026-11-22")) == Deadline(
        last_notice_on=D("2027-05-15"),
        free_end_on=D("2027-06-15"),
        renewal_months=12,
        committed_until=D("2027-06-16"),
        holds_until=D("2027-05-15"),
    )


def test_on_the_last_day_itself_notice_is_in_time_and_a_day_later_the_deadline_is_missed_until_the_term_is_over() -> None:
    assert deadline(service(), D("2027-05-15")).missed_on is None

    late = deadline(service(), D("2027-05-16"))
    assert (late.missed_on, late.missed_end_on, late.holds_until) == (D("2027-05-15"), D("2027-06-15"), D("2027-06-15"))
    assert (late.last_notice_on, late.free_end_on, late.renewal_months) == (D("2028-05-15"), D("2028-06-15"), 12)

    renewed = deadline(service(), D("2027-06-16"))
    assert (renewed.missed_on, renewed.last_notice_on, renewed.committed_until) == (None, D("2028-05-15"), D("2028-06-16"))


@pytest.mark.parametrize(
    "facts",
    [
        service(contract=terms(renewal=Renewal.INDEF, minimum_months=0)),
        service(contract=terms(renewal=Renewal.INDEF, minimum_months=12)),  # its minimum is over
        service(contract=terms(minimum_months=12), kind=ServiceKind.ECS),  # renewed tacitly: endable at any time (P7)
        service(contract=terms(minimum_months=12), segment=Segment.CONSUMER),  # the same by P1
        service(contract=terms(renewal=Renewal.INDEF, minimum_months=0, align=Align.EOM)),
    ],
    ids=["indefinite", "indefinite past its minimum", "telecom renewed", "consumer renewed", "to the end of a month"],
)
def test_what_can_end_at_any_time_has_no_deadline_and_never_will(facts: ServiceFacts) -> None:
    assert deadline(facts, D("2026-11-22")) == NO_DEADLINE


def test_what_ends_by_itself_needs_no_notice() -> None:
    seen = deadline(service(contract=terms(renewal=Renewal.NONE)), D("2026-11-22"))
    assert (seen.last_notice_on, seen.missed_on, seen.committed_until) == (None, None, D("2027-06-16"))


def test_a_first_term_that_runs_on_afterwards_has_a_last_day_but_missing_it_binds_for_nothing() -> None:
    seen = deadline(service(contract=terms(renewal=Renewal.INDEF)), D("2026-11-22"))
    assert (seen.last_notice_on, seen.free_end_on, seen.renewal_months) == (D("2027-05-15"), D("2027-06-15"), 0)


def test_a_first_term_of_telecom_is_never_followed_by_another() -> None:
    seen = deadline(service(kind=ServiceKind.ECS), D("2026-11-22"))
    assert (seen.last_notice_on, seen.renewal_months) == (D("2027-05-15"), 0)


def test_a_notice_longer_than_the_renewal_binds_for_as_many_renewals_as_it_needs() -> None:
    contract = terms(minimum_months=12, renewal_months=1, notice=Notice(3, NoticeUnit.MONTHS))
    seen = deadline(service(contract=contract), D("2026-11-22"))
    assert (seen.missed_end_on, seen.last_notice_on, seen.free_end_on) == (D("2026-12-15"), D("2026-12-15"), D("2027-03-15"))
    assert seen.renewal_months == 1


@given(services(), DAYS)
def test_the_deadline_is_the_previews_own(facts: ServiceFacts, today: date) -> None:
    seen, (end, last) = deadline(facts, today), on(facts, today)

    assert seen.last_notice_on == last
    assert seen.free_end_on == (None if last is None else end)


@given(services(), DAYS, st.integers(0, 2000))
def test_what_was_kept_is_what_would_be_computed_on_every_day_until_it_says(facts: ServiceFacts, today: date, later: int) -> None:
    kept = deadline(facts, today)
    last = kept.holds_until or today + timedelta(days=2000)
    day = min(today + timedelta(days=later), last)

    assert last >= today
    assert deadline(facts, day) == kept
    assert deadline(facts, last) == kept


@given(services(), DAYS)
def test_a_notice_on_the_last_day_keeps_the_end_and_one_a_day_later_does_not(facts: ServiceFacts, today: date) -> None:
    seen = deadline(facts, today)
    assume(seen.last_notice_on is not None)
    assert seen.last_notice_on is not None
    assert seen.free_end_on is not None

    assert seen.last_notice_on >= today
    assert on(facts, seen.last_notice_on)[0] == seen.free_end_on
    assert on(facts, seen.last_notice_on + ONE_DAY)[0] > seen.free_end_on


@given(services(), DAYS, st.integers(1, 90))
def test_a_missed_day_has_passed_for_a_term_that_still_runs(facts: ServiceFacts, today: date, later: int) -> None:
    first = deadline(facts, today)
    assume(first.last_notice_on is not None)
    assert first.last_notice_on is not None
    day = first.last_notice_on + timedelta(days=later)
    seen = deadline(facts, day)

    if seen.missed_end_on is None or seen.missed_on is None:
        assert seen.missed_end_on is seen.missed_on is None
        assert seen.committed_until is None or on(facts, day)[0] < seen.committed_until
        return
    assert seen.missed_on < day <= seen.missed_end_on
    assert on(facts, seen.missed_on)[0] <= seen.missed_end_on < on(facts, day)[0]
