"""Ending services with a real browser: in eight clicks, by keyboard, by finger, without any script, and never twice."""

from __future__ import annotations

import asyncio
import re
from datetime import date

from playwright.async_api import Locator, Page, Route, expect

from partner_portal.infra import db
from tests.browser.portal import NARROW, Portal
from tests.world import World, make_service

MOST_CLICKS = 8
MOST_KEYS = 200


async def at(page: Page, step: str) -> None:
    """The browser stands at this question."""
    await page.wait_for_url(re.compile(rf"/portal/drafts/[0-9a-f-]+/{step}([?#].*)?$"))


async def begun(page: Page, world: World, *services: str) -> None:
    """The services are chosen, and it is asked when they end."""
    await page.goto(f"/portal/terminations/new?customer={world.noord.customers['bakery']}")
    for label in services:
        await page.get_by_label(label).check()
    await go_on(page)
    await at(page, "when")


async def go_on(page: Page) -> None:
    """The button that goes on is pressed."""
    await page.get_by_role("button", name="Verder").click()


def slider(page: Page) -> Locator:
    """The calendar, for reading."""
    return page.get_by_role("slider", name="Laatste dag")


async def test_an_ordinary_end_takes_at_most_eight_clicks_from_the_customers_page_to_the_number(portal: Portal, world: World) -> None:
    page, clicks = await portal.page("clerk"), 0
    await page.goto(f"/portal/customers/{world.noord.customers['bakery']}")
    to_click = [
        (None, page.get_by_label("Internet bakkerij").and_(page.get_by_role("checkbox"))),
        (None, page.locator(".end-chosen button")),
        *((step, page.get_by_role("button", name="Verder")) for step in ("when", "costs", "reason", "contact")),
        ("check", page.get_by_role("button", name="Opzegging indienen")),
    ]

    for step, what in to_click:
        if step:
            await at(page, step)
        await what.click()
        clicks += 1
    await at(page, "filed")

    assert clicks <= MOST_CLICKS
    await expect(page.get_by_text("NRD-T-00001")).to_be_visible()
    await expect(page.get_by_text("Contact van Bakkerij De Korst zegt ja of nee")).to_be_visible()
    await expect(page.get_by_text("woensdag 6 januari 2027")).to_be_visible()
    await portal.work()
    paper = page.get_by_role("link", name="(pdf)")  # appears by itself once it is made
    await expect(paper).to_be_visible()
    answer = await page.request.get(str(await paper.get_attribute("href")))
    assert answer.headers["content-type"] == "application/pdf"


async def test_an_end_with_data_to_arrange_takes_no_more_clicks(portal: Portal, world: World) -> None:
    page, clicks = await portal.page("clerk"), 0
    await page.goto(f"/portal/customers/{world.noord.customers['bakery']}")
    await page.get_by_label("Webshop hosting").and_(page.get_by_role("checkbox")).click()
    await page.locator(".end-chosen button").click()
    for step in ("when", "afterwards", "costs", "reason", "contact"):
        await at(page, step)
        await go_on(page)
        clicks += 1
    await at(page, "check")
    await page.get_by_role("button", name="Opzegging indienen").click()
    await at(page, "filed")

    assert clicks + 3 <= MOST_CLICKS


async def test_enter_alone_goes_from_the_services_to_the_last_page_and_not_further(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await begun(page, world, "Webshop hosting")

    for step in ("when", "afterwards"):
        await at(page, step)
        await page.keyboard.press("Enter")
    await at(page, "costs")
    await page.keyboard.press("Enter")
    for step in ("reason", "contact"):
        await at(page, step)
        await page.keyboard.press("Enter")
    await at(page, "check")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Klopt dit?")
    async with db.unit_of_work(world.noord.principal()):
        assert await db.fetch("SELECT 1 FROM termination") == []


async def test_the_calendar_is_read_and_chosen_by_keyboard(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await begun(page, world, "Webshop hosting")
    chart = slider(page)
    await chart.focus()

    await expect(chart).to_have_attribute("aria-valuetext", re.compile(r"dinsdag 29 februari 2028: in totaal nog EUR\s1\.632,59"))
    await page.keyboard.press("Home")
    await expect(chart).to_have_attribute("aria-valuetext", re.compile("zondag 22 november 2026"))
    for key, day in (
        ("ArrowRight", "maandag 23 november 2026"),
        ("PageUp", "woensdag 23 december 2026"),
        ("ArrowLeft", "dinsdag 22 december 2026"),
    ):
        await page.keyboard.press(key)
        await expect(chart).to_have_attribute("aria-valuetext", re.compile(day))
    await expect(page.locator("#when-free")).to_be_checked()  # reading chooses nothing
    await page.keyboard.press("Enter")

    await expect(page.locator("#when-date")).to_be_checked()
    await expect(page.locator("#wished_on")).to_have_value("2026-12-22")
    await expect(page.locator("#bill h2")).to_have_text("Wat kost stoppen op 22 december 2026?")
    said = await chart.get_attribute("aria-valuetext")
    await expect(page.locator("#bill .fees strong")).to_have_text(re.findall(r"EUR\s[\d.,]+", str(said))[0])
    await expect(page.locator(".flag.chosen text")).to_have_text("gekozen: 22 december 2026")
    await at(page, "when")  # Enter chose a day and sent nothing


async def test_the_calendar_is_read_by_hovering_and_chosen_by_a_click(portal: Portal, world: World) -> None:
    page = await portal.page("clerk", language="en")
    await page.goto(f"/portal/terminations/new?customer={world.noord.customers['bakery']}")
    await page.get_by_label("Webshop hosting").check()
    await page.get_by_role("button", name="Continue").click()
    chart = page.get_by_role("slider", name="Last day")
    await chart.scroll_into_view_if_needed()
    box = await chart.bounding_box()
    assert box

    await page.mouse.move(box["x"] + 2, box["y"] + 60)
    await expect(page.locator(".reading p")).to_contain_text(re.compile(r"2[23] November 2026: EUR\s1,\d{3}\.\d\d still to pay"))
    await page.mouse.move(0, 0)
    await expect(page.locator(".reading p")).to_contain_text(
        "Tuesday 29 February 2028: EUR 1,632.59 still to pay in all; EUR 0.00 of it for leaving"
    )
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)

    await expect(page.locator("#when-date")).to_be_checked()
    chosen = date.fromisoformat(await page.locator("#wished_on").input_value())
    assert date(2027, 6, 1) < chosen < date(2027, 12, 1)
    await expect(page.locator("#bill h2")).to_contain_text(f"{chosen.day} {chosen:%B %Y}")


async def test_money_that_comes_back_is_told_as_that_and_not_as_a_negative_amount(portal: Portal, world: World) -> None:
    async with db.unit_of_work(world.noord.principal()):
        await make_service(world.noord, world.noord.customers["bakery"], label="Ver vooruit betaald", paid_until=date(2027, 12, 1))
    page = await portal.page("clerk", language="en")
    await page.goto(f"/portal/terminations/new?customer={world.noord.customers['bakery']}")
    await page.get_by_label("Ver vooruit betaald").check()
    await page.get_by_role("button", name="Continue").click()

    await page.get_by_role("slider", name="Last day").press("Home")

    await expect(page.locator(".reading p")).to_contain_text(re.compile(r"^\w+ 2[23] \w+ 20\d\d: EUR\s\d[\d.,]* comes back in all$"))


async def test_other_answers_move_the_mark_and_show_their_own_bill(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await begun(page, world, "Webshop hosting")

    await page.get_by_label("Eerder, met afkoop").check()
    early = await page.locator('[name="early_on"]').input_value()
    await expect(page.locator("#bill .total td")).to_have_text(str(await page.locator(".way:has(#when-early) .sum").text_content()))
    await expect(page.locator(".flag.chosen text")).to_contain_text(f"{date.fromisoformat(early).day} december 2026")
    await page.locator("#wished_on").fill("2027-05-31")
    await expect(page.locator("#when-date")).to_be_checked()
    await expect(page.locator(".flag.chosen text")).to_have_text("gekozen: 31 mei 2027")
    await page.locator("#wished_on").fill("2025-01-01")
    await expect(page.locator("#bill .error")).to_contain_text("Deze dag is voorbij")
    await page.get_by_label("Aan het einde van de looptijd").check()

    await expect(page.locator("#bill h2")).to_have_text("Wat kost stoppen op 29 februari 2028?")
    await expect(page.locator("#bill .error")).to_have_count(0)


async def test_a_day_typed_before_the_scripts_came_is_the_answer(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await begun(page, world, "Webshop hosting")
    typed = asyncio.Event()

    async def late(route: Route) -> None:
        await typed.wait()
        await route.continue_()

    async def with_late_scripts(route: Route) -> None:
        answer = await route.fetch()
        # Under an address that no cache has.
        await route.fulfill(response=answer, body=re.sub(r'(\.js\?v=\w+)(" type="module")', r"\1&amp;late\2", await answer.text()))

    await page.route(re.compile("&late$"), late)
    await page.route(re.compile("/when$"), with_late_scripts)
    await page.goto(page.url, wait_until="commit")
    await page.locator("#wished_on").fill("2027-05-31")
    await expect(page.locator("#when-date")).not_to_be_checked()
    typed.set()

    await expect(page.locator("#when-date")).to_be_checked()
    await page.unroute_all()
    await go_on(page)
    await at(page, "afterwards")
    await page.goto(page.url.replace("afterwards", "when"))
    await expect(page.locator("#wished_on")).to_have_value("2027-05-31")


async def test_a_finger_chooses_a_day_on_a_phone(portal: Portal, world: World) -> None:
    page = await portal.page("clerk", width=NARROW)
    await begun(page, world, "Webshop hosting")
    chart = slider(page)
    await chart.scroll_into_view_if_needed()
    box = await chart.bounding_box()
    assert box
    session = await page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2

    for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchMove", [{"x": x + 30, "y": y}]), ("touchEnd", [])):
        await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    await expect(page.locator("#when-free")).to_be_checked()
    await page.get_by_role("button", name="Deze dag kiezen").click()

    await expect(page.locator("#when-date")).to_be_checked()
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW


async def test_nothing_needs_a_script(portal: Portal, world: World) -> None:
    page = await portal.page("clerk", javascript=False)
    await begun(page, world, "Webshop hosting")

    await page.get_by_text("Als tabel tonen").click()
    await page.get_by_role("row", name=re.compile("31 maart 2027")).get_by_role("link", name="per dag").click()
    await page.get_by_role("link", name="17 maart 2027").click()
    await expect(page.locator("#when-date")).to_be_checked()
    await expect(page.locator("#wished_on")).to_have_value("2027-03-17")
    await expect(page.locator("#bill h2")).to_have_text("Wat kost stoppen op 17 maart 2027?")
    for step in ("when", "afterwards", "costs", "reason", "contact"):
        await at(page, step)
        await go_on(page)
    await at(page, "check")
    await page.get_by_role("button", name="Afkoop aanvragen").click()
    await at(page, "filed")

    await expect(page.get_by_role("heading", level=1)).to_have_text("De afkoop is aangevraagd")
    await portal.work()
    await page.get_by_role("link", name="Opnieuw kijken").click()
    await expect(page.get_by_role("link", name="(pdf)")).to_be_visible()


async def test_the_whole_of_it_by_keyboard_alone(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await page.goto(f"/portal/terminations/new?customer={world.noord.customers['bakery']}")

    async def to(words: str) -> None:
        for _ in range(MOST_KEYS):
            await page.keyboard.press("Tab")
            if words in str(await page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent")):
                return
        raise AssertionError(f"{words} cannot be reached")

    await to("Webshop hosting")
    await page.keyboard.press("Space")
    await to("Verder")
    await page.keyboard.press("Enter")
    await at(page, "when")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#when-early")).to_be_checked()
    await to("Verder")
    await page.keyboard.press("Enter")
    await at(page, "afterwards")
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_label("Ze mogen gewist worden")).to_be_checked()
    for step, following in (("afterwards", "costs"), ("costs", "reason"), ("reason", "contact"), ("contact", "check")):
        await at(page, step)
        await to("Verder")
        await page.keyboard.press("Enter")
        await at(page, following)
    await to("Afkoop aanvragen")
    await page.keyboard.press("Enter")

    await at(page, "filed")


async def test_going_back_shows_what_was_answered_and_is_no_conflict(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await begun(page, world, "Webshop hosting")
    await page.locator("#wished_on").fill("2027-03-31")
    await go_on(page)
    await at(page, "afterwards")
    await go_on(page)
    await at(page, "costs")

    await page.go_back()
    await page.go_back()
    await at(page, "when")
    await expect(page.locator("#wished_on")).to_have_value("2027-03-31")
    await page.locator("#wished_on").fill("2027-04-30")
    await go_on(page)
    await at(page, "afterwards")
    await page.get_by_role("link", name="Terug").click()

    await expect(page.locator("#wished_on")).to_have_value("2027-04-30")


async def test_two_tabs_do_not_overwrite_each_other(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await begun(page, world, "Webshop hosting")
    other = await page.context.new_page()
    await other.goto(page.url)
    await page.locator("#wished_on").fill("2027-03-31")
    await go_on(page)
    await at(page, "afterwards")

    await other.locator("#wished_on").fill("2027-06-30")
    await go_on(other)
    await expect(other.get_by_role("heading", level=1)).to_have_text("Dit concept is intussen gewijzigd")
    await other.get_by_role("link", name="Verder met de nieuwste antwoorden").click()
    await at(other, "afterwards")
    await other.get_by_role("link", name="Terug").click()

    await expect(other.locator("#wished_on")).to_have_value("2027-03-31")


async def test_a_draft_is_left_and_taken_up_again_from_the_first_page(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await begun(page, world, "Webshop hosting")
    await go_on(page)
    await at(page, "afterwards")

    await page.goto("/portal/terminations/new")
    await page.locator(".drafts").get_by_role("link", name="Bakkerij De Korst").click()

    await at(page, "afterwards")


async def test_several_services_each_with_its_own_end(portal: Portal, world: World) -> None:
    async with db.unit_of_work(world.noord.principal()):
        await make_service(world.noord, world.noord.customers["bakery"], product="telephony", label="Nummers winkel")
    page = await portal.page("clerk")

    await begun(page, world, "Webshop hosting", "Internet bakkerij", "Nummers winkel")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Wanneer moeten deze diensten stoppen?")
    await expect(page.get_by_text("tussen 22 december 2026 en 29 februari 2028").first).to_be_visible()
    await expect(page.locator(".plot .flag.good text")).to_have_text(
        ["2 diensten zonder extra kosten: 22 december 2026", "Webshop hosting zonder extra kosten: 29 februari 2028"]
    )
    await expect(page.locator(".plot .flag.chosen")).to_be_hidden()
    await expect(page.locator(".reading p")).to_have_text("Ga over de grafiek om te lezen wat een dag kost.")


async def test_a_page_of_the_calendar_is_light_and_does_not_move(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await begun(page, world, "Webshop hosting")
    await page.reload(wait_until="networkidle")

    weight = await page.evaluate(
        "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')].reduce((sum, one) => sum + (one.encodedBodySize || 0), 0)"
    )
    moved = await page.evaluate(
        "new Promise((told) => { let sum = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })"
        ".observe({type: 'layout-shift', buffered: true}); setTimeout(() => told(sum), 200); })"
    )

    assert 0 < weight < 150 * 1024
    assert moved < 0.01
