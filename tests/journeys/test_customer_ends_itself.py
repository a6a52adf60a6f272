"""A customer ends its contract without asking anybody: on its own pages, on the public page without an account, or by withdrawing in time."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import httpx

from partner_portal.infra import clock
from partner_portal.kernel.actor import StaffRole
from partner_portal.mailcatcher.mailbox import Mail
from terminations.service import scheduling
from terminations.service.buyouts import Decision
from tests.admin import conftest as staff
from tests.conftest import browser, work
from tests.journeys import partner
from tests.journeys.test_buyout import decide
from tests.tenants import people
from tests.tenants.people import open_page, read
from tests.terminations import customer
from tests.terminations.customer import BAKER, baker, ending, fields, fresh_consumer, post
from tests.world import FINANCE, World

OWN = "/portal/own"
SENDER = "thuis@korst.example.com"
DUTCH = {"accept": "text/html", "accept-language": "nl"}


async def only_case(noord: httpx.AsyncClient) -> dict[str, object]:
    """The one case that the partner has."""
    (case,) = (await noord.get("/api/v1/terminations")).json()["items"]
    return await partner.case(noord, case["id"])


async def press_send(client: httpx.AsyncClient, address: str, **typed: str) -> tuple[str, str]:
    """Both steps of a public page, without signing in: what the second one repeats, and what is shown after its button."""
    asked = await client.get(address, headers=DUTCH)
    unseen = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    check = await client.post(address, data=unseen | typed, headers=DUTCH)
    assert check.status_code == 200, check.text
    sent = {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', check.text)}
    done = await client.post(address, data={**sent, "step": "send"}, headers=DUTCH)
    assert done.status_code == 303, done.text
    receipt = await client.get(done.headers["location"], headers=DUTCH)
    await work()
    return read(check), read(receipt)


def letter(world: World, mail: Mail) -> bytes:
    """The PDF that came with a mail."""
    found = world.mailbox.mailbox.attachment(mail.id, 0)
    assert found, mail.subject
    return found[1]


async def test_a_contact_signs_in_and_ends_a_service_up_to_its_last_day(world: World, noord: httpx.AsyncClient) -> None:
    service = world.noord.services["free"]
    async with baker(world) as contact:
        assert "Contract hier opzeggen" in read(await open_page(contact, OWN))
        assert "Wanneer moet Internet bakkerij stoppen?" in read(await open_page(contact, ending("/when", service)))
        check = await open_page(contact, ending("/check", service, when="free"))
        assert "dinsdag 22 december 2026" in read(check)

        filed = await post(contact, f"{OWN}/end", fields(check.text, f"{OWN}/end"))
        page = filed.headers["location"]

        assert "Ingepland" in read(await open_page(contact, page))
        paper = (await contact.get(f"{page}/confirmation.pdf")).content
        mails = [partner.newest(world.mailbox, to) for to in (BAKER, "service@nrd", "finance@kadetel")]
        assert {letter(world, mail) for mail in mails} == {paper}, "customer, partner and provider have the same letter"

        clock.move_to(date(2026, 12, 23))
        await scheduling.take_effect()
        await work()

        assert "Beëindigd" in read(await open_page(contact, page))
    case = await only_case(noord)
    assert (case["state"], case["received_on"], case["ends_on"]) == ("ended", "2026-11-22", "2026-12-22")


async def test_a_contact_asks_what_leaving_early_costs_and_accepts_what_finance_proposes(world: World, noord: httpx.AsyncClient) -> None:
    async with baker(world) as contact:
        asked = await customer.end(contact, world.noord.services["bound"], when="date", wished_on="2027-03-31")
        page = asked.headers["location"]
        assert "Er eindigt niets voordat u het accepteert" in read(await open_page(contact, page))
        case = await only_case(noord)
        assert case["state"] == "waiting_for_finance"
        assert str(case["number"]) in partner.newest(world.mailbox, "finance@kadetel").subject

        assert await decide(FINANCE, str(case["number"]), Decision.ADJUST, amount_cents=50_000, reason="U blijft klant")
        offer = read(await open_page(contact, page))
        assert "EUR 605,00" in offer
        assert "U blijft klant" in offer
        await customer.answer(contact, str(case["id"]), "buyout/acceptance")

        assert "Ingepland" in read(await open_page(contact, page))
    after = await only_case(noord)
    assert (after["state"], after["ends_on"], after["agreed"]["amount"]) == ("scheduled", "2027-03-31", "500.00")  # type: ignore[index]
    assert partner.newest(world.mailbox, BAKER).attachments


async def test_without_signing_in_notice_is_received_at_the_click_and_the_customer_on_file_confirms_it(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    repeated, receipt = await press_send(
        stranger, "/end-contract/NRD", kind="ordinary", name="Bakkerij De Korst", contract="NRD-S-00001", when="soon", email=SENDER
    )

    assert "Nu opzeggen" in repeated
    assert "22 december 2026" in repeated, "the rule of law, before the click"
    assert "Ontvangen op 22 november 2026, 12:00" in receipt
    confirmed = partner.newest(world.mailbox, SENDER)
    assert letter(world, confirmed).startswith(b"%PDF-")
    assert "EUR" not in confirmed.text, "whoever filled in the page learns nothing of a contract"

    clock.move(timedelta(days=3))
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKER)), "approve")

    case = await only_case(noord)
    assert (case["state"], case["received_on"], case["ends_on"]) == ("scheduled", "2026-11-22", "2026-12-22")
    assert "is bevestigd en wordt uitgevoerd" in partner.newest(world.mailbox, SENDER).subject


async def test_a_notice_that_cannot_be_placed_is_attached_by_the_partner_and_keeps_its_day(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await press_send(stranger, "/end-contract/NRD", kind="ordinary", name="De bakker", contract="ons internet", when="soon", email=SENDER)
    assert (await noord.get("/api/v1/terminations")).json()["items"] == []
    clock.move(timedelta(days=1))
    waiting = (await noord.get("/portal/notices", headers=DUTCH)).text
    (notice,) = re.findall(r'href="(/portal/notices/[0-9a-f-]{36})"', waiting)

    filed = await noord.post(f"{notice}/attachment", data={"number": "NRD-S-00001"}, headers=DUTCH)
    await work()
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKER)), "approve")

    assert filed.status_code == 303
    case = await only_case(noord)
    assert (case["state"], case["received_on"]) == ("scheduled", "2026-11-22")


async def test_a_notice_at_the_providers_page_is_brought_by_its_desk_to_the_partner_it_belongs_to(
    world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await press_send(stranger, "/end-contract", kind="ordinary", name="De bakker", contract="ons internet", when="soon", email=SENDER)
    async with browser(headers={"accept-language": "nl"}) as desk:
        await staff.enter("dirk", StaffRole.SERVICE_DESK)
        assert (await staff.sign_in(desk, "dirk")).status_code == 200
        shown = (await desk.get("/admin/notices")).text
        given = {name: found for name in ("csrf_token", "id") for found in re.findall(rf'name="{name}" value="([^"]+)"', shown)}

        attached = await desk.post("/admin/notices", data={**given, "decision": "attach", "number": "NRD-S-00001"})
        await work()

    assert attached.status_code == 303, attached.text
    case = await only_case(noord)
    assert (case["state"], case["received_on"]) == ("waiting_for_customer", "2026-11-22")
    assert (await zuid.get("/api/v1/terminations")).json()["items"] == []
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, BAKER)), "approve")
    assert (await only_case(noord))["state"] == "scheduled"


async def test_a_consumer_withdraws_without_an_account_and_everything_is_paid_back(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    email, service = await fresh_consumer(world)
    [row] = await people.rows("SELECT number FROM billing_service WHERE id = $1", service)

    repeated, receipt = await press_send(stranger, "/withdraw-contract/NRD", name="Petra Bedenktijd", contract=row["number"], email=email)

    assert "Herroeping bevestigen" in repeated
    assert "Wij hebben uw herroeping ontvangen" in receipt
    assert letter(world, next(mail for mail in world.mailbox.mailbox.mails(email) if "NRD-N-" in mail.subject)).startswith(b"%PDF-")
    asked = partner.newest(world.mailbox, email)
    assert "EUR 100,00" in asked.text
    await partner.press(stranger, partner.link_in(asked), "approve")
    case = await only_case(noord)
    assert (case["state"], case["received_on"], case["ends_on"]) == ("scheduled", "2026-11-22", "2026-11-29")
    assert "herroeping binnen de bedenktijd" in partner.newest(world.mailbox, email).text


async def test_a_consumer_with_an_account_withdraws_in_two_presses_and_is_asked_nothing_again(
    world: World, noord: httpx.AsyncClient
) -> None:
    email, service = await fresh_consumer(world)
    async with people.signed_in(email) as consumer:
        assert "Overeenkomst hier herroepen" in read(await open_page(consumer, f"{OWN}/services/{service}"))
        path = f"{OWN}/services/{service}/withdrawal"
        page = await open_page(consumer, path)
        assert "Herroeping bevestigen" in read(page)

        done = await post(consumer, path, fields(page.text, path))

        assert "Ingepland" in read(await open_page(consumer, done.headers["location"]))
    assert (await only_case(noord))["state"] == "scheduled"
    assert letter(world, partner.newest(world.mailbox, email)).startswith(b"%PDF-")
