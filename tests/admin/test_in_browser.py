"""Finance at work in a real browser."""

from __future__ import annotations

import asyncio
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Page, expect

from partner_portal.infra import outbox
from partner_portal.kernel.actor import StaffRole
from tests import chromium
from tests.admin.conftest import PASSWORD, enter
from tests.admin.test_forms import state
from tests.browser import looking
from tests.journeys import partner
from tests.world import World


def approve(address: str) -> None:
    """Fien signs in, looks at the case, and approves it by its form; then the work list is empty."""
    with chromium.launched() as running:
        page = running.new_context(locale="nl-NL").new_page()
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        sign_in(page, address)
        page.get_by_role("link", name="Opzeggingen", exact=True).click()
        row = page.get_by_role("row").filter(has_text="NRD-T-00001")
        expect(row).to_contain_text("Wacht op financiële administratie")
        expect(row).to_contain_text("902,01")
        expect(page.get_by_role("link", name="Toevoegen")).to_have_count(0)
        page.get_by_role("link", name="Afkoop goedkeuren").click()
        page.locator("input[name=case]").fill("NRD-T-00001")
        page.get_by_role("button", name="Uitvoeren").click()
        expect(page.locator("#success_message")).to_contain_text("NRD-T-00001 is goedgekeurd")
        page.goto(f"{address}/admin/")
        page.get_by_role("link", name="Werklijst afkoop").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Er wacht niets op de financiële administratie")
        assert failures == []


def look_and_adjust(address: str) -> None:
    """Fien reads how the sum is made up, and proposes another one on the work list; the row of the case cannot be changed."""
    with chromium.launched() as running:
        page = running.new_context(locale="nl-NL", viewport={"width": 360, "height": 800}).new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None)
        sign_in(page, address)
        page.goto(f"{address}/admin/work-list")
        expect(page.get_by_text("13 mnd x EUR 89,95 x 75 %")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_text("Aanpassen", exact=True).click()
        page.get_by_label("Nieuw bedrag in euro").fill("500")
        page.locator("#reason-a1").fill("Klant stapt over")
        page.get_by_role("button", name="Dit bedrag voorstellen").click()
        expect(page.get_by_role("status")).to_contain_text("NRD-T-00001 is aangepast")
        page.goto(f"{address}/admin/#/termination_buyout_decision")
        page.get_by_role("cell", name="Aangepast").wait_for()
        expect(page.get_by_role("cell", name="500,00")).to_be_visible()
        assert refused == []


def sign_in(page: Page, address: str) -> None:
    """The admin's start page, signed in as Fien."""
    page.goto(f"{address}/admin/")
    page.locator("input[name=username]").fill("fien")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Inloggen").click()
    page.get_by_text("Welkom bij").wait_for()


@pytest.mark.browser
async def test_finance_approves_a_buyout_by_clicking_through_the_admin(world: World, noord: httpx.AsyncClient, address: str) -> None:
    await enter("fien", StaffRole.FINANCE)
    await partner.filed(noord, world.noord.services["bound"], wished_on="2027-01-31", early=True)
    await asyncio.to_thread(approve, address)
    await outbox.drain()
    assert await state("NRD-T-00001") == "proposed"
    assert "1.091,43" in partner.newest(world.mailbox, "bakkerij@klant.example.com").text


@pytest.mark.browser
async def test_finance_adjusts_on_a_telephone(world: World, noord: httpx.AsyncClient, address: str) -> None:
    await enter("fien", StaffRole.FINANCE)
    await partner.filed(noord, world.noord.services["bound"], wished_on="2027-01-31", early=True)
    await asyncio.to_thread(look_and_adjust, address)
    assert await state("NRD-T-00001") == "proposed"


REFUSED = [
    ("/admin/mandates", "#new", "Vastleggen", "Klantnummer"),
    ("/admin/indexation", "", "Laat zien wat dit zou doen", "Vanaf welke dag"),
    ("/admin/statements", "", "Lees het bestand in", "CAMT.053"),
    ("/admin/reminders?show=held", "", "Houd de herinneringen aan", "Nummer van de factuur"),
    ("/admin/late?show=written-off", "", "Boek af", "Nummer van het document"),
]


def look_at_refusals(address: str) -> dict[str, list[str]]:
    """What axe finds on pages that were refused, in both themes and widths; the summary has the focus, and each way in it leads to its field."""
    found: dict[str, list[str]] = {}
    with chromium.launched() as running:
        looks: list[tuple[Literal["light", "dark"], int]] = [("light", 1280), ("dark", 360)]
        for theme, width in looks:
            page = running.new_context(locale="nl-NL", viewport={"width": width, "height": 800}, color_scheme=theme).new_page()
            sign_in(page, address)
            for path, opens, button, label in REFUSED:
                page.goto(f"{address}{path}")
                if opens:
                    page.locator(opens).click()
                page.get_by_role("button", name=button, exact=True).click()
                expect(page.get_by_role("alert")).to_be_focused()
                way = page.get_by_role("alert").get_by_role("link").first
                expect(way).to_contain_text(label)
                field = page.locator(str(way.get_attribute("href")))
                expect(field).to_have_attribute("aria-invalid", "true")
                way.click()
                expect(field).to_be_in_viewport()
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
                page.evaluate(looking.AXE.read_text())
                found[f"{path} {theme}"] = [f"{one['rule']} {one['html']}" for one in page.evaluate(looking.RUN_AXE, list(looking.TAGS))]
    return found


@pytest.mark.browser
async def test_what_was_refused_is_found_by_everybody(world: World, address: str) -> None:
    await enter("fien", StaffRole.FINANCE)
    found = await asyncio.to_thread(look_at_refusals, address)
    assert {page: wrong for page, wrong in found.items() if wrong} == {}
