"""The buyout as a negotiation: finance decides, whoever pays answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, settings
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind, StaffRole
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused

from ..events import BuyoutCountered, BuyoutProposed, CustomerAsked, SecondAgreementNeeded, TerminationRefused
from ..tables import Termination
from ..workflow import Action, State, after
from . import in_time, scheduling, steps, waiting
from .steps import Note


class Decision(StrEnum):
    """What finance may decide."""

    APPROVE = "approve"
    ADJUST = "adjust"
    REFUSE = "refuse"


class Payer(StrEnum):
    """Who pays a buyout."""

    CUSTOMER = "customer"
    PARTNER = "partner"


_THE_CUSTOMER = {ActorKind.CUSTOMER, ActorKind.CONTACT}


class SecondPersonNeeded(Refused):
    """The same person of finance cannot agree twice: four eyes are two people's."""


class PayerDecides(NotAllowed):
    """Only whoever pays the buyout may answer the proposal."""


async def case_by_number(number: str) -> Termination:
    """The case that people call `number`, locked; NotFound when there is none."""
    row: Termination | None = await Termination.objects().where(Termination.number == number.strip().upper()).first().lock_rows()
    if row is None:
        raise NotFound(what="termination", number=number)
    return row


async def decide(actor: Actor, case: Termination, decision: Decision, *, amount_cents: int | None = None, reason: str = "") -> bool:
    """Finance has decided on the locked `case`; True when that settles it, False when a second person must still agree.

    APPROVE takes the computed sum, or the sum of a counter-proposal; ADJUST takes `amount_cents` (as the payer's prices are given) and needs
    a reason, as REFUSE does. Raises IllegalStep, Invalid, NotAllowed, SecondPersonNeeded, TooLate.
    """
    if not actor.has_any(StaffRole.FINANCE, StaffRole.ADMINISTRATOR):
        raise NotAllowed(needs=StaffRole.FINANCE.value)
    after(State(case.state), Action.DECLINE_BUYOUT if decision is Decision.REFUSE else Action.PROPOSE)
    _check(decision, amount_cents, reason)
    if decision is Decision.REFUSE:
        await _record(actor, case, decision, None, reason, is_final=True)
        await steps.take(actor, case, Action.DECLINE_BUYOUT, TerminationRefused, note=Note(text=reason))
        return True
    amount = amount_cents if decision is Decision.ADJUST and amount_cents is not None else await asked_amount(case)
    return await _agree(actor, case, decision, amount, reason)


def _check(decision: Decision, amount_cents: int | None, reason: str) -> None:
    faults = []
    if decision is not Decision.APPROVE and not reason.strip():
        faults.append(FieldError("/reason", "reason-needed"))
    if decision is Decision.ADJUST and (amount_cents is None or amount_cents < 0):
        faults.append(FieldError("/amount", "amount-needed"))
    if decision is not Decision.ADJUST and amount_cents is not None:
        faults.append(FieldError("/amount", "amount-only-when-adjusting"))
    if faults:
        raise Invalid(*faults)


async def asked_amount(case: Termination) -> int:
    """The sum an approval would settle, in cents: the last counter-proposal's, or else the computed one."""
    if case.state == State.COUNTERED:
        row = await db.fetch_one(
            "SELECT (facts ->> 'amount_cents')::bigint AS amount FROM termination_step WHERE termination = $1 AND action = 'counter' ORDER BY nth DESC LIMIT 1",
            case.id,
        )
        if row is not None:
            return int(row["amount"])
    return int(case.computed_cents)


async def _agree(actor: Actor, case: Termination, decision: Decision, amount: int, reason: str) -> bool:
    first = await first_agreement(case)
    if needs_two(case, amount):
        if first is None or first["amount_cents"] != amount:
            await _record(actor, case, decision, amount, reason, is_final=False)
            await steps.take(actor, case, Action.AGREE_FIRST, SecondAgreementNeeded, note=Note(text=reason, facts={"amount_cents": amount}))
            return False
        if first["decided_by"] == actor.trail:
            raise SecondPersonNeeded(agreed_at=first["decided_at"].isoformat())
    await _record(actor, case, decision, amount, reason, is_final=True)
    note = Note(text=reason, facts={"amount_cents": amount, "computed_cents": case.computed_cents, "decision": decision.value})
    await steps.take(
        actor,
        case,
        Action.PROPOSE,
        BuyoutProposed,
        note=note,
        agreed_cents=amount,
        **waiting.for_payer(case, await in_time.answer_by(case)),
    )
    return True


def needs_two(case: Termination, amount_cents: int) -> bool:
    """Whether two people of finance must agree: the sum, or the computed one that is let go for it, reaches the limit."""
    return bool(max(amount_cents, case.computed_cents) >= settings.current().four_eyes_limit_cents)


async def first_agreement(case: Termination) -> asyncpg.Record | None:
    """Who agreed first to the sum that is on the table now, to which amount and when; None when nobody did yet."""
    return (await first_agreements([case.id])).get(case.id)


async def first_agreements(some: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
    """The same of each of these cases to whose sum somebody agreed, by the case."""
    rows = await db.fetch(
        "SELECT DISTINCT ON (termination) termination, decided_by, decided_by_label, decided_at, amount_cents"
        " FROM termination_buyout_decision d WHERE termination = ANY($1::uuid[]) AND NOT is_final"
        " AND decided_at > coalesce((SELECT max(at) FROM termination_step s"
        " WHERE s.termination = d.termination AND s.action IN ('counter', 'propose')), '-infinity')"
        " ORDER BY termination, decided_at DESC",
        list(some),
    )
    return {row["termination"]: row for row in rows}


async def _record(actor: Actor, case: Termination, decision: Decision, amount: int | None, reason: str, *, is_final: bool) -> None:
    await db.execute(
        "INSERT INTO termination_buyout_decision (id, tenant, termination, decision, amount_cents, reason, is_final, decided_by, decided_by_label, decided_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(new_id(), case.tenant, case.id, decision, amount, reason, is_final, actor.trail, actor.label, clock.now()),
    )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever pays said, with the text they saw."""

    note: str = ""
    text_version: str | None = None


PLAIN = Answer()


async def accept(actor: Actor, case: Termination, answer: Answer = PLAIN) -> None:
    """The locked case's proposal is accepted: scheduled when the customer itself pays, else the customer is asked for its consent."""
    _must_be_payer(actor, case)
    note = Note(text=answer.note, text_version=answer.text_version, facts={"amount_cents": case.agreed_cents})
    if actor.kind in _THE_CUSTOMER:
        after(State(case.state), Action.ACCEPT_WITH_CONSENT)
        await scheduling.schedule(actor, case, Action.ACCEPT_WITH_CONSENT, note)
        return
    await steps.take(actor, case, Action.ACCEPT, CustomerAsked, note=note, **waiting.for_customer(case, await in_time.answer_by(case)))


async def refuse(actor: Actor, case: Termination, answer: Answer = PLAIN) -> None:
    """The locked case's proposal is refused and the case closed; nothing ends."""
    _must_be_payer(actor, case)
    await steps.take(actor, case, Action.REFUSE_BUYOUT, TerminationRefused, note=Note(text=answer.note, text_version=answer.text_version))


async def counter(actor: Actor, case: Termination, amount_cents: int, answer: Answer = PLAIN) -> None:
    """Finance has another sum to decide on: `amount_cents`, at least 0 and other than the proposed one."""
    _must_be_payer(actor, case)
    if amount_cents < 0 or amount_cents == case.agreed_cents:
        raise Invalid(FieldError("/amount", "not-a-counter-proposal", {"proposed_cents": case.agreed_cents}))
    note = Note(
        text=answer.note, text_version=answer.text_version, facts={"amount_cents": amount_cents, "proposed_cents": case.agreed_cents}
    )
    await steps.take(
        actor,
        case,
        Action.COUNTER,
        BuyoutCountered,
        note=note,
        agreed_cents=None,
        **waiting.for_finance(case, await in_time.answer_by(case)),
    )


def _must_be_payer(actor: Actor, case: Termination) -> None:
    payer = Payer.CUSTOMER if actor.kind in _THE_CUSTOMER else Payer.PARTNER
    if case.payer != payer:
        raise PayerDecides(payer=case.payer)


async def work_list() -> list[asyncpg.Record]:
    """The cases that wait for finance, oldest first: their id and the segment of their customer; through the staff door."""
    return await db.fetch(
        "SELECT t.id, c.segment FROM termination t JOIN customer c ON c.id = t.customer"
        " WHERE t.state IN ('waiting_for_finance', 'countered') OR (t.state = 'scheduled' AND t.withdrawal_asked_at IS NOT NULL) ORDER BY t.filed_at"
    )


async def by_id(case: UUID) -> Termination:
    """The case, locked; NotFound when it is not there for this tenant."""
    return await Termination.find(case)


_WAITS = """
SELECT count(*) AS count, min(coalesce(t.withdrawal_asked_at, (SELECT max(s.at) FROM termination_step s WHERE s.termination = t.id))) AS since
  FROM termination t WHERE t.state IN ('waiting_for_finance', 'countered') OR (t.state = 'scheduled' AND t.withdrawal_asked_at IS NOT NULL)
"""


async def waits() -> tuple[int, datetime | None]:
    """How many cases wait for finance, and since when the first of them; through the staff door."""
    row = await db.fetch_one(_WAITS)
    assert row is not None  # noqa: S101  # a count always has its row
    return row["count"], row["since"]
