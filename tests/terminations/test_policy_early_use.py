"""What a consumer pays for days used when it withdraws within the cooling-off period: BW 6:230s lid 4 and 5, case by case."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.agreed import Channel, CreditMode
from billing.policy.charges import Proration
from billing.policy.tax import Vat
from billing.policy.terms import Renewal
from partner_portal.kernel.dates import Period
from tenants.policy import Segment
from terminations.policy.calendar import what_if
from terminations.policy.cost_sheet import LineCode
from terminations.policy.early_use import WhyFree, early_use
from terminations.policy.facts import Discount, Equipment, Ground, Ordered, ServiceFacts
from terminations.policy.grounds import UNDONE, UNDONE_BUT_FOR_DAYS_USED
from terminations.policy.preview import Preview, preview
from terminations.service import explain
from tests.terminations.facts import D, asked, service, terms

SIGNED = D("2026-11-08")  # a Sunday: the fourteenth day is one too, so the last day is Monday 23 November
OPEN = {"minimum_months": 0, "renewal": Renewal.INDEF, "renewal_months": 0}
TWO_YEARS = {"minimum_months": 24}
CONSUMER = Vat(prices_include_vat=True)


def agreed(start: date = SIGNED, *, contract: dict[str, Any] = OPEN, order: dict[str, Any] | None = None, **facts: Any) -> ServiceFacts:
    """A consumer ordered a service of EUR 45.00 a month online, on 8 November; it expressly asked for an early start and was told its rights."""
    usual: dict[str, Any] = {"asked_early": True, "told": True, "delivered_from": start}
    return service(
        contract=terms(start=start, **contract),
        **{
            "segment": Segment.CONSUMER,
            "channel": Channel.ONLINE,
            "signed_on": SIGNED,
            "monthly_fee_cents": 4500,
            "paid_until": start,
            "vat": CONSUMER,
            "ordered": Ordered(**{**usual, **(order or {})}),
            **facts,
        },
    )


def withdrawn(facts: ServiceFacts, on: str) -> Preview:
    return preview([facts], asked(on, ground=Ground.COOLING_OFF))


SETUP = {"setup_cents": 4800, "setup_billed_cents": 4800}
NEXT_FEBRUARY: dict[str, Any] = {"start": D("2027-02-10"), "signed_on": D("2027-02-10")}

PAYS = {
    "a week of a month of thirty days": (agreed(), "2026-11-15", 7, 1050),  # 7/30 x 45.00
    "the day of the withdrawal does not count": (agreed(), "2026-11-09", 1, 150),
    "on the last day, which a Sunday moved on": (agreed(), "2026-11-23", 15, 2250),
    "the days of each month by its own length": (
        agreed(D("2026-11-20"), signed_on=D("2026-11-20")),
        "2026-12-04",
        14,
        2085,
    ),  # 11/30 + 3/31
    "February": (agreed(**NEXT_FEBRUARY), "2027-02-20", 10, 1607),  # 10/28 x 45.00
    "it began later than it was ordered": (agreed(D("2026-11-16")), "2026-11-20", 4, 600),
    "three of them": (agreed(quantity=3), "2026-11-15", 7, 3150),
    "a fixed term: its share of the fees": (agreed(contract=TWO_YEARS), "2026-11-15", 7, 1050),
    "a fixed term with set-up: its share of both": (
        agreed(contract=TWO_YEARS, order=SETUP),
        "2026-11-15",
        7,
        1097,
    ),  # 7/30 x (45.00 + 48.00/24)
    "no term: of set-up nothing, for there is nothing to share it over": (agreed(order=SETUP), "2026-11-15", 7, 1050),
    "a discount is in the fee agreed, and is not claimed back": (agreed(discount=Discount(12000, 24)), "2026-11-15", 7, 1050),
    "equipment goes back, and is not charged": (agreed(equipment=Equipment(18000, 36)), "2026-11-15", 7, 1050),
    "a contract that knows whole months only": (agreed(proration=Proration.NONE, credit_mode=CreditMode.NONE), "2026-11-15", 7, 1050),
    "a domain name is no exception": (agreed(is_domain=True), "2026-11-15", 7, 1050),
    "numbers that came along on the 12th": (agreed(order={"delivered_from": D("2026-11-12")}), "2026-11-15", 3, 450),
    "by telephone, or at the door": (agreed(channel=Channel.OFF_PREMISES), "2026-11-15", 7, 1050),
}
FREE: dict[str, tuple[ServiceFacts, str, WhyFree]] = {
    "it did not ask for an early start": (agreed(order={"asked_early": False}), "2026-11-15", WhyFree.NOT_ASKED),
    "it was not told of its right": (agreed(order={"told": False}), "2026-11-15", WhyFree.NOT_TOLD),
    "neither": (agreed(order={"asked_early": False, "told": False}), "2026-11-15", WhyFree.NOT_ASKED),
    "no order in the portal made the service": (agreed(ordered=None), "2026-11-15", WhyFree.NOT_ON_RECORD),
    "the days are over: who lets it withdraw all the same judges that it was never told": (agreed(), "2026-11-24", WhyFree.NOT_TOLD),
    "its numbers had not come": (agreed(order={"delivered_from": None}), "2026-11-15", WhyFree.NOT_DELIVERED),
}
NOT_BEGUN = {
    "it begins that very day": (agreed(D("2026-11-15")), "2026-11-15"),
    "it begins later": (agreed(D("2026-12-01")), "2026-11-15"),
    "withdrawn from on the day of the order": (agreed(), "2026-11-08"),
    "its numbers came that very day": (agreed(order={"delivered_from": D("2026-11-15")}), "2026-11-15"),
}


@pytest.mark.parametrize(("facts", "on", "days", "owed"), PAYS.values(), ids=PAYS)
def test_who_asked_expressly_pays_for_the_days_it_had(facts: ServiceFacts, on: str, days: int, owed: int) -> None:
    (seen,) = withdrawn(facts, on).services
    (line,) = [line for line in seen.ending.sheet.lines if line.code is LineCode.EARLY_USE]

    assert (line.quantity, line.amount_cents, line.basis) == ({"days": days}, owed, "BW 6:230s(4)")
    assert line.parameters["last_on"] == (D(on) - timedelta(days=1)).isoformat()
    assert [note.key for note in seen.notes if note.key.startswith("ground.")] == [UNDONE_BUT_FOR_DAYS_USED]
    assert seen.ending.sheet.fees == ()


@pytest.mark.parametrize(("facts", "on", "why"), FREE.values(), ids=FREE)
def test_who_did_not_ask_or_was_not_told_pays_nothing_and_reads_why(facts: ServiceFacts, on: str, why: WhyFree) -> None:
    (seen,) = withdrawn(facts, on).services

    assert LineCode.EARLY_USE not in {line.code for line in seen.ending.sheet.lines}
    assert [(note.key, note.law) for note in seen.notes if note.key.startswith("ground.")] == [
        (UNDONE, "BW 6:230o"),
        (why.value, "BW 6:230s(5)"),
    ]


@pytest.mark.parametrize(("facts", "on"), NOT_BEGUN.values(), ids=NOT_BEGUN)
def test_of_a_service_that_had_not_begun_nothing_is_owed_and_nobody_wonders(facts: ServiceFacts, on: str) -> None:
    (seen,) = withdrawn(facts, on).services

    assert early_use(facts, D(on)) is None
    assert LineCode.EARLY_USE not in {line.code for line in seen.ending.sheet.lines}
    assert [note.key for note in seen.notes if note.key.startswith("ground.")] == [UNDONE]


def test_what_was_paid_comes_back_set_up_too_less_the_days_used() -> None:
    facts = agreed(contract=TWO_YEARS, order=SETUP, paid_until=D("2026-12-08"))

    seen = withdrawn(facts, "2026-11-15")

    assert [(line.code, line.amount_cents) for line in seen.bill.lines] == [
        (LineCode.CREDIT, -4500),
        (LineCode.CREDIT_SETUP, -4800),
        (LineCode.EARLY_USE, 1097),
    ]
    (total,) = seen.bill.totals
    assert (total.total_cents, total.base_cents, total.vat_cents) == (-8203, -6779, -1424)
    assert sum(line.net_cents for line in seen.bill.lines) == total.base_cents


def test_set_up_comes_back_as_far_as_it_was_billed_whoever_asked_for_what() -> None:
    billed_in_part = agreed(order={"asked_early": False, "setup_cents": 4800, "setup_billed_cents": 1800})

    (line,) = withdrawn(billed_in_part, "2026-11-15").bill.lines

    assert (line.code, line.amount_cents, line.basis) == (LineCode.CREDIT_SETUP, -1800, "BW 6:230r")


def test_why_stands_there_in_both_languages() -> None:
    (line,) = withdrawn(agreed(contract=TWO_YEARS, order=SETUP | {"setup_billed_cents": 0}), "2026-11-15").bill.lines

    said = [(explain.rule(line, language), explain.formula(line, language)) for language in ("nl", "en")]

    assert [(rule.replace("\xa0", " "), (formula or "").replace("\xa0", " ")) for rule, formula in said] == [
        (
            (
                "Gebruikt op uitdrukkelijk verzoek van de klant, van 8 november 2026 tot en met 14 november 2026: hun deel van de hele afgesproken prijs. "
                "De dag van de herroeping telt niet mee."
            ),
            "7 dagen x (EUR 45,00 + EUR 48,00 / 24 maanden) per maand",
        ),
        (
            (
                "Used at the customer's express wish, from 8 November 2026 to 14 November 2026: their share of the whole price agreed. "
                "The day of the withdrawal does not count."
            ),
            "7 days x (EUR 45.00 + EUR 48.00 / 24 months) per month",
        ),
    ]
    assert line.unrounded == "10.966667"


def test_a_single_day_is_one_day() -> None:
    (line,) = withdrawn(agreed(), "2026-11-09").bill.lines

    assert "on 8 November 2026: its share" in explain.rule(line, "en").replace("\xa0", " ")
    assert (explain.formula(line, "en") or "").startswith("1 day x")


def test_the_calendar_counts_days_used_as_the_preview_does() -> None:
    facts = agreed(contract=TWO_YEARS, order=SETUP, paid_until=D("2026-12-08"))

    rows = what_if([facts], asked("2026-11-15", ground=Ground.COOLING_OFF)).rows

    assert {row.total_to_pay_cents for row in rows} == {-8203}


ordered = st.builds(
    Ordered,
    asked_early=st.booleans(),
    told=st.booleans(),
    delivered_from=st.none() | st.dates(D("2026-11-01"), D("2026-12-10")),
    setup_cents=st.integers(0, 50000),
    setup_billed_cents=st.integers(0, 50000),
)


@st.composite
def contracts(draw: st.DrawFn) -> ServiceFacts:
    """What a consumer may have ordered on 8 November."""
    months = draw(st.sampled_from([0, 1, 3, 12, 24, 36]))
    start = draw(st.dates(SIGNED, D("2026-12-05")))
    order = draw(st.none() | ordered)
    if order and order.delivered_from and order.delivered_from < start:
        order = msgspec.structs.replace(order, delivered_from=start)
    return agreed(
        start,
        contract={"minimum_months": months, "renewal": Renewal.INDEF, "renewal_months": 0},
        monthly_fee_cents=draw(st.integers(0, 20000)),
        quantity=draw(st.integers(1, 3)),
        paid_until=draw(st.sampled_from([None, start, start + timedelta(days=30), start + timedelta(days=365)])),
        credit_mode=draw(st.sampled_from(CreditMode)),
        is_domain=draw(st.booleans()),
        channel=draw(st.sampled_from([Channel.ONLINE, Channel.DISTANCE, Channel.OFF_PREMISES])),
        vat=draw(st.sampled_from([Vat(), CONSUMER])),
        ordered=order,
    )


days = st.dates(SIGNED, D("2026-12-31"))


@given(contracts(), days)
def test_never_below_nothing_never_beyond_the_price_agreed_and_nothing_without_an_express_wish(facts: ServiceFacts, on: date) -> None:
    used = early_use(facts, on)
    bill = withdrawn(facts, on.isoformat()).bill
    sums = {line.code: line.amount_cents for line in bill.lines}
    owed = sums.get(LineCode.EARLY_USE, 0)

    assert owed == (used.owed_cents if used else 0)
    assert owed >= 0
    assert all(line.amount_cents < 0 for line in bill.lines if line.code is not LineCode.EARLY_USE)
    if owed:
        order = facts.ordered
        assert used is not None
        assert order is not None
        assert order.asked_early
        assert order.told
        assert order.delivered_from
        assert on <= D("2026-11-23")
        assert used.days == Period(max(facts.terms.start, order.delivered_from), on)
        assert owed <= used.total_cents
        whole_days = Fraction(used.days.days, 28)
        assert owed <= (facts.fee_cents + (Fraction(order.setup_cents, used.months) if used.months else 0)) * whole_days + 1
        assert bill.total_cents <= owed * 2, "what is paid back only lowers it; VAT is all that may come on top"


@given(contracts(), st.dates(SIGNED, D("2026-11-22")))
def test_a_day_longer_never_costs_less(facts: ServiceFacts, on: date) -> None:
    earlier, later = early_use(facts, on), early_use(facts, on + timedelta(days=1))

    assert (earlier.owed_cents if earlier else 0) <= (later.owed_cents if later else 0)
