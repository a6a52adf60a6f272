"""Customers in a browser: found while one types, entered and changed with and without script, on a telephone and by keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import expect

from partner_portal.infra import db
from tenants.policy import Segment
from tenants.service import customers
from tenants.service.customers import Address, MainContact, NewCustomer
from tests.browser import looking
from tests.browser.portal import NARROW, Portal
from tests.world import World, make_service

LIST = "/portal/customers"
NEW = {
    "name": "Drukkerij Inkt",
    "main_contact.name": "Ida Inkt",
    "main_contact.email": "ida@inkt.example.com",
    "billing_address.street": "Persweg 1",
    "billing_address.postcode": "1234 AB",
    "billing_address.city": "Delft",
}


async def test_customers_are_found_while_one_types_and_the_address_keeps_it(portal: Portal) -> None:
    page = await portal.page("clerk", language="en")
    await page.goto(LIST)
    await expect(page.locator("a.row-link")).to_have_count(2)

    await page.get_by_role("searchbox", name="Name, number, contact or e-mail").press_sequentially("bakerij", delay=20)
    await expect(page.locator("a.row-link")).to_have_text(["Bakkerij De Korst"])
    await expect(page.get_by_text("this comes close")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"\?q=bakerij$"))

    await page.locator("#filter-state").select_option("ending")
    await expect(page.get_by_text("No customer answers this")).to_be_visible()
    assert page.url.endswith("?q=bakerij&state=ending")
    await page.reload()
    assert await page.get_by_role("searchbox", name="Name, number, contact or e-mail").input_value() == "bakerij"
    assert await looking.axe(page) == []


async def test_columns_are_chosen_and_stay(portal: Portal) -> None:
    page = await portal.page("clerk", language="en")
    await page.goto(LIST)

    await page.get_by_text("Columns", exact=True).first.click()
    await page.get_by_label("E-mail", exact=True).check()
    await expect(page.get_by_role("columnheader", name="E-mail")).to_be_visible()
    await page.get_by_label("Services", exact=True).and_(page.locator("input")).uncheck()
    await expect(page.get_by_role("columnheader", name="Services")).to_have_count(0)

    await page.reload()
    await expect(page.get_by_role("columnheader")).to_have_text(["Customer", "E-mail", "Per month"])


async def test_without_script_the_list_is_searched_and_filtered_by_its_button(portal: Portal) -> None:
    page = await portal.page("clerk", javascript=False)
    await page.goto(LIST)

    await page.get_by_label("Naam, nummer, contact of e-mail").fill("korst")
    await page.get_by_label("Naam, nummer, contact of e-mail").press("Enter")
    await expect(page.locator("a.row-link")).to_have_text(["Bakkerij De Korst"])

    await page.locator("#filter-segment").select_option("CONSUMER")
    await page.get_by_role("button", name="Tonen").click()
    await expect(page.get_by_text("Geen klant past hierbij")).to_be_visible()


async def test_what_is_shown_is_what_is_taken_along(portal: Portal, tmp_path: Path) -> None:
    page = await portal.page("clerk")
    await page.goto(f"{LIST}?q=korst")

    async with page.expect_download() as download:
        await page.get_by_role("link", name="voor programma's (CSV)").click()
    file = tmp_path / (await download.value).suggested_filename
    await (await download.value).save_as(file)

    assert file.name == "klanten-2026-11-22.csv"
    assert len(file.read_text("utf-8-sig").splitlines()) == 2


async def test_a_form_with_faults_leads_to_each_field_and_keeps_what_was_typed(portal: Portal) -> None:
    page = await portal.page("clerk", language="en", width=NARROW)
    await page.goto(f"{LIST}/new")
    await page.get_by_label("City").first.fill("Delft")
    await page.get_by_label("E-mail").fill("ida")
    await page.get_by_role("button", name="Enter the customer").click()

    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    await summary.get_by_role("link", name="This is no e-mail address").click()
    await expect(page.get_by_label("E-mail")).to_be_focused()
    assert await page.get_by_label("City").first.input_value() == "Delft"
    assert await looking.axe(page) == []


async def test_a_customer_is_entered_and_changed_without_script(portal: Portal) -> None:
    page = await portal.page("clerk", javascript=False)
    await page.goto(f"{LIST}/new")
    for name, value in NEW.items():
        await page.locator(f'[name="{name}"]').fill(value)
    await page.get_by_label("Beschermd klein bedrijf").check()
    await page.get_by_role("button", name="Klant invoeren").click()

    await expect(page.get_by_role("status")).to_contain_text("Drukkerij Inkt is ingevoerd.")
    await page.get_by_role("link", name="Wijzig", exact=True).click()
    await page.locator('[name="name"]').fill("Drukkerij Inkt B.V.")
    await page.get_by_role("button", name="Opslaan").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Drukkerij Inkt B.V.")


async def test_two_colleagues_change_the_same_customer(portal: Portal, world: World) -> None:
    place = f"{LIST}/{world.noord.customers['bakery']}/edit"
    mine, theirs = await portal.page("clerk"), await portal.page("owner")
    for page, name in ((mine, "De Korst VOF"), (theirs, "Bakkerij Korst & Zn")):
        await page.goto(place)
        await page.locator('[name="name"]').fill(name)
    await theirs.get_by_role("button", name="Opslaan").click()
    await expect(theirs.get_by_role("heading", level=1)).to_have_text("Bakkerij Korst & Zn")

    await mine.get_by_role("button", name="Opslaan").click()
    await expect(mine.get_by_role("alert")).to_contain_text("Iemand anders heeft deze klant intussen gewijzigd")
    await expect(mine.get_by_role("row", name="Naam Bakkerij Korst & Zn De Korst VOF")).to_be_visible()
    assert await mine.locator('[name="name"]').input_value() == "De Korst VOF"
    assert await looking.axe(mine) == []
    await mine.get_by_role("button", name="Opslaan").click()
    await expect(mine.get_by_role("heading", level=1)).to_have_text("De Korst VOF")


async def test_chosen_services_lead_to_the_wizard(portal: Portal, world: World) -> None:
    page = await portal.page("clerk")
    await page.goto(f"{LIST}/{world.noord.customers['bakery']}")

    for service in ("Internet bakkerij", "Webshop hosting"):
        await page.get_by_role("checkbox", name=service).check()
    await page.get_by_role("button", name="Gekozen diensten opzeggen").click()

    await page.wait_for_url("**/portal/drafts/*/**")
    await expect(page.get_by_role("main")).to_contain_text("Webshop hosting")


async def test_two_keys_lead_to_the_search_from_anywhere_and_the_keyboard_through_its_results(portal: Portal, world: World) -> None:
    page = await portal.page("clerk", language="en")
    await page.goto(f"{LIST}/{world.noord.customers['private']}/history")

    await page.keyboard.press("Control+k")
    await page.keyboard.type("webshop")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Services")).to_be_visible()
    await looking.tab_to(page, "Webshop hosting")
    await page.keyboard.press("Enter")

    await page.wait_for_url(f"**/portal/services/{world.noord.services['bound']}")
    assert await looking.axe(page) == []


async def test_names_without_end_leave_every_column_within_a_telephone(portal: Portal, world: World) -> None:
    noord = world.noord
    every = "&".join(f"columns={name}" for name in ("name", "segment", "language", "country", "email", "since", "services", "fee"))
    async with db.unit_of_work(noord.principal()):
        contact = MainContact("C" * 200, f"{'a' * 60}@{'langedomeinnaam.' * 8}example.com")
        new = NewCustomer("W" * 200, Segment.OTHER_BIZ, contact, Address("S" * 200, "1234 AB", "L" * 100))
        endless = await customers.create(noord.actor, new)
        service = await make_service(noord, endless, label="L" * 200, fee_cents=9_999_999_99)
    page = await portal.page("clerk", width=NARROW)

    wide = {}
    for path in (
        f"{LIST}?{every}", f"{LIST}/{endless}", f"{LIST}/{endless}/locations", f"{LIST}/{endless}/history", f"{LIST}/{endless}/edit",
        f"/portal/services/{service}", "/portal/search?q=" + "W" * 200,
    ):  # fmt: skip
        await page.goto(path)
        wide[path] = await looking.too_wide(page)

    assert {path: found for path, found in wide.items() if found} == {}
