"""A partner's members: who invites, changes and closes them out, what counts at once, and that an owner always remains."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from partner_portal.infra import db, outbox
from partner_portal.kernel.actor import Actor, Role
from partner_portal.kernel.errors import NotAllowed
from tenants.service import members
from tenants.service.members import HasAccount, LastOwner, MemberChange, NewMember
from tests.conftest import browser, sign_in
from tests.tenants.people import add_member, link_in, open_page, read, rows, send, sign_in_by_page, signed_in
from tests.world import World

MEMBERS = "/portal/settings/members"
API = "/api/v1/members"


async def member_id(email: str) -> Any:
    return (await rows("SELECT id FROM member WHERE email = $1", email))[0]["id"]


async def change(world: World, actor: Actor, email: str, **wanted: Any) -> None:
    member = await member_id(email)
    async with db.unit_of_work(world.noord.principal()):
        await members.change(actor, member, MemberChange(**wanted))


async def test_an_owner_invites_somebody_who_then_works_with_that_role(world: World, stranger: httpx.AsyncClient) -> None:
    async with signed_in(world.noord.owner) as owner:
        sent = await send(owner, f"{MEMBERS}/new", name="Nieuwe Collega", email="nieuw@noord.example.com", role="read-only", language="en")
        await outbox.drain()
        listed = read(await open_page(owner, MEMBERS))
        link = link_in(world, "nieuw@noord.example.com", "invitation")
        taken = await stranger.post(link, data={"password": "a new and long password"})
        after = read(await open_page(owner, MEMBERS))

    assert sent.headers["location"] == MEMBERS
    assert "Nieuwe Collega" in listed
    assert "uitgenodigd tot" in listed
    assert taken.headers["location"] == "/portal"
    assert "uitgenodigd tot" not in after
    assert (await stranger.get("/api/v1/customers")).status_code == 200
    assert (await stranger.get(API)).status_code == 403


async def test_what_is_wrong_with_an_invitation_is_said_at_its_fields_in_their_order(world: World) -> None:
    async with signed_in(world.noord.owner) as owner:
        answer = await send(owner, f"{MEMBERS}/new", name="", email="x@y", role="owner", language="nl")
        taken = await send(owner, f"{MEMBERS}/new", name="Twee", email=world.noord.clerk.upper(), role="owner", language="nl")

    assert answer.status_code == taken.status_code == 422
    summary = answer.text[answer.text.index('role="alert"') :]
    assert summary.index("#name") < summary.index("#email")
    assert 'value="x@y"' in answer.text
    assert "in gebruik" in read(taken)


async def test_whoever_did_not_come_is_invited_anew_and_the_old_link_is_worthless(world: World, stranger: httpx.AsyncClient) -> None:
    await add_member(world.noord, "nieuw@noord.example.com", Role.CLERK, accepts=False)
    first = link_in(world, "nieuw@noord.example.com", "invitation")
    member = await member_id("nieuw@noord.example.com")
    async with signed_in(world.noord.owner) as owner:
        await send(owner, f"{MEMBERS}/{member}/invitation", on=f"{MEMBERS}/{member}")
        await outbox.drain()
    second = link_in(world, "nieuw@noord.example.com", "invitation")

    assert first != second
    assert "nieuwere uitnodiging" in read(await stranger.get(first, headers={"accept": "text/html"}))
    assert (await stranger.post(second, data={"password": "a new and long password"})).status_code == 303


async def test_a_new_role_counts_at_the_next_request(world: World) -> None:
    async with signed_in(world.noord.clerk) as clerk, signed_in(world.noord.owner) as owner:
        assert (await clerk.get(f"/portal/customers/{world.noord.customers['bakery']}/contacts/new")).status_code == 200
        member = await member_id(world.noord.clerk)
        await send(owner, f"{MEMBERS}/{member}", name="Klerk", role="read-only", language="nl")

        assert (await clerk.get(f"/portal/customers/{world.noord.customers['bakery']}/contacts/new")).status_code == 403


async def test_whoever_is_closed_out_is_out_everywhere_at_once_and_can_come_back(world: World) -> None:
    member = await member_id(world.noord.clerk)
    async with signed_in(world.noord.clerk) as here, signed_in(world.noord.clerk) as there, signed_in(world.noord.owner) as owner:
        await send(owner, f"{MEMBERS}/{member}/closure", on=f"{MEMBERS}/{member}")
        answered = [(await client.get("/api/v1/customers")).status_code for client in (here, there)]
        async with browser() as client:
            refused = await sign_in_by_page(client, world.noord.clerk)
        await send(owner, f"{MEMBERS}/{member}/reopening", on=f"{MEMBERS}/{member}")
        async with browser() as client:
            again = await sign_in_by_page(client, world.noord.clerk)

    assert answered == [401, 401]
    assert (refused.status_code, again.status_code) == (422, 303)


async def test_the_last_owner_can_be_neither_lowered_nor_closed_out(world: World) -> None:
    owner = await member_id(world.noord.owner)
    await add_member(world.noord, "wacht@noord.example.com", Role.OWNER, accepts=False)  # who has not come manages nothing
    async with signed_in(world.noord.owner) as client:
        lowered = await send(client, f"{MEMBERS}/{owner}", name="Olga", role="clerk", language="nl")
        closed = await send(client, f"{MEMBERS}/{owner}/closure", on=f"{MEMBERS}/{owner}")
        renamed = await send(client, f"{MEMBERS}/{owner}", name="Olga", role="owner", language="nl")

    assert (lowered.status_code, closed.status_code, renamed.status_code) == (409, 409, 303)
    assert "iemand anders eigenaar" in read(lowered)
    assert "iemand anders eigenaar" in read(closed)
    row = (await rows("SELECT role, disabled_at, name FROM member WHERE id = $1", owner))[0]
    assert (row["role"], row["disabled_at"], row["name"]) == ("owner", None, "Olga")


@pytest.mark.parametrize("wanted", [{"role": Role.CLERK}, {"disabled": True}])
async def test_two_owners_who_put_each_other_out_at_once_leave_one(world: World, wanted: dict[str, Any]) -> None:
    await add_member(world.noord, "tweede@noord.example.com", Role.OWNER)

    done = await asyncio.gather(
        change(world, world.noord.actor, world.noord.owner, **wanted),
        change(world, world.noord.actor, "tweede@noord.example.com", **wanted),
        return_exceptions=True,
    )

    assert sorted(type(one).__name__ for one in done) == ["LastOwner", "NoneType"]
    left = await rows("SELECT 1 FROM member WHERE tenant = $1 AND role = 'owner' AND disabled_at IS NULL", world.noord.id)
    assert len(left) == 1


async def test_only_owners_manage_members(world: World) -> None:
    clerk = Actor(kind=world.noord.actor.kind, id=world.noord.actor.id, tenant=world.noord.id, roles=frozenset({"clerk"}))
    with pytest.raises(NotAllowed):
        await change(world, clerk, world.noord.reader, role=Role.OWNER)
    async with signed_in(world.noord.clerk) as client:
        for path in (MEMBERS, f"{MEMBERS}/new", f"{MEMBERS}/{await member_id(world.noord.owner)}"):
            assert (await client.get(path, headers={"accept": "text/html"})).status_code == 403


async def test_whoever_has_an_account_is_not_invited_to_it(world: World) -> None:
    member = await member_id(world.noord.clerk)
    with pytest.raises(HasAccount):
        async with db.unit_of_work(world.noord.principal()):
            await members.invite_again(world.noord.actor, member)


async def test_inviting_the_same_person_twice_is_one_member_with_the_later_role(world: World) -> None:
    for role in (Role.READER, Role.CLERK):
        async with db.unit_of_work(world.noord.principal()):
            await members.invite(world.noord.actor, NewMember(name="Nieuw", email="Nieuw@noord.example.com", role=role))
    await outbox.drain()

    found = await rows("SELECT role FROM member WHERE lower(email) = 'nieuw@noord.example.com'")
    assert [row["role"] for row in found] == ["clerk"]
    assert len(world.mailbox.mailbox.mails("Nieuw@noord.example.com")) == 1, "the first was replaced before it left"


async def test_software_of_owners_manages_members_by_the_api(noord: httpx.AsyncClient, world: World) -> None:
    made = await noord.post(API, json={"name": "Nieuw", "email": "nieuw@noord.example.com", "role": "clerk"})
    member = made.json()
    shown = await noord.get(f"{API}/{member['id']}")
    blind = await noord.patch(f"{API}/{member['id']}", json={"role": "read-only"})
    changed = await noord.patch(f"{API}/{member['id']}", json={"role": "read-only"}, headers={"if-match": shown.headers["etag"]})
    stale = await noord.patch(f"{API}/{member['id']}", json={"role": "owner"}, headers={"if-match": shown.headers["etag"]})
    closed = await noord.patch(f"{API}/{member['id']}", json={"disabled": True}, headers={"if-match": changed.headers["etag"]})
    again = await noord.post(f"{API}/{member['id']}/invitation")

    assert made.status_code == 201
    assert made.headers["location"] == f"{API}/{member['id']}"
    assert (member["has_account"], member["invited_until"] is None) == (False, False)
    assert blind.status_code == 428
    assert changed.json()["role"] == "read-only"
    assert stale.status_code == 412
    assert closed.json()["disabled_at"] is not None
    assert again.status_code == 409
    listed = (await noord.get(API)).json()
    assert [one["email"] for one in listed][-1] == "nieuw@noord.example.com", "closed accounts come last"
    assert len(listed) == 4


async def test_the_last_owner_stays_by_the_api_too(world: World, noord: httpx.AsyncClient) -> None:
    owner = await member_id(world.noord.owner)

    refused = await noord.patch(f"{API}/{owner}", json={"role": "clerk"}, headers={"if-match": "*"})

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/last-owner"


async def test_nobody_is_told_of_a_member_by_another_partner(world: World, zuid: httpx.AsyncClient) -> None:
    member = await member_id(world.noord.clerk)
    for answer in (
        await zuid.get(f"{API}/{member}"),
        await zuid.patch(f"{API}/{member}", json={"role": "owner"}, headers={"if-match": "*"}),
        await zuid.post(f"{API}/{member}/invitation"),
    ):
        assert answer.status_code == 404
    async with browser() as clerk:
        await sign_in(clerk, world.noord.clerk)
        assert (await clerk.get(API)).status_code == 403
    with pytest.raises(LastOwner):
        async with db.unit_of_work(world.zuid.principal()):
            await members.change(world.zuid.actor, await member_id_of(world.zuid.owner), MemberChange(disabled=True))


async def member_id_of(email: str) -> Any:
    """Within a unit of work."""
    row = await db.fetch_one("SELECT id FROM member WHERE email = $1", email)
    assert row is not None
    return row["id"]
