"""The figures of the law are parameters: other figures reach every date and amount of the preview and the calendar."""

from __future__ import annotations

from billing.policy.agreed import ServiceKind
from tenants.policy import Segment
from terminations.policy.calendar import row_of, what_if, wishing
from terminations.policy.facts import Ground
from terminations.policy.preview import preview
from terminations.policy.protection import Law
from tests.terminations.facts import D, asked, service, terms

ONE_YEAR_AT_MOST = Law(commitment_months=12)
INTERNET = service("I", segment=Segment.CONSUMER, kind=ServiceKind.ECS, bundle="home")
HOSTING = service("H", segment=Segment.CONSUMER, bundle="home", contract=terms(start=D("2026-01-01")))
BUSINESS_LINE = service("L", segment=Segment.PROTECTED_BIZ, kind=ServiceKind.ECS, contract=terms(start=D("2025-12-16")))


def test_a_law_that_binds_for_a_year_frees_a_contract_of_two() -> None:
    (now,) = preview([BUSINESS_LINE], asked()).services
    (then,) = preview([BUSINESS_LINE], asked(), ONE_YEAR_AT_MOST).services
    assert (now.minimum_end, now.first_possible_end) == (D("2027-12-15"), D("2027-12-15"))
    assert (then.minimum_end, then.first_possible_end) == (D("2026-12-15"), D("2026-12-22"))


def test_a_bundle_binds_no_longer_than_that_law_allows() -> None:
    (now,) = preview([INTERNET, HOSTING], asked()).bundles
    seen = preview([INTERNET, HOSTING], asked(), ONE_YEAR_AT_MOST)
    assert (now.strictest, now.last_day) == ("I", D("2027-06-15"))
    assert (seen.bundles[0].strictest, seen.bundles[0].last_day) == ("I", D("2026-06-15"))
    assert [each.first_possible_end for each in seen.services] == [D("2026-12-22"), D("2026-12-22")]


def test_the_calendar_follows_that_law_on_every_day() -> None:
    request = asked(wished_on="2026-12-01")
    for case in ([BUSINESS_LINE], [INTERNET, HOSTING]):
        seen = what_if(case, request, law=ONE_YEAR_AT_MOST)
        assert seen.first_free_end == D("2026-12-22")
        for row in seen.rows[:400:7]:
            assert row == row_of(preview(case, wishing(request, row.day), ONE_YEAR_AT_MOST), row.day)


def test_the_calendar_on_a_ground_follows_that_law_too() -> None:
    request = asked(ground=Ground.UNFORESEEN)
    seen = what_if([BUSINESS_LINE], request, D("2027-03-01"), law=ONE_YEAR_AT_MOST)
    for row in seen.rows[::9]:
        assert row == row_of(preview([BUSINESS_LINE], wishing(request, row.day), ONE_YEAR_AT_MOST), row.day)
    now = what_if([BUSINESS_LINE], request, D("2027-03-01"))
    assert max(row.day for row in seen.rows if row.buyout_cents) < D("2026-12-22")
    assert max(row.day for row in now.rows if row.buyout_cents) == D("2027-02-28")


def test_a_cloud_customer_sees_from_when_he_can_have_switched() -> None:
    (seen,) = preview([service(kind=ServiceKind.CLOUD)], asked()).services
    assert (seen.switch_end, seen.first_possible_end) == (D("2026-12-22"), D("2027-06-15"))
