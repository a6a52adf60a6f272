"""Terminations in a browser: found while one types, followed, withdrawn and answered, by keyboard, without script, on a telephone, by two at once."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import expect

from partner_portal.infra import db, outbox
from terminations.service import buyouts
from terminations.service.buyouts import Decision
from tests.browser import looking
from tests.browser.portal import NARROW, Portal
from tests.conftest import browser, sign_in
from tests.journeys import partner as people
from tests.world import FINANCE, STAFF_DOOR, Partner, World

LIST = "/portal/terminations"


async def filed(partner: Partner, service: str = "free", *, proposed: bool = False) -> str:
    """A case of this partner; the address of its page."""
    how: dict[str, Any] = {"early": True, "wished_on": "2027-01-31"} if service == "bound" else {}
    async with browser() as client:
        await sign_in(client, partner.owner)
        case = await people.filed(client, partner.services[service], **how)
    if proposed:
        async with db.unit_of_work(STAFF_DOOR):
            await buyouts.decide(FINANCE, await buyouts.case_by_number(case["number"]), Decision.APPROVE)
        await outbox.drain()
    return f"{LIST}/{case['id']}"


async def test_terminations_are_found_while_one_types_and_the_sentence_leads_back(portal: Portal, world: World) -> None:
    await filed(world.noord)
    await filed(world.noord, "bound")
    page = await portal.page("clerk", language="en")
    await page.goto(LIST)
    await expect(page.locator("a.row-link")).to_have_count(2)

    await page.get_by_role("searchbox", name="Number, customer or service").press_sequentially("webshop", delay=20)
    await expect(page.locator("a.row-link")).to_have_count(1)
    await page.get_by_label("with or without a buyout", exact=True).select_option("no")
    await expect(page.get_by_text("No termination answers this")).to_be_visible()
    assert page.url.endswith("?q=webshop&buyout=no")

    await page.get_by_role("link", name="with “webshop” show without this").click()
    await expect(page.locator("a.row-link")).to_have_count(1)
    assert page.url.endswith("?buyout=no")
    await expect(page.get_by_role("searchbox", name="Number, customer or service")).to_have_value("")
    assert await looking.axe(page) == []


async def test_by_keyboard_alone_a_termination_is_opened_and_withdrawn(portal: Portal, world: World) -> None:
    address = await filed(world.noord)
    page = await portal.page("owner", language="en")
    await page.goto(LIST)

    await looking.tab_to(page, "Bakkerij De Korst")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**{address}")
    await looking.tab_to(page, "Withdraw the termination …")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**{address}/withdrawal")
    await expect(page.get_by_text("The service goes on, on the same terms.")).to_be_visible()
    await looking.tab_to(page, "Remark for the record")
    await page.keyboard.type("It stays after all")
    await looking.tab_to(page, "Withdraw the termination")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("status")).to_contain_text("The termination is withdrawn.")
    await expect(page.locator(".now")).to_contain_text("It stays after all")


async def test_without_script_the_list_is_filtered_and_a_mail_sent_again(portal: Portal, world: World) -> None:
    address = await filed(world.noord)
    page = await portal.page("clerk", javascript=False)
    await page.goto(f"{LIST}?waits_for=customer")

    await page.get_by_label("Stopt vanaf").fill("2026-12-01")
    await page.get_by_role("button", name="Tonen").click()
    assert "waits_for=customer" in page.url
    assert "ends_from=2026-12-01" in page.url
    await page.get_by_role("link", name="Bakkerij De Korst").click()
    await page.wait_for_url(f"**{address}")
    await page.get_by_role("button", name="E-mail opnieuw sturen").click()

    await expect(page.get_by_role("status").first).to_contain_text("Er is een nieuwe e-mail onderweg.")
    await portal.work()
    await page.reload()
    await expect(page.locator(".mails li")).to_have_count(2)


async def test_on_a_telephone_without_script_the_partner_who_pays_names_another_sum(portal: Portal, world: World) -> None:
    address = await filed(world.zuid, "bound", proposed=True)
    page = await portal.page("zuid", width=NARROW, javascript=False)
    await page.goto(address)
    assert await looking.too_wide(page) == []

    await page.get_by_text("Een ander bedrag voorstellen").click()
    await page.get_by_label("Uw voorstel in euro's, exclusief btw").fill("niets")
    await page.get_by_label("Opmerking").fill("Meer past niet")
    await page.get_by_role("button", name="Tegenvoorstel sturen").click()
    field = page.get_by_label("Uw voorstel in euro's, exclusief btw")
    await expect(field).to_have_value("niets")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Opmerking")).to_have_value("Meer past niet")
    await field.fill("300")
    await page.get_by_role("button", name="Tegenvoorstel sturen").click()

    await expect(page.locator(".talk")).to_contain_text("Stelde in plaats daarvan voor: EUR 363,00 incl. btw")
    await expect(page.locator(".talk")).to_contain_text("Meer past niet")


async def test_of_two_colleagues_the_second_reads_who_was_first(portal: Portal, world: World) -> None:
    address = await filed(world.zuid, "bound", proposed=True)
    first, second = await portal.page("zuid", language="en"), await portal.page("zuid", language="en")
    for page in (first, second):
        await page.goto(address)

    await first.get_by_role("button", name=re.compile("^Accept EUR")).click()
    await expect(first.get_by_role("status").first).to_contain_text("You accepted the buyout.")
    await second.get_by_role("button", name="Refuse the proposal").click()

    await expect(second.get_by_role("alert")).to_contain_text("Last step: Accepted the buyout (Owner of Zuid Telecom")
    await expect(second.locator(".now")).to_contain_text("Waiting for")
    await expect(second.get_by_role("button", name="Refuse the proposal")).to_have_count(0)


async def test_who_only_reads_finds_everything_but_a_button(portal: Portal, world: World) -> None:
    address = await filed(world.noord, "bound", proposed=True)
    page = await portal.page("reader", language="en")
    await page.goto(address)

    await expect(page.locator(".talk")).to_contain_text("Proposed")
    await expect(page.locator("main").get_by_role("button")).to_have_count(1)  # the word that is explained
    assert await looking.axe(page) == []
