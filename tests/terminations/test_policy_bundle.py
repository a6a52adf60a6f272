"""Which services make a bundle, and which of them binds it last (P10)."""

from __future__ import annotations

from billing.policy.agreed import ServiceKind
from billing.policy.terms import Renewal
from tenants.policy import Segment
from terminations.policy.preview import preview
from tests.terminations.facts import D, asked, service, terms

CONSUMER = Segment.CONSUMER


def test_a_bundle_without_telecom_hides_no_other() -> None:
    case = [
        service("W", segment=CONSUMER, bundle="website"),
        service("I", segment=CONSUMER, kind=ServiceKind.ECS, bundle="home"),
    ]
    assert [(bundle.ref, bundle.services) for bundle in preview(case, asked()).bundles] == [("home", ("I",))]


def test_every_part_of_a_bundle_is_measured_by_the_rules_for_telecom() -> None:
    internet = service("I", segment=CONSUMER, kind=ServiceKind.ECS, bundle="home")
    three_years = service("H", segment=CONSUMER, bundle="home", contract=terms(start=D("2025-01-01"), minimum_months=36))
    (bundle,) = preview([internet, three_years], asked()).bundles
    assert (bundle.strictest, bundle.last_day) == ("H", D("2026-12-31"))


def test_a_part_without_a_term_does_not_unbind_the_bundle() -> None:
    internet = service("I", segment=CONSUMER, kind=ServiceKind.ECS, bundle="home")
    indefinite = service("H", segment=CONSUMER, bundle="home", contract=terms(minimum_months=0, renewal=Renewal.INDEF))
    (bundle,) = preview([indefinite, internet], asked()).bundles
    assert (bundle.services, bundle.strictest, bundle.last_day) == (("H", "I"), "I", D("2027-06-15"))
