"""Four eyes on credit notes: below the limit at once, from there on only when somebody else than the asker agrees."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from billing.policy.crediting import Part
from billing.service import credit_notes, credit_requests
from billing.service.credit_notes import Wanted
from billing.service.credit_requests import AskerCannotAgree, CreditDecided, CreditDiffers, CreditWaits
from partner_portal.infra import db
from partner_portal.kernel.actor import Actor, ActorKind, StaffRole
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from tests.billing.money import issue, line
from tests.world import DESK, FINANCE, FINANCE_TOO, STAFF_DOOR, World

CHIEF = Actor(kind=ActorKind.STAFF, id="9", roles=frozenset({StaffRole.ADMINISTRATOR.value}), label="Ada", channel="admin")
ALL = Wanted(reason="Verkeerd berekend")
# 206 611 + 21 % is EUR 2 499.99; one cent more is the limit.
BELOW, AT = 206_611, 206_612


async def ask(invoice: UUID, actor: Actor = FINANCE, wanted: Wanted = ALL) -> UUID | None:
    async with db.unit_of_work(STAFF_DOOR):
        return await credit_requests.credit(actor, invoice, wanted)


async def agree(request: UUID, actor: Actor = FINANCE_TOO) -> UUID:
    async with db.unit_of_work(STAFF_DOOR):
        return await credit_requests.agree(actor, request)


async def waiting() -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await credit_requests.waiting()


async def gross_of(kind: str) -> list[int]:
    async with db.unit_of_work(STAFF_DOOR):
        return [row["gross_cents"] for row in await db.fetch("SELECT gross_cents FROM billing_invoice WHERE kind = $1", kind)]


async def bakery_owes(world: World, cents: int) -> UUID:
    return await issue(world.noord.id, world.noord.customers["bakery"], [line(cents)])


@pytest.mark.parametrize(("cents", "waits"), [(BELOW, 0), (AT, 1)])
async def test_from_the_limit_on_a_credit_note_waits(world: World, cents: int, waits: int) -> None:
    note = await ask(await bakery_owes(world, cents))

    assert (note is None, len(await waiting()), len(await gross_of("credit note"))) == (bool(waits), waits, 1 - waits)


@pytest.mark.parametrize("asker", [FINANCE, CHIEF], ids=["finance", "an administrator"])
async def test_the_asker_cannot_agree(world: World, asker: Actor) -> None:
    await ask(await bakery_owes(world, AT), asker)
    (request,) = await waiting()

    with pytest.raises(AskerCannotAgree):
        await agree(request["id"], asker)
    assert await gross_of("credit note") == []

    await agree(request["id"])
    assert await gross_of("credit note") == [250_001]


async def test_the_database_itself_refuses_one_person_as_two(world: World) -> None:
    await ask(await bakery_owes(world, AT))
    (request,) = await waiting()

    with pytest.raises(asyncpg.CheckViolationError, match="two_people"):
        async with db.unit_of_work(STAFF_DOOR):
            await db.execute(
                "UPDATE billing_credit_request SET decision = 'agreed', decided_by = asked_by, decided_by_label = '', decided_at = now(),"
                " credit_note = invoice WHERE id = $1",
                request["id"],
            )


async def test_who_asked_and_who_agreed_stay_on_record(world: World) -> None:
    invoice = await bakery_owes(world, AT)
    await ask(invoice)
    (request,) = await waiting()

    note = await agree(request["id"])

    async with db.unit_of_work(STAFF_DOOR):
        (row,) = await credit_requests.decided()
    assert (row["invoice"], row["credit_note"], row["decision"]) == (invoice, note, "agreed")
    assert (row["asked_by_label"], row["decided_by_label"]) == (FINANCE.label, FINANCE_TOO.label)
    with pytest.raises(CreditDecided):
        await agree(request["id"], CHIEF)


async def test_one_waits_at_a_time_and_it_can_be_declined_with_a_reason(world: World) -> None:
    invoice = await bakery_owes(world, AT)
    await ask(invoice)
    with pytest.raises(CreditWaits):
        await ask(invoice, FINANCE_TOO)
    (request,) = await waiting()

    with pytest.raises(Invalid):
        async with db.unit_of_work(STAFF_DOOR):
            await credit_requests.decline(FINANCE, request["id"], "  ")
    async with db.unit_of_work(STAFF_DOOR):
        await credit_requests.decline(FINANCE, request["id"], "Vergissing")

    assert (await waiting(), await gross_of("credit note")) == ([], [])
    assert await ask(invoice) is None


async def test_what_changed_meanwhile_is_not_what_was_agreed_to(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(AT), line(1000)])
    await ask(invoice)
    async with db.unit_of_work(STAFF_DOOR):
        (_, small) = await db.fetch("SELECT id FROM billing_line WHERE invoice = $1 ORDER BY position", invoice)
        await credit_notes.give_back(FINANCE, invoice, Wanted(reason="Storing", parts=(Part(line=small["id"]),)))
    (request,) = await waiting()

    with pytest.raises(CreditDiffers):
        await agree(request["id"])


async def test_two_who_agree_at_once_make_one_credit_note(world: World) -> None:
    await ask(await bakery_owes(world, AT))
    (request,) = await waiting()

    answers = await asyncio.gather(agree(request["id"]), agree(request["id"], CHIEF), return_exceptions=True)

    assert [type(answer) for answer in answers if not isinstance(answer, UUID)] == [CreditDecided]
    assert await gross_of("credit note") == [250_001]


@pytest.mark.parametrize("actor", [DESK, None], ids=["service desk", "a partner"])
async def test_others_neither_ask_nor_agree(world: World, actor: Actor | None) -> None:
    invoice = await bakery_owes(world, AT)
    with pytest.raises(NotAllowed):
        await ask(invoice, actor or world.noord.actor)
    await ask(invoice)
    (request,) = await waiting()
    with pytest.raises(NotAllowed):
        await agree(request["id"], actor or world.noord.actor)


async def test_nothing_that_is_not_there_is_decided(world: World) -> None:
    with pytest.raises(NotFound):
        await agree(world.noord.id)
