"""A customer gives a mandate by a link: only where its invoices go, only it types its account, and what it read and pressed is on record."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

import httpx
import msgspec
import pytest
import pytest_asyncio

from billing.service import issuers
from partner_portal.infra import clock, db, outbox
from tests.billing.bank import PAYER_IBAN
from tests.billing.test_statements import rows
from tests.journeys.partner import newest
from tests.world import HOUSE_DETAILS, STAFF_DOOR, World


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def creditor(world: World) -> None:
    """The provider collects."""
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))


async def invited(world: World, noord: httpx.AsyncClient) -> str:
    """The path of the link in the mail."""
    answer = await noord.post(f"/api/v1/customers/{world.noord.customers['bakery']}/mandate-invitation", json={})
    assert answer.status_code == 201, answer.text
    await outbox.drain()
    found = re.search(r"/mandate/[A-Za-z0-9_-]{43}", newest(world.mailbox, "bakkerij@").text)
    assert found
    return found[0]


async def words_on(stranger: httpx.AsyncClient, link: str) -> str:
    page = await stranger.get(link)
    found = re.search(r'name="words" value="(\w+)"', page.text)
    assert found, page.text
    return found[1]


async def typed(stranger: httpx.AsyncClient, link: str, **given: str) -> httpx.Response:
    usual = {"holder": "De Korst", "iban": "nl91 abna 0417 1643 00", "agrees": "yes", "words": await words_on(stranger, link)}
    answer = await stranger.post(link, data={name: value for name, value in (usual | given).items() if value})
    await outbox.drain()
    return answer


async def test_from_invitation_to_mandate_with_a_record_and_a_copy(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    link = await invited(world, noord)
    assert "NL98ZZZ999999990000" in (await stranger.get(link)).text
    assert await rows("SELECT 1 FROM billing_mandate") == [], "looking gives nothing"

    given = await typed(stranger, link)

    assert given.status_code == 303
    mandate = (await rows("SELECT * FROM billing_mandate"))[0]
    consent = json.loads(mandate["consent"])
    assert (mandate["iban"], mandate["signed_how"], mandate["issuer"]) == (PAYER_IBAN, "link", world.house)
    assert (consent["email"], consent["from"]) == ("bakkerij@klant.example.com", "192.0.2.1")
    assert "NL98ZZZ999999990000" in consent["text"]
    assert "De machtiging is gegeven" in (await stranger.get(link)).text
    copy = newest(world.mailbox, "bakkerij@")
    assert mandate["reference"] in copy.subject
    assert PAYER_IBAN not in copy.text
    shown = (await noord.get(f"/api/v1/customers/{world.noord.customers['bakery']}/mandate")).json()
    assert (shown["mandate"]["account"], shown["mandate"]["signed_how"], shown["invitation"]) == ("NL91 •••• 4300", "link", None)
    again = await noord.post(f"/api/v1/customers/{world.noord.customers['bakery']}/mandate-invitation", json={})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"iban": "NL00ABNA0417164300"}, "iban"),
        ({"iban": ""}, "iban"),
        ({"holder": "x"}, "holder"),
        ({"agrees": ""}, "agrees"),
        ({"words": "0" * 64}, "agrees"),
    ],
    ids=["no IBAN", "empty", "no name", "not agreed", "other words"],
)
async def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, given: dict[str, str], says: str
) -> None:
    link = await invited(world, noord)

    answer = await typed(stranger, link, **given)

    assert answer.status_code == 422
    assert f'id="{says}-error"' in answer.text or f'href="#{says}"' in answer.text
    if "holder" not in given:
        assert 'value="De Korst"' in answer.text
    assert await rows("SELECT 1 FROM billing_mandate") == []


async def test_pressing_twice_at_once_gives_one_mandate(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    link = await invited(world, noord)
    words = await words_on(stranger, link)
    data = {"holder": "De Korst", "iban": PAYER_IBAN, "agrees": "yes", "words": words}

    answers = await asyncio.gather(*(stranger.post(link, data=data) for _ in range(3)))

    assert sorted(answer.status_code for answer in answers) == [303, 409, 409]
    assert len(await rows("SELECT 1 FROM billing_mandate")) == 1


async def test_an_old_link_and_one_that_was_replaced_no_longer_work(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    first = await invited(world, noord)
    words = await words_on(stranger, first)
    second = await invited(world, noord)
    assert first != second
    data = {"holder": "De Korst", "iban": PAYER_IBAN, "agrees": "yes", "words": words}
    assert (await stranger.post(first, data=data)).status_code == 409
    clock.move(timedelta(days=31))

    assert 'name="iban"' not in (await stranger.get(second)).text
    assert (await stranger.post(second, data=data)).status_code == 409
    assert (await stranger.get("/mandate/" + "A" * 43)).status_code == 404


async def test_a_partner_invites_its_own_customers_only(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    bakery = world.noord.customers["bakery"]

    assert (await zuid.post(f"/api/v1/customers/{bakery}/mandate-invitation", json={})).status_code == 404
    assert (await zuid.get(f"/api/v1/customers/{bakery}/mandate")).status_code == 404
    not_collecting = await zuid.post(f"/api/v1/customers/{world.zuid.customers['bakery']}/mandate-invitation", json={})
    assert not_collecting.status_code == 409, "who sends these invoices has no creditor id"
    page = await noord.get(f"/portal/customers/{bakery}/mandate")
    assert "Er is geen machtiging" in page.text
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    assert (await noord.post(f"/portal/customers/{bakery}/mandate", data={"csrf_token": token})).status_code == 303
    assert "bakkerij@klant.example.com kreeg" in (await noord.get(f"/portal/customers/{bakery}/mandate")).text
