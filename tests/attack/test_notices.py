"""Strangers at the public pages: they learn nothing, bomb nobody, advertise nowhere, and open nobody else's receipt."""

from __future__ import annotations

import asyncio
import re
from email import message_from_bytes, policy
from typing import Any
from uuid import uuid4

import httpx
import pytest

from partner_portal.infra import db, outbox, settings, tokens
from partner_portal.kernel.errors import Problem
from terminations.policy.notices import NoticeState
from terminations.service import notices, placing
from terminations.service.notices import Sent
from terminations.service.placing import Attach
from terminations.tables import ReceivedNotice
from tests.conftest import browser, work
from tests.journeys import partner as people
from tests.terminations.test_pages_notices import END, TYPED, WITHDRAW, check, hidden, rows, send
from tests.world import World

ON_FILE = "bakkerij@klant.example.com"
ADVERT = "KOOP NU op https://spam.example/aanbieding"


async def press(client: httpx.AsyncClient, address: str = END, **typed: str) -> httpx.Response:
    """Straight to the click, as a machine does."""
    return await client.post(address, data={**TYPED, "step": "send", "click": str(uuid4()), **typed})


def everything_mailed(world: World) -> list[Any]:
    return list(world.mailbox.mailbox.mails())


async def test_whoever_counts_through_the_numbers_writes_to_no_customer_and_learns_of_none(
    world: World, stranger: httpx.AsyncClient
) -> None:
    numbers = [f"NRD-S-{nth:05d}" for nth in range(1, 9)] + [f"NRD-C-{nth:05d}" for nth in range(1, 5)]
    with settings.use(notices_per_hour=1000, receipts_per_day=1000):
        pages = [(number, await press(stranger, contract=number, customer="", name="Jan Janssen")) for number in numbers]
        receipts = [await stranger.get(answer.headers["location"]) for _number, answer in pages]
        await work()

    told = {re.sub(r"[A-Z]{3}-[NSC]-\d+|href=\"[^\"]*\"|action=\"[^\"]*\"", "", receipt.text) for receipt in receipts}
    assert len(told) == 1, "one page for numbers that exist and numbers that do not"
    assert world.mailbox.mailbox.mails(ON_FILE) == []
    assert world.mailbox.mailbox.mails("pieter@") == []
    bodies = {re.sub(r"NRD-N-\d+", "", mail.text) for mail in world.mailbox.mailbox.mails(TYPED["email"])}
    assert len(bodies) == 1
    assert await rows("SELECT 1 FROM termination") == []


async def test_nothing_that_a_stranger_types_stands_in_any_mail(
    world: World, stranger: httpx.AsyncClient, noord: httpx.AsyncClient
) -> None:
    typed = {name: f"{ADVERT} {name}" for name in ("name", "customer", "contract", "reason")}
    await press(stranger, **typed, kind="extraordinary", when="day", wished_on=ADVERT)
    await press(stranger, name=f"Bakkerij De Korst {ADVERT}", contract=f"NRD-S-00001 {ADVERT}", customer=f"NRD-C-00001 {ADVERT}")
    await work()
    (case,) = (await noord.get("/api/v1/terminations")).json()["items"]
    await people.press(stranger, people.link_in(people.newest(world.mailbox, ON_FILE)), "approve")

    assert len(everything_mailed(world)) >= 7
    for mail in everything_mailed(world):
        assert "spam.example" not in mail.text + mail.html + mail.subject + mail.sender
    assert "spam.example" not in str(await people.case(noord, case["id"]))


@pytest.mark.parametrize(
    "email",
    [
        "x@y.example\r\nBcc: all@victims.example",
        "x@y.example, z@victims.example",
        "<x@y.example>",
        "x@y.example\x00",
        '"a b"@y.example',
        "x" * 400,
    ],
)
async def test_an_odd_address_is_kept_and_nothing_goes_to_it(world: World, stranger: httpx.AsyncClient, email: str) -> None:
    answer = await press(stranger, email=email)
    await work()

    assert answer.status_code == 303
    (notice,) = await rows("SELECT * FROM received_notice")
    recipients = {mail.to for mail in everything_mailed(world)}
    assert not any("victims" in to for to in map(str, recipients))
    for mail in everything_mailed(world):
        headers = message_from_bytes(world.mailbox.mailbox.raw(mail.id), policy=policy.default)
        assert headers["Bcc"] is None
    assert not notice["is_confirmed"] or notice["email"] == "x@y.example"


async def test_one_mailbox_is_not_bombed_however_many_addresses_join_in(world: World) -> None:
    sent = 0
    for nth in range(4):
        async with browser() as client:
            for code in ("NRD", "ZUD", "HUIS"):
                answer = await press(
                    client, f"/end-contract/{code}", email="Slacht.Offer@example.com" if nth % 2 else "slacht.offer@example.com"
                )
                sent += answer.status_code == 303
    await work()

    assert sent == 12
    assert len(await rows("SELECT 1 FROM received_notice WHERE handed_from IS NULL")) == 12
    assert (
        len(world.mailbox.mailbox.mails("slacht.offer@") + world.mailbox.mailbox.mails("Slacht.Offer@"))
        <= settings.current().receipts_per_day * 2
    )
    assert (
        len([mail for mail in everything_mailed(world) if "slacht.offer@" in str(mail.to).lower()]) == settings.current().receipts_per_day
    )


async def test_typed_placeholders_bring_no_secret_to_light(world: World, stranger: httpx.AsyncClient, noord: httpx.AsyncClient) -> None:
    await people.filed(noord, world.noord.services["free"])
    (link,) = await rows("SELECT id FROM termination_decision_link")
    secret = tokens.token(link["id"])
    receipt = await send(stranger, name=tokens.placeholder("token", link["id"]), contract=tokens.placeholder("code", link["id"], 1))
    await work()

    assert secret not in receipt.text
    for mail in world.mailbox.mailbox.mails(TYPED["email"]):
        assert secret not in mail.text + mail.html


async def test_a_key_of_one_kind_opens_nothing_of_another(world: World, stranger: httpx.AsyncClient, noord: httpx.AsyncClient) -> None:
    receipt = await send(stranger)
    await work()
    token = receipt.url.path.rpartition("/")[2]
    link = people.link_in(people.newest(world.mailbox, ON_FILE)).rpartition("/")[2]

    assert (await stranger.get(f"/confirm/{token}")).status_code == 404
    assert (await stranger.get(f"{END}/{link}")).status_code == 404
    assert (await stranger.get(f"/end-contract/ZUD/{token}")).status_code == 404
    assert (await stranger.get(f"/end-contract/HUIS/{token}/receipt.pdf")).status_code == 404
    for forged in ("", "a" * 43, token[::-1], token + "A", "%00", "..%2f..%2fadmin"):
        assert (await stranger.get(f"{END}/{forged}")).status_code in {200 if not forged else 404, 400, 404}


async def test_somebody_elses_click_shows_no_receipt_of_theirs_at_another_partner(world: World, stranger: httpx.AsyncClient) -> None:
    click = str(uuid4())
    first = await press(stranger, click=click)
    other = await press(stranger, "/end-contract/ZUD", click=click)

    assert first.headers["location"] != other.headers["location"]
    assert len(await rows("SELECT DISTINCT tenant FROM received_notice")) == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_looking_is_no_notice_however_often(world: World, stranger: httpx.AsyncClient, method: str) -> None:
    second = await check(stranger)
    everything = {**hidden(second.text), "step": "send"}

    for address in (END, WITHDRAW, "/end-contract"):
        answer = await stranger.request(method, address, params=everything)
        assert answer.status_code < 500
    assert await rows("SELECT 1 FROM received_notice") == []


async def test_a_body_that_is_no_form_and_one_that_is_too_large_are_answered(world: World, stranger: httpx.AsyncClient) -> None:
    for content, kind in (
        (b"{}", "application/json"),
        (b"\xff\xfe\xfd", "application/x-www-form-urlencoded"),
        (b"step=send&name=%ff%fe", "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"name=" + b"a" * 5_000_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"name=x" for _ in range(5000)), "application/x-www-form-urlencoded"),
    ):
        answer = await stranger.post(END, content=content, headers={"content-type": kind})
        assert answer.status_code < 500, (kind, content[:40], answer.text[:200])


async def test_the_portal_and_a_person_never_file_the_same_notice_twice(world: World, noord: httpx.AsyncClient) -> None:
    actor = await notices.addressee("NRD", "nl")
    async with db.unit_of_work(world.noord.principal()):
        notice = await notices.receive(actor, Sent(name="Bakkerij De Korst", contract="NRD-S-00001"))

    async def by_hand() -> str:
        try:
            async with db.unit_of_work(world.noord.principal()):
                await placing.attach(
                    world.noord.actor, await ReceivedNotice.find(notice.id), Attach(services=(world.noord.services["free"],))
                )
        except Problem as problem:
            return problem.code
        return "filed"

    async def by_itself() -> str:
        async with db.unit_of_work(world.noord.principal()):
            await placing.place(notice.id)
        return "placed"

    outcomes = await asyncio.gather(by_hand(), by_itself(), by_hand(), by_itself())
    await outbox.drain()

    assert len((await noord.get("/api/v1/terminations")).json()["items"]) == 1, outcomes
    (row,) = await rows("SELECT state FROM received_notice")
    assert row["state"] == NoticeState.FILED
