"""The built-in gateway, where nobody pays: a page of ours on which one presses what the payer did; otherwise it behaves as a real one does.

It keeps its own books (`SandboxPayment`) and tells of a change by an unsigned form with nothing but an id, as Mollie does, and perhaps twice. It runs
through the staff door, and its page looks it up apart from the request.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from partner_portal.infra import clock, db, outbox, outgoing, remote, settings
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.dates import end_of_day_utc, local_date
from partner_portal.kernel.errors import NotFound, Refused

from ...events import SandboxMoved
from ...policy.money_in import IntentState, PartKind
from .port import BackKind, BackState, GatewayRefuses, GatewayUnavailable, GoneBack, PaidOut, Part, Remote, Settlement, Wanted

_DOOR = Principal(Door.STAFF, actor="system:sandbox")
_ONE = "SELECT * FROM billing_sandbox_payment WHERE number = $1"
_OF_TENANT = """
SELECT * FROM billing_sandbox_payment WHERE number = $1 AND idempotency_key IN (SELECT id::text FROM billing_intent WHERE tenant = $2)
"""
PATH = "/sandbox-gateway"


class NotOpen(Refused):
    """What is paid, failed or expired is not pressed again."""


class Sandbox:
    """Itself on the other side of the wire."""

    name = "sandbox"

    async def create(self, wanted: Wanted) -> Remote:
        """A payment that waits for a press on its page."""
        await db.execute(
            "INSERT INTO billing_sandbox_payment (id, number, idempotency_key, amount_cents, description, redirect_url, webhook_url, state, backs, made_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', '[]', $8) ON CONFLICT (idempotency_key) DO NOTHING",
            *(
                new_id(),
                f"tr_{uuid4().hex}",
                wanted.key,
                wanted.amount_cents,
                wanted.description,
                wanted.back_to,
                wanted.tell_at,
                clock.now(),
            ),
        )
        row = await db.fetch_one("SELECT * FROM billing_sandbox_payment WHERE idempotency_key = $1", wanted.key)
        return _remote(row)

    async def fetch(self, payment: str) -> Remote | None:
        """The payment as its page left it."""
        row = await db.fetch_one(_ONE, payment)
        return _remote(row) if row else None

    async def refund(self, payment: str, *, key: str, cents: int, description: str) -> GoneBack:  # noqa: ARG002  # nobody reads it here
        """The money is on its way back, until somebody presses that it arrived or failed, or the day is closed."""
        row = await db.fetch_one(f"{_ONE} FOR UPDATE", payment)
        if row is None or row["state"] != IntentState.PAID:
            raise GatewayRefuses(detail="nothing was paid")
        known = _backs(row)
        made = next((back for back in known if back.key == key), None)
        if made is None:
            if _gone(known) + cents > row["amount_cents"]:
                raise GatewayRefuses(detail="more than was paid")
            made = GoneBack(
                id=f"re_{uuid4().hex[:12]}", kind=BackKind.REFUND, cents=cents, on=clock.today(), key=key, state=BackState.PENDING
            )
            await _keep(row, [*known, made])
        return made

    async def settlements(self, since: date, known: Collection[str] = ()) -> list[PaidOut]:
        """The days that were closed."""
        async with db.apart(_DOOR):
            rows = await db.fetch(
                "SELECT number, day FROM billing_sandbox_payout WHERE day >= $1 AND number <> ALL($2::text[]) ORDER BY id",
                *(since, list(known)),
            )
        return [PaidOut(id=row["number"], reference=row["number"].removeprefix("stl_").upper(), day=row["day"]) for row in rows]

    async def settlement(self, number: str) -> Settlement:
        """What was in the day that was closed under this number."""
        async with db.apart(_DOOR):
            row = await db.fetch_one("SELECT * FROM billing_sandbox_payout WHERE number = $1", number)
        if row is None:
            raise GatewayRefuses(detail="no such payout")
        parts = tuple(msgspec.json.decode(row["parts"], type=list[Part]))
        return Settlement(paid_cents=row["paid_cents"], fee_cents=row["fee_cents"], parts=parts)


async def shown(number: str) -> Any:
    """The payment for its page; NotFound."""
    async with db.apart(_DOOR):
        row = await db.fetch_one(_ONE, number)
    if row is None:
        raise NotFound(what="payment")
    return row


async def press(number: str, state: IntentState) -> Any:
    """The payer did this, and the portal is to be told; a paid one can only be charged back (`OPEN` presses nothing). NotOpen otherwise."""
    async with db.apart(_DOOR):
        row = await db.fetch_one(f"{_ONE} FOR UPDATE", number)
        if row is None:
            raise NotFound(what="payment")
        if row["state"] != IntentState.OPEN or state in {IntentState.NEW, IntentState.OPEN}:
            raise NotOpen
        await db.execute(
            "UPDATE billing_sandbox_payment SET state = $2::text, paid_at = CASE WHEN $2::text = 'paid' THEN $3::timestamptz END WHERE id = $1",
            *(row["id"], state.value, clock.now()),
        )
        await _will_tell(row)
    return row


async def charge_back(number: str) -> Any:
    """The payer's bank took a paid payment back; NotOpen where nothing is left of it."""
    async with db.apart(_DOOR):
        row = await db.fetch_one(f"{_ONE} FOR UPDATE", number)
        if row is None:
            raise NotFound(what="payment")
        known = _backs(row)
        left = row["amount_cents"] - _gone(known)
        if row["state"] != IntentState.PAID or left <= 0:
            raise NotOpen
        await _keep(row, [*known, GoneBack(id=f"chb_{uuid4().hex[:12]}", kind=BackKind.CHARGEBACK, cents=left, on=clock.today())])
        await _will_tell(row)
    return row


async def end_refunds(number: str, state: BackState) -> Any:
    """The refunds of the payment that are under way arrived, or failed; NotOpen where none is."""
    async with db.apart(_DOOR):
        row = await db.fetch_one(f"{_ONE} FOR UPDATE", number)
        if row is None:
            raise NotFound(what="payment")
        known = _backs(row)
        if all(back.state is not BackState.PENDING for back in known):
            raise NotOpen
        await _keep(row, [msgspec.structs.replace(back, state=state) if back.state is BackState.PENDING else back for back in known])
        await _will_tell(row)
    return row


_FEE_CENTS = 29
_PAID_OUT = "SELECT 1 FROM billing_sandbox_payout WHERE parts @> $1::text::jsonb"


async def close_day() -> str | None:
    """Refunds under way have arrived, and what was paid before today and was not paid out yet is, less a fee for each; returns the payout's number."""
    async with db.unit_of_work(_DOOR):
        for row in await db.fetch(
            "SELECT * FROM billing_sandbox_payment WHERE backs @> $1::text::jsonb FOR UPDATE", '[{"state": "pending"}]'
        ):
            await _keep(
                row, [msgspec.structs.replace(one, state=BackState.DONE) if one.state is BackState.PENDING else one for one in _backs(row)]
            )
            await _will_tell(row)
        rows = await db.fetch(
            "SELECT * FROM billing_sandbox_payment WHERE state = 'paid' AND (payout IS NULL OR backs <> '[]') AND paid_at < $1 ORDER BY id FOR UPDATE",
            end_of_day_utc(clock.today() - timedelta(days=1)),
        )
        fresh = [row for row in rows if row["payout"] is None]
        parts = [Part(id=row["number"], kind=PartKind.PAYMENT, cents=row["amount_cents"]) for row in fresh]
        for row in rows:
            done = [
                back
                for back in _backs(row)
                if back.state is BackState.DONE and not await db.fetch(_PAID_OUT, json.dumps([{"id": back.id}]))
            ]
            parts += [Part(id=back.id, kind=PartKind(back.kind.value), cents=-back.cents) for back in done]
        fee = _FEE_CENTS * len(fresh)
        if sum(part.cents for part in parts) <= fee:  # what is owed to the gateway is kept from the next payout
            return None
        return await _paid_out(fresh, parts, fee)


async def _paid_out(fresh: list[Any], parts: list[Part], fee: int) -> str:
    made = new_id()
    number = f"stl_{made.hex[:12]}"
    await db.execute(
        "INSERT INTO billing_sandbox_payout (id, number, day, fee_cents, paid_cents, parts, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(made, number, clock.today(), fee, sum(part.cents for part in parts) - fee, msgspec.json.encode(parts).decode(), clock.now()),
    )
    await db.execute("UPDATE billing_sandbox_payment SET payout = $2 WHERE id = ANY($1::uuid[])", [row["id"] for row in fresh], number)
    return number


async def _will_tell(row: Any) -> None:
    whose = await db.fetch_one("SELECT tenant FROM billing_intent WHERE id = $1", UUID(row["idempotency_key"]))
    if whose:
        await outbox.publish(SandboxMoved(tenant_id=whose["tenant"], number=row["number"]))


async def tell(tenant: UUID, number: str) -> None:
    """The portal's webhook is called with the id and nothing else; GatewayUnavailable unless it says 200, NotFound where no payment of the tenant has it."""
    row = await db.fetch_one(_OF_TENANT, number, tenant)
    if row is None:
        raise NotFound(what="payment", id=number)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    try:
        answer = await remote.ask(
            "POST", row["webhook_url"], headers=kind, body=f"id={number}".encode(), within=settings.current().gateway_seconds
        )
    except outgoing.NotReached as error:
        raise GatewayUnavailable(detail=error.why.value) from error
    if answer.status != 200:  # noqa: PLR2004  # whatever else is tried again, as a real gateway does
        raise GatewayUnavailable(detail=str(answer.status))


async def _keep(row: Any, backs: list[GoneBack]) -> None:
    await db.execute("UPDATE billing_sandbox_payment SET backs = $2 WHERE id = $1", row["id"], msgspec.json.encode(backs).decode())


def _gone(backs: list[GoneBack]) -> int:
    return sum(back.cents for back in backs if back.state is not BackState.FAILED)


def _backs(row: Any) -> list[GoneBack]:
    return msgspec.convert(json.loads(row["backs"]), list[GoneBack])


def _remote(row: Any) -> Remote:
    state = IntentState(row["state"])
    return Remote(
        id=row["number"],
        key=row["idempotency_key"],
        state=state,
        amount_cents=row["amount_cents"],
        checkout_url=f"{settings.current().public_url}{PATH}/{row['number']}" if state is IntentState.OPEN else None,
        method="ideal",
        paid_on=local_date(row["paid_at"]) if row["paid_at"] else clock.today() if state is IntentState.PAID else None,
        backs=tuple(_backs(row)),
    )
