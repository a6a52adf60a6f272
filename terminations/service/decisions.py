"""What a customer decides by a link in a mail: seen, decided once, remembered."""

from __future__ import annotations

import hmac
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, outbox, settings, tokens
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, Refused

from ..events import CodeNeeded, NotMeReported, TerminationRefused
from ..tables import DecisionLink, Termination
from ..workflow import Action, State
from . import buyouts, earlier, links, scheduling, steps
from .buyouts import Answer
from .links import Purpose
from .steps import Note

CODE_ATTEMPTS = 5
CODE_MINUTES = 30


class Choice(StrEnum):
    """The buttons on the page."""

    APPROVE = "approve"
    REFUSE = "refuse"
    NOT_ME = "not_me"
    ACCEPT = "accept"
    COUNTER = "counter"
    EARLIER = "earlier"


_OFFERED = {
    Purpose.CONSENT: (Choice.APPROVE, Choice.REFUSE, Choice.NOT_ME, Choice.EARLIER),
    Purpose.BUYOUT: (Choice.ACCEPT, Choice.REFUSE, Choice.COUNTER, Choice.NOT_ME),
}


class Standing(StrEnum):
    """What the page shows for a link."""

    OPEN = "open"
    DECIDED = "decided"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CLOSED = "closed"


class LinkNotOpen(Refused):
    """The link cannot decide (any more): it was used, replaced, or is too late, or the case is closed."""


class TextHasChanged(Refused):
    """What the page says is no longer what was shown when the button was pressed."""


class WrongCode(Refused):
    """The code is not the one that was sent, or too old."""


class TooManyCodes(Refused):
    """Too many wrong codes: the partner must send the link again."""


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """A button pressed: which, on which text, with what beside it."""

    choice: Choice
    text_version: str
    note: str = ""
    amount_cents: int | None = None
    code: str | None = None


class Outcome(StrEnum):
    """What pressing led to."""

    DECIDED = "decided"
    CODE_SENT = "code_sent"


def standing(link: DecisionLink, case: Termination) -> Standing:
    """What this link still can do."""
    if link.decided_at is not None:
        return Standing.DECIDED
    if link.replaced_at is not None:
        return Standing.REPLACED
    expected = {State.PROPOSED} if link.purpose == Purpose.BUYOUT else {State.WAITING_FOR_CUSTOMER, State.ACCEPTED}
    if State(case.state) not in expected:
        return Standing.EXPIRED if State(case.state) is State.EXPIRED else Standing.CLOSED
    if link.expires_at <= clock.now() or (case.waits_until is not None and case.waits_until <= clock.now()):
        return Standing.EXPIRED
    return Standing.OPEN


def offered(link: DecisionLink) -> tuple[Choice, ...]:
    """The buttons this link's page has."""
    return _OFFERED[Purpose(link.purpose)]


def needs_code(case: Termination) -> bool:
    """Whether so much money is at stake that a code through a second channel confirms the button: scanners submit forms, too."""
    return max(case.computed_cents, case.agreed_cents or 0) >= settings.current().code_limit_cents and case.payer == buyouts.Payer.CUSTOMER


async def press(actor: Actor, token: str, pressed: Press, *, text_version: str) -> Outcome:
    """The link's case has moved as the customer chose, or a code is on its way; every link decides once.

    `text_version` is the version of the text as it is now; raises LinkNotOpen, TextHasChanged, WrongCode, TooManyCodes, Invalid.
    """
    if pressed.code is not None:
        await _reserve_attempt(token)
    # The case before the link, as everybody else locks them: two locks in one order cannot wait for each other.
    seen = await links.by_token(token)
    case = await Termination.find(seen.termination)
    link = await links.by_token(token, lock=True)
    if (now := standing(link, case)) is not Standing.OPEN:
        raise LinkNotOpen(standing=now.value, decision=link.decision)
    if pressed.choice not in offered(link):
        raise Invalid(FieldError("/choice", "not-offered", {"offered": [choice.value for choice in offered(link)]}))
    if not hmac.compare_digest(pressed.text_version, text_version):
        raise TextHasChanged
    if pressed.choice in {Choice.APPROVE, Choice.ACCEPT} and needs_code(case):
        if pressed.code is None:
            await _send_code(link, case, pressed.choice)
            return Outcome.CODE_SENT
        _check_code(link, pressed)
    await _decide(actor, link, case, pressed)
    return Outcome.DECIDED


async def _decide(actor: Actor, link: DecisionLink, case: Termination, pressed: Press) -> None:
    answer = Answer(note=pressed.note, text_version=pressed.text_version)
    note = Note(text=pressed.note, text_version=pressed.text_version)
    if pressed.choice is Choice.COUNTER:
        if pressed.amount_cents is None:
            raise Invalid(FieldError("/amount", "amount-needed"))
        await buyouts.counter(actor, case, pressed.amount_cents, answer)
    elif pressed.choice is Choice.ACCEPT:
        await buyouts.accept(actor, case, answer)
    elif pressed.choice is Choice.APPROVE:
        await scheduling.schedule(actor, case, Action.APPROVE, note)
    elif pressed.choice is Choice.EARLIER:
        await earlier.choose(actor, case, note)
    elif pressed.choice is Choice.NOT_ME:
        await steps.take(actor, case, Action.NOT_ME, NotMeReported, note=note, remind_at=None)
    elif link.purpose == Purpose.BUYOUT:
        await buyouts.refuse(actor, case, answer)
    else:
        await steps.take(actor, case, Action.REFUSE, TerminationRefused, note=note)
    await db.execute(
        "UPDATE termination_decision_link SET decided_at = $2, decision = $3, code_sha256 = NULL WHERE id = $1",
        link.id,
        clock.now(),
        pressed.choice,
    )


async def _send_code(link: DecisionLink, case: Termination, choice: Choice) -> None:
    nth = link.codes_sent + 1
    if nth > CODE_ATTEMPTS:
        raise TooManyCodes
    await db.execute(
        "UPDATE termination_decision_link SET code_sha256 = $2, code_expires_at = $3, codes_sent = $4, code_attempts = 0, code_for = $5 WHERE id = $1",
        *(link.id, tokens.keyed(tokens.code(link.id, nth)), clock.now() + timedelta(minutes=CODE_MINUTES), nth, choice),
    )
    await outbox.publish(CodeNeeded(tenant_id=link.tenant, termination_id=case.id, link_id=link.id, nth=nth))


async def _reserve_attempt(token: str) -> None:
    # Counted in a transaction of its own and before the code is looked at: neither a refusal nor a crowd of requests gives attempts back.
    # By the other door: a crowd that holds every connection of its own pool must not wait for one more of the same.
    async with db.apart(Principal(Door.STAFF, None, db.current().principal.actor)):
        tag = await db.execute(
            "UPDATE termination_decision_link SET code_attempts = code_attempts + 1 WHERE token_sha256 = $1 AND code_attempts < $2",
            tokens.sha256(token),
            CODE_ATTEMPTS,
        )
    if tag == "UPDATE 0":
        raise TooManyCodes


def _check_code(link: DecisionLink, pressed: Press) -> None:
    right = link.code_sha256 is not None and hmac.compare_digest(link.code_sha256, tokens.keyed(pressed.code or ""))
    in_time = link.code_expires_at is not None and link.code_expires_at > clock.now()
    if not (right and in_time and link.code_for == pressed.choice):
        raise WrongCode(attempts_left=CODE_ATTEMPTS - link.code_attempts)


async def case_of(token: str) -> tuple[DecisionLink, Termination]:
    """The link and its case, only to be read."""
    link = await links.by_token(token)
    return link, await Termination.get(link.termination)


async def newest_open(case: UUID) -> DecisionLink | None:
    """The link by which this case is now decided, if any."""
    row: DecisionLink | None = (
        await DecisionLink.objects()
        .where((DecisionLink.termination == case) & DecisionLink.replaced_at.is_null() & DecisionLink.decided_at.is_null())
        .order_by(DecisionLink.created_at, ascending=False)
        .first()
    )
    return row
