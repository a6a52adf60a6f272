"""Giving money back: what is on account leaves by the gateway it came through, or by a file for the bank. Through the staff door."""

from __future__ import annotations

import asyncio
from uuid import UUID

from stdnum import iban as iban_code

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.dates import next_working_day
from partner_portal.kernel.errors import FieldError, Invalid

from ..events import RefundWanted
from ..policy.money_in import BatchKind, Source
from . import debits, payments, sepa
from .payments import Back
from .sepa import Given


async def order(actor: Actor, payment: UUID, *, cents: int | None = None, iban: str = "", holder: str = "") -> UUID:
    """So much of what is on account of the payment goes back, and is used for nothing else meanwhile; returns the reversing payment.

    What came through the gateway goes back there; everything else waits for the next file to the bank, and needs an account. MoreThanLeft, Invalid.
    """
    money = await payments.one(payment)
    by_gateway = money["source"] == Source.GATEWAY and not iban
    if not by_gateway and not iban_code.is_valid(iban):
        raise Invalid(FieldError("/iban", "not-an-iban", {"value": iban}))
    key = f"refund:{new_id()}"
    source = Source.GATEWAY if by_gateway else Source.MANUAL
    made = await payments.refund(
        actor, Back(payment=payment, source=source, source_key=key, on=clock.today(), amount_cents=cents, method="refund")
    )
    if by_gateway:
        await outbox.publish(RefundWanted(tenant_id=money["tenant"], payment_id=made))
        return made
    refund = new_id()
    await db.execute(
        "INSERT INTO billing_refund (id, tenant, payment, amount_cents, holder, iban, end_to_end, made_at)"
        " SELECT $1, tenant, id, -amount_cents, $3, $4, $5, $6 FROM billing_payment WHERE id = $2",
        *(refund, made, (holder or "Debiteur")[:70], iban_code.compact(iban), debits.end_to_end(refund), clock.now()),
    )
    return made


async def pay_out(actor: Actor, issuer: UUID) -> UUID:
    """All refunds of the issuer that wait are in one file for the bank; NothingToCollect where none does."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"pay out {issuer}")
    rows = await db.fetch(
        "SELECT r.id, r.amount_cents, r.holder, r.iban, r.end_to_end FROM billing_refund r JOIN billing_payment p ON p.id = r.payment"
        " WHERE r.batch IS NULL AND p.issuer = $1 ORDER BY r.id LIMIT 1000",
        issuer,
    )
    if not rows:
        raise debits.NothingToCollect
    made, day = new_id(), next_working_day(clock.today())
    given = [
        Given(end_to_end=row["end_to_end"], cents=row["amount_cents"], holder=row["holder"], iban=row["iban"], text="Terugbetaling")
        for row in rows
    ]
    own = await debits.own_account(issuer)
    xml = await asyncio.to_thread(sepa.transfers, own, f"B{made.hex}", day, clock.now(), given)
    await debits.keep(actor, made, issuer, BatchKind.REFUND, day, [one.cents for one in given], xml)
    await db.execute("UPDATE billing_refund SET batch = $2 WHERE id = ANY($1::uuid[])", [row["id"] for row in rows], made)
    return made
