"""Paying in a browser: from the link in the mail to the gateway and back, on a telephone, several at once, given up and taken up again, without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import msgspec
import pytest
from playwright.async_api import Page, expect

from billing.service import issuers, mandates
from billing.service.mandates import NewMandate
from partner_portal.infra import db, outbox, settings
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, line
from tests.billing.test_statements import open_cents
from tests.browser import looking
from tests.browser.portal import NARROW, Look, Portal
from tests.journeys.partner import newest
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

TO = "bakkerij@"


@pytest.fixture(autouse=True)
def at_home(portal: Portal) -> Iterator[None]:
    """Links in mails lead to where the portal is."""
    with settings.use(base_url=portal.url):
        yield


async def billed(world: World, cents: int = 10000) -> UUID:
    """An invoice, mailed."""
    made = await issue(world.noord.id, world.noord.customers["bakery"], [line(cents)])
    await outbox.drain()
    return made


def link_in_mail(world: World) -> str:
    found = re.search(r"http://\S+/pay/[A-Za-z0-9_-]{43}", newest(world.mailbox, TO).text)
    assert found
    return found[0]


async def telephone(portal: Portal, link: str, *, javascript: bool = True) -> Page:
    context = await portal.browser("stranger", Look(width=NARROW), javascript=javascript, has_touch=True, is_mobile=True)
    page = await context.new_page()
    await page.goto(link)
    return page


async def to_the_gateway(portal: Portal, page: Page, button: str | re.Pattern[str] = re.compile("^Betaal EUR")) -> None:
    await page.get_by_role("button", name=button).tap()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Een ogenblik")
    await portal.work()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Oefenbetaling")


async def press(portal: Portal, page: Page, button: str) -> None:
    """At the gateway; the portal is told of it."""
    await page.get_by_role("button", name=button, exact=True).click()
    await page.wait_for_url("**/pay/**")
    await portal.work()


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
async def test_from_the_mail_to_paid_on_a_telephone_and_the_paid_invoice_follows(portal: Portal, world: World, *, javascript: bool) -> None:
    invoice = await billed(world)
    page = await telephone(portal, link_in_mail(world), javascript=javascript)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Betaal EUR 121,00 aan Kadetel B.V.")
    assert await looking.too_wide(page) == []
    size = await page.get_by_role("button", name="Betaal EUR 121,00 nu").bounding_box()
    assert size is not None
    assert size["height"] >= 44

    await to_the_gateway(portal, page)
    assert await looking.too_wide(page) == []
    await press(portal, page, "Betaal")

    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Deze factuur is betaald")
    assert await page.context.cookies() == []
    assert await open_cents(invoice) == 0
    paid = newest(world.mailbox, TO)
    assert "Betaald op" in paid.subject
    assert [one.filename for one in paid.attachments] == ["HUIS-F2026-000001.pdf"]


async def test_given_up_it_is_taken_up_again_later(portal: Portal, world: World) -> None:
    invoice = await billed(world)
    link = link_in_mail(world)
    page = await telephone(portal, link)
    await to_the_gateway(portal, page)
    await press(portal, page, "Betaling afbreken")
    await page.reload()
    await expect(page.get_by_text("Er is niets betaald")).to_be_visible()
    assert await open_cents(invoice) == 12100

    await to_the_gateway(portal, page)
    await page.goto(link)  # closed half-way: the same attempt goes on
    await to_the_gateway(portal, page, re.compile("Ga verder"))
    await press(portal, page, "Betaal")

    await page.goto(link)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Deze factuur is betaald")


async def test_who_comes_back_before_the_bank_has_told_is_told_so_and_then_that_it_is_paid(portal: Portal, world: World) -> None:
    await billed(world)
    page = await telephone(portal, link_in_mail(world))
    await to_the_gateway(portal, page)

    await page.get_by_role("button", name="Betaal", exact=True).tap()
    await expect(page.get_by_text("De bank heeft ons nog niet verteld")).to_be_visible()
    await portal.work()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Deze factuur is betaald")  # it looks again by itself


async def test_a_contact_marks_several_and_pays_them_together(portal: Portal, world: World) -> None:
    first, second, third = [await billed(world, cents) for cents in (1000, 2000, 3000)]
    page = await portal.page("contact", width=NARROW)
    await page.goto("/portal/own/pay")
    await page.get_by_role("checkbox").nth(1).uncheck()
    await page.get_by_role("button", name="Betaal wat is aangekruist").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("EUR 48,40")
    await page.get_by_role("button", name=re.compile("^Betaal EUR")).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Een ogenblik")
    await portal.work()
    await press(portal, page, "Betaal")

    await page.goto("/portal/own/pay")
    await expect(page.get_by_role("checkbox")).to_have_count(1)
    assert [await open_cents(one) for one in (first, second, third)] == [0, 2420, 0]


async def test_what_will_be_collected_asks_nobody_to_pay(portal: Portal, world: World) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
        new = NewMandate(holder="De Korst", iban=PAYER_IBAN, signed_on=date(2026, 11, 1))
        await mandates.sign(FINANCE, world.noord.id, world.noord.customers["bakery"], world.house, new)
    await billed(world)
    page = await telephone(portal, link_in_mail(world))

    await expect(page.get_by_role("heading", level=1)).to_have_text("U hoeft niet te betalen: wij schrijven EUR 121,00 af")
    await expect(page.get_by_text("NL91 •••• 4300")).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("^Betaal EUR"))).to_be_hidden()
    assert await looking.too_wide(page) == []
    await page.get_by_text("Toch zelf betalen").tap()
    await expect(page.get_by_role("button", name=re.compile("^Betaal EUR"))).to_be_visible()
    assert await looking.axe(page, *looking.TAGS) == []
