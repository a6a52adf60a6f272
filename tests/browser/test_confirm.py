"""The customer's page in a browser: answered on a telephone, by keyboard alone, and without script; nothing is decided by looking."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import Page, expect

from partner_portal.infra import db, outbox, settings
from partner_portal.infra.settings import Settings
from terminations.service import buyouts
from terminations.service.buyouts import Decision
from tests.browser import looking
from tests.browser.portal import NARROW, Look, Portal
from tests.conftest import browser, sign_in
from tests.journeys import partner as people
from tests.world import FINANCE, STAFF_DOOR, World

TO = "bakkerij@"


async def asked(world: World, service: str = "free", **how: Any) -> str:
    """Noord has filed a case; the link in the customer's mail."""
    async with browser() as noord:
        await sign_in(noord, world.noord.owner)
        case = await people.filed(noord, world.noord.services[service], **how)
    if how:
        async with db.unit_of_work(STAFF_DOOR):
            await buyouts.decide(FINANCE, await buyouts.case_by_number(case["number"]), Decision.APPROVE)
        await outbox.drain()
    return people.link_in(people.newest(world.mailbox, TO))


async def state(world: World) -> str:
    """Where the only case stands."""
    async with db.unit_of_work(world.noord.principal()):
        row = await db.fetch_one("SELECT state FROM termination")
    assert row is not None
    return str(row["state"])


async def on_telephone(portal: Portal, link: str, *, javascript: bool = True) -> Page:
    context = await portal.browser("stranger", Look(width=NARROW), javascript=javascript, has_touch=True, is_mobile=True)
    page = await context.new_page()
    await page.goto(link)
    return page


async def test_on_a_telephone_the_customer_reads_agrees_and_finds_its_answer_again(portal: Portal, world: World) -> None:
    link = await asked(world)
    page = await on_telephone(portal, link)

    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Internet bakkerij stopt op 22 december 2026, geen kosten voor het beëindigen. Klopt dat?"
    )
    yes, no = page.get_by_role("button", name="Ja, beëindig de dienst"), page.get_by_role("button", name="Nee, ik houd de dienst")
    sizes = [await button.bounding_box() for button in (yes, no)]
    assert all(size is not None and size["height"] >= 44 for size in sizes)
    looks = [await button.evaluate("one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]") for button in (yes, no)]
    assert looks[0] == looks[1], "yes and no weigh the same"
    assert await looking.too_wide(page) == []
    assert await state(world) == "waiting_for_customer", "looking decides nothing"

    await yes.tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text("U ging akkoord: Internet bakkerij stopt op 22 december 2026")
    await portal.work()
    assert await state(world) == "scheduled"
    assert await page.context.cookies() == []

    await page.goto(link)
    await expect(page.get_by_text("Ingepland")).to_be_visible()
    pdf = await page.request.get(f"{link}/confirmation.pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    await expect(page.get_by_role("link", name="Bevestiging downloaden (PDF)")).to_have_attribute("href", f"{link}/confirmation.pdf")


async def test_without_script_a_buyout_is_read_in_english_countered_with_a_mistake_and_mended(portal: Portal, world: World) -> None:
    link = await asked(world, "bound", early=True, wished_on="2026-12-31")
    page = await on_telephone(portal, link, javascript=False)

    await page.get_by_role("link", name="English").tap()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("that costs EUR 1,173.07 incl. VAT. Do you agree?")
    await page.get_by_text("Propose another amount").tap()
    await page.get_by_label("Your proposal in euros, including VAT").fill("three hundred")
    await page.get_by_label("Remark").fill("More does not fit")
    await page.get_by_role("button", name="Send the counter-proposal").tap()

    field = page.get_by_label("Your proposal in euros, including VAT")
    await expect(field).to_have_value("three hundred")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Remark")).to_have_value("More does not fit")
    assert await state(world) == "proposed"
    await field.fill("300")
    await page.get_by_role("button", name="Send the counter-proposal").tap()

    await expect(page.get_by_role("heading", level=1)).to_have_text("You made a counter-proposal")
    assert await state(world) == "countered"


async def test_by_keyboard_alone_the_customer_opens_the_calculation_and_refuses(portal: Portal, world: World) -> None:
    link = await asked(world)
    page = await portal.page("stranger")
    await page.goto(link)

    passed = await looking.walk(page)
    assert [name for name in passed if name.startswith("button")] == ["button Ja, beëindig de dienst", "button Nee, ik houd de dienst"]

    await page.goto(link)
    await looking.tab_to(page, "Bekijk de berekening")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("cell", name="EUR 0,00").first).to_be_visible()
    await looking.tab_to(page, "Nee, ik houd de dienst")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", level=1)).to_have_text("U weigerde: er stopt niets")
    assert await state(world) == "refused"


async def test_above_the_limit_the_code_of_a_second_mail_is_typed(portal: Portal, world: World, running: Settings) -> None:
    with settings.use(code_limit_cents=100):
        link = await asked(world, "bound", early=True, wished_on="2026-12-31")
        page = await on_telephone(portal, link)
        await page.get_by_role("button", name=re.compile("accepteren")).tap()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Nog één stap: typ de code")
        await portal.work()
        code = people.code_in(people.newest(world.mailbox, TO))

        await page.get_by_label("Code").fill("000000" if code != "000000" else "111111")
        await page.get_by_role("button", name="Mijn antwoord bevestigen").tap()
        await expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
        assert await looking.axe(page) == []
        await page.get_by_label("Code").fill(code)
        await page.get_by_role("button", name="Mijn antwoord bevestigen").tap()

        await expect(page.get_by_text("Ingepland")).to_be_visible()
    assert await state(world) == "scheduled"


async def test_of_two_open_pages_the_second_shows_what_the_first_decided(portal: Portal, world: World) -> None:
    link = await asked(world)
    first, second = await on_telephone(portal, link), await portal.page("stranger")
    await second.goto(link)

    await first.get_by_role("button", name="Nee, ik houd de dienst").tap()
    await expect(first.get_by_role("heading", level=1)).to_have_text("U weigerde: er stopt niets")
    await second.get_by_role("button", name="Ja, beëindig de dienst").click()

    await expect(second.get_by_role("heading", level=1)).to_have_text("U weigerde: er stopt niets")
    assert await state(world) == "refused"


async def test_the_question_is_taken_along_as_a_letter(portal: Portal, world: World) -> None:
    link = await asked(world)
    page = await portal.page("stranger")
    await page.goto(link)

    await page.get_by_role("link", name="Downloaden als PDF").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("De brief wordt gemaakt")
    await portal.work()
    letter = await page.request.get(page.url)

    assert letter.headers["content-type"] == "application/pdf"


async def test_printed_the_page_is_the_question_with_its_reasons_and_no_buttons(portal: Portal, world: World) -> None:
    link = await asked(world, "bound", early=True, wished_on="2026-12-31")
    page = await portal.page("stranger")
    await page.goto(link)
    await page.emulate_media(media="print")

    await expect(page.get_by_role("button", name=re.compile("accepteren"))).to_be_hidden()
    await expect(page.get_by_text("13 mnd x EUR 89,95 x 75 %").or_(page.get_by_text("14 mnd x EUR 89,95 x 75 %"))).to_be_visible()
