"""Mails about orders and numbers on their way, approved word by word; and who gets them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.policy.ordering import ShownTerms
from billing.policy.terms import NoticeUnit, Renewal
from billing.service import orders, port_ins
from billing.service.indexations import Told
from billing.service.order_words import OrderWords, PortWords
from billing.workflow import PortAction, PortState
from partner_portal.infra import db, formats, mail, outbox, settings
from partner_portal.infra.mail import Rendered
from tests import letters
from tests.approved import assert_approved
from tests.billing.offering import on_offer, wanted
from tests.billing.test_service_orders import PORT
from tests.world import DESK, STAFF_DOOR, World

LINK = "https://portal.example.com/withdraw-contract/NRD"
LINE = ShownTerms(
    offer="thuis",
    name="Internet <thuis>",
    quantity=2,
    fee_cents=3995,
    setup_cents=1500,
    prices_include_vat=True,
    starts_on=date(2026, 12, 1),
    bound_until=date(2027, 11, 30),
    notice_n=1,
    notice_unit=NoticeUnit.MONTHS,
    renewal=Renewal.INDEF,
    renewal_months=0,
    billing_months=1,
    in_advance=True,
    buyout_rule="75 %",
)
CALLS = ShownTerms(
    offer="bellen",
    name="Zakelijk bellen",
    quantity=1,
    fee_cents=1250,
    setup_cents=0,
    prices_include_vat=False,
    starts_on=date(2026, 12, 1),
    bound_until=None,
    notice_n=0,
    notice_unit=NoticeUnit.DAYS,
    renewal=Renewal.INDEF,
    renewal_months=0,
    billing_months=3,
    in_advance=False,
    buyout_rule=None,
)


def port(state: PortState, *, planned_on: date | None = None, note: str = "", wished_on: date | None = None) -> PortWords:
    return PortWords(
        numbers="0201234567, +31207654321",
        donor="Oude Telefoon B.V.",
        state=state.value,
        planned_on=planned_on,
        note=note,
        wished_on=wished_on,
        order="NRD-B-00012",
        order_id=UUID(int=1),
        customer="Bakkerij De Korst & Zonen",
        customer_email="bram@example.com",
        language="nl",
        partner_language="nl",
    )


def order(*, lines: list[ShownTerms], until: date | None = None, ports: list[PortWords] | None = None, early: bool = False) -> OrderWords:
    return OrderWords(
        number="NRD-B-00012",
        customer="Bakkerij De Korst & Zonen",
        email="bram@example.com",
        language="nl",
        accepted_by="Bram Bakker",
        placed_at=datetime(2026, 11, 22, 11, 0, tzinfo=UTC),
        where="Dorpsstraat 1, 1234 AB Utrecht",
        lines=lines,
        ports=ports or [],
        withdraw_until=until,
        starts_early=early,
    )


MAILS: dict[str, tuple[str, dict[str, Any]]] = {
    "order_consumer": ("order_confirmed", {"order": order(lines=[LINE], until=date(2026, 12, 7)), "withdraw_link": LINK}),
    "order_consumer_early": ("order_confirmed", {"order": order(lines=[LINE], until=date(2026, 12, 7), early=True), "withdraw_link": LINK}),
    "order_business": (
        "order_confirmed",
        {"order": order(lines=[LINE, CALLS], ports=[port(PortState.REQUESTED, wished_on=date(2026, 12, 16))]), "withdraw_link": None},
    ),
    "port_accepted": ("port_in_moved", {"port": port(PortState.ACCEPTED, wished_on=date(2026, 12, 16)), "link": None}),
    "port_planned": ("port_in_moved", {"port": port(PortState.PLANNED, planned_on=date(2026, 12, 18)), "link": None}),
    "port_done": ("port_in_moved", {"port": port(PortState.DONE), "link": LINK}),
    "port_rejected": ("port_in_moved", {"port": port(PortState.REJECTED, note="de naam klopt niet <b>"), "link": LINK}),
    "port_withdrawn": ("port_in_moved", {"port": port(PortState.WITHDRAWN), "link": None}),
    "offers_indexed": (
        "offers_indexed",
        {
            "told": Told(
                since=date(2027, 2, 1),
                percentage=Decimal("3.4"),
                reason="CPI van het CBS, oktober 2026 <b>",
                language="nl",
                email="service@nrd.example.com",
                offers=[("Zakelijk bellen", 1250, 1293), ("Glasvezel Zakelijk 1 Gb/s", 5995, 6199)],
            )
        },
    ),
    "port_again": ("port_in_moved", {"port": port(PortState.REQUESTED), "link": None}),
}


def said(case: str, language: str) -> Rendered:
    name, words = MAILS[case]
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        return mail.render(f"billing/{name}", language=language, brand=letters.BRAND, reader="customer", **words)


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("case", sorted(MAILS))
def test_each_mail_reads_as_it_was_approved(case: str, language: str) -> None:
    made = said(case, language)

    assert_approved(f"mail/{case}.{language}.txt", f"{made.subject}\n\n{made.text}")
    assert_approved(f"mail/{case}.{language}.html", made.html)
    assert all(len(line) <= 76 or "://" in line for line in made.text.splitlines())
    assert "<thuis>" not in made.html
    assert "<b>" not in made.html


async def test_the_customer_gets_its_copy_and_news_of_its_numbers_and_the_partner_too(world: World) -> None:
    noord = world.noord
    await on_offer()
    async with db.unit_of_work(noord.principal()):
        made = await orders.place(noord.actor, await wanted(noord, "bakery", {"offer": "bellen", "port": PORT}))
        (row, _), *_ = await port_ins.of_order(made)
    await outbox.drain()
    async with db.unit_of_work(STAFF_DOOR):
        await port_ins.move(DESK, row["id"], PortAction.PLAN, planned_on=date(2026, 12, 18))
    await outbox.drain()

    async with db.unit_of_work(STAFF_DOOR):
        sent = await db.fetch("SELECT name, recipient FROM infra_mail ORDER BY queued_at, recipient")
    assert [(one["name"], one["recipient"]) for one in sent if one["name"].startswith(("billing/order", "billing/port"))] == [
        ("billing/order_confirmed", "bakkerij@klant.example.com"),
        ("billing/port_in_moved", "bakkerij@klant.example.com"),
        ("billing/port_in_moved", "service@nrd.example.com"),
    ]
