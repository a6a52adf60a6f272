"""Deadlines in a browser: narrowed while one types, chosen row by row or all at once, ended together; by keyboard, without script, on a telephone."""

from __future__ import annotations

import re
from datetime import date
from uuid import UUID

from playwright.async_api import Page, expect

from partner_portal.infra import db, outbox
from terminations.service import bulk
from tests.browser import looking
from tests.browser.portal import NARROW, Portal
from tests.terminations.test_service_deadlines import yearly
from tests.world import World, make_customer

LIST = "/portal/deadlines"


async def three(world: World) -> list[UUID]:
    """Three services by their last day, the last one of another customer."""
    return [
        await yearly(world.noord, "bakery", date(2027, 1, 15), label="Kassa"),
        await yearly(world.noord, "bakery", date(2027, 1, 31), label="Webwinkel"),
        await yearly(world.noord, "private", date(2026, 12, 31), label="Alarm", product="internet", starts_on=date(2025, 6, 1)),
    ]


async def confirm(page: Page, *, reason: str = "price") -> None:
    await page.get_by_label("Waarom gaan de klanten weg?").select_option(reason)
    await page.get_by_label("Vanaf vandaag: ik heb een volmacht").check()
    await page.get_by_role("button", name="indienen").click()


async def test_the_list_is_narrowed_while_one_types_and_its_tabs_keep_what_was_typed(portal: Portal) -> None:
    await three(portal.world)
    page = await portal.page("clerk", language="en")
    await page.goto(LIST)
    await expect(page.locator("a.row-link")).to_have_text(["Alarm", "Kassa", "Webwinkel"])

    await page.get_by_role("searchbox", name="Service or customer").fill("web")
    await expect(page.locator("a.row-link")).to_have_text(["Webwinkel"])
    await expect(page).to_have_url(re.compile(r"\?q=web$"))

    # A finger rests on the button longer than an answer takes: leaving the field must not replace what is being pressed.
    await page.get_by_role("link", name="Within 30 days").click(delay=600)
    await expect(page.get_by_text("No service answers this")).to_be_visible()
    assert page.url.endswith("?window=30&q=web")


async def test_several_are_chosen_with_one_box_looked_at_and_filed(portal: Portal) -> None:
    await three(portal.world)
    page = await portal.page("owner")
    await page.goto(LIST)

    everything = page.get_by_label("Kies alle diensten op deze pagina")
    await everything.check()
    assert await page.locator("input[name=service]:checked").count() == 3
    await page.get_by_label("Kies Alarm van Pieter Particulier").uncheck()
    assert await everything.evaluate("box => box.indeterminate")
    await page.get_by_role("button", name="Gekozen diensten opzeggen…").click()

    await expect(page.get_by_role("heading", name="2 diensten zouden eindigen")).to_be_visible()
    assert await looking.axe(page) == []
    await confirm(page)
    await expect(page.get_by_text("Eén opzegging is ingediend, voor 2 diensten.")).to_be_visible()
    await page.get_by_role("link", name="NRD-T-00001").first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("NRD-T-00001")
    assert portal.troubles == []


async def test_without_script_the_same_is_done_with_the_same_forms(portal: Portal) -> None:
    await three(portal.world)
    page = await portal.page("clerk", javascript=False)
    await page.goto(LIST)

    await page.get_by_role("button", name="Alles in deze lijst opzeggen…").click()
    await page.get_by_label("Op één dag").check()
    await page.get_by_label("Dag", exact=True).fill("2027-01-20")
    await page.get_by_role("button", name="Opnieuw berekenen").click()
    await expect(page.get_by_role("heading", name="2 diensten zouden eindigen")).to_be_visible()
    await expect(page.get_by_role("heading", name="1 dienst blijft zoals hij is")).to_be_visible()
    await confirm(page, reason="moves")

    await expect(page.get_by_role("heading", name="Ingediend")).to_be_visible()
    assert portal.troubles == []


async def test_what_takes_longer_is_followed_until_it_is_done(portal: Portal) -> None:
    noord = portal.world.noord
    for nth in range(bulk.AT_ONCE + 1):
        async with db.unit_of_work(noord.principal()):
            noord.customers["next"] = await make_customer(noord, f"Klant{nth} BV")
        await yearly(noord, "next", date(2027, 1, 31))
    page = await portal.page("owner")
    await page.goto(LIST)

    await page.get_by_role("button", name="Alles in deze lijst opzeggen…").click()
    await confirm(page)
    await expect(page.get_by_text("20 van 21 diensten zijn gedaan.")).to_be_visible()
    assert await looking.axe(page) == []
    await outbox.drain()

    await expect(page.get_by_text("21 opzeggingen zijn ingediend, voor 21 diensten.")).to_be_visible()
    assert portal.troubles == []


async def test_the_address_of_the_calendar_is_made_and_removed_on_a_telephone(portal: Portal) -> None:
    page = await portal.page("clerk", width=NARROW)
    await page.goto(LIST)
    await page.get_by_role("link", name="In uw agenda en per mail").click()

    await page.get_by_role("button", name="Adres voor mijn agenda maken").click()
    address = await page.get_by_label("Geheim adres van uw agenda").input_value()
    calendar = await page.context.request.get(address)
    assert calendar.headers["content-type"] == "text/calendar; charset=utf-8"
    assert await looking.axe(page) == []

    await page.get_by_role("button", name="Adres verwijderen").click()
    await expect(page.get_by_text("Het adres werkt niet meer.")).to_be_visible()
    assert (await page.context.request.get(address)).status == 404


async def test_all_is_reached_by_keyboard_alone(portal: Portal) -> None:
    await three(portal.world)
    page = await portal.page("owner")
    await page.goto(LIST)

    await page.get_by_label("Kies Kassa van Bakkerij De Korst").focus()
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Gekozen diensten opzeggen…").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Waarom gaan de klanten weg?").focus()
    await page.keyboard.press("ArrowDown")
    await page.get_by_label("Vanaf vandaag: ik heb een volmacht").focus()
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Eén opzegging indienen").focus()
    await page.keyboard.press("Enter")

    await expect(page.get_by_text("Eén opzegging is ingediend, voor één dienst.")).to_be_visible()
    assert portal.troubles == []
