"""A buyout by three people at once, each in a browser of their own: the partner asks, finance decides in the admin, the customer answers on a telephone."""

from __future__ import annotations

import re
from io import BytesIO

from playwright.async_api import Page, expect
from pypdf import PdfReader

from partner_portal.infra import settings
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import PASSWORD, enter
from tests.browser import looking
from tests.browser.portal import NARROW, Look, Portal
from tests.journeys import partner as people
from tests.world import World

CUSTOMER = "bakkerij@"


async def files(page: Page, world: World, *, wished_on: str) -> str:
    """The partner's clerk asks for an early end in the wizard, with the buttons it shows; the address of the case."""
    await page.goto(f"/portal/customers/{world.noord.customers['bakery']}")
    await page.get_by_label("Webshop hosting").and_(page.get_by_role("checkbox")).click()
    await page.locator(".end-chosen button").click()
    await page.locator("#wished_on").fill(wished_on)
    for step in ("when", "afterwards", "costs", "reason", "contact"):
        await page.wait_for_url(re.compile(rf"/portal/drafts/[0-9a-f-]+/{step}"))
        await page.get_by_role("button", name="Verder").click()
    await page.get_by_role("button", name="Afkoop aanvragen").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("De afkoop is aangevraagd")
    await page.get_by_role("link", name="Naar de zaak").click()
    await page.wait_for_url(re.compile(r"/portal/terminations/[0-9a-f-]{36}"))
    return page.url


async def at_work_list(portal: Portal, name: str) -> Page:
    """Somebody of finance signs in to the admin, in a browser that knows nothing of the partner's, and opens the work list."""
    await enter(name, StaffRole.FINANCE)
    page, before = await portal.page("stranger"), [*portal.troubles]
    await page.goto("/admin/")
    await page.locator("input[name=username]").fill(name)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.get_by_role("button", name="Inloggen").click()
    link = page.get_by_role("link", name="Werklijst afkoop")
    await expect(link).to_be_visible()
    await page.wait_for_load_state("networkidle")
    portal.troubles[:] = before  # the generated admin asks for its tables before it knows who is there; the work list is a page of ours
    await link.click()
    return page


async def on_telephone(portal: Portal, world: World) -> Page:
    """The link in the newest mail to the customer, opened on a telephone."""
    context = await portal.browser("stranger", Look(width=NARROW), has_touch=True, is_mobile=True)
    page = await context.new_page()
    await page.goto(people.link_in(people.newest(world.mailbox, CUSTOMER)))
    return page


async def test_an_early_end_from_the_wizard_by_finance_and_the_customers_telephone_to_the_letter(portal: Portal, world: World) -> None:
    clerk = await portal.page("clerk")
    case = await files(clerk, world, wished_on="2027-01-31")
    await expect(clerk.locator(".now")).to_contain_text("financiële administratie")
    await portal.work()

    fien = await at_work_list(portal, "fien")
    await expect(fien.get_by_text("13 mnd x EUR 89,95 x 75 %")).to_be_visible()
    await fien.get_by_text("Aanpassen", exact=True).click()
    await fien.get_by_label("Nieuw bedrag in euro").fill("500")
    await fien.locator("#reason-a1").fill("Klant stapt over naar ons cloudpakket")
    await fien.get_by_role("button", name="Dit bedrag voorstellen").click()
    await expect(fien.get_by_role("status")).to_contain_text("NRD-T-00001 is aangepast")
    await portal.work()

    customer = await on_telephone(portal, world)
    await expect(customer.get_by_role("heading", level=1)).to_contain_text("EUR 605,00")
    await expect(customer.get_by_text("Klant stapt over naar ons cloudpakket")).to_be_visible()
    assert await looking.too_wide(customer) == []
    await customer.get_by_role("button", name=re.compile("accepteren")).tap()
    await expect(customer.get_by_text("Ingepland")).to_be_visible()
    await portal.work()

    await clerk.goto(case)
    await expect(clerk.locator(".now")).to_contain_text("Ingepland")
    await expect(clerk.locator(".talk")).to_contain_text("Klant stapt over naar ons cloudpakket")
    answer = await clerk.request.get(str(await clerk.get_by_role("link", name=re.compile(r"\(PDF\)")).get_attribute("href")))
    words = " ".join(leaf.extract_text() for leaf in PdfReader(BytesIO(await answer.body())).pages)
    assert "NRD-T-00001" in words
    assert "605,00" in words


async def test_finance_approves_as_computed_and_whoever_pays_says_yes(portal: Portal, world: World) -> None:
    clerk = await portal.page("clerk")
    await files(clerk, world, wished_on="2027-01-31")
    fien = await at_work_list(portal, "fien")

    await fien.get_by_role("button", name="Goedkeuren").click()
    await expect(fien.get_by_role("heading", level=1)).to_have_text("Er wacht niets op de financiële administratie")
    await portal.work()
    customer = await on_telephone(portal, world)
    await expect(customer.get_by_role("heading", level=1)).to_contain_text("EUR 1.091,43")
    await customer.get_by_role("button", name=re.compile("accepteren")).tap()
    await expect(customer.get_by_text("Ingepland")).to_be_visible()

    await clerk.reload()
    await expect(clerk.locator(".now")).to_contain_text("Ingepland")


async def test_above_the_limit_a_second_pair_of_eyes_signs_in_and_agrees(portal: Portal, world: World) -> None:
    clerk = await portal.page("clerk")
    await files(clerk, world, wished_on="2027-01-31")
    with settings.use(four_eyes_limit_cents=50_000):
        fien = await at_work_list(portal, "fien")
        await fien.get_by_role("button", name="Goedkeuren").click()
        await clerk.reload()
        await expect(clerk.locator(".now")).to_contain_text("een tweede")

        frits = await at_work_list(portal, "frits")
        await frits.get_by_role("button", name="Goedkeuren").click()
        await expect(frits.get_by_role("heading", level=1)).to_have_text("Er wacht niets op de financiële administratie")

    await portal.work()
    await clerk.reload()
    await expect(clerk.locator(".now")).to_contain_text("EUR 1.091,43")
