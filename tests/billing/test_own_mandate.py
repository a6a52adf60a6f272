"""A contact sees how its organisation's invoices are collected, gives the mandate and withdraws it; nobody else's is there."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from billing.service import announcing, debits, issuers, mandates
from billing.service.mandates import NewMandate
from partner_portal.infra import clock, db, outbox
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, line
from tests.billing.test_statements import rows
from tests.journeys.partner import newest
from tests.tenants import people
from tests.terminations.customer import baker, colleague, fields, post
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World

PAGE = "/portal/own/mandate"
TYPED = {"holder": "De Korst", "iban": "nl91 abna 0417 1643 00", "agrees": "yes"}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def creditor(world: World) -> None:
    """The provider collects."""
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))


async def given(world: World, whose: str = "noord") -> UUID:
    """A mandate of the bakery's, signed on paper."""
    partner = getattr(world, whose)
    async with db.unit_of_work(STAFF_DOOR):
        new = NewMandate(holder="Bakkerij De Korst", iban=PAYER_IBAN, signed_on=date(2026, 11, 1))
        return await mandates.sign(FINANCE, partner.id, partner.customers["bakery"], world.house, new)


async def give(client: httpx.AsyncClient, **typed: str) -> httpx.Response:
    page = await client.get(PAGE)
    sent = dict(fields(page.text, PAGE)) | TYPED | typed
    return await post(client, PAGE, {name: value for name, value in sent.items() if value})


async def withdraw(client: httpx.AsyncClient, mandate: UUID) -> httpx.Response:
    path = f"{PAGE}/{mandate}/withdrawal"
    return await post(client, path, fields((await client.get(path)).text, path))


async def test_given_signed_in_it_is_on_record_with_who_it_was(world: World) -> None:
    async with baker(world) as client:
        assert "Nog" not in (await client.get(PAGE)).text
        assert (await give(client)).status_code == 303
        page = people.read(await client.get(PAGE))

    [mandate] = await rows("SELECT * FROM billing_mandate")
    consent = json.loads(mandate["consent"])
    assert (mandate["iban"], mandate["signed_how"], mandate["customer"]) == (PAYER_IBAN, "portal", world.noord.customers["bakery"])
    assert (consent["from"], consent["by"]) == ("192.0.2.1", mandate["made_by"])
    assert consent["name"]
    assert "in het portaal, ingelogd" in page
    assert "NL98ZZZ999999990000" in consent["text"]
    assert mandate["reference"] in page
    assert "NL91 •••• 4300" in page
    assert PAYER_IBAN not in page
    copy = newest(world.mailbox, "bakkerij@")
    assert mandate["reference"] in copy.subject


@pytest.mark.parametrize(
    ("typed", "at"),
    [({"iban": "NL00ABNA0417164300"}, "iban"), ({"holder": "x"}, "holder"), ({"agrees": ""}, "agrees"), ({"words": "0" * 64}, "agrees")],
    ids=["no IBAN", "no name", "not agreed", "other words"],
)
async def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(world: World, typed: dict[str, str], at: str) -> None:
    async with baker(world) as client:
        answer = await give(client, **typed)

    assert answer.status_code == 422
    assert f'id="{at}-error"' in answer.text or f'href="#{at}"' in answer.text
    if "holder" not in typed:
        assert 'value="De Korst"' in answer.text
    assert await rows("SELECT 1 FROM billing_mandate") == []
    assert await rows("SELECT 1 FROM billing_mandate_invitation") == []


async def test_pressed_three_times_at_once_it_is_one_mandate(world: World) -> None:
    async with baker(world) as client:
        sent = dict(fields((await client.get(PAGE)).text, PAGE)) | TYPED
        answers = await asyncio.gather(*(client.post(PAGE, data=sent, headers=people.PAGE) for _ in range(3)))

    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert len(await rows("SELECT 1 FROM billing_mandate")) == 1


async def test_what_was_announced_stands_there_and_withdrawing_stops_it_and_tells(world: World) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    mandate = await given(world)
    clock.move_to(date(2026, 11, 25))
    await announcing.announce()
    async with baker(world) as client:
        shown = people.read(await client.get(PAGE))
        asked = people.read(await client.get(f"{PAGE}/{mandate}/withdrawal"))
        assert await rows("SELECT 1 FROM billing_mandate WHERE ended_on IS NULL"), "asking ends nothing"
        assert (await withdraw(client, mandate)).status_code == 303
        again = await client.post(f"{PAGE}/{mandate}/withdrawal", headers=people.PAGE)
        after = people.read(await client.get(PAGE))

    for words in (shown, asked):
        assert "22-12-2026" in words
        assert "HUIS-F2026-000001" in words
        assert "121,00" in words
    assert again.status_code in {303, 403}
    assert "HUIS-F2026-000001" not in after
    told = newest(world.mailbox, "bakkerij@")
    assert "ingetrokken" in told.subject
    assert "HUIS-F2026-000001: EUR" in told.text.replace("\xa0", " ")
    assert "/pay/" in told.text
    assert PAYER_IBAN not in told.text
    clock.move_to(date(2026, 12, 18))
    async with db.unit_of_work(STAFF_DOOR):
        with pytest.raises(debits.NothingToCollect):
            await debits.collect(FINANCE, world.house)


async def test_what_the_bank_has_already_is_said_to_be_collected_still(world: World) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    mandate = await given(world)
    clock.move_to(date(2026, 11, 25))
    await announcing.announce()
    clock.move_to(date(2026, 12, 18))
    async with db.unit_of_work(STAFF_DOOR):
        await debits.collect(FINANCE, world.house)
    async with baker(world) as client:
        assert "al bij de bank" in (await client.get(PAGE)).text
        await withdraw(client, mandate)
        assert "al bij de bank" in (await client.get(PAGE)).text

    told = newest(world.mailbox, "bakkerij@").text
    assert "wordt nog afgeschreven" in told
    assert "/pay/" not in told


async def test_who_may_only_look_neither_gives_nor_withdraws(world: World) -> None:
    async with colleague(world) as client:
        page = await client.get(PAGE)
        assert page.status_code == 200
        assert 'name="iban"' not in page.text
        assert (await client.post(PAGE, data=TYPED, headers=people.PAGE)).status_code == 403
        mandate = await given(world)
        assert (await client.get(f"{PAGE}/{mandate}/withdrawal", headers=people.PAGE)).status_code == 403
    async with colleague(world, "geld@klant.example.com", is_administrative=True) as client:
        assert (await withdraw(client, mandate)).status_code == 303


@pytest.mark.parametrize("whose", ["another customer's", "another partner's", "nobody's"])
async def test_nobody_elses_mandate_is_there(world: World, whose: str) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        new = NewMandate(holder="Kapsalon", iban=PAYER_IBAN, signed_on=date(2026, 11, 1))
        salon = await mandates.sign(FINANCE, world.noord.id, world.noord.customers["private"], world.house, new)
    mandate = {"another customer's": salon, "another partner's": await given(world, "zuid"), "nobody's": uuid4()}[whose]
    await outbox.drain()
    mails = len(world.mailbox.mailbox.arrivals)
    async with baker(world) as client:
        client.headers["x-csrf-token"] = client.cookies["portal_csrf"]
        assert "Kapsalon" not in (await client.get(PAGE)).text
        found = [
            (await client.get(f"{PAGE}/{mandate}/withdrawal")).status_code,
            (await client.post(f"{PAGE}/{mandate}/withdrawal")).status_code,
            (await client.post(f"/api/v1/own/mandate/{mandate}/withdrawal")).status_code,
        ]
    await outbox.drain()

    assert found == [404, 404, 404]
    assert await rows("SELECT 1 FROM billing_mandate WHERE ended_on IS NOT NULL") == []
    assert len(world.mailbox.mailbox.arrivals) == mails


async def test_where_nobody_collects_the_page_says_so(world: World) -> None:
    async with baker(world, of="zuid") as client:
        page = people.read(await client.get(PAGE))
        answer = await client.post(PAGE, data=TYPED | {"csrf_token": client.cookies["portal_csrf"]}, headers=people.PAGE)

    assert "Uw facturen worden niet geïncasseerd" in page
    assert answer.status_code in {403, 409}
    assert await rows("SELECT 1 FROM billing_mandate") == []


async def test_the_api_says_and_does_the_same(world: World) -> None:
    async with baker(world) as client:
        client.headers["x-csrf-token"] = client.cookies["portal_csrf"]
        shown = (await client.get("/api/v1/own/mandate")).json()
        assert (shown["mandate"], shown["creditor_id"]) == (None, "NL98ZZZ999999990000")
        body = {"holder": "De Korst", "iban": PAYER_IBAN, "agrees": True, "words": shown["words"]}
        made = await client.post("/api/v1/own/mandate", json=body)
        assert made.status_code == 201, made.text
        mandate = made.json()["mandate"]
        assert (mandate["account"], mandate["signed_how"]) == ("NL91 •••• 4300", "portal")
        assert (await client.post("/api/v1/own/mandate", json=body)).status_code == 409
        ended = await client.post(f"/api/v1/own/mandate/{mandate['id']}/withdrawal")
        assert (ended.status_code, ended.json()["mandate"]) == (200, None)
        assert (await client.post(f"/api/v1/own/mandate/{mandate['id']}/withdrawal")).status_code == 409
