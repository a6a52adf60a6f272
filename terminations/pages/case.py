"""The page of one termination: how it stands, what comes next, what this reader can do about it, and everything that was done and sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import catalogue, db, files, mail
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor, Role
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Problem, Refused
from partner_portal.web import auth, forms, pages, problems
from partner_portal.web.errors import say
from partner_portal.web.forms import NO_ERRORS, NOTHING_TYPED, Errors, Form, Typed

from ..policy.offer import cents_typed
from ..service import buyouts, cases, options, proof, scheduling, sending
from ..service.buyouts import Answer
from ..service.steps import Note
from ..tables import Termination
from ..workflow import IllegalStep
from . import case_words

PATH = "/portal/terminations/{termination_id:uuid}"
_ACTS = [auth.requires(Role.OWNER, Role.CLERK)]
_LONGEST_NOTE = 2000

Html = Response[Any]
Act = Callable[[Termination], Awaitable[str]]
"""Does something to the locked case, and says what holds now (a source sentence)."""


def address(case: UUID) -> str:
    """Where the page of this case stands."""
    return f"/portal/terminations/{case}"


@get("/")
async def show(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Html:
    """The case as it stands now."""
    return await _page(request, actor, termination_id)


async def _page(
    request: Request[Any, Any, Any],
    actor: Actor,
    case_id: UUID,
    *,
    typed: Typed = NOTHING_TYPED,
    errors: Errors = NO_ERRORS,
    status: int = 200,
) -> Html:
    words = await case_words.gathered(actor, await Termination.get(case_id))
    return await pages.page(request, "terminations/case/page.html", status=status, typed=typed, errors=errors, **words)


async def _do(request: Request[Any, Any, Any], actor: Actor, case_id: UUID, form: Form, act: Act) -> Html:
    """The case has moved and its page says so; or nothing has, and the page says why, with what was typed."""
    try:
        async with db.savepoint():
            said = await act(await Termination.find(case_id))
    except Invalid as problem:
        errors = forms.errors(problem, actor.language)
        return await _page(request, actor, case_id, typed=form.typed, errors=errors, status=422)
    except Refused as problem:
        errors = Errors({"": await _why(problem, case_id, actor.language)})
        return await _page(request, actor, case_id, typed=form.typed, errors=errors, status=409)
    return pages.to(address(case_id), said=said)


async def _why(problem: Problem, case_id: UUID, language: str) -> str:
    """Why nothing was done, for the person who pressed: where somebody else was first, who that was and what they did."""
    if isinstance(problem, IllegalStep):
        last = (await cases.history(case_id))[-1]
        done = proof.DONE[last["action"]]
        return catalogue.text(_MOVED_ON, language, who=last["actor_label"], done=catalogue.text(done, language), when=last["at"])
    words = problems.words(type(problem))
    return say(words.detail, language, problem.facts) or say(words.title, language, problem.facts)


_MOVED_ON = sentence("Nothing was changed: the termination has moved on meanwhile. Last step: %(done)s (%(who)s, %(when)s).")


@get("/withdrawal", guards=_ACTS)
async def ask_withdrawal(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Html:
    """Sure? With what follows from withdrawing; back to the case where that is not possible (any more)."""
    case = await Termination.get(termination_id)
    words = await case_words.of_withdrawal(actor, case)
    if words is None:
        return pages.to(address(termination_id), said=sentence("This termination cannot be withdrawn now."), good=False)
    return await pages.page(request, "terminations/case/withdrawal.html", typed=NOTHING_TYPED, errors=NO_ERRORS, **words)


@post("/withdrawal", guards=_ACTS, status_code=200)
async def withdraw(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Html:
    """The case is withdrawn, or, close to its end, the provider's finance is asked."""
    form = await forms.read(request)

    async def act(case: Termination) -> str:
        done = await scheduling.withdraw(actor, case, _note(form))
        return _WITHDRAWN if done else _WITHDRAWAL_ASKED

    return await _do(request, actor, termination_id, form, act)


_WITHDRAWN = sentence("The termination is withdrawn. Everybody is told by mail; the services go on.")
_WITHDRAWAL_ASKED = sentence("The provider's finance is asked. Until it agrees, the end stands.")


@post("/reminder", guards=_ACTS, status_code=200)
async def send_again(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Html:
    """Whoever is the customer's main contact now gets a new link; earlier ones stop working."""
    form = await forms.read(request)

    async def act(case: Termination) -> str:
        await sending.send_again(actor, case, _note(form))
        return sentence("A new mail is on its way. Earlier links stop working.")

    return await _do(request, actor, termination_id, form, act)


@post("/buyout/acceptance", guards=_ACTS, status_code=200)
async def accept(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Html:
    """The partner, which pays it, accepts the proposed buyout."""
    form = await forms.read(request)

    async def act(case: Termination) -> str:
        options.must_be_the_sum_read(case, _seen(form))
        await buyouts.accept(actor, case, Answer(note=_note(form).text))
        return sentence("You accepted the buyout. Now the customer is asked for its yes.")

    return await _do(request, actor, termination_id, form, act)


@post("/buyout/refusal", guards=_ACTS, status_code=200)
async def refuse(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Html:
    """The partner, which would pay it, refuses the proposed buyout."""
    form = await forms.read(request)

    async def act(case: Termination) -> str:
        options.must_be_the_sum_read(case, _seen(form))
        await buyouts.refuse(actor, case, Answer(note=_note(form).text))
        return sentence("You refused the buyout. Nothing ends; the termination is closed.")

    return await _do(request, actor, termination_id, form, act)


@post("/buyout/counter", guards=_ACTS, status_code=200)
async def counter(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Html:
    """The partner, which would pay it, proposes another sum, as its prices are given."""
    form = await forms.read(request)

    async def act(case: Termination) -> str:
        options.must_be_the_sum_read(case, _seen(form))
        cents = cents_typed(form.one("amount"))
        if cents is None:
            raise Invalid(FieldError("/amount", "amount-needed"))
        await buyouts.counter(actor, case, cents, Answer(note=_note(form).text))
        return sentence("Your counter-proposal is with the provider's finance. Nothing ends meanwhile.")

    return await _do(request, actor, termination_id, form, act)


def _note(form: Form) -> Note:
    return Note(text=form.one("note")[:_LONGEST_NOTE])


def _seen(form: Form) -> int | None:
    said = form.one("seen")
    return int(said) if said.isascii() and said.isdigit() else None


@post("/mails", guards=_ACTS, status_code=200)
async def repeat_mail(request: Request[Any, Any, Any], actor: auth.Acting, termination_id: FromPath[UUID]) -> Html:
    """A mail about the case goes out once more; NotFound for a mail about something else, and for one that asks for an answer."""
    form = await forms.read(request)

    async def act(case: Termination) -> str:
        known = [one.id for one in case_words.mails(await mail.about(case.id)) if one.can_be_repeated and str(one.id) == form.one("mail")]
        if not known:
            raise NotFound(what="mail")
        gone = await mail.repeat(known[0])
        return sentence("The mail is sent again, to the same address.") if gone else sentence("The mail is already on its way.")

    return await _do(request, actor, termination_id, form, act)


@get("/confirmation.pdf")
async def confirmation(termination_id: FromPath[UUID]) -> Response[bytes]:
    """The confirmation that customer, partner and provider got, byte for byte."""
    case = await Termination.get(termination_id)
    if case.document is None:
        raise NotFound(what="document", id=str(termination_id))
    document, content = await files.fetch(case.document)
    return Response(content, media_type=document.media_type, headers={"content-disposition": f'inline; filename="{document.filename}"'})


router = Router(
    PATH,
    route_handlers=[show, ask_withdrawal, withdraw, send_again, accept, refuse, counter, repeat_mail, confirmation],
    before_request=pages.for_members,
    include_in_schema=False,
)
