"""An invoice is paid online: from the link to the booking, whatever the gateway says, and however often."""

from __future__ import annotations

import asyncio
import contextvars
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio

from billing.policy.ledger import Kind
from billing.policy.money_in import IntentState
from billing.service import issuers, mandates, pay_links, paying
from billing.service.gateways import chosen, sandbox
from billing.service.gateways.port import Remote
from billing.service.mandates import NewMandate
from partner_portal.infra import clock, db, outbox, remote
from partner_portal.kernel.errors import NotFound
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, line, pay
from tests.conftest import browser
from tests.terminations.customer import baker
from tests.world import FINANCE, HOUSE_DETAILS, STAFF_DOOR, World


class Ourselves(httpx.AsyncBaseTransport):
    """Requests to our own address, as another process would send them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((str(request.url), request.content))
        from partner_portal.app import app  # noqa: PLC0415  # reads the settings

        inner = httpx.ASGITransport(app=cast("Any", app))
        return await asyncio.create_task(inner.handle_async_request(request), context=contextvars.Context())


@pytest_asyncio.fixture(loop_scope="session")
async def wire(world: World) -> AsyncIterator[Ourselves]:
    ours = Ourselves()
    with remote.through(ours):
        yield ours


@pytest_asyncio.fixture(loop_scope="session")
async def invoice(world: World) -> UUID:
    return await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])


async def link_of(world: World, *invoices: UUID) -> str:
    async with db.unit_of_work(world.noord.principal()):
        return pay_links.path(await pay_links.make(world.noord.actor, invoices))


async def begin(stranger: httpx.AsyncClient, link: str, **what: str) -> str:
    """Pressed, prepared, and the address at the gateway to which the payer is sent."""
    pressed = await stranger.post(link, data=what)
    assert pressed.status_code == 303
    await outbox.drain()
    onward = await stranger.get(pressed.headers["location"])
    assert onward.status_code == 303
    return onward.headers["location"].removeprefix("http://portal.test")


async def press(stranger: httpx.AsyncClient, page: str, state: str) -> httpx.Response:
    answer = await stranger.post(page, data={"state": state})
    await outbox.drain()
    return answer


async def standing(invoice: UUID) -> tuple[int, int]:
    """What is open, and what was booked."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT open_cents FROM billing_standing WHERE invoice = $1", invoice)
        booked = await db.fetch_one("SELECT coalesce(sum(amount_cents), 0)::bigint AS cents FROM billing_payment")
    assert row
    assert booked
    return row["open_cents"], booked["cents"]


@pytest.mark.usefixtures("wire")
async def test_back_from_the_gateway_the_page_speaks_the_language_that_the_payer_chose(
    world: World, stranger: httpx.AsyncClient, invoice: UUID
) -> None:
    link = await link_of(world, invoice)

    page = await begin(stranger, f"{link}?lang=en")
    back = await press(stranger, page, "failed")

    assert back.headers["location"].endswith("?back=1&lang=en")
    said = (await stranger.get(back.headers["location"].removeprefix("http://portal.test"))).text
    assert '<html lang="en"' in said
    assert "Nothing was paid." in said


@pytest.mark.usefixtures("wire")
async def test_paid_at_the_gateway_it_is_booked_once_and_the_page_says_paid(
    world: World, stranger: httpx.AsyncClient, invoice: UUID
) -> None:
    link = await link_of(world, invoice)
    before = await stranger.get(link)
    assert "EUR\N{NO-BREAK SPACE}121,00" in before.text

    page = await begin(stranger, link)
    assert (await stranger.get(page)).status_code == 200
    back = await press(stranger, page, "paid")

    assert back.headers["location"].startswith("http://portal.test/pay/")
    after = await stranger.get(link)
    assert "Deze factuur is betaald" in after.text
    assert "Pay" not in after.text
    assert await standing(invoice) == (0, 12100)


async def test_the_gateway_tells_by_an_id_and_nothing_else_and_may_repeat_itself(
    world: World, stranger: httpx.AsyncClient, invoice: UUID, wire: Ourselves
) -> None:
    page = await begin(stranger, await link_of(world, invoice))
    await press(stranger, page, "paid")
    number = page.rsplit("/", 1)[1]

    assert wire.asked == [("http://portal.test/gateway/news", f"id={number}".encode())]
    for _ in range(3):
        answer = await stranger.post("/gateway/news", data={"id": number})
        assert (answer.status_code, answer.text) == (200, "")
    async with db.unit_of_work(STAFF_DOOR):
        waiting = await db.fetch("SELECT 1 FROM infra_outbox WHERE topic = 'GatewayCalled' AND done_at IS NULL")
    assert len(waiting) == 1, "whoever knocks without end fills no queue"
    await outbox.drain()

    assert await standing(invoice) == (0, 12100)


@pytest.mark.parametrize("sent", [b"id=tr_unknown", b"id=", b"", b"id=%00%ff", b"{}", b"id=" + b"a" * 5000, b"id=a&id=b"])
async def test_news_of_nobodys_payment_are_answered_alike_and_do_nothing(stranger: httpx.AsyncClient, sent: bytes) -> None:
    answer = await stranger.post("/gateway/news", content=sent, headers={"content-type": "application/x-www-form-urlencoded"})

    assert (answer.status_code, answer.text) == (200, "")
    assert await outbox.drain() == 0


async def test_who_comes_back_has_not_paid(world: World, stranger: httpx.AsyncClient, invoice: UUID) -> None:
    link = await link_of(world, invoice)
    await begin(stranger, link)

    back = await stranger.get(f"{link}?back=1")

    assert "De bank heeft ons nog niet verteld" in back.text
    assert await standing(invoice) == (12100, 0)


NOTHING_OF = {
    "failed": (
        "De laatste poging om te betalen is mislukt: de bank of de kaartmaatschappij voerde de betaling niet uit. Er is niets betaald. Probeer het opnieuw",
        "The last attempt to pay failed: the bank or the card company did not carry it out. Nothing was paid. Try again",
    ),
    "abandoned": (
        "De laatste poging om te betalen is afgebroken. Er is niets betaald. Begin opnieuw wanneer u wilt",
        "The last attempt to pay was broken off. Nothing was paid. Begin again whenever you like",
    ),
    "expired": (
        "De laatste poging om te betalen is niet op tijd afgerond en is verlopen. Er is niets betaald. Begin een nieuwe betaling",
        "The last attempt to pay was not finished in time and has ended. Nothing was paid. Begin a new payment",
    ),
}


@pytest.mark.parametrize("state", NOTHING_OF)
@pytest.mark.usefixtures("wire")
async def test_the_page_says_why_nothing_was_paid_and_what_to_do_next(
    world: World, stranger: httpx.AsyncClient, invoice: UUID, state: str
) -> None:
    link = await link_of(world, invoice)
    await press(stranger, await begin(stranger, link), state)

    for language, sentence in zip(("nl", "en"), NOTHING_OF[state], strict=True):
        for back in ("", "&back=1"):
            said = (await stranger.get(f"{link}?lang={language}{back}")).text
            assert [other for other in NOTHING_OF if NOTHING_OF[other][language == "en"] in said] == [state]
            assert ("overmaken" if language == "nl" else "transfer the amount") in said[said.index(sentence) :][:400]


@pytest.mark.usefixtures("wire")
async def test_what_is_not_paid_online_any_more_is_to_be_transferred(
    world: World, stranger: httpx.AsyncClient, invoice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await link_of(world, invoice)
    await press(stranger, await begin(stranger, link), "failed")
    monkeypatch.setattr(chosen, "current", lambda: None)

    said = (await stranger.get(f"{link}?lang=en")).text

    assert "Transfer the amount instead." in said
    assert "Try again" not in said


@pytest.mark.usefixtures("wire")
async def test_who_failed_to_pay_what_is_collected_anyway_need_not_try_again(world: World, stranger: httpx.AsyncClient) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await issuers.enter(world.house, msgspec.structs.replace(HOUSE_DETAILS, creditor_id="NL98ZZZ999999990000"))
        await mandates.sign(
            FINANCE,
            world.noord.id,
            world.noord.customers["bakery"],
            world.house,
            NewMandate(holder="De Korst", iban=PAYER_IBAN, signed_on=clock.today()),
        )
    link = await link_of(world, await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)]))
    await press(stranger, await begin(stranger, link), "failed")

    said = (await stranger.get(f"{link}?lang=en")).text

    assert "Nothing was paid. You need not do anything: we collect it, as this page says." in said
    assert "Try again" not in said


@pytest.mark.usefixtures("wire")
async def test_who_comes_back_while_another_sum_is_asked_is_not_told_that_nothing_was_paid(
    world: World, stranger: httpx.AsyncClient, invoice: UUID
) -> None:
    link = await link_of(world, invoice)
    await begin(stranger, link)
    await pay(invoice, 2100)

    said = (await stranger.get(f"{link}?back=1")).text

    assert "De bank heeft ons nog niet verteld" in said
    assert "niets betaald" not in said


@pytest.mark.parametrize("state", ["failed", "abandoned", "expired"])
@pytest.mark.usefixtures("wire")
async def test_an_attempt_that_came_to_nothing_is_followed_by_another(
    world: World, stranger: httpx.AsyncClient, invoice: UUID, state: str
) -> None:
    link = await link_of(world, invoice)
    first = await begin(stranger, link)
    await press(stranger, first, state)

    assert "Er is niets betaald" in (await stranger.get(link)).text
    second = await begin(stranger, link)
    await press(stranger, second, "paid")

    assert second != first
    assert await standing(invoice) == (0, 12100)


async def test_pressing_twice_begins_one_payment(world: World, stranger: httpx.AsyncClient, invoice: UUID) -> None:
    link = await link_of(world, invoice)

    await asyncio.gather(*(stranger.post(link) for _ in range(4)))
    await outbox.drain()
    await stranger.post(link)
    await outbox.drain()

    async with db.unit_of_work(STAFF_DOOR):
        assert len(await db.fetch("SELECT 1 FROM billing_intent")) == 1


@pytest.mark.usefixtures("wire")
async def test_several_invoices_are_one_payment(world: World, stranger: httpx.AsyncClient, invoice: UUID) -> None:
    other = await issue(world.noord.id, world.noord.customers["bakery"])
    link = await link_of(world, invoice, other)

    page = await begin(stranger, link)
    assert re.search(r"EUR\s133[.,]10", (await stranger.get(page)).text)
    await press(stranger, page, "paid")

    assert await standing(invoice) == (0, 13310)
    assert (await standing(other))[0] == 0
    assert await link_of(world, other, invoice) == link


@pytest.mark.usefixtures("wire")
async def test_when_less_is_open_by_then_a_new_attempt_is_for_that_and_the_old_one_paid_all_the_same_stays_on_account(
    world: World, stranger: httpx.AsyncClient, invoice: UUID
) -> None:
    link = await link_of(world, invoice)
    old = await begin(stranger, link)
    await pay(invoice, 2100)
    new = await begin(stranger, link)

    assert new != old
    await press(stranger, new, "paid")
    await press(stranger, old, "paid")

    assert await standing(invoice) == (0, 2100 + 10000 + 12100)


@pytest.mark.usefixtures("wire")
async def test_a_chargeback_opens_the_invoice_again_once(world: World, stranger: httpx.AsyncClient, invoice: UUID) -> None:
    link = await link_of(world, invoice)
    page = await begin(stranger, link)
    await press(stranger, page, "paid")
    await press(stranger, page, "chargeback")
    await stranger.post("/gateway/news", data={"id": page.rsplit("/", 1)[1]})
    await outbox.drain()

    assert await standing(invoice) == (12100, 0)
    assert "Betaal EUR\N{NO-BREAK SPACE}121,00 nu" in (await stranger.get(link)).text
    assert (await press(stranger, page, "chargeback")).status_code == 409


@pytest.mark.parametrize(
    "change",
    [{"amount_cents": 1}, {"key": "another"}],
)
@pytest.mark.usefixtures("wire")
async def test_what_is_not_what_was_to_be_paid_is_not_booked(
    world: World, stranger: httpx.AsyncClient, invoice: UUID, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    page = await begin(stranger, await link_of(world, invoice))
    true = sandbox._remote

    def false(row: Any) -> Remote:
        told = true(row)
        return Remote(**{name: change.get(name, getattr(told, name)) for name in Remote.__struct_fields__})

    monkeypatch.setattr(sandbox, "_remote", false)
    await press(stranger, page, "paid")

    assert await standing(invoice) == (12100, 0)


@pytest.mark.usefixtures("wire")
async def test_news_that_are_late_do_not_undo_what_was_paid(
    world: World, stranger: httpx.AsyncClient, invoice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await begin(stranger, await link_of(world, invoice))
    await press(stranger, page, "paid")
    true = sandbox._remote
    monkeypatch.setattr(
        sandbox,
        "_remote",
        lambda row: Remote(**{name: getattr(true(row), name) for name in Remote.__struct_fields__} | {"state": IntentState.EXPIRED}),
    )
    await stranger.post("/gateway/news", data={"id": page.rsplit("/", 1)[1]})
    await outbox.drain()

    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT state, payment FROM billing_intent")
    assert row
    assert (row["state"], row["payment"] is not None) == ("paid", True)


async def test_what_nobody_told_of_is_asked_after_an_hour(world: World, stranger: httpx.AsyncClient, invoice: UUID) -> None:
    page = await begin(stranger, await link_of(world, invoice))
    await sandbox.press(page.rsplit("/", 1)[1], IntentState.PAID)  # and its call never arrives
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("DELETE FROM infra_outbox WHERE topic = 'SandboxMoved'")

    await paying.poll()
    assert await outbox.drain() == 0
    clock.set_to(clock.now() + timedelta(hours=2))
    await paying.poll()
    await outbox.drain()

    assert await standing(invoice) == (0, 12100)


async def test_what_is_owed_to_a_partner_in_its_own_name_is_paid_by_transfer(world: World, stranger: httpx.AsyncClient) -> None:
    own = await issue(world.zuid.id, world.zuid.customers["bakery"])
    async with db.unit_of_work(world.zuid.principal()):
        link = pay_links.path(await pay_links.make(world.zuid.actor, [own]))

    page = await stranger.get(link)
    pressed = await stranger.post(link)

    assert "NL61 BANK 0123 4567 80" in page.text
    assert pressed.status_code == 200
    async with db.unit_of_work(STAFF_DOOR):
        assert await db.fetch("SELECT 1 FROM infra_outbox WHERE topic = 'PaymentWanted'") == []


async def test_a_made_up_link_is_nobodys(stranger: httpx.AsyncClient, world: World) -> None:
    for token in ("A" * 43, "x", str(world.house)):
        assert (await stranger.get(f"/pay/{token}")).status_code == 404
        assert (await stranger.post(f"/pay/{token}")).status_code == 404


async def test_a_partner_gets_a_link_for_its_own_invoices_only(
    world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient, invoice: UUID
) -> None:
    headers = {"idempotency-key": "once"}
    made = await noord.post("/api/v1/payments", json={"invoice_ids": [str(invoice)]}, headers=headers)
    again = await noord.post("/api/v1/payments", json={"invoice_ids": [str(invoice)]}, headers=headers)
    other = await zuid.post("/api/v1/payments", json={"invoice_ids": [str(invoice)]})

    assert (made.status_code, made.json()["amount"], made.json()["can_be_paid_online"]) == (
        201,
        {"amount": "121.00", "currency": "EUR"},
        True,
    )
    assert again.json() == made.json()
    assert other.status_code == 404


async def test_what_does_not_go_together_gets_no_link(world: World, noord: httpx.AsyncClient, invoice: UUID) -> None:
    private = await issue(world.noord.id, world.noord.customers["private"])
    credit = await issue(world.noord.id, world.noord.customers["bakery"], kind=Kind.CREDIT_NOTE, refers_to=invoice, reason="Dubbel")

    for invoices in ([], [str(invoice), str(private)], [str(credit)], [str(invoice)] * 101):
        answer = await noord.post("/api/v1/payments", json={"invoice_ids": invoices})
        assert answer.status_code == 422, invoices


async def test_a_contact_pays_what_it_marks_together(world: World, invoice: UUID) -> None:
    other = await issue(world.noord.id, world.noord.customers["bakery"])
    private = await issue(world.noord.id, world.noord.customers["private"])
    async with baker(world) as contact:
        page = await contact.get("/portal/own/pay")
        assert page.text.count('type="checkbox"') == 2
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        none = await contact.post("/portal/own/pay", data={"csrf_token": token})
        stolen = await contact.post("/portal/own/pay", data={"csrf_token": token, "invoice": [str(private)]})
        made = await contact.post("/portal/own/pay", data={"csrf_token": token, "invoice": [str(invoice), str(other)]})

    assert (none.status_code, stolen.status_code, made.status_code) == (422, 404, 303)
    async with browser() as anybody:
        assert "EUR\N{NO-BREAK SPACE}133,10" in (await anybody.get(made.headers["location"])).text


async def test_no_link_is_found_twice_for_one_token(world: World, invoice: UUID) -> None:
    with pytest.raises(NotFound):
        await pay_links.bearer("nobody")
    assert await link_of(world, invoice) == await link_of(world, invoice)
