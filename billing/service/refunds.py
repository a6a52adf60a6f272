"""Giving money back: what is on account leaves by the gateway it came through, or by a file for the bank; a large sum needs two people.

It is booked when it is ordered, so that nobody uses it meanwhile; where it does not arrive, it is on account again by a payment of its own. Through the
staff door.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import structlog
from stdnum import iban as iban_code

from partner_portal.infra import catalogue, clock, db, outbox, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import SYSTEM, Actor
from partner_portal.kernel.dates import next_working_day
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..events import PaymentBooked, RefundFailed, RefundWanted, SecondPersonWanted
from ..policy.ledger import Kind
from ..policy.money_in import BatchKind, ByTwo, EntryState, RefundState, RefundWay, Source
from . import account_changes, debits, payments, sepa, undoing
from .gateways import chosen
from .gateways.port import BackState, GatewayRefuses, GoneBack
from .payments import Back, Debtor
from .sepa import Given

log = structlog.get_logger(__name__)


NOT_PAID_OUT = sentence("not paid out by the payment provider")
RETURNED = sentence("returned by the bank")
GATEWAY_SAID_NO = sentence("refused by the payment provider")
REASONS = (NOT_PAID_OUT, RETURNED, GATEWAY_SAID_NO)
"""Why a refund failed, in words of ours; a bank or gateway may say it in its own."""


class RefundDecided(Refused):
    """Somebody has decided about this refund already, or it needed nobody."""


class NothingToGiveBack(Refused):
    """Nothing is left of the document, or it is none below zero."""


class RefundNeedsSecondPerson(Refused):
    """Whoever ordered a refund of this size does not agree to it as well."""


_INSERT = """
INSERT INTO billing_refund (id, tenant, payment, way, state, amount_cents, reason, holder, iban, end_to_end, made_by, made_at, changed_at, not_before)
SELECT $1, tenant, id, $3, $4, -amount_cents, $5, $6, $7, $8, $9, $10, $10, $11 FROM billing_payment WHERE id = $2 RETURNING amount_cents
"""


_GIVEN_OUT = """
INSERT INTO billing_payment (id, tenant, customer, issuer, source, source_key, method, amount_cents, received_on, note, booked_by, booked_at)
SELECT $1, tenant, customer, issuer, 'manual', $3, 'refund', $4, $5, $6, $7, $8 FROM billing_invoice WHERE id = $2
"""


class Account(msgspec.Struct, frozen=True):
    """Where money goes; without a holder, the debtor's own name."""

    iban: str
    holder: str


_NAME = "SELECT coalesce(c.name, t.name) AS name FROM tenant t LEFT JOIN customer c ON c.tenant = t.id AND c.id = $2 WHERE t.id = $1"
_SAID = sentence("Refund")


async def order(actor: Actor, payment: UUID, *, cents: int | None = None, iban: str = "", holder: str = "", reason: str = "") -> UUID:
    """So much of what is on account of the payment goes back, and is used for nothing else meanwhile; returns the reversing payment.

    What came through the gateway goes back there; everything else waits for the next file to the bank, and needs an account. From the limit of four eyes
    on a second person agrees first. To an account that the debtor is not known by nothing leaves for some days, and who orders it gives the password again:
    PasswordNeeded. MoreThanLeft, Invalid.
    """
    money = await payments.one(payment)
    way = RefundWay.GATEWAY if money["source"] == Source.GATEWAY and not iban else RefundWay.BANK
    if way is RefundWay.BANK:
        _must_be_iban(iban)
    source = Source.GATEWAY if way is RefundWay.GATEWAY else Source.MANUAL
    refund = new_id()
    back = Back(payment=payment, source=source, source_key=f"refund:{refund}", on=clock.today(), amount_cents=cents, method="refund")
    made = await payments.refund(actor, back)
    await _ordered(actor, refund, await payments.one(made), way, Account(iban, holder), reason)
    return made


async def order_of(actor: Actor, document: UUID, *, iban: str, holder: str = "", reason: str = "") -> UUID:
    """All that is left of a document below zero goes back to its debtor with the next file to the bank, as by `order`; returns the payment that says so.

    Such a document names no invoice that could be taken back: its debtor paid elsewhere, or before this portal. Raises NothingToGiveBack, Invalid,
    PasswordNeeded, NotFound.
    """
    _must_be_iban(iban)
    row = (await payments.locked([document]))[document]
    cents = payments.given_by(row)
    if row["kind"] == Kind.CREDIT_NOTE or not cents:
        raise NothingToGiveBack
    refund, made = new_id(), new_id()
    await db.execute(
        _GIVEN_OUT, *(made, document, f"refund:{refund}", -cents, clock.today(), reason.strip()[:500] or None, actor.trail, clock.now())
    )
    await payments.allocated(actor, [(row["tenant"], document, made, None, -cents)])
    await outbox.publish(PaymentBooked(tenant_id=row["tenant"], payment_id=made))
    await _ordered(actor, refund, await payments.one(made), RefundWay.BANK, Account(iban, holder), reason)
    return made


def _must_be_iban(iban: str) -> None:
    if not iban_code.is_valid(iban):
        raise Invalid(FieldError("/iban", "not-an-iban", {"value": iban}))


async def _ordered(actor: Actor, refund: UUID, gone: Any, way: RefundWay, to: Account, reason: str) -> None:
    """The refund of this payment that went back is on record: it leaves, or waits for a second person."""
    made, tenant = gone["id"], gone["tenant"]
    state = RefundState.WANTED if -gone["amount_cents"] >= settings.current().four_eyes_limit_cents else RefundState.AGREED
    debtor = payments.debtor_of(gone)
    not_before = await account_changes.for_refund(actor, debtor, to.iban, refund) if way is RefundWay.BANK else None
    account = (((to.holder or await _name_of(debtor))[:70]), iban_code.compact(to.iban)) if way is RefundWay.BANK else (None, None)
    await db.fetch_one(
        _INSERT,
        *(
            refund,
            made,
            way.value,
            state.value,
            reason.strip()[:500],
            *account,
            debits.end_to_end(refund),
            actor.trail,
            clock.now(),
            not_before,
        ),
    )
    if state is RefundState.AGREED:
        await _go(tenant, made, way)
    else:
        await outbox.publish(SecondPersonWanted(tenant_id=tenant, what=ByTwo.REFUND, about_id=refund, by=actor.label))


async def _name_of(debtor: Debtor) -> str:
    row = await db.fetch_one(_NAME, debtor.tenant, debtor.customer)
    assert row is not None  # noqa: S101  # whoever paid is known
    name: str = row["name"]
    return name


async def _go(tenant: UUID, payment: UUID, way: RefundWay) -> None:
    if way is RefundWay.GATEWAY:
        await outbox.publish(RefundWanted(tenant_id=tenant, payment_id=payment))


async def agree(actor: Actor, refund: UUID) -> None:
    """A second person agrees: it leaves. RefundNeedsSecondPerson for who ordered it, RefundDecided where nobody is waited for."""
    row = await _waiting(refund)
    if row["made_by"] == actor.trail:
        raise RefundNeedsSecondPerson
    await _decide(actor, row, RefundState.AGREED)
    await _go(row["tenant"], row["payment"], RefundWay(row["way"]))


async def refuse(actor: Actor, refund: UUID, because: str) -> None:
    """It does not leave, and is on account again; also whoever ordered it may say so. RefundDecided, Invalid without a reason."""
    row = await _waiting(refund)
    if len(because.strip()) < 3:  # noqa: PLR2004  # a reason, not a dot
        raise Invalid(FieldError("/note", "say-why"))
    await _undo(actor, row, RefundState.REFUSED, because.strip())
    await _decide(actor, row, RefundState.REFUSED)


async def _waiting(refund: UUID) -> Any:
    row = await _row(refund)
    if row["state"] != RefundState.WANTED:
        raise RefundDecided(state=row["state"])
    return row


async def _row(refund: UUID) -> Any:
    row = await db.fetch_one("SELECT * FROM billing_refund WHERE id = $1 FOR UPDATE", refund)
    if row is None:
        raise NotFound(what="refund", id=str(refund))
    return row


async def _decide(actor: Actor, row: Any, state: RefundState) -> None:
    await db.execute(
        "UPDATE billing_refund SET state = $2, decided_by = $3, decided_at = $4, changed_at = $4 WHERE id = $1",
        *(row["id"], state.value, actor.trail, clock.now()),
    )


async def pay_out(actor: Actor, issuer: UUID) -> UUID:
    """All refunds of the issuer that were agreed to are in one file for the bank; NothingToCollect where none is."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"pay out {issuer}")
    rows = await db.fetch(
        "SELECT r.id, r.amount_cents, r.holder, r.iban, r.end_to_end, coalesce(c.language, t.language) AS language FROM billing_refund r"
        " JOIN billing_payment p ON p.id = r.payment JOIN tenant t ON t.id = p.tenant LEFT JOIN customer c ON c.tenant = p.tenant AND c.id = p.customer"
        " WHERE r.state = 'agreed' AND r.way = 'bank' AND (r.not_before IS NULL OR r.not_before <= $2) AND p.issuer = $1 ORDER BY r.id LIMIT 1000"
        " FOR UPDATE OF r",
        *(issuer, clock.today()),
    )
    if not rows:
        raise debits.NothingToCollect
    made, day = new_id(), next_working_day(clock.today())
    given = [
        Given(
            end_to_end=row["end_to_end"],
            cents=row["amount_cents"],
            holder=row["holder"],
            iban=row["iban"],
            text=catalogue.text(_SAID, row["language"]),
        )
        for row in rows
    ]
    own = await debits.own_account(issuer)
    xml = await asyncio.to_thread(sepa.transfers, own, f"B{made.hex}", day, clock.now(), given)
    await debits.keep(actor, made, issuer, BatchKind.REFUND, day, [one.cents for one in given], xml)
    await db.execute(
        "UPDATE billing_refund SET batch = $2, state = 'sent', changed_at = $3 WHERE id = ANY($1::uuid[])",
        *([row["id"] for row in rows], made, clock.now()),
    )
    return made


async def left(target: UUID, cents: int) -> EntryState:
    """The bank says that one refund, or a whole file of them, has left the account; another sum is a person's to look at."""
    rows = await db.fetch(
        "SELECT id, amount_cents, state FROM billing_refund WHERE (id = $1 OR batch = $1) AND batch IS NOT NULL AND state IN ('sent', 'failed')"
        " FOR UPDATE",
        target,
    )
    sent = [row for row in rows if row["state"] == RefundState.SENT]
    # What came back before it was seen leaving has left all the same, unless the bank has left it out of the sum.
    if not rows or -cents not in {sum(row["amount_cents"] for row in some) for some in (sent or rows, rows)}:
        return EntryState.WAITING
    await db.execute(
        "UPDATE billing_refund SET state = 'done', changed_at = $2 WHERE id = ANY($1::uuid[])", [row["id"] for row in sent], clock.now()
    )
    return EntryState.SETTLED


async def came_back(refund: UUID, cents: int, reason: str | None) -> tuple[EntryState, UUID | None]:
    """The bank could not pay a refund out, and the money is on our account again: it failed. Another sum is a person's to look at."""
    row = await db.fetch_one("SELECT * FROM billing_refund WHERE id = $1 FOR UPDATE", refund)
    if row is None or row["amount_cents"] != cents or row["state"] not in {RefundState.SENT, RefundState.DONE}:
        return EntryState.WAITING, None
    return EntryState.BOOKED, await _undo(SYSTEM, row, RefundState.FAILED, reason or RETURNED)


async def not_carried_out(actor: Actor, row: Any, because: str) -> None:
    """The bank refused a refund before it left: it failed, is on account again, and belongs to no file any more."""
    await _undo(actor, row, RefundState.FAILED, because)
    await db.execute("UPDATE billing_refund SET batch = NULL WHERE id = $1", row["id"])


async def _undo(actor: Actor, row: Any, state: RefundState, because: str) -> UUID:
    undone = await undoing.undo(actor, row["payment"], because)
    await db.execute(
        "UPDATE billing_refund SET state = $2, undone = $3, failed_because = $4, changed_at = $5 WHERE id = $1",
        *(row["id"], state.value, undone, because[:500], clock.now()),
    )
    if state is RefundState.FAILED:
        await outbox.publish(RefundFailed(tenant_id=row["tenant"], refund_id=row["id"]))
    return undone


_TO_SEND = """
SELECT r.*, g.source_key, o.source_key AS of, coalesce(c.language, t.language) AS language FROM billing_refund r
  JOIN billing_payment g ON g.id = r.payment JOIN billing_payment o ON o.id = g.reverses JOIN tenant t ON t.id = r.tenant
  LEFT JOIN customer c ON c.tenant = g.tenant AND c.id = g.customer
 WHERE r.payment = $1 AND r.tenant = $2 FOR UPDATE OF r
"""


async def send(tenant: UUID, payment: UUID) -> None:
    """What was agreed to is ordered at the gateway, once; where it says no, the refund has failed. NotFound where it is not this tenant's."""
    row = await db.fetch_one(_TO_SEND, payment, tenant)
    if row is None:
        raise NotFound(what="refund", id=str(payment))
    if row["state"] != RefundState.AGREED:
        return
    name, _, at_gateway = row["of"].partition(":")
    gateway = chosen.named(name)
    try:
        said = catalogue.text(_SAID, row["language"])
        made = await gateway.refund(at_gateway, key=row["source_key"], cents=row["amount_cents"], description=said)
    except GatewayRefuses as problem:
        log.warning("gateway.refund_refused", payment=str(payment), detail=problem.facts.get("detail"))
        await _undo(SYSTEM, row, RefundState.FAILED, str(problem.facts.get("detail") or GATEWAY_SAID_NO))
        return
    await db.execute(
        "UPDATE billing_refund SET state = 'sent', gateway_id = $2, changed_at = $3 WHERE id = $1", row["id"], made.id[:64], clock.now()
    )
    await heard(payment, made)


async def heard(payment: UUID, back: GoneBack) -> None:
    """What the gateway says of a refund of ours by now: under way, paid out, or failed, also long after it was taken on."""
    row = await db.fetch_one("SELECT * FROM billing_refund WHERE payment = $1 FOR UPDATE", payment)
    if row is None or row["state"] in {RefundState.FAILED, RefundState.REFUSED}:
        return
    if back.state is BackState.FAILED:
        await _undo(SYSTEM, row, RefundState.FAILED, NOT_PAID_OUT)
    elif back.state is BackState.DONE and row["state"] != RefundState.DONE:
        await db.execute("UPDATE billing_refund SET state = 'done', changed_at = $2 WHERE id = $1", row["id"], clock.now())


async def take_up(actor: Actor, refund: UUID) -> None:
    """Somebody deals with a refund that failed; it no longer asks for attention. RefundDecided where it did not fail or somebody does."""
    row = await _row(refund)
    if row["state"] != RefundState.FAILED or row["seen_at"] is not None:
        raise RefundDecided(state=row["state"])
    await db.execute("UPDATE billing_refund SET seen_by = $2, seen_at = $3 WHERE id = $1", refund, actor.trail, clock.now())


_LISTED = """
SELECT r.*, p.received_on, p.reverses, o.method AS paid_by, o.amount_cents AS paid_cents, o.received_on AS paid_on, c.name AS customer_name,
       c.number AS customer_number, t.name AS partner
  FROM billing_refund r JOIN billing_payment p ON p.id = r.payment LEFT JOIN billing_payment o ON o.id = p.reverses JOIN tenant t ON t.id = r.tenant
  LEFT JOIN customer c ON c.id = p.customer
 ORDER BY r.state = 'failed' AND r.seen_at IS NULL DESC, r.state = 'wanted' DESC, r.id DESC LIMIT $1
"""


async def listed(limit: int = 100) -> list[Any]:
    """Refunds: those that failed and nobody looks after first, then those that wait for a second person, then the newest."""
    return await db.fetch(_LISTED, limit)


_ON_ACCOUNT = """
SELECT p.id, p.received_on, p.method, p.source, p.amount_cents, o.left_cents, c.name AS customer_name, c.number AS customer_number, t.name AS partner,
       coalesce(e.iban, m.iban) AS iban, coalesce(e.name, m.holder) AS holder
  FROM billing_on_account o JOIN billing_payment p ON p.id = o.payment JOIN tenant t ON t.id = p.tenant LEFT JOIN customer c ON c.id = p.customer
  LEFT JOIN LATERAL (SELECT iban, name FROM billing_statement_entry WHERE payment = p.id LIMIT 1) e ON true
  LEFT JOIN LATERAL (SELECT b.iban, b.holder FROM billing_debit d JOIN billing_mandate b ON b.id = d.mandate WHERE d.payment = p.id LIMIT 1) m ON true
 WHERE o.left_cents > 0 ORDER BY p.received_on DESC, p.id LIMIT $1
"""


async def to_give_back(limit: int = 100) -> list[Any]:
    """Payments of which something is on account, the newest first, with the account they came from where it is known."""
    return await db.fetch(_ON_ACCOUNT, limit)


_OF_INVOICE = """
SELECT DISTINCT r.id, r.state, r.amount_cents, r.way, r.made_at, r.changed_at FROM billing_refund r
  JOIN billing_payment g ON g.tenant = r.tenant AND g.id = r.payment
  JOIN billing_allocation a ON a.tenant = g.tenant AND a.payment = coalesce(g.reverses, g.id) WHERE a.invoice = $1 ORDER BY r.id
"""


async def of_invoice(invoice: UUID) -> list[Any]:
    """What goes back, or went, of the payments that settled the document, on the asking side of the wall."""
    return await db.fetch(_OF_INVOICE, invoice)
