"""Paying online: an attempt at the gateway for what is open, and what the gateway says of it, booked once however often it is said.

What a browser brings back is never believed: only what the gateway answers when it is asked. Jobs do all of it, through the staff door.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import NotFound, Refused
from tenants.policy import TenantKind

from ..events import GatewayCalled, PaymentWanted
from ..policy.money_in import IntentState, Source
from ..policy.settling import MoreThanLeft
from . import pay_links, payments, plans, refunds, undoing
from .gateways import chosen
from .gateways.chosen import NotPayableOnline
from .gateways.port import BackKind, BackState, Gateway, GoneBack, Remote, Wanted
from .payments import Back, Debtor, Receipt

log = structlog.get_logger(__name__)

_STALE, _SLOW = timedelta(hours=1), timedelta(days=1)
_AT_A_TIME = 500


class NothingOpen(Refused):
    """These documents are paid already."""


class GatewayDisagrees(RuntimeError):
    """What the gateway has under our id is not what was to be paid: somebody must look before anything is booked."""


async def want(link: UUID, language: str = "", *, everything: bool = False) -> None:
    """An attempt to pay what is asked now will be ready in a moment; with one that can go on, nothing more. NothingOpen, NotPayableOnline.

    Asked is what is open; of a payment plan the instalment that is due, unless `everything` is to be paid. `language` is what the payer reads, also
    at the gateway and back from it; without it the debtor's.
    """
    view = await pay_links.look(link)
    if not view.online:
        raise NotPayableOnline
    if view.open_cents <= 0:
        raise NothingOpen
    if not view.goes_on(everything=everything):
        wanted = PaymentWanted(tenant_id=view.tenant, link_id=link, intent_id=new_id(), language=language, everything=everything)
        await outbox.publish(wanted, turn=f"pay link {link}")


_LINK = "SELECT l.id, l.tenant, t.kind AS issuer_kind FROM billing_pay_link l JOIN tenant t ON t.id = l.issuer WHERE l.id = $1 AND l.tenant = $2"
_OPEN = """
SELECT i.id, i.number, i.language, s.open_cents FROM billing_pay_link_invoice p JOIN billing_invoice i ON i.id = p.invoice
  JOIN billing_standing s ON s.invoice = i.id WHERE p.link = $1 AND s.open_cents > 0 ORDER BY i.due_on, i.number
"""
_RUNNING = "SELECT id, shares, amount_cents, checkout_url FROM billing_intent WHERE link = $1 AND state IN ('new', 'open') FOR UPDATE"
_INTENT = """
INSERT INTO billing_intent (id, tenant, link, gateway, gateway_id, amount_cents, shares, state, checkout_url, made_at, checked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
"""


async def prepare(tenant: UUID, link: UUID, intent: UUID, language: str = "", *, everything: bool = False) -> None:
    """The attempt exists at the gateway and the payer can go there; nothing happens where one for the same sums does, or nothing is open any more.

    NotFound where the link is not this tenant's.
    """
    gateway = chosen.current()
    row = await db.fetch_one(_LINK, link, tenant)
    if row is None:
        raise NotFound(what="link", id=str(link))
    if gateway is None or row["issuer_kind"] != TenantKind.HOUSE:
        return
    owed = await db.fetch(_OPEN, link)
    shares = {str(one["id"]): one["open_cents"] for one in owed}
    running = await db.fetch_one(_RUNNING, link)
    if not shares:
        return
    cents = await _asked(owed, everything=everything)
    if running and running["amount_cents"] == cents and msgspec.json.decode(running["shares"]) == shares:
        return
    if running:  # other sums are open now; whoever pays the old attempt all the same is heard, and what is too much stays on account
        await db.execute("UPDATE billing_intent SET state = 'expired' WHERE id = $1", running["id"])
    wanted = _wanted(intent, link, owed, cents, language)
    made = await gateway.create(wanted)
    _compare(made, str(intent), wanted.amount_cents)
    await db.execute(
        _INTENT,
        *(intent, row["tenant"], link, gateway.name, made.id, wanted.amount_cents, msgspec.json.encode(shares).decode()),
        *(IntentState.OPEN.value, made.checkout_url, clock.now()),
    )


async def _asked(owed: list[Any], *, everything: bool) -> int:
    total: int = sum(one["open_cents"] for one in owed)
    instalment = None if everything else await plans.asked_now([one["id"] for one in owed])
    return min(instalment.amount_cents, total) if instalment else total


def _wanted(intent: UUID, link: UUID, owed: list[Any], cents: int, language: str) -> Wanted:
    home = settings.current().public_url
    return Wanted(
        key=str(intent),
        amount_cents=cents,
        description=", ".join(one["number"] for one in owed)[:255],
        back_to=f"{home}{pay_links.path(link)}?back=1{f'&lang={language}' if language else ''}",
        tell_at=f"{home}/gateway/news",
        language=language or owed[0]["language"],
    )


def _compare(remote: Remote, key: str, cents: int) -> None:
    if (remote.key, remote.amount_cents) != (key, cents):
        raise GatewayDisagrees(f"{remote.id}: {remote.amount_cents} under {remote.key or 'no key'}, wanted {cents} under {key}")


async def called(gateway_id: str) -> UUID | None:
    """Whose attempt the gateway speaks of, by its id there; None where it is none of ours. For whoever has no unit of work yet."""
    async with db.apart(Principal(Door.STAFF, actor="system:gateway")):
        row = await db.fetch_one("SELECT id, tenant FROM billing_intent WHERE gateway_id = $1", gateway_id)
        if row is None:
            return None
        intent: UUID = row["id"]
        # Told again and again, it is looked up one at a time; each look sees all there is, and whoever knocks without end fills no queue.
        turn = f"gateway {gateway_id}"
        if not await outbox.waits(GatewayCalled, turn):
            await outbox.publish(GatewayCalled(tenant_id=row["tenant"], intent_id=intent), turn=turn)
    return intent


async def look_again(tenant: UUID, intent: UUID) -> None:
    """What the gateway has is on our books: paid once, and each refund or chargeback once.

    GatewayDisagrees where sum or key differ; ForeignMoney where any of it is no euros, and then nothing of these news is booked.
    """
    row = await db.fetch_one(
        "SELECT n.*, l.customer, l.issuer FROM billing_intent n JOIN billing_pay_link l ON l.id = n.link WHERE n.id = $1 AND n.tenant = $2"
        " FOR UPDATE OF n",
        *(intent, tenant),
    )
    if row is None:
        raise NotFound(what="intent", id=str(intent))
    gateway = chosen.named(row["gateway"])
    remote = await gateway.fetch(row["gateway_id"])
    if remote is None:
        log.warning("gateway.unknown", intent=str(intent))
        return
    _compare(remote, str(intent), row["amount_cents"])
    payment = await _paid(gateway, row, remote) if remote.state is IntentState.PAID else row["payment"]
    await _move(row, remote.state, payment)
    if payment:
        for back in remote.backs:
            await _gone_back(gateway, payment, back)


async def _paid(gateway: Gateway, row: Any, remote: Remote) -> UUID:
    receipt = Receipt(
        debtor=Debtor(row["tenant"], row["customer"], row["issuer"]),
        source=Source.GATEWAY,
        source_key=f"{gateway.name}:{remote.id}",
        amount_cents=remote.amount_cents,
        received_on=remote.paid_on or clock.today(),
        method=remote.method[:30] or "online",
        invoices=tuple(UUID(invoice) for invoice in msgspec.json.decode(row["shares"])),
    )
    return await payments.book(SYSTEM, receipt)


async def _move(row: Any, state: IntentState, payment: UUID | None) -> None:
    """News may come late or in any order: what is paid stays paid, and what has ended opens no more."""
    before = IntentState(row["state"])
    ended = before not in {IntentState.NEW, IntentState.OPEN}
    now = before if before is IntentState.PAID or (ended and state is not IntentState.PAID) else state
    await db.execute(
        "UPDATE billing_intent SET state = $2, payment = $3, checked_at = $4 WHERE id = $1", row["id"], now.value, payment, clock.now()
    )


_UNDER_WAY = """
SELECT 1 FROM billing_refund r JOIN billing_payment g ON g.id = r.payment WHERE g.reverses = $1 AND r.state IN ('wanted', 'agreed', 'sent')
"""


async def _gone_back(gateway: Gateway, payment: UUID, back: GoneBack) -> None:
    key = back.key or f"{gateway.name}:{back.id}"
    if back.state is BackState.FAILED:
        await _not_after_all(key, back)
        return
    method = "chargeback" if back.kind is BackKind.CHARGEBACK else "refund"
    gone = Back(payment=payment, source=Source.GATEWAY, source_key=key, on=back.on, amount_cents=back.cents, method=method)
    try:
        async with db.savepoint():
            booked = await payments.charge_back(SYSTEM, gone)
    except MoreThanLeft as error:
        # What is under way may fail yet, and then there is something to take back: asked again until that is known.
        if await db.fetch(_UNDER_WAY, payment):
            raise GatewayDisagrees(f"{back.id}: taken back while a refund is under way") from error
        # Given back by us and taken back by the payer's bank as well: a debt that no payment of ours covers. The payout that it was kept from shows it
        # as never booked, and somebody looks; what else the gateway says of the payment is heard all the same.
        log.error("gateway.more_back_than_paid", payment=str(payment), back=back.id, cents=back.cents)  # noqa: TRY400  # no fault of the program
        return
    await refunds.heard(booked, back)


async def _not_after_all(key: str, back: GoneBack) -> None:
    """What was booked as gone is ours again; what never was booked, never went."""
    row = await db.fetch_one(
        "SELECT p.id, r.id AS refund FROM billing_payment p LEFT JOIN billing_refund r ON r.payment = p.id WHERE p.source = $1 AND p.source_key = $2",
        *(Source.GATEWAY.value, key),
    )
    if row is None:
        return
    if row["refund"]:
        await refunds.heard(row["id"], back)
    else:
        await undoing.undo(SYSTEM, row["id"], "taken back at the payment provider", settles_again=True)


_SLOW_REFUNDS = """
SELECT n.id, n.tenant, n.gateway_id FROM billing_refund r JOIN billing_payment g ON g.id = r.payment JOIN billing_intent n ON n.payment = g.reverses
 WHERE r.way = 'gateway' AND r.state = 'sent' AND coalesce(n.checked_at, n.made_at) < $1 LIMIT $2
"""


async def poll() -> None:
    """Attempts that nobody has heard of for an hour are asked about, and refunds under way for a day: a webhook may be lost, a payer never come back."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        rows = await db.fetch(
            "UPDATE billing_intent SET checked_at = $2 WHERE id IN (SELECT id FROM billing_intent WHERE state IN ('new', 'open')"
            " AND coalesce(checked_at, made_at) < $1 ORDER BY checked_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING id, tenant, gateway_id",
            *(clock.now() - _STALE, clock.now(), _AT_A_TIME),
        )
        slow = await db.fetch(_SLOW_REFUNDS, clock.now() - _SLOW, _AT_A_TIME)
        for row in [*rows, *slow]:
            await outbox.publish(GatewayCalled(tenant_id=row["tenant"], intent_id=row["id"]), turn=f"gateway {row['gateway_id']}")
