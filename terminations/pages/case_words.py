"""What the page of one termination says: gathered once, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from billing.policy.ledger import Layer
from partner_portal.infra import clock, mail, settings
from partner_portal.infra.mail import Posted
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.money import Money

from ..policy.waiting import last_day
from ..service import ahead, cases, conversation, decisions, explain, letters, naming, options, proof, scheduling
from ..service.ahead import Ahead
from ..service.letters import Dossier
from ..tables import DecisionLink, Termination
from ..workflow import Action, State

Words = dict[str, Any]
# They ask for an answer: sent again they bear a new link, by the step that makes the ones before it stop working.
_ASKING = {"approval_requested", "approval_reminder", "buyout_proposed", "approval_code"}
_READERS = {"customer", "partner"}


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """One step that was taken; `who` is nobody where time itself took it."""

    what: str
    who: str
    on_behalf_of: str | None
    channel: str
    note: str
    at: datetime


class MailWords(msgspec.Struct, frozen=True, kw_only=True):
    """One mail that went out; the address masked."""

    id: UUID
    subject: str
    to: str
    queued_at: datetime
    sent_at: datetime | None
    given_up: bool
    is_repeated: bool
    can_be_repeated: bool


async def gathered(actor: Actor, case: Termination) -> Words:
    """All words of the page."""
    told = await letters.dossier(case)
    history = await cases.history(case.id)
    asked = await decisions.newest_open(case.id)
    services = told.previews[Layer.CUSTOMER].services
    return {
        "case": case,
        "number": case.number,
        "customer": told.customer_name,
        "state": naming.STATES[case.state],
        "services": [
            {"line": line, "service": row["id"], "ended_at": row["ended_at"]}
            for line, row in zip(letters.line_words(told, actor.language), told.rows, strict=True)
        ],
        "lines": letters.line_words(told, actor.language),
        "reason": explain.REASONS[case.reason],
        "steps": [done(step) for step in history],
        "done": proof.DONE,
        "channels": naming.CHANNELS,
        "to_come": to_come(told),
        "turns": conversation.turns(told, history),
        "options": options.open_to(actor, case, [service.ending.ends_on for service in services]),
        "needs_consent": scheduling.needs_consent(case),
        "after": letters.afterwards(told),
        "mails": mails(await mail.about(case.id)),
        **_now(told, history, asked),
        **await _money(told, actor.language),
    }


def _now(told: Dossier, history: Sequence[Any], asked: DecisionLink | None) -> Words:
    """How it stands: who is waited for until when, or who closed it."""
    case, last = told.case, history[-1]
    contact = told.contact
    return {
        "answer_by": last_day(case.waits_until) if case.waits_until else None,
        "is_late": case.waits_until is not None and case.waits_until <= clock.now(),
        "asked": {"name": asked.recipient_name, "address": letters.masked(asked.recipient)} if asked else None,
        "would_ask": {"name": contact.name, "address": letters.masked(contact.email)} if contact else None,
        "wrong_person": last["action"] == Action.NOT_ME,
        "second_needed": last["action"] == Action.AGREE_FIRST,
        "withdraw_until": letters.withdraw_until(told) if case.state == State.SCHEDULED else None,
        "closed_by": last["actor_label"],
        "closed_at": last["at"],
        "closed_note": last["note"],
        "closed_action": last["action"],
        "provider": settings.current().provider_name,
    }


async def _money(told: Dossier, language: str) -> Words:
    """What it costs whom; a buyout as the payer's prices are given and including VAT."""
    case = told.case
    own_name = not told.customer_pays
    agreed = case.agreed_cents
    return {
        "payer": letters.payer_name(told),
        "partner_pays": own_name,
        "sheet": letters.sheet(told, language),
        "customer_sheet": letters.sheet(told, language, layer=Layer.CUSTOMER) if own_name else None,
        "adjustment": await letters.adjustment(told),
        "has_buyout": letters.has_buyout(told),
        "proposed": None if agreed is None else letters.buyout_sum(told, agreed),
        "proposed_given": None if agreed is None else Money(agreed),
        "includes_vat": letters.prices_include_vat(told),
    }


def to_come(told: Dossier) -> tuple[Ahead, ...]:
    """What is still to come, and when it is expected."""
    case = told.case
    endings = [service.ending for service in told.previews[Layer.CUSTOMER].services]
    known = ahead.Case(
        state=State(case.state),
        waits_until=case.waits_until,
        remind_at=case.remind_at,
        withdrawal_asked=case.withdrawal_asked_at is not None,
        withdrawable_until=scheduling.free_until(case),
        ends=[ending.ends_on for ending in endings],
        billing_ends=[ending.billing_ends_on for ending in endings],
    )
    return ahead.ahead(known, clock.today())


def done(step: Any) -> Done:
    """A step of the history, in words."""
    by_itself = step["actor"].startswith("system:")
    return Done(
        what=proof.DONE[step["action"]],
        who="" if by_itself else step["actor_label"],
        on_behalf_of=step["on_behalf_of"],
        channel=naming.CHANNELS.get(step["channel"], ""),
        note=step["note"],
        at=step["at"],
    )


def mails(posted: Sequence[Posted]) -> list[MailWords]:
    """The mails to the customer and the partner, newest first; what the provider's own people got is theirs."""
    return [_mail(one) for one in reversed(posted) if _reader(one) in _READERS]


def _reader(one: Posted) -> str:
    # The key is that of terminations/jobs: case or link, step, name, reader; a repetition adds its number.
    parts = one.key.split(":")
    return parts[3] if len(parts) > 3 else ""  # noqa: PLR2004


def _mail(one: Posted) -> MailWords:
    name = one.name.rpartition("/")[2]
    return MailWords(
        id=one.id,
        subject=one.subject,
        to=letters.masked(one.recipient),
        queued_at=one.queued_at,
        sent_at=one.sent_at,
        given_up=one.given_up,
        is_repeated=":again:" in one.key,
        can_be_repeated=name not in _ASKING and ":again:" not in one.key and (one.sent_at is not None or one.given_up),
    )


async def of_withdrawal(actor: Actor, case: Termination) -> Words | None:
    """What follows from withdrawing the case now; None where this reader cannot."""
    told = await letters.dossier(case)
    services = told.previews[Layer.CUSTOMER].services
    open_now = options.open_to(actor, case, [service.ending.ends_on for service in services])
    if not {Action.WITHDRAW, Action.ASK_WITHDRAWAL} & set(open_now):
        return None
    return {
        "case": case,
        "number": case.number,
        "customer": told.customer_name,
        "lines": letters.line_words(told, actor.language),
        "needs_consent": scheduling.needs_consent(case),
        "is_scheduled": case.state == State.SCHEDULED,
    }
