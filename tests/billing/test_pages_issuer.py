"""A partner's details on its invoices: seen and changed by its owners, after the password; another account is told where a thief cannot stop it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from billing.service import documents, issuers
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.step_up import PasswordNeeded
from tests.billing.money import issue
from tests.tenants.people import PAGE, csrf, open_page, read, signed_in
from tests.world import PASSWORD, Partner, World

PATH = "/portal/settings/billing"
OTHER = "NL91ABNA0417164300"


@pytest_asyncio.fixture(loop_scope="session")
async def owner(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Zuid's owner, signed in: Zuid bills in its own name."""
    async with signed_in(world.zuid.owner) as client:
        yield client


async def give_password(client: httpx.AsyncClient) -> None:
    page = await open_page(client, f"/portal/password-again?next={PATH}/data")
    answer = await client.post(
        "/portal/password-again", data={"csrf_token": csrf(page), "next": f"{PATH}/data", "password": PASSWORD}, headers=PAGE
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}/data")


async def typed(partner: Partner, **changed: str) -> dict[str, str]:
    """The form as it is on record, but for what is changed."""
    async with db.unit_of_work(partner.principal()):
        now = await issuers.own(partner.actor)
    assert now.details
    return {name: "" if value is None else str(value) for name, value in msgspec.structs.asdict(now.details).items()} | changed


async def save(client: httpx.AsyncClient, partner: Partner, **changed: str) -> httpx.Response:
    page = await open_page(client, f"{PATH}/data")
    return await client.post(f"{PATH}/data", data={"csrf_token": csrf(page)} | await typed(partner, **changed), headers=PAGE)


async def told(partner: Partner) -> dict[str, str]:
    """Who was told of another account, and in which words."""
    await outbox.drain()
    async with db.unit_of_work(partner.principal()):
        rows = await db.fetch("SELECT recipient, text FROM infra_mail WHERE name = 'billing/issuer_account_changed'")
    return {row["recipient"]: row["text"] for row in rows}


async def test_a_partner_that_bills_in_its_own_name_sees_its_details_and_how_its_numbers_begin(owner: httpx.AsyncClient) -> None:
    page = read(await open_page(owner, PATH))

    for part in ("Zuid Telecom B.V.", "NL100000009B01", "NL61BANK0123456780", "Kade 1", "ZUD"):
        assert part in page


async def test_one_that_the_provider_bills_for_is_told_so_and_has_no_form(world: World) -> None:
    async with signed_in(world.noord.owner) as client:
        page = await open_page(client, PATH)
        form = await client.get(f"{PATH}/data", headers=PAGE)

    assert "De aanbieder verstuurt de facturen" in read(page)
    assert f"{PATH}/data" not in page.text
    assert form.status_code == 403


@pytest.mark.parametrize("who", ["clerk", "reader"])
async def test_it_is_the_owners_business(world: World, who: str) -> None:
    async with signed_in(getattr(world.zuid, who)) as client:
        assert (await client.get(PATH, headers=PAGE)).status_code == 403


async def test_nothing_is_typed_before_the_password_was_given(owner: httpx.AsyncClient) -> None:
    answer = await owner.get(f"{PATH}/data", headers=PAGE)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/portal/password-again?next={PATH}/data")


async def test_details_stand_on_invoices_from_then_on(world: World, owner: httpx.AsyncClient) -> None:
    before = await issue(world.zuid.id, world.zuid.customers["bakery"])
    await give_password(owner)

    answer = await save(owner, world.zuid, street="Nieuwe Kade 2", payment_days="21")

    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    after = await issue(world.zuid.id, world.zuid.customers["bakery"])
    async with db.unit_of_work(world.zuid.principal()):
        streets = [(await documents.one(invoice)).issuer.street for invoice in (before, after)]
    assert streets == ["Kade 1", "Nieuwe Kade 2"]
    assert await told(world.zuid) == {}, "the account is the same"


async def test_another_account_is_told_to_owners_and_to_addresses_changed_lately_without_naming_it_whole(
    world: World, owner: httpx.AsyncClient
) -> None:
    await give_password(owner)
    await save(owner, world.zuid, email="dief@elders.example.com")

    assert (await save(owner, world.zuid, iban="nl91 abna 0417 1643 00")).status_code == 303

    mails = await told(world.zuid)
    assert set(mails) == {world.zuid.owner, "facturen@kadetel.example.com", "dief@elders.example.com"}
    for text in mails.values():
        assert ("NL61 •••• 6780" in text, "NL91 •••• 4300" in text) == (True, True)
        assert OTHER not in text
    assert (await typed(world.zuid))["iban"] == OTHER


async def test_saved_twice_the_account_is_told_once(world: World, owner: httpx.AsyncClient) -> None:
    await give_password(owner)
    for _ in range(2):
        await save(owner, world.zuid, iban=OTHER)

    assert len(await told(world.zuid)) == 2


async def test_what_was_typed_too_long_after_the_password_is_not_lost(world: World, owner: httpx.AsyncClient) -> None:
    await give_password(owner)
    page = await open_page(owner, f"{PATH}/data")
    clock.move(timedelta(minutes=11))

    answer = await owner.post(f"{PATH}/data", data={"csrf_token": csrf(page)} | await typed(world.zuid, iban=OTHER), headers=PAGE)

    assert answer.status_code == 403
    assert OTHER in answer.text
    assert "Er is nog niets opgeslagen" in read(answer)
    assert (await typed(world.zuid))["iban"] == "NL61BANK0123456780"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("iban", "NL91ABNA0417164301", "geen geldig"),
        ("vat_id", "NL1", "geen geldig"),
        ("bic", "X", "geen geldig"),
        ("name", "", ""),
        ("payment_days", "61", ""),
        ("chamber_number", "123", ""),
    ],
)
async def test_what_cannot_be_is_said_at_its_field(world: World, owner: httpx.AsyncClient, field: str, value: str, said: str) -> None:
    await give_password(owner)

    answer = await save(owner, world.zuid, **{field: value})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert said in read(answer)


async def test_a_key_of_software_or_a_session_alone_changes_nothing(world: World) -> None:
    wanted: dict[str, Any] = {name: value or None for name, value in (await typed(world.zuid, iban=OTHER)).items()}
    details = msgspec.convert(wanted, issuers.IssuerDetails, strict=False)
    async with db.unit_of_work(world.zuid.principal()):
        with pytest.raises(PasswordNeeded):
            await issuers.change(world.zuid.actor, details)
