"""A contact gives the mandate in a browser, on a telephone, and withdraws it; and whoever pays from a plan's mail chooses how much."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from playwright.async_api import expect

from billing.service import issuers, plans
from partner_portal.infra import clock, db, settings
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, line
from tests.billing.test_service_reminders import staff
from tests.browser import looking
from tests.browser.portal import NARROW, Look, Portal
from tests.journeys.partner import newest
from tests.world import HOUSE_DETAILS, STAFF_DOOR, World

TO = "bakkerij@"


@pytest.fixture(autouse=True)
def at_home(portal: Portal) -> Iterator[None]:
    """Links in mails lead to where the portal is."""
    with settings.use(base_url=portal.url):
        yield


async def test_a_contact_gives_and_withdraws_the_mandate_on_a_telephone(portal: Portal, world: World) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
    page = await portal.page("contact", width=NARROW)
    await page.goto("/portal/own")
    await page.get_by_role("link", name="Incasso", exact=True).click()
    await page.get_by_label("Naam op de rekening").fill("De Korst")
    await page.get_by_label("Rekening (IBAN)").fill("NL00 ABNA 0417 1643 00")
    await page.get_by_label("Ik heb dit gelezen").check()
    await page.get_by_role("button", name="Geef de machtiging").click()
    await expect(page.get_by_label("Naam op de rekening")).to_have_value("De Korst")
    assert await looking.too_wide(page) == []
    assert await looking.axe(page, *looking.TAGS) == []

    await page.get_by_label("Rekening (IBAN)").fill(PAYER_IBAN)
    await page.get_by_label("Ik heb dit gelezen").check()
    await page.get_by_role("button", name="Geef de machtiging").click()
    await expect(page.get_by_text("De machtiging is gegeven")).to_be_visible()
    await expect(page.get_by_text("NL91 •••• 4300")).to_be_visible()
    await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    await portal.work()

    await page.reload()
    await expect(page.get_by_role("cell", name=re.compile("121,00"))).to_be_visible()
    await page.get_by_role("link", name="Machtiging intrekken").click()
    await expect(page.get_by_text("1 aangekondigde incasso gaat niet door")).to_be_visible()
    assert await looking.too_wide(page) == []
    assert await looking.axe(page, *looking.TAGS) == []
    await page.get_by_role("button", name="Machtiging intrekken").click()

    await expect(page.get_by_text("De machtiging is ingetrokken")).to_be_visible()
    await expect(page.get_by_role("button", name="Geef de machtiging")).to_be_visible()
    await portal.work()
    assert "ingetrokken" in newest(world.mailbox, TO).subject


async def test_who_pays_from_a_plans_mail_is_asked_the_instalment_and_may_pay_everything(portal: Portal, world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    wanted = [plans.InstalmentWanted(clock.today() + timedelta(days=10 * nth), cents) for nth, cents in ((1, 6000), (2, 6100))]
    await staff(plans.agree, [invoice], wanted)
    await portal.work()
    found = re.search(r"http://\S+/pay/[A-Za-z0-9_-]{43}", newest(world.mailbox, TO).text)
    assert found
    context = await portal.browser("stranger", Look(width=NARROW), has_touch=True, is_mobile=True)
    page = await context.new_page()
    await page.goto(found[0])

    await expect(page.get_by_role("heading", level=1)).to_have_text("Betaal EUR 60,00 aan Kadetel B.V.")
    await expect(page.get_by_role("button", name="Alles betalen, EUR 121,00")).to_be_visible()
    assert await looking.too_wide(page) == []
    assert await looking.axe(page, *looking.TAGS) == []
    await page.get_by_role("button", name="Betaal EUR 60,00 nu").tap()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Een ogenblik")
    await portal.work()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Oefenbetaling")
    await page.get_by_role("button", name="Betaal", exact=True).click()
    await page.wait_for_url("**/pay/**")
    await portal.work()

    await page.goto(found[0])
    await expect(page.get_by_text("EUR 60,00 is binnen")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Betaal EUR 61,00 aan Kadetel B.V.")
