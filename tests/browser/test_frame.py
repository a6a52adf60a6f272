"""The frame of the portal's pages in a browser: by keyboard, without script, offline, in each theme and language, and when something goes wrong."""

from __future__ import annotations

import asyncio
from typing import Literal
from uuid import uuid4

import pytest
from playwright.async_api import Page, Route, expect

from partner_portal.bench import vitals
from partner_portal.infra import sessions
from tests.browser import looking
from tests.browser.portal import NARROW, Portal, prefer
from tests.world import PASSWORD

CUSTOMERS = "/portal/customers"
DARK = "rgb(15, 18, 21)"


async def ground(page: Page) -> str:
    """The colour that the page stands on."""
    colour: str = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


async def test_the_first_key_leads_past_the_menu(portal: Portal) -> None:
    page = await portal.page(language="en")
    await page.goto(CUSTOMERS)

    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="To the content")).to_be_focused()
    await page.keyboard.press("Enter")

    assert await page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("width", [1280, NARROW])
async def test_everything_is_reached_by_keyboard_and_seen_when_it_is(portal: Portal, width: int) -> None:
    page = await portal.page(language="en", width=width)
    await page.goto(CUSTOMERS)

    passed = await looking.walk(page)

    for name in (
        "a Noord ICT",
        "button Owner of Noord ICT",
        "a Today",
        "a Customers",
        "a Settings",
        "a New customer",
        "a Bakkerij De Korst",
    ):
        assert name in passed, f"{name} is not among {passed}"


async def test_the_persons_menu_opens_and_closes_by_keyboard(portal: Portal) -> None:
    page = await portal.page(language="en")
    await page.goto("/portal")

    await looking.tab_to(page, "Owner of Noord ICT")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert await looking.axe(page) == []
    await page.keyboard.press("Escape")

    await expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    await expect(page.get_by_role("button", name="Owner of Noord ICT")).to_be_focused()


async def test_search_is_a_key_or_a_chord_away_but_not_where_somebody_types_nor_where_the_key_is_switched_off(portal: Portal) -> None:
    page = await portal.page(language="en")
    await page.goto(CUSTOMERS)
    search = page.get_by_role("searchbox", name="Search customers, services and terminations")
    names = page.get_by_role("searchbox", name="Name, number, contact or e-mail")

    await names.focus()
    await page.keyboard.type("a/k")
    await expect(names).to_have_value("a/k")
    await page.goto("/portal")
    for key in ("k", "s", "Alt+/"):
        await page.keyboard.press(key)
        await expect(search).not_to_be_focused()
    await page.keyboard.press("/")
    await expect(search).to_be_focused()
    await expect(search).to_have_value("")

    await page.goto("/portal/account")
    await page.get_by_role("button", name="Switch the key / off").click()
    await page.keyboard.press("/")
    await expect(search).not_to_be_focused()
    await page.keyboard.press("Control+k")
    await expect(search).to_be_focused()
    await page.keyboard.type("korst")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Bakkerij De Korst", exact=True)).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
async def test_language_and_theme_are_chosen_and_kept(portal: Portal, *, javascript: bool) -> None:
    page = await portal.page("clerk", javascript=javascript)
    await page.goto(f"{CUSTOMERS}?q=korst")
    assert await ground(page) != DARK if javascript else True

    await page.get_by_role("button", name="Clerk of Noord ICT").click()
    await page.get_by_role("button", name="English").click()
    assert page.url.endswith(f"{CUSTOMERS}?q=korst"), "one comes back to where one was"
    await expect(page.get_by_role("heading", level=1)).to_have_text("Customers")
    await page.get_by_role("button", name="Clerk of Noord ICT").click()
    await page.get_by_role("button", name="Dark").click()
    await page.goto("/portal")

    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    if javascript:
        assert await ground(page) == DARK


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_without_a_choice_the_system_decides(portal: Portal, theme: Literal["light", "dark"]) -> None:
    page = await portal.page(theme=theme)
    await page.goto("/portal")

    assert (await ground(page) == DARK) == (theme == "dark")


async def test_a_session_that_ends_while_one_types_leads_to_the_sign_in_and_back(portal: Portal) -> None:
    page = await portal.page("clerk", language="en")
    await page.goto(CUSTOMERS)
    await sessions.revoke_all(await prefer(portal.world, "clerk", "en"))

    await page.get_by_role("searchbox", name="Name, number, contact or e-mail").press_sequentially("korst")
    await page.wait_for_url("**/portal/sign-in?next=*")
    await page.get_by_label("E-mail address").fill(portal.world.noord.clerk)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()

    await page.wait_for_url(f"**{CUSTOMERS}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Customers")


async def test_what_fails_beside_a_list_leaves_the_list_and_says_so(portal: Portal) -> None:
    page = await portal.page(language="en")
    await page.goto(CUSTOMERS)

    await page.evaluate(f"htmx.ajax('GET', '{CUSTOMERS}/{uuid4()}', '#list')")
    await expect(page.get_by_role("alert")).to_contain_text("mention")
    assert await looking.axe(page) == []
    portal.troubles.clear()  # the browser noticed the answer, too

    await expect(page.get_by_role("link", name="Bakkerij De Korst")).to_be_visible()
    await page.get_by_role("searchbox", name="Name, number, contact or e-mail").press_sequentially("korst")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_font_that_comes_late_moves_nothing_that_somebody_reads_already(portal: Portal) -> None:
    async def late(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    page = await portal.page()
    await page.context.route("**/fonts/*", late)
    await page.add_init_script(vitals.WATCH)
    await page.goto(CUSTOMERS)
    await page.wait_for_timeout(500)

    assert await page.evaluate("document.fonts.check('16px \"Source Sans 3\"')"), "the font did come"
    assert await page.evaluate("seen.moved") == []


async def test_what_stands_in_for_the_font_is_as_wide_as_it(portal: Portal) -> None:
    wide = "() => [...document.querySelectorAll('.topbar .name, .menu a, .row-link, .person .label')].map((one) => one.getBoundingClientRect().width)"
    page = await portal.page()
    await page.goto(CUSTOMERS)
    with_font = await page.evaluate(wide)

    await page.context.route("**/fonts/*", lambda route: route.abort())
    await page.reload()
    portal.troubles.clear()  # the browser told of each font that did not come
    without = await page.evaluate(wide)

    assert not await page.evaluate("document.fonts.check('16px \"Source Sans 3\"')")
    assert len(without) > 8
    assert without == pytest.approx(with_font, rel=0.08)


async def test_without_a_connection_the_page_says_so_until_there_is_one(portal: Portal) -> None:
    page = await portal.page(language="en")
    await page.goto(CUSTOMERS)
    search = page.get_by_role("searchbox", name="Name, number, contact or e-mail")

    await page.context.set_offline(True)
    await search.press_sequentially("kor")
    await expect(page.get_by_role("alert")).to_contain_text("There is no connection")
    await expect(page.get_by_role("link", name="Bakkerij De Korst")).to_be_visible()
    await page.context.set_offline(False)
    portal.troubles.clear()  # the browser told of each request that did not leave
    await search.press_sequentially("st")

    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_button_pressed_twice_sends_its_form_once(portal: Portal) -> None:
    page = await portal.page(language="en")
    await page.goto("/portal")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)

    await page.get_by_role("button", name="Owner of Noord ICT").click()
    async with page.expect_navigation():
        await page.evaluate("document.querySelectorAll('[name=theme]').forEach((one) => { one.click(); one.click(); })")

    assert len(sent) == 1


async def test_a_wrong_address_leaves_the_menu_and_leads_on(portal: Portal) -> None:
    page = await portal.page(language="en")
    await page.goto("/portal")
    await page.goto("/portal/nowhere")

    await expect(page.get_by_role("navigation", name="Main menu")).to_be_visible()
    await page.get_by_role("link", name="To the start page").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Today")


async def test_signing_out_ends_the_session_and_leads_out(portal: Portal) -> None:
    page = await portal.page(language="en", javascript=False)
    await page.goto("/portal")

    await page.get_by_role("button", name="Owner of Noord ICT").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto("/portal")

    assert "/portal/sign-in" in page.url
