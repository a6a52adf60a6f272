"""The page of a customer and of a service: what there is, when it can end, what is ending, and all that ever happened."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from billing.policy.ledger import Layer
from billing.service import services as contracts
from billing.service.services import TermsChangeWanted
from partner_portal.infra import clock, db, outbox
from partner_portal.overview.service import services, timeline
from partner_portal.overview.service.timeline import Source
from partner_portal.web.lists import Window
from tenants.policy import Segment
from tenants.service import contacts, customers
from tenants.service.contacts import NewContact
from tenants.service.customers import Address, CustomerChange
from terminations.service import quotes
from terminations.service.quotes import Request
from tests.conftest import browser, sign_in
from tests.journeys import partner
from tests.world import DESK, STAFF_DOOR, World, make_customer, make_service

TABS = ("", "/services", "/terminations", "/documents", "/locations", "/history")


def page_of(customer: UUID, tab: str = "") -> str:
    return f"/portal/customers/{customer}{tab}"


def words(answer: httpx.Response) -> str:
    """What stands on the page, without its tags."""
    assert answer.status_code == 200, answer.text[:2000]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])))


TERMS: list[dict[str, Any]] = [
    {},
    {"notice_n": 3},
    {"align": "EOM"},
    {"starts_on": date(2026, 3, 1), "minimum_months": 24, "renewal": "FIXED", "renewal_months": 12, "buyout_rule": "75 %"},
    {"starts_on": date(2024, 3, 31), "minimum_months": 12, "renewal": "FIXED", "renewal_months": 1, "notice_n": 10, "notice_unit": "WD"},
    {"starts_on": date(2026, 1, 1), "minimum_months": 24, "renewal": "NONE", "product": "hosting"},
    {"starts_on": date(2026, 2, 1), "minimum_months": 36, "renewal": "FIXED", "renewal_months": 12, "bundle": "A"},
    {"starts_on": date(2026, 5, 1), "minimum_months": 12, "renewal": "FIXED", "renewal_months": 12, "bundle": "A", "product": "hosting"},
]


@pytest.mark.parametrize("segment", list(Segment))
async def test_the_list_says_what_the_preview_of_each_service_alone_says(world: World, segment: Segment) -> None:
    """Computed for the page as a whole, by the rules of the preview: whoever chooses the service sees the same days again."""
    noord = world.noord
    async with db.unit_of_work(noord.principal()):
        customer = await make_customer(noord, "Alle Soorten", segment=segment)
        ids = [await make_service(noord, customer, **terms) for terms in TERMS]
        looks = await services.outlooks(customer, await contracts.by_id(ids))
        alone = {}
        for service in ids:
            shown = await quotes.show(noord.actor, Request(services=(service,), received_on=clock.today()), with_calendar=False)
            [preview] = shown.previews[Layer.CUSTOMER].services
            bound = preview.committed_until and preview.committed_until - timedelta(days=1)
            alone[service] = (preview.first_possible_end, preview.last_notice_day, bound, preview.applied)

    assert {service: (look.first_free_end, look.last_notice_on, look.bound_until, look.applied) for service, look in looks.items()} == alone


async def test_services_show_term_first_free_end_last_notice_day_and_fee(world: World, noord: httpx.AsyncClient) -> None:
    told = words(await noord.get(page_of(world.noord.customers["bakery"])))

    assert re.search(r"Internet bakkerij NRD-S-00001 [^/]*?22-12-2026 loopt niet gebonden 22-12-2026 elke dag EUR 50,00", told)
    assert re.search(r"Webshop hosting NRD-S-00002 [^/]*?29-02-2028 loopt 29-02-2028 29-02-2028 31-01-2028 EUR 89,95", told)


async def test_services_are_chosen_for_the_wizard(world: World, noord: httpx.AsyncClient) -> None:
    answer = await noord.get(page_of(world.noord.customers["bakery"]))

    assert '<form action="/portal/terminations/new"' in answer.text
    assert set(re.findall(r'name="service" value="([^"]+)"', answer.text)) == {str(one) for one in world.noord.services.values()}


async def test_a_service_that_a_case_holds_says_what_happens_and_until_when_it_can_be_undone(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    bakery, free = world.noord.customers["bakery"], world.noord.services["free"]
    case = await partner.filed(noord, free)
    waiting = [words(await noord.get(path)) for path in (page_of(bakery), f"/portal/services/{free}")]
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, "bakkerij@")), "approve")
    planned = [words(await noord.get(path)) for path in (page_of(bakery), f"/portal/services/{free}")]
    clock.move_to(date(2026, 12, 20))
    late = words(await noord.get(page_of(bakery)))

    assert "opzegging loopt" in waiting[0]
    assert "Zou eindigen op 22-12-2026. NRD-T-00001" in waiting[0]
    assert "Er loopt een opzegging: deze dienst zou eindigen op dinsdag 22 december 2026." in waiting[1]
    assert "eindigt op 22-12-2026" in planned[0]
    assert "Deze dienst eindigt op dinsdag 22 december 2026. Kan tot en met 19-12-2026 ongedaan worden gemaakt." in planned[1]
    assert "Ongedaan maken kan nu alleen met toestemming van de aanbieder. NRD-T-00001" in late
    answer = await noord.get(page_of(bakery))
    assert str(free) not in re.findall(r'name="service" value="([^"]+)"', answer.text)
    assert f'href="/portal/terminations/{case["id"]}"' in answer.text


async def test_what_has_ended_stands_apart(world: World, noord: httpx.AsyncClient) -> None:
    bakery = world.noord.customers["bakery"]
    async with db.unit_of_work(world.noord.principal()):
        await db.execute(
            "UPDATE billing_service SET ends_on = $2, billing_ends_on = $2, ended_at = now() WHERE id = $1",
            world.noord.services["free"],
            date(2026, 10, 31),
        )

    running, ended = words(await noord.get(page_of(bakery))), words(await noord.get(f"{page_of(bakery)}?ended=yes"))

    assert ("Internet bakkerij" in running, "Internet bakkerij" in ended) == (False, True)
    assert "31-10-2026" in ended
    assert "is geëindigd; de laatste dag was zaterdag 31 oktober 2026" in words(
        await noord.get(f"/portal/services/{world.noord.services['free']}")
    )


async def test_a_customer_with_ten_thousand_services_is_shown_page_by_page(world: World, noord: httpx.AsyncClient) -> None:
    noords = world.noord
    async with db.unit_of_work(noords.principal()):
        customer = await make_customer(noords, "Groothandel")
        pattern = await make_service(noords, customer, label="De eerste")
        await db.execute("UPDATE billing_service SET number = 'A-00000' WHERE id = $1", pattern)
        columns = "tenant, customer, product, fee_cents, starts_on, signed_on, paid_until, quantity"
        await db.execute(
            f"INSERT INTO billing_service (id, number, label, {columns})"  # noqa: S608  # our own names
            f" SELECT gen_random_uuid(), 'B-' || lpad(n::text, 5, '0'), 'Lijn ' || n, {columns}"
            " FROM billing_service, generate_series(1, 9999) n WHERE number = 'A-00000'"
        )

    first = await noord.get(page_of(customer))
    following = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert following
    second = await noord.get(html.unescape(following[1]))

    assert [re.findall(r"\b[AB]-\d{5}", words(answer))[:2] for answer in (first, second)] == [
        ["A-00000", "B-00001"],
        ["B-00050", "B-00051"],
    ]
    assert "en nog 9.998 diensten ingevoerd" in words(await noord.get(page_of(customer, "/history")))


async def test_the_page_of_a_service_explains_its_terms_in_plain_words(world: World, noord: httpx.AsyncClient) -> None:
    told = words(await noord.get(f"/portal/services/{world.noord.services['bound']}"))

    for said in (
        "Minimale looptijd",
        "24 maanden tot en met 29 februari 2028",
        "Telkens met 12 maanden",
        "1 maand gerekend vanaf de dag na ontvangst",
        "Door afkoop: 75 % en EUR 25,00 behandelingskosten",
        "elke maand betaald tot en met 30 november 2026",
        "EUR 89,95 per maand exclusief btw",
        "maandag 31 januari 2028",
    ):
        assert said in told, said
    assert "U betaalt de aanbieder" not in told


async def test_whoever_bills_in_its_own_name_sees_its_own_price_too(world: World, zuid: httpx.AsyncClient) -> None:
    told = words(await zuid.get(f"/portal/services/{world.zuid.services['bound']}"))

    assert "U betaalt de aanbieder EUR 60,00 per maand exclusief btw; uw klant ziet deze prijs nooit" in told


async def test_changed_terms_stay_readable_with_their_reason(world: World, noord: httpx.AsyncClient) -> None:
    bound = world.noord.services["bound"]
    async with db.unit_of_work(STAFF_DOOR):
        wanted = TermsChangeWanted(
            {"notice_n": 2, "fee_cents": 7995, "renewal": "INDEF", "explicit_end": "2027-06-30"}, "Nieuw contract getekend"
        )
        await contracts.change_terms(DESK, bound, wanted)

    told = words(await noord.get(f"/portal/services/{bound}"))

    assert "Nieuw contract getekend 22 november 2026, 12:00 · de aanbieder" in told
    for said in ("Opzegtermijn: 2", "EUR 79,95", "Loopt door voor onbepaalde tijd", "30-06-2027"):
        assert said in told, said


async def test_one_timeline_tells_of_all_domains_the_newest_first(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    noords, bakery = world.noord, world.noord.customers["bakery"]
    async with db.unit_of_work(noords.principal()):
        await customers.change(noords.actor, bakery, CustomerChange(name="Bakkerij Korst & Zn", segment=Segment.OTHER_BIZ))
    async with db.unit_of_work(STAFF_DOOR):
        await contracts.change_terms(DESK, noords.services["bound"], TermsChangeWanted({"fee_cents": 7995}, "Prijs herzien"))
    await partner.filed(noord, noords.services["free"])
    await partner.press(stranger, partner.link_in(partner.newest(world.mailbox, "bakkerij@")), "approve")
    await outbox.drain()

    told = words(await noord.get(page_of(bakery, "/history")))

    for said in (
        "Ging akkoord met het einde NRD-T-00001",
        "Diende de opzegging in NRD-T-00001",
        "Naam: Bakkerij De Korst Bakkerij Korst & Zn",
        "Beschermd klein bedrijf Ander bedrijf",
        "Voorwaarden gewijzigd van Webshop hosting",
        "Prijs herzien",
        "en nog 1 dienst ingevoerd",
        "Contactpersoon Contact van Bakkerij De Korst ingevoerd",
        "Klant ingevoerd",
        "E-mail aan bakkerij@klant.example.com",
    ):
        assert said in told, said
    assert told.index("Ging akkoord") < told.index("Diende de opzegging in") < told.index("dienst ingevoerd")


async def test_the_timeline_also_tells_of_contacts_and_addresses_that_are_there_no_more(world: World, noord: httpx.AsyncClient) -> None:
    bakery, private = world.noord.customers["bakery"], world.noord.customers["private"]
    async with db.unit_of_work(world.noord.principal()):
        await customers.change(world.noord.actor, bakery, CustomerChange(visit_address=Address("Kade 3", "1234 AB", "Utrecht")))
        gone = await contacts.add(world.noord.actor, bakery, NewContact(name="Tijdelijke Kracht", email="kracht@klant.example.com"))
        await customers.change(world.noord.actor, bakery, CustomerChange(visit_address=None))
        await db.execute("DELETE FROM contact WHERE id = $1", gone)

    told = words(await noord.get(page_of(bakery, "/history")))
    other = words(await noord.get(page_of(private, "/history")))

    for said in (
        "Contactpersoon Tijdelijke Kracht ingevoerd",
        "Contactpersoon Tijdelijke Kracht verwijderd",
        "Bezoekadres: ingevoerd",
        "Bezoekadres: verwijderd",
    ):
        assert said in told, said
        assert said not in other
    assert told.index("Tijdelijke Kracht verwijderd") < told.index("Tijdelijke Kracht ingevoerd")


async def test_what_the_providers_own_people_got_by_mail_is_not_told(world: World, noord: httpx.AsyncClient) -> None:
    await partner.filed(noord, world.noord.services["bound"], early=True, wished_on="2027-03-31")
    await outbox.drain()
    partner.newest(world.mailbox, "finance@")

    told = words(await noord.get(page_of(world.noord.customers["bakery"], "/history")))

    assert "Diende de opzegging met afkoop in" in told
    assert "finance@kadetel.example.com" not in told


async def test_the_timeline_goes_on_page_by_page_without_a_gap_or_a_repetition(world: World) -> None:
    noord, bakery = world.noord, world.noord.customers["bakery"]
    async with db.unit_of_work(noord.principal()):
        for nth in range(7):
            await db.execute("UPDATE customer SET name = $2 WHERE id = $1", bakery, f"Naam {nth}")
            await db.execute("UPDATE contact SET name = $2 WHERE customer = $1", bakery, f"Contact {nth}")
        whole = [one.id for one in await timeline.page(timeline.LISTING.window(limit=200), bakery)]
        seen: list[UUID] = []
        window: Window | None = timeline.LISTING.window(limit=3)
        while window:
            page = window.page(await timeline.page(window, bakery))
            seen += [one.id for one in page.rows]
            window = timeline.LISTING.window(limit=3, after=page.next) if page.next else None

    assert len(whole) >= 18
    assert seen == whole


async def test_another_domain_adds_to_the_timeline_what_it_knows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "_SOURCES", dict(timeline._SOURCES))
    timeline.register(
        Source(
            "question",
            "SELECT l.id, now() AS at, jsonb_build_object('text', 'Vraag over ' || l.city) AS facts FROM location l WHERE l.customer = $1",
        )
    )

    async with db.unit_of_work(world.noord.principal()):
        told = await timeline.page(timeline.LISTING.window(), world.noord.customers["bakery"])

    assert [one.facts["text"] for one in told if one.source == "question"] == ["Vraag over Utrecht"]


async def test_a_customer_without_a_main_contact_says_what_that_means(world: World, noord: httpx.AsyncClient) -> None:
    lonely = uuid4()
    async with db.unit_of_work(world.noord.principal()):
        await db.execute(
            "INSERT INTO customer (id, tenant, number, name, segment, language, country) VALUES ($1, $2, 'K-1', 'Alleen', 'GOV', 'nl', 'NL')",
            *(lonely, world.noord.id),
        )

    answer = await noord.get(page_of(lonely))

    assert "niemand zou een opzegging kunnen bevestigen" in words(answer)
    assert f'href="{page_of(lonely, "/contacts")}"' in answer.text


@pytest.mark.parametrize("tab", TABS)
async def test_another_partners_customer_is_not_there(world: World, zuid: httpx.AsyncClient, tab: str) -> None:
    theirs = await zuid.get(page_of(world.noord.customers["bakery"], tab))
    nobodys = await zuid.get(page_of(uuid4(), tab))

    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert "Bakkerij" not in theirs.text


async def test_another_partners_service_is_not_there(world: World, zuid: httpx.AsyncClient) -> None:
    answers = [await zuid.get(f"/portal/services/{service}") for service in (world.noord.services["free"], uuid4())]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "Internet bakkerij" not in answers[0].text


async def test_a_reader_looks_at_everything_and_ends_nothing(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    async with browser() as reader:
        await sign_in(reader, world.noord.reader)

        answers = [await reader.get(page_of(bakery, tab)) for tab in TABS]
        service = await reader.get(f"/portal/services/{world.noord.services['free']}")

    assert [answer.status_code for answer in (*answers, service)] == [200] * 7
    assert not any("/portal/terminations/new" in answer.text or "/edit" in answer.text for answer in (*answers, service))


async def test_a_cursor_of_something_else_leads_to_the_first_page(world: World, noord: httpx.AsyncClient) -> None:
    for tab in TABS:
        answer = await noord.get(page_of(world.noord.customers["bakery"], tab), params={"after": "AAAA"})
        assert answer.status_code == 200, tab
