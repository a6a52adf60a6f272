"""Facts with everything defaulted, and strategies that draw any of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from billing.policy.agreed import ClawbackMode, CreditMode, Method, ResidualMode, ScaleKind, ServiceKind
from billing.policy.charges import Proration
from billing.policy.tax import Vat
from billing.policy.terms import Align, CountFrom, Notice, NoticeUnit, Renewal, Terms
from tenants.policy import Segment
from terminations.policy.facts import Asked, Band, BuyoutRule, Caps, Discount, Equipment, Scale, ServiceFacts, flat

D = date.fromisoformat
START = D("2025-06-16")
TODAY = D("2026-11-22")


def terms(**facts: Any) -> Terms:
    """Two years from 16 June 2025, then year by year, one month's notice."""
    usual = {"start": START, "minimum_months": 24, "renewal": Renewal.FIXED, "renewal_months": 12, "notice": Notice(1)}
    return Terms(**{**usual, **facts})


def service(ref: str = "S1", *, contract: Terms | None = None, **facts: Any) -> ServiceFacts:
    """A large business's hosting at 89.95 a month, bought out at 75 %."""
    usual = {"segment": Segment.OTHER_BIZ, "monthly_fee_cents": 8995, "buyout": BuyoutRule(scale=flat(75)), "paid_until": D("2026-12-01")}
    return ServiceFacts(ref=ref, name=f"Service {ref}", terms=contract or terms(), **{**usual, **facts})


def asked(received_on: str = "2026-11-22", wished_on: str | None = None, **facts: Any) -> Asked:
    """A notice received today."""
    day = D(received_on)
    return Asked(**{"received_on": day, "today": day, "wished_on": None if wished_on is None else D(wished_on), **facts})


notices = st.builds(Notice, st.integers(0, 6), st.sampled_from(NoticeUnit), st.sampled_from(CountFrom))
scales = st.one_of(
    st.none(),
    st.sampled_from([0, 50, 75, 100]).map(flat),
    st.builds(
        lambda kind, first: Scale(kind, (Band(first, Decimal(100)), Band(13, Decimal("62.5")), Band(25, Decimal(40)))),
        st.sampled_from([ScaleKind.BY_CONTRACT_MONTH, ScaleKind.BY_MOMENT]),
        st.sampled_from([1, 2]),
    ),
)
rules = st.builds(
    BuyoutRule,
    method=st.sampled_from(Method),
    scale=scales,
    handling_cents=st.sampled_from([0, 2500]),
    avoided_cost_percentage=st.sampled_from([Decimal(0), Decimal(10)]),
)
discounts = st.none() | st.builds(Discount, st.integers(0, 50000), st.sampled_from([12, 24, 36]), st.sampled_from(ClawbackMode))
equipments = st.none() | st.builds(Equipment, st.integers(0, 90000), st.sampled_from([12, 24, 36]), st.sampled_from(ResidualMode))
vats = st.builds(Vat, rate=st.sampled_from([Decimal(0), Decimal(21)]), prices_include_vat=st.booleans())


@st.composite
def services(draw: st.DrawFn, *, ref: str = "S1", bundle: str | None = None) -> ServiceFacts:
    """Any service at all."""
    start = draw(st.dates(date(2023, 1, 1), date(2027, 12, 31)))
    around = st.integers(-60, 900).map(lambda days: start + timedelta(days=days))
    contract = Terms(
        start=start,
        minimum_months=draw(st.sampled_from([0, 1, 12, 24, 36])),
        renewal=draw(st.sampled_from(Renewal)),
        renewal_months=draw(st.sampled_from([1, 3, 12])),
        notice=draw(notices),
        align=draw(st.sampled_from(Align)),
        explicit_end=draw(st.none() | st.integers(100, 900).map(lambda days: start + timedelta(days=days))),
    )
    return ServiceFacts(
        ref=ref,
        name=ref,
        terms=contract,
        monthly_fee_cents=draw(st.integers(0, 20000)),
        quantity=draw(st.integers(1, 3)),
        segment=draw(st.sampled_from(Segment)),
        kind=draw(st.sampled_from(ServiceKind)),
        bundle=bundle,
        signed_on=draw(st.none() | around),
        waiver_on_file=draw(st.booleans()),
        long_notice_request_on_file=draw(st.booleans()),
        provider_notice=draw(st.none() | notices),
        m2m=draw(st.booleans()),
        billed_from=draw(st.none() | st.just(start)),
        paid_until=draw(st.none() | around),
        credit_mode=draw(st.sampled_from(CreditMode)),
        proration=draw(st.sampled_from(Proration)),
        buyout=draw(rules),
        discount=draw(discounts),
        equipment=draw(equipments),
        usage_cents=draw(st.sampled_from([0, 843])),
        caps=Caps(whole_contract=draw(st.booleans())),
        vat=draw(vats),
    )


requests = st.builds(
    lambda received_on, wait, early: Asked(
        received_on=received_on,
        today=received_on,
        wished_on=None if wait is None else received_on + timedelta(days=wait),
        early=early,
    ),
    st.dates(date(2023, 6, 1), date(2028, 12, 31)),
    st.none() | st.integers(-10, 900),
    st.booleans(),
)
