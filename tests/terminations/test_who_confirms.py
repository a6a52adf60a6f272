"""Whom the partner chooses to confirm: a contact that may sign; the main contact unless another is named, and again when that one cannot."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from partner_portal.infra import clock, outbox
from tests.journeys import partner as people
from tests.tenants.people import add_contact, rows
from tests.terminations.at_wizard import Wizard, text
from tests.world import World

MAIN, SIGNER = "bakkerij@", "tekent@klant.example.com"


@pytest_asyncio.fixture(loop_scope="session")
async def signer(world: World) -> UUID:
    """A colleague at the bakery who may sign, beside one who may not."""
    bakery = world.noord.customers["bakery"]
    await add_contact(world.noord, bakery, "leest@klant.example.com", accepts=False, is_technical=True)
    return await add_contact(world.noord, bakery, SIGNER, accepts=False, may_sign=True)


@pytest.fixture
def wizard(noord: httpx.AsyncClient) -> Wizard:
    """Noord's owner at the wizard."""
    return Wizard(noord)


async def to_contact(wizard: Wizard, world: World) -> None:
    """The wizard asks who confirms."""
    await wizard.begin(world.noord.customers["bakery"], world.noord.services["free"])
    for step, following in (("when", "costs"), ("costs", "reason"), ("reason", "contact")):
        await wizard.on(step, following)


async def file(client: httpx.AsyncClient, world: World, contact: UUID) -> httpx.Response:
    """The partner's software files, and names who is to confirm."""
    quote = await people.quote(client, world.noord.services["free"])
    sent = {"quote_id": quote["id"], "reason": "price", "mandate": True, "contact_id": str(contact)}
    answer = await client.post("/api/v1/terminations", json=sent)
    await outbox.drain()
    return answer


async def test_the_chosen_contact_is_asked_and_the_main_contact_has_it_in_writing_too(
    wizard: Wizard, world: World, signer: UUID, stranger: httpx.AsyncClient
) -> None:
    await to_contact(wizard, world)
    page = await wizard.see("contact")
    assert SIGNER in text(page)
    assert "leest@klant.example.com" not in text(page), "who may not sign cannot be chosen"

    await wizard.on("contact", "check", contact=str(signer))
    assert f'<option value="{signer}" selected>' in (await wizard.see("contact")).text
    assert SIGNER in text(await wizard.see("check"))
    await wizard.answer("check")
    await outbox.drain()

    assert SIGNER in text(await wizard.see("filed"))
    assert world.mailbox.mailbox.mails(MAIN) == []
    await people.press(stranger, people.link_in(people.newest(world.mailbox, SIGNER)), "approve")
    for reader in (SIGNER, MAIN):
        assert people.newest(world.mailbox, reader).attachments, reader


async def test_without_a_choice_the_main_contact_is_asked(wizard: Wizard, world: World, signer: UUID) -> None:
    await to_contact(wizard, world)

    await wizard.on("contact", "check")
    await wizard.answer("check")
    await outbox.drain()

    assert people.link_in(people.newest(world.mailbox, MAIN))
    assert world.mailbox.mailbox.mails(SIGNER) == []


async def test_who_may_no_longer_sign_when_it_is_filed_is_asked_for_again_and_nothing_is_lost(
    wizard: Wizard, world: World, signer: UUID
) -> None:
    await to_contact(wizard, world)
    await wizard.on("contact", "check", contact=str(signer))
    await rows("UPDATE contact SET may_sign = false WHERE id = $1 RETURNING id", signer)

    refused = await wizard.answer("check")
    again = await wizard.client.get(refused.headers["location"])

    assert refused.headers["location"] == f"{wizard.draft}/contact"
    assert "Het heeft geen recht om voor de klant te tekenen" in text(again)
    assert SIGNER not in text(again)
    await wizard.on("contact", "check")
    assert (await wizard.answer("check")).headers["location"] == f"{wizard.draft}/filed"


async def test_what_is_no_contact_is_told_at_its_field(wizard: Wizard, world: World, signer: UUID) -> None:
    await to_contact(wizard, world)

    answer = await wizard.answer("contact", contact="de buurman")

    assert answer.status_code == 422
    assert 'id="contact-error"' in answer.text


async def test_who_says_to_be_the_wrong_one_is_not_asked_again(
    world: World, noord: httpx.AsyncClient, signer: UUID, stranger: httpx.AsyncClient
) -> None:
    case = (await file(noord, world, signer)).json()
    await people.press(stranger, people.link_in(people.newest(world.mailbox, SIGNER)), "not_me")

    await noord.post(f"/api/v1/terminations/{case['id']}/reminder", json={})
    await outbox.drain()
    await people.press(stranger, people.link_in(people.newest(world.mailbox, MAIN)), "approve")

    assert (await people.case(noord, case["id"]))["state"] == "scheduled"


async def test_who_left_since_is_not_asked_but_the_main_contact(world: World, noord: httpx.AsyncClient, signer: UUID) -> None:
    case = (await file(noord, world, signer)).json()
    await rows("UPDATE contact SET active_until = $2 WHERE id = $1 RETURNING id", signer, clock.today() - timedelta(days=1))

    await noord.post(f"/api/v1/terminations/{case['id']}/reminder", json={})
    await outbox.drain()

    assert people.link_in(people.newest(world.mailbox, MAIN))
    assert len(world.mailbox.mailbox.mails(SIGNER)) == 1


async def test_nobody_else_can_be_named(world: World, noord: httpx.AsyncClient, signer: UUID) -> None:
    elsewhere = await add_contact(world.noord, world.noord.customers["private"], "prive@klant.example.com", accepts=False, may_sign=True)
    foreign = await add_contact(world.zuid, world.zuid.customers["bakery"], "zuid@klant.example.com", accepts=False, may_sign=True)
    (reader,) = await rows("SELECT id FROM contact WHERE email = 'leest@klant.example.com'")

    for contact in (elsewhere, foreign, reader["id"], uuid4()):
        answer = await file(noord, world, contact)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/may-not-sign"), contact
    assert (await noord.get("/api/v1/terminations")).json()["items"] == []
