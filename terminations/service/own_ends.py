"""What a customer ends and answers itself, signed in: a contact that may sign is the customer, and its filing is the customer's yes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg

from billing.policy.agreed import Channel
from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor, ContactRight
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused
from tenants.service import contacts

from ..events import TerminationRefused
from ..policy.cooling_off import open_for_certain_until
from ..policy.facts import Ground
from ..tables import Termination
from ..workflow import Action, State
from . import buyouts, cases, choices, drafts, options, quotes, scheduling, steps
from .buyouts import Answer, Payer
from .cases import FiledBy, Filing, Reason
from .choices import Candidate, Candidates, Choice, When
from .quotes import Request, Shown
from .steps import Note

_ANSWERS = {
    State.WAITING_FOR_CUSTOMER: (Action.APPROVE, Action.REFUSE),
    State.ACCEPTED: (Action.APPROVE, Action.REFUSE),
    State.PROPOSED: (Action.ACCEPT_WITH_CONSENT, Action.REFUSE_BUYOUT, Action.COUNTER),
}


_MOST_CASES = 100


class OfferChanged(Refused):
    """Days or costs are no longer what was shown when the button was pressed."""


class CoolingOffOver(Refused):
    """The contract can no longer be withdrawn from; it can be ended by notice."""


def must_sign(actor: Actor) -> None:
    """NotAllowed for a contact that may only look."""
    if not actor.has_any(ContactRight.SIGNS):
        raise NotAllowed(requires=[ContactRight.SIGNS.value])


async def who_signs(customer: UUID) -> list[str]:
    """The names of those who may end the customer's services, the main user first."""
    return [row["name"] for row in await contacts.listed(customer) if (row["is_main"] or row["may_sign"]) and not row["is_over"]]


async def services(actor: Actor) -> Candidates:
    """The running services of the contact's own organisation, each with its dates and what stands in the way of ending it."""
    if actor.customer is None:
        raise NotAllowed
    return await choices.candidates(actor.customer)


async def service(actor: Actor, wanted: UUID) -> tuple[Candidates, Candidate]:
    """One of them among the others; NotFound when it is not the contact's own, or has ended."""
    found = await services(actor)
    for one in found.services:
        if one.row["id"] == wanted:
            return found, one
    raise NotFound(what="service", id=str(wanted))


def withdraw_until(found: Candidates, one: Candidate) -> date | None:
    """The last day on which the service's contract can be withdrawn from without a word about it (BW 6:230o); None where it cannot, or not any more."""
    last = open_for_certain_until(found.parties.segment, Channel(one.row["channel"]), one.row["signed_on"])
    return last if last is not None and clock.today() <= last else None


async def cases_of(customer: UUID) -> list[asyncpg.Record]:
    """The customer's newest cases, those that need its answer first."""
    return await db.fetch(
        "SELECT t.id, t.number, t.state, t.ends_on, t.waits_until, t.payer, t.filed_at,"
        " (SELECT string_agg(s.label, ', ' ORDER BY s.number) FROM termination_line l JOIN billing_service s ON s.id = l.service"
        "   WHERE l.termination = t.id) AS services"
        " FROM termination t WHERE t.customer = $1"
        " ORDER BY t.state IN ('waiting_for_customer', 'accepted') OR (t.state = 'proposed' AND t.payer = 'customer') DESC, t.filed_at DESC LIMIT $2",
        *(customer, _MOST_CASES),
    )


def needs_answer(state: str, payer: str) -> bool:
    """Whether a case in this state waits for the customer itself."""
    return State(state) in _ANSWERS and (State(state) is not State.PROPOSED or payer == Payer.CUSTOMER)


async def end(actor: Actor, chosen: Sequence[UUID], choice: Choice, *, promise: str) -> Termination:
    """The services end as `choice` says: planned at once where notice suffices, with finance where something is bought out.

    `promise` is what was shown (`drafts.seen`). Raises NotAllowed, Invalid, OfferChanged, and what `cases.file` raises.
    """
    must_sign(actor)
    if choice.when is not When.FREE and choice.wished_on is None:
        raise Invalid(FieldError("/wished_on", "day-needed"))
    return await _file(actor, choice.request(chosen), promise)


async def withdraw(actor: Actor, wanted: UUID, *, promise: str) -> Termination:
    """The contract of the service is undone within its cooling-off period, at once and without anybody's consent.

    Raises NotAllowed, NotFound, CoolingOffOver, OfferChanged, and what `cases.file` raises.
    """
    must_sign(actor)
    found, one = await service(actor, wanted)
    if withdraw_until(found, one) is None:
        raise CoolingOffOver
    return await _file(actor, _withdrawal(wanted), promise)


async def shown_withdrawal(actor: Actor, wanted: UUID) -> Shown:
    """What withdrawing from the contract of the service would mean now."""
    return await quotes.show(actor, _withdrawal(wanted), with_calendar=False)


def _withdrawal(wanted: UUID) -> Request:
    return Request(services=(wanted,), received_on=clock.today(), ground=Ground.COOLING_OFF)


async def _file(actor: Actor, request: Request, promise: str) -> Termination:
    kept = await quotes.keep(actor, request)
    if drafts.seen(kept.shown).promise != promise:
        raise OfferChanged
    return await cases.file(actor, kept.id, Filing(reason=Reason.NOT_SAID, by=FiledBy.CUSTOMER))


def open_to(actor: Actor, case: Termination) -> tuple[Action, ...]:
    """The answers that the contact may give to the case now; none for one that may only look, or when it is too late."""
    too_late = case.waits_until is not None and case.waits_until <= clock.now()
    if not actor.has_any(ContactRight.SIGNS) or too_late or not needs_answer(case.state, case.payer):
        return ()
    return _ANSWERS[State(case.state)]


async def approve(actor: Actor, case: Termination, note: Note) -> None:
    """The customer's yes to the locked case. Raises NotAllowed, IllegalStep, TooLate."""
    must_sign(actor)
    await scheduling.schedule(actor, case, Action.APPROVE, note)


async def refuse(actor: Actor, case: Termination, note: Note) -> None:
    """The customer's no to the locked case: everything stays as it is. Raises as `approve`."""
    must_sign(actor)
    await steps.take(actor, case, Action.REFUSE, TerminationRefused, note=note)


async def answer_buyout(actor: Actor, case: Termination, action: Action, answer: Answer, *, seen: int | None, amount: int | None) -> None:
    """The customer's answer to the proposed buyout of the locked case: yes, no, or `amount` cents instead, as its prices are given.

    Raises NotAllowed, PayerDecides, ProposalChanged, Invalid, IllegalStep, TooLate.
    """
    must_sign(actor)
    options.must_be_the_sum_read(case, seen)
    if action is Action.ACCEPT_WITH_CONSENT:
        await buyouts.accept(actor, case, answer)
    elif action is Action.COUNTER and amount is not None:
        await buyouts.counter(actor, case, amount, answer)
    else:
        await buyouts.refuse(actor, case, answer)
