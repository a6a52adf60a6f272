"""One termination of a customer's own: how it stands, what it costs, who did what, and the answer that is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import clock, db, files, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor, ActorKind, ContactRight
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused
from partner_portal.kernel.money import Money
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, NOTHING_TYPED, Errors, Form, Typed

from ..policy.offer import cents_typed
from ..policy.waiting import last_day
from ..service import cases, conversation, earlier, letters, naming, own_ends
from ..service.buyouts import Answer
from ..service.letters import Dossier
from ..service.steps import Note
from ..tables import Termination
from ..workflow import Action, State
from . import case_words
from .own import HOME, SIGNS, said_of

Page = Response[Any]
PATH = f"{HOME}/terminations/{{termination_id:uuid}}"
_LONGEST_NOTE = 2000


@get("/")
async def case(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Page:
    """One termination: how it stands, what it costs, who did what, and the answer that is asked."""
    return await _case(request, actor, termination_id)


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """Why an answer was not taken, with what was typed."""

    status: int = 200
    typed: Typed = NOTHING_TYPED
    errors: Errors = NO_ERRORS
    refused: str = ""


NOTHING_WRONG = Unanswered()


async def _case(request: Request[Any, Any, Any], actor: Actor, case_id: UUID, why: Unanswered = NOTHING_WRONG) -> Page:
    one = await Termination.get(case_id)
    told, history = await letters.dossier(one), await cases.history(case_id)
    may_sign = actor.has_any(ContactRight.SIGNS)
    return await pages.page(
        request,
        "terminations/own/case.html",
        status=why.status,
        typed=why.typed,
        errors=why.errors,
        refused=why.refused,
        case=one,
        state=naming.STATES[one.state],
        lines=letters.line_words(told, actor.language),
        options=own_ends.open_to(actor, one),
        steps=_steps(history),
        to_come=case_words.to_come(told),
        after=letters.afterwards(told),
        may_sign=may_sign,
        signing=[] if may_sign else await own_ends.who_signs(one.customer),
        **_now(told, history[-1]),
        **await _money(told, history, actor.language),
    )


def _now(told: Dossier, last: Any) -> dict[str, Any]:
    """How it stands: who is waited for until when, or who closed it."""
    case = told.case
    return {
        "waits_for_us": own_ends.needs_answer(case.state, case.payer),
        "is_late": case.waits_until is not None and case.waits_until <= clock.now(),
        "answer_by": last_day(case.waits_until) if case.waits_until else None,
        "earlier": earlier.offered(told) if case.state == State.WAITING_FOR_CUSTOMER else None,
        "withdraw_until": letters.withdraw_until(told) if case.state == State.SCHEDULED else None,
        "refused_by_provider": last["action"] == Action.DECLINE_BUYOUT,
        "closed_at": last["at"],
        "closed_by": last["actor_label"],
        "provider": settings.current().provider_name,
    }


async def _money(told: Dossier, history: Sequence[Any], language: str) -> dict[str, Any]:
    """What it costs, including VAT; nothing of it where that is between partner and provider."""
    usual = {
        "customer_pays": told.customer_pays,
        "payer": letters.payer_name(told),
        "has_buyout": letters.has_buyout(told),
        "amount": letters.amount_for(told, "customer"),
    }
    if not told.customer_pays:
        return usual | {"sheet": None, "proposed": None, "adjustment": None, "turns": ()}
    agreed = told.case.agreed_cents
    return usual | {
        "sheet": letters.sheet(told, language),
        "proposed": None if agreed is None else letters.buyout_sum(told, agreed),
        "adjustment": await letters.adjustment(told),
        "turns": conversation.turns(told, history),
    }


def _steps(history: Sequence[Any]) -> list[case_words.Done]:
    """What was done; of what others wrote with it, and of how finance comes to agree, the customer reads what the conversation tells it."""
    told = [step for step in history if step["action"] != Action.AGREE_FIRST]
    return [case_words.done(step) if _is_own(step) else msgspec.structs.replace(case_words.done(step), note="") for step in told]


def _is_own(step: Any) -> bool:
    return step["actor"].partition(":")[0] in {ActorKind.CONTACT, ActorKind.CUSTOMER}


Act = Callable[[Termination, Form], Awaitable[str]]


async def _do(request: Request[Any, Any, Any], actor: Actor, case_id: UUID, act: Act) -> Page:
    """The case has moved and its page says so; or nothing has, and the page says why, with what was typed."""
    form = await forms.read(request)
    try:
        async with db.savepoint():
            said = await act(await Termination.find(case_id), form)
    except Invalid as problem:
        return await _case(request, actor, case_id, Unanswered(status=422, typed=form.typed, errors=forms.errors(problem, actor.language)))
    except Refused as problem:
        return await _case(request, actor, case_id, Unanswered(status=409, typed=form.typed, refused=said_of(problem, actor.language)))
    return pages.to(f"{HOME}/terminations/{case_id}", said=said)


def _note(form: Form) -> str:
    return form.one("note")[:_LONGEST_NOTE]


@post("/approval", guards=SIGNS)
async def approve(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Page:
    """The customer's yes."""

    async def act(case: Termination, form: Form) -> str:
        await own_ends.approve(actor, case, Note(text=_note(form)))
        return sentence("You agreed. The confirmation is on its way to everybody.")

    return await _do(request, actor, termination_id, act)


@post("/refusal", guards=SIGNS)
async def refuse(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Page:
    """The customer's no."""

    async def act(case: Termination, form: Form) -> str:
        await own_ends.refuse(actor, case, Note(text=_note(form)))
        return sentence("You refused. Everything stays as it is.")

    return await _do(request, actor, termination_id, act)


@post("/buyout/acceptance", guards=SIGNS)
async def accept(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Page:
    """The customer, which pays it, accepts the buyout, and with it the end."""
    said = sentence("You accepted. The confirmation is on its way to everybody.")
    return await _do(request, actor, termination_id, _answering(actor, Action.ACCEPT_WITH_CONSENT, said))


@post("/buyout/refusal", guards=SIGNS)
async def refuse_buyout(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Page:
    """The customer, which would pay it, refuses the buyout."""
    said = sentence("You refused the buyout. Everything stays as it is.")
    return await _do(request, actor, termination_id, _answering(actor, Action.REFUSE_BUYOUT, said))


@post("/buyout/counter", guards=SIGNS)
async def counter(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Page:
    """The customer, which would pay it, proposes another sum, including VAT."""
    said = sentence("Your proposal is on its way. Nothing ends meanwhile.")
    return await _do(request, actor, termination_id, _answering(actor, Action.COUNTER, said))


def _answering(actor: Actor, action: Action, said: str) -> Act:
    async def act(case: Termination, form: Form) -> str:
        amount = None
        if action is Action.COUNTER:
            including = cents_typed(form.one("amount"))
            if including is None:
                raise Invalid(FieldError("/amount", "amount-needed"))
            amount = letters.without_vat(await letters.dossier(case), Money(including))
        seen = form.one("seen")
        read = int(seen) if seen.isascii() and seen.isdigit() else None
        await own_ends.answer_buyout(actor, case, action, Answer(note=_note(form)), seen=read, amount=amount)
        return said

    return act


@get("/confirmation.pdf")
async def confirmation(termination_id: FromPath[UUID]) -> Response[bytes]:
    """The confirmation that customer, partner and provider got, byte for byte."""
    one = await Termination.get(termination_id)
    if one.document is None:
        raise NotFound(what="document", id=str(termination_id))
    document, content = await files.fetch(one.document)
    return Response(content, media_type=document.media_type, headers={"content-disposition": f'inline; filename="{document.filename}"'})


router = Router(
    PATH,
    route_handlers=[case, approve, refuse, accept, refuse_buyout, counter, confirmation],
    before_request=pages.for_contacts,
    include_in_schema=False,
)
