"""When terms end, when notice is in time, and how the two meet."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy import terms
from billing.policy.terms import Align, CountFrom, Notice, NoticeUnit, Renewal, RenewalHasNoLength, TermEndPolicy, Terms
from partner_portal.kernel.dates import ONE_DAY, Period

D = date.fromisoformat
DAYS, WEEKS, MONTHS, WORKING_DAYS = NoticeUnit.DAYS, NoticeUnit.WEEKS, NoticeUnit.MONTHS, NoticeUnit.WORKING_DAYS
BRIDGE_DAY = frozenset({D("2026-05-15")})

some_day = st.dates(date(2020, 1, 1), date(2032, 12, 31))
notices = st.builds(Notice, st.integers(0, 6), st.sampled_from(list(NoticeUnit)), st.sampled_from(list(CountFrom)))


@st.composite
def contracts(draw: st.DrawFn) -> Terms:
    start = draw(some_day)
    return Terms(
        start=start,
        minimum_months=draw(st.sampled_from([0, 1, 12, 24, 36])),
        renewal=draw(st.sampled_from(list(Renewal))),
        renewal_months=draw(st.sampled_from([1, 3, 12])),
        notice=draw(notices),
        align=draw(st.sampled_from(list(Align))),
        explicit_end=draw(st.none() | st.integers(1, 1200).map(lambda days: start + timedelta(days=days))),
        billing_months=draw(st.sampled_from([1, 3])),
        term_end_policy=draw(st.sampled_from(list(TermEndPolicy))),
    )


YEARLY = Terms(start=D("2025-03-01"), minimum_months=24, renewal=Renewal.FIXED, renewal_months=12, notice=Notice(3))
PRINTED = Terms(start=D("2025-01-15"), minimum_months=24, renewal=Renewal.FIXED, renewal_months=12, explicit_end=D("2026-12-31"))


def test_a_fixed_renewal_says_for_how_long() -> None:
    with pytest.raises(RenewalHasNoLength) as refused:
        Terms(start=D("2026-01-01"), renewal=Renewal.FIXED)
    assert refused.value.facts == {"renewal_months": 0}


def test_the_usual_contract_is_indefinite_on_a_month() -> None:
    assert Terms(start=D("2026-01-01")).notice == Notice(1, MONTHS, CountFrom.NEXT)
    assert Terms(start=D("2026-01-01")).billing_months == 1


@pytest.mark.parametrize(
    ("start", "months", "clipped", "german"),
    [
        ("2026-01-31", 1, "2026-02-27", "2026-02-28"),
        ("2026-01-29", 1, "2026-02-27", "2026-02-28"),
        ("2026-03-01", 12, "2027-02-28", "2027-02-28"),
        ("2026-04-15", 1, "2026-05-14", "2026-05-14"),
        ("2026-03-02", 1, "2026-04-01", "2026-04-01"),
    ],
)
def test_a_term_ends_the_day_before_its_number_returns(start: str, months: int, clipped: str, german: str) -> None:
    assert terms.last_day_of_term(D(start), months) == D(clipped)
    assert terms.last_day_of_term(D(start), months, TermEndPolicy.BGB188) == D(german)


@pytest.mark.parametrize(
    ("policy", "first_end", "renewed_end", "from_the_first"),
    [(TermEndPolicy.CLIP, "2026-02-27", "2026-02-27", "2026-03-31"), (TermEndPolicy.BGB188, "2026-02-28", "2026-02-28", "2026-03-31")],
)
def test_minimum_and_renewals_end_by_the_same_usage(policy: TermEndPolicy, first_end: str, renewed_end: str, from_the_first: str) -> None:
    usual = Terms(
        start=D("2025-12-31"), minimum_months=2, renewal=Renewal.FIXED, renewal_months=2, notice=Notice(1), term_end_policy=policy
    )
    explicit = msgspec.structs.replace(usual, explicit_end=D("2025-12-30"))
    assert terms.term_end(usual, 0) == D(first_end)
    assert terms.term_end(explicit, 1) == D(renewed_end)
    assert terms.last_day_of_term(D("2026-03-01"), 1, policy) == D(from_the_first)


@pytest.mark.parametrize(
    ("received", "notice", "served"),
    [
        ("2026-01-31", Notice(1), "2026-02-28"),
        ("2026-01-31", Notice(1, MONTHS, CountFrom.RECEIPT), "2026-02-27"),
        ("2026-12-31", Notice(30, DAYS), "2027-01-30"),
        ("2026-12-31", Notice(30, DAYS, CountFrom.RECEIPT), "2027-01-29"),
        ("2026-11-22", Notice(4, WEEKS), "2026-12-20"),
        ("2026-04-22", Notice(5, WORKING_DAYS), "2026-04-30"),
        ("2026-04-22", Notice(5, WORKING_DAYS, CountFrom.RECEIPT), "2026-04-29"),
        ("2026-11-22", Notice(1, WORKING_DAYS, CountFrom.RECEIPT), "2026-11-23"),
    ],
)
def test_the_last_day_of_a_notice(received: str, notice: Notice, served: str) -> None:
    assert terms.notice_last_day(D(received), notice) == D(served)


def test_a_decreed_holiday_lengthens_a_notice_in_working_days_only() -> None:
    assert terms.notice_last_day(D("2026-05-13"), Notice(1, WORKING_DAYS), BRIDGE_DAY) == D("2026-05-18")
    assert terms.last_notice_day(D("2026-05-18"), Notice(1, WORKING_DAYS), BRIDGE_DAY) == D("2026-05-17")
    assert terms.last_notice_day(D("2026-05-15"), Notice(1, WORKING_DAYS), BRIDGE_DAY) == D("2026-05-12")
    assert terms.last_notice_day(D("2026-12-28"), Notice(5, WORKING_DAYS, CountFrom.RECEIPT)) == D("2026-12-21")
    assert terms.notice_last_day(D("2026-05-13"), Notice(2, DAYS), BRIDGE_DAY) == D("2026-05-15")


@given(some_day, notices)
def test_the_last_notice_day_is_in_time_and_the_next_day_is_not(end: date, notice: Notice) -> None:
    day = terms.last_notice_day(end, notice)
    assert terms.notice_last_day(day, notice) <= end < terms.notice_last_day(day + ONE_DAY, notice)


@pytest.mark.parametrize(
    ("contract", "end"),
    [
        (Terms(start=D("2026-01-01")), None),
        (Terms(start=D("2026-01-01"), minimum_months=12), "2026-12-31"),
        (Terms(start=D("2026-01-01"), explicit_end=D("2026-06-15")), "2026-06-15"),
        (PRINTED, "2026-12-31"),
    ],
)
def test_the_minimum_term(contract: Terms, end: str | None) -> None:
    assert terms.minimum_end(contract) == (None if end is None else D(end))


@pytest.mark.parametrize(
    ("contract", "ends"), [(YEARLY, ["2027-02-28", "2028-02-29", "2029-02-28"]), (PRINTED, ["2026-12-31", "2027-12-31", "2028-12-31"])]
)
def test_renewals_are_counted_from_the_contracts_own_anchor(contract: Terms, ends: list[str]) -> None:
    assert [terms.term_end(contract, renewals) for renewals in range(3)] == [D(end) for end in ends]


@pytest.mark.parametrize(
    ("contract", "day", "term"),
    [
        (YEARLY, "2027-02-28", ("2025-03-01", "2027-03-01")),
        (YEARLY, "2027-03-01", ("2027-03-01", "2028-03-01")),
        (YEARLY, "2020-01-01", ("2025-03-01", "2027-03-01")),
        (PRINTED, "2027-01-01", ("2027-01-01", "2028-01-01")),
        (Terms(start=D("2026-01-15"), renewal=Renewal.FIXED, renewal_months=1), "2026-02-20", ("2026-02-15", "2026-03-15")),
        (Terms(start=D("2026-01-15"), renewal=Renewal.FIXED, renewal_months=1), "2026-01-10", ("2026-01-15", "2026-01-15")),
    ],
)
def test_the_term_that_binds_on_a_day(contract: Terms, day: str, term: tuple[str, str]) -> None:
    assert terms.term_holding(contract, D(day)) == Period(*map(D, term))
    assert terms.committed_until(contract, D(day)) == D(term[1])


@pytest.mark.parametrize("renewal", [Renewal.NONE, Renewal.INDEF])
def test_nothing_binds_after_the_minimum_without_a_fixed_renewal(renewal: Renewal) -> None:
    contract = Terms(start=D("2026-01-01"), minimum_months=1, renewal=renewal)
    assert terms.term_holding(contract, D("2026-02-01")) is None
    assert terms.committed_until(contract, D("2026-02-01")) is None
    assert terms.committed_until(contract, D("2026-01-31")) == D("2026-02-01")


@pytest.mark.parametrize(
    ("contract", "served", "end"),
    [
        (YEARLY, "2027-02-28", "2027-02-28"),
        (YEARLY, "2027-03-01", "2028-02-29"),
        (PRINTED, "2027-01-15", "2027-12-31"),
        (Terms(start=D("2025-02-01"), minimum_months=12, renewal=Renewal.NONE), "2026-12-22", "2026-01-31"),
        (Terms(start=D("2025-12-16"), minimum_months=12), "2026-12-15", "2026-12-15"),
        (Terms(start=D("2025-12-16"), minimum_months=12), "2026-12-16", "2026-12-16"),
        (Terms(start=D("2025-12-16"), minimum_months=12, align=Align.EOM), "2026-12-15", "2026-12-15"),
        (Terms(start=D("2024-01-15"), align=Align.EOM), "2026-03-01", "2026-03-31"),
        (Terms(start=D("2024-01-31"), align=Align.PERIOD), "2026-02-28", "2026-03-30"),
        (Terms(start=D("2024-01-15"), align=Align.PERIOD, billing_months=3), "2026-02-28", "2026-04-14"),
    ],
)
def test_the_first_lawful_end(contract: Terms, served: str, end: str) -> None:
    assert terms.earliest_end(contract, D(served)) == D(end)


@given(contracts(), some_day)
def test_a_service_never_ends_before_its_notice_is_over(contract: Terms, received_on: date) -> None:
    served_on = terms.notice_last_day(received_on, contract.notice)
    end = terms.earliest_end(contract, served_on)
    if contract.renewal is not Renewal.NONE:
        assert end >= served_on
    else:
        assert end == terms.term_end(contract, 0)


@given(contracts(), some_day, st.integers(0, 400))
def test_a_later_wish_never_ends_earlier(contract: Terms, served_on: date, later: int) -> None:
    assert terms.earliest_end(contract, served_on) <= terms.earliest_end(contract, served_on + timedelta(days=later))


@given(contracts(), some_day)
def test_the_term_holding_a_day_holds_it_and_ends_as_terms_do(contract: Terms, day: date) -> None:
    term = terms.term_holding(contract, day)
    if term is None:
        assert contract.renewal is not Renewal.FIXED
    elif day >= contract.start:
        assert day in term
        if contract.renewal is Renewal.FIXED:
            assert terms.first_term_end(contract, day) == term.last_day


@given(contracts().filter(lambda contract: contract.renewal is Renewal.FIXED), some_day)
def test_no_term_end_is_skipped(contract: Terms, day: date) -> None:
    end = terms.first_term_end(contract, day)
    ends = [terms.term_end(contract, renewals) for renewals in range(400)]
    assert end == next(candidate for candidate in ends if candidate >= day)


def test_deadlines_follow_each_other() -> None:
    assert list(islice(terms.notice_deadlines(YEARLY, D("2026-12-01")), 2)) == [
        (D("2027-11-30"), D("2028-02-29")),
        (D("2028-11-30"), D("2029-02-28")),
    ]
