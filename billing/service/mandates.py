"""Mandates: a debtor's leave to collect, signed, changed on record, and ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta
from stdnum import bic as bic_code
from stdnum import iban as iban_code

from partner_portal.infra import clock, db, step_up
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..policy.debit import ANNOUNCED_DAYS, LAPSE_MONTHS, lapses_on
from ..policy.money_in import Scheme, Signed
from . import account_changes
from .payments import Debtor


class MandateInForce(Refused):
    """The debtor has a mandate; end that one first."""


class MandateEnded(Refused):
    """The mandate has ended; the debtor signs a new one."""


class NewMandate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the debtor signed; without a reference of its own it gets one."""

    holder: Annotated[str, Meta(min_length=2, max_length=70)]
    iban: Annotated[str, Meta(min_length=5, max_length=42)]
    signed_on: date
    scheme: Scheme = Scheme.CORE
    bic: Annotated[str, Meta(min_length=8, max_length=11)] | None = None
    reference: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+?/:().,' -]{1,35}$")] | None = None
    announced_days: Annotated[int, Meta(ge=1, le=60)] = ANNOUNCED_DAYS


LAPSES_ON = f"(coalesce(m.last_used_on, m.signed_on) + interval '{LAPSE_MONTHS} months')"
"""`policy.debit.lapses_on` in SQL, of a mandate `m`."""
_INSERT = """
INSERT INTO billing_mandate (id, tenant, customer, issuer, reference, scheme, holder, iban, bic, signed_on, amendments, made_by, made_at, rests_until,
    signed_how, consent, announced_days, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '[]', $11, $12, $13, $14, $15, $16, 1)
"""


async def sign(
    actor: Actor, tenant: UUID, customer: UUID | None, issuer: UUID, new: NewMandate, consent: Mapping[str, str] | None = None
) -> UUID:
    """The debtor's mandate is on record and in force; MandateInForce where it has one, Invalid for an account that cannot be or a day to come.

    `consent` is what was shown and pressed where it was given by a click, and `by` in it who was signed in; behind a link nobody is.
    From another account than before nothing is collected for some days, in which the debtor, who is told, may object.
    """
    _judge(new.iban, new.bic)
    if new.signed_on > clock.today():
        raise Invalid(FieldError("/signed_on", "in-the-future"))
    if lapses_on(new.signed_on, None) <= clock.today():
        raise Invalid(FieldError("/signed_on", "mandate-lapsed"))
    made = new_id()
    reference = new.reference or f"M-{made.hex[-12:].upper()}"  # short enough to be read out; the database has it once
    rests_until = await account_changes.for_mandate(Debtor(tenant, customer, issuer), new.iban, made)
    try:
        async with db.savepoint():
            await db.execute(
                _INSERT,
                *(
                    made,
                    tenant,
                    customer,
                    issuer,
                    reference,
                    new.scheme.value,
                    new.holder,
                    iban_code.compact(new.iban),
                    new.bic,
                    new.signed_on,
                ),
                *(
                    actor.trail,
                    clock.now(),
                    rests_until,
                    _how(consent or {}).value,
                    json.dumps(consent or {}),
                    new.announced_days,
                ),
            )
    except asyncpg.UniqueViolationError as error:
        if "billing_mandate_in_force_once" in str(error):
            raise MandateInForce from error
        raise Invalid(FieldError("/reference", "taken", {"value": reference})) from error
    return made


def _how(consent: Mapping[str, str]) -> Signed:
    if not consent:
        return Signed.PAPER
    return Signed.PORTAL if "by" in consent else Signed.LINK


HOW: dict[str, str] = {
    Signed.PAPER: sentence("on paper"),
    Signed.LINK: sentence("by a link"),
    Signed.PORTAL: sentence("in the portal, signed in"),
}
"""How a mandate was given, in words."""


def _judge(iban: str, bic: str | None) -> None:
    faults = []
    if not iban_code.is_valid(iban):
        faults.append(FieldError("/iban", "not-an-iban", {"value": iban}))
    if bic is not None and not bic_code.is_valid(bic):
        faults.append(FieldError("/bic", "not-a-bic", {"value": bic}))
    if faults:
        raise Invalid(*faults)


async def move(actor: Actor, mandate: UUID, *, iban: str, bic: str | None = None) -> None:
    """Money is taken from another account of the debtor, after some days in which the debtor, who is told, may object; the earlier one stays on record.

    PasswordNeeded unless the password was given a moment ago; MandateEnded, Invalid.
    """
    _judge(iban, bic)
    step_up.required(actor)
    row = await _held(mandate)
    debtor = Debtor(row["tenant"], row["customer"], row["issuer"])
    rests_until = await account_changes.for_mandate(debtor, iban, mandate, before=row["iban"])
    before = {"iban": row["iban"], "bic": row["bic"], "on": clock.today().isoformat(), "by": actor.trail}
    await db.execute(
        "UPDATE billing_mandate SET iban = $2, bic = $3, amendments = $4, rests_until = $5, version = version + 1 WHERE id = $1",
        *(mandate, iban_code.compact(iban), bic, json.dumps([*json.loads(row["amendments"]), before]), rests_until),
    )


async def end(mandate: UUID, because: str) -> None:
    """Nothing is collected by the mandate any more; ending it twice changes nothing."""
    await db.execute(
        "UPDATE billing_mandate SET ended_on = greatest(signed_on, $2), ended_because = $3, version = version + 1 WHERE id = $1 AND ended_on IS NULL",
        *(mandate, clock.today(), because),
    )


async def _held(mandate: UUID) -> Any:
    row = await db.fetch_one("SELECT * FROM billing_mandate WHERE id = $1 FOR UPDATE", mandate)
    if row is None:
        raise NotFound(what="mandate", id=str(mandate))
    if row["ended_on"] is not None:
        raise MandateEnded
    return row


async def in_force(tenant: UUID, customer: UUID | None, issuer: UUID) -> Any | None:
    """The debtor's mandate, if it has one that still holds: for an invoice that says on which day it will be collected."""
    row = await db.fetch_one(
        "SELECT * FROM billing_mandate WHERE tenant = $1 AND customer IS NOT DISTINCT FROM $2 AND issuer = $3 AND ended_on IS NULL",
        tenant,
        customer,
        issuer,
    )
    return row if row and lapses_on(row["signed_on"], row["last_used_on"]) > clock.today() else None


async def lapse() -> int:
    """Mandates that were not used for 36 months have ended; returns how many."""
    tag = await db.execute(
        "UPDATE billing_mandate m SET ended_on = $1, ended_because = 'not used for 36 months', version = version + 1"  # noqa: S608  # our own words
        f" WHERE ended_on IS NULL AND {LAPSES_ON} <= $1::date",
        clock.today(),
    )
    return int(tag.rpartition(" ")[2])
