"""The pages of the wizard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import db, files, formats
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor, Role
from partner_portal.kernel.dates import local_date
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Problem, Refused
from partner_portal.web import auth, forms, pages, problems
from partner_portal.web.forms import NO_ERRORS, Errors, Form, Typed
from tenants.service import customers

from ...service import cases, choices, drafts, filings, quotes, sending
from ...service.choices import Choice, Look
from ...service.drafts import Draft, DraftChanged, DraftFiled
from . import answers, steps, words
from .answers import TAKE, services_marked
from .steps import Link, Step, View
from .words import WORDS

_WRITES = [auth.requires(Role.OWNER, Role.CLERK)]
_NEW = "/portal/terminations/new"
_BACK_TO: dict[type[Problem], Step] = {
    quotes.NothingToEnd: Step.SERVICES,
    quotes.NoWholesalePrice: Step.SERVICES,
    cases.ServiceAlreadyEnding: Step.SERVICES,
    cases.EndsInThePast: Step.WHEN,
    Invalid: Step.AFTERWARDS,
    cases.QuoteOutdated: Step.COSTS,
    quotes.QuoteExpired: Step.COSTS,
    sending.NobodyToAsk: Step.CONTACT,
    sending.MayNotSign: Step.CONTACT,
}
"""At which question somebody can mend what stood in the way of filing."""
_SAID: dict[type[Problem], str] = {
    cases.QuoteOutdated: sentence("Nothing was filed: the costs are no longer what you saw. Please look at them again."),
    quotes.QuoteExpired: sentence("Nothing was filed: the costs are too old. Please look at them again."),
    cases.EndsInThePast: sentence("Nothing was filed: %(service)s would have ended on %(ends_on)s. Please choose a later day."),
    drafts.NotAnswered: sentence("Nothing was filed: this question is still open."),
    Invalid: sentence("Nothing was filed: this no longer fits the last day. Please look at it again."),
}
_LOOKS = {Step.WHEN, Step.COSTS}
_LONGEST_VERSION = 9


class Again(msgspec.Struct, frozen=True):
    """In which language a question is asked, and, where it is asked again, what was wrong and what was typed."""

    language: str
    errors: Errors = NO_ERRORS
    typed: Typed | None = None


@get("/terminations/new")
async def start(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """Which services are to end; without a customer: whose."""
    asked = request.query_params
    if "customer" not in asked:
        q = asked.get("q", "").strip()[:100]
        window = customers.LISTING.window(limit=20, q=q)
        found = window.page(await customers.page(window, q=q))
        return await _page(request, "start", block="found", q=q, found=found, drafts=await drafts.own(actor))
    return await _services(request, actor, _id(asked["customer"]), services_marked(asked.getall("service", [])))


@post("/terminations/new", guards=_WRITES)
async def begin(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """A draft exists for the services that were marked."""
    form = await forms.read(request)
    customer, chosen = _id(form.one("customer")), services_marked(form.all("service"))
    try:
        async with db.savepoint():
            draft = await drafts.begin(actor, customer, chosen)
    except Invalid as problem:
        return await _services(request, actor, customer, chosen, errors=forms.errors(problem, actor.language))
    return pages.to(f"/portal/drafts/{draft}/{Step.WHEN}")


@get("/terminations/preview")
async def preview(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """Dates and costs of ending services, for whoever only wants to look; nothing is kept."""
    chosen = services_marked(request.query_params.getall("service", []))
    if not chosen:
        return pages.to(_NEW)
    if len(chosen) > choices.MOST_CHOSEN:
        raise Invalid(FieldError("/service", "too-many-services", {"most": choices.MOST_CHOSEN, "in": "query"}))
    found, errors = await _tried(request, actor, chosen, Choice())
    said = words.looked(found, request, actor.language)
    return await _page(request, "preview", block="bill", shown=found.shown, errors=errors, **said)


async def _tried(request: Request[Any, Any, Any], actor: Actor, chosen: tuple[UUID, ...], kept: Choice) -> tuple[Look, Errors]:
    """The look at what the address tries out; where that cannot be, at what is kept, with what is wrong."""
    look = await choices.look(actor, chosen, kept)
    try:
        wanted = answers.tried(request)
        if wanted is not None and wanted.when is not choices.When.FREE:
            choices.must_fit(look.shown, wanted)
    except Invalid as problem:
        return look, forms.errors(problem, actor.language)
    return (choices.otherwise(look, wanted) if wanted else look), NO_ERRORS


@get("/drafts/{draft_id:uuid}", guards=_WRITES)
async def go_on(actor: auth.Acting, draft_id: FromPath[UUID]) -> Response[Any]:
    """On to the first question without an answer."""
    draft = await drafts.find(draft_id)
    if draft.termination is not None:
        return pages.to(_filed(draft.id))
    try:
        view = await _view(actor, draft)
    except Refused as problem:
        return _back(draft.id, problem, actor)
    return pages.to(view.address(view.open))


@get("/drafts/{draft_id:uuid}/{step:str}", guards=_WRITES)
async def ask(request: Request[Any, Any, Any], actor: auth.Acting, draft_id: FromPath[UUID], step: FromPath[str]) -> Response[Any]:
    """One question with what was answered to it; whoever comes too early is brought to the first open one."""
    draft, asked = await drafts.find(draft_id), _step(step)
    if draft.termination is not None:
        return pages.to(_filed(draft.id))
    if asked is Step.SERVICES:
        return await _services(request, actor, draft.customer, draft.answers.services, draft=draft)
    errors = NO_ERRORS
    try:
        if asked in _LOOKS:
            look, errors = await _tried(request, actor, draft.answers.services, draft.answers.choice or Choice())
            view = View.of(draft, look.chosen.shown, look)
        else:
            view = await _view(actor, draft)
        await choices.must_be_free(draft.answers.services if asked is Step.CHECK else ())
    except Refused as problem:
        return _back(draft.id, problem, actor)
    if not view.may_see(asked):
        return pages.to(view.address(view.open))
    return await _question(request, view, asked, Again(actor.language, errors))


@post("/drafts/{draft_id:uuid}/{step:str}", guards=_WRITES)
async def take(request: Request[Any, Any, Any], actor: auth.Acting, draft_id: FromPath[UUID], step: FromPath[str]) -> Response[Any]:
    """The answer is kept, and the next question asked; the last one files."""
    form, draft, asked = await forms.read(request), await drafts.find(draft_id), _step(step)
    if draft.termination is not None:
        return pages.to(_filed(draft.id))
    try:
        if asked is Step.SERVICES:
            return await _take_services(request, actor, draft, form)
        if asked is Step.CHECK:
            return await _file(actor, draft, form)
        return await _take(request, actor, draft, asked, form)
    except DraftChanged:
        return await _page(request, "changed", status=409, draft=await drafts.find(draft_id))
    except DraftFiled:
        return pages.to(_filed(draft.id))
    except Refused as problem:
        return _back(draft.id, problem, actor)


async def _take(request: Request[Any, Any, Any], actor: Actor, draft: Draft, asked: Step, form: Form) -> Response[Any]:
    view = await _view(actor, draft, with_look=asked in _LOOKS)
    if not view.may_see(asked):
        return pages.to(view.address(view.open))
    try:
        async with db.savepoint():
            kept = await drafts.answer(draft.id, _version(form), TAKE[asked](view, form))
    except Invalid as problem:
        return await _question(request, view, asked, Again(actor.language, forms.errors(problem, actor.language), form.typed))
    now = View.of(kept, choices.wishing(view.shown, kept.answers.choice or Choice()))
    return pages.to(now.address(now.after(asked)))


async def _take_services(request: Request[Any, Any, Any], actor: Actor, draft: Draft, form: Form) -> Response[Any]:
    chosen = services_marked(form.all("service"))
    try:
        async with db.savepoint():
            kept = await drafts.choose(draft.id, _version(form), chosen)
    except Invalid as problem:
        return await _services(request, actor, draft.customer, chosen, draft=draft, errors=forms.errors(problem, actor.language))
    now = await _view(actor, kept)
    return pages.to(now.address(now.after(Step.SERVICES)))


async def _file(actor: Actor, draft: Draft, form: Form) -> Response[Any]:
    try:
        async with db.savepoint():
            await drafts.file(actor, draft.id, _version(form))
    except Invalid as problem:
        return _back(draft.id, problem, actor)
    return pages.to(_filed(draft.id))


@get("/drafts/{draft_id:uuid}/filed")
async def filed(request: Request[Any, Any, Any], draft_id: FromPath[UUID]) -> Response[Any]:
    """What became of the draft: the case by its number, what happens next, and when."""
    draft = await drafts.find(draft_id)
    if draft.termination is None:
        return pages.to(f"/portal/drafts/{draft.id}")
    case = await cases.one(draft.termination)
    given: dict[str, Any] = {"case": case, "lines": await cases.lines(case["id"]), "asked": await words.whom(draft)}
    letter = await filings.letter(case["number"])
    last_moment = local_date(case["waits_until"] - timedelta(seconds=1)) if case["waits_until"] else None
    return await _page(request, "filed", block="paper", draft=draft, letter=letter, last_moment=last_moment, **given)


@get("/drafts/{draft_id:uuid}/filed.pdf")
async def filed_letter(draft_id: FromPath[UUID]) -> Response[bytes]:
    """What was filed, as a letter."""
    draft = await drafts.find(draft_id)
    case = await cases.one(draft.termination) if draft.termination else None
    letter = await filings.letter(case["number"]) if case else None
    if letter is None:
        raise NotFound(what="document")
    document, content = await files.fetch(letter.id)
    return Response(content, media_type=document.media_type, headers={"content-disposition": f'inline; filename="{document.filename}"'})


@post("/drafts/{draft_id:uuid}/removal", guards=_WRITES)
async def remove(draft_id: FromPath[UUID]) -> Response[Any]:
    """The draft is gone."""
    await drafts.remove(draft_id)
    return pages.to(_NEW, said=sentence("The draft is gone. Nothing was filed."))


async def _services(
    request: Request[Any, Any, Any],
    actor: Actor,
    customer: UUID,
    chosen: Sequence[UUID],
    *,
    draft: Draft | None = None,
    errors: Errors = NO_ERRORS,
) -> Response[Any]:
    q = request.query_params.get("q", "").strip()[:100]
    marked = [*chosen, *services_marked(request.query_params.getall("service", []))]
    found = await choices.candidates(customer, marked[: choices.MOST_CHOSEN], q, choices.MOST_SHOWN)
    others = [] if draft else await drafts.of_customer(customer)
    links = await _links(actor, draft) if draft else steps.at_the_start()
    given: dict[str, Any] = {
        "links": links,
        "found": found,
        "chosen": set(marked),
        "q": q,
        "drafts": others,
        "draft": draft,
        "errors": errors,
    }
    return await _page(request, "services", block="candidates", status=422 if errors else 200, customer_id=customer, **given)


async def _links(actor: Actor, draft: Draft) -> list[Link]:
    try:
        return (await _view(actor, draft)).links(Step.SERVICES)
    except Refused:  # what stands in the way is said among the services
        return steps.at_the_start()


async def _view(actor: Actor, draft: Draft, *, with_look: bool = False) -> View:
    chosen, choice = draft.answers.services, draft.answers.choice or Choice()
    if with_look:
        look = await choices.look(actor, chosen, choice)
        return View.of(draft, look.chosen.shown, look)
    return View.of(draft, await quotes.show(actor, choice.request(chosen), with_calendar=False))


async def _question(request: Request[Any, Any, Any], view: View, asked: Step, again: Again) -> Response[Any]:
    said = await WORDS[asked](view, request, again.language)
    given: dict[str, Any] = {"view": view, "step": asked, "errors": again.errors} | said
    if again.typed is not None:
        given["typed"] = again.typed
    return await _page(request, asked.value, block="bill" if asked is Step.WHEN else "", status=422 if again.typed else 200, **given)


async def _page(request: Request[Any, Any, Any], name: str, *, block: str = "", status: int = 200, **given: Any) -> Response[Any]:
    answer = await pages.page(request, f"terminations/wizard/{name}.html", block=block, status=status, **given)
    # Going back shows what was kept, never a page of before that would be taken for another tab.
    answer.headers["cache-control"] = "no-store"
    return answer


def _back(draft: UUID, problem: Problem, actor: Actor) -> Response[Any]:
    """To the question where it can be mended, which says first what stood in the way."""
    step = next((step for kind, step in _BACK_TO.items() if isinstance(problem, kind)), None)
    said = _SAID.get(type(problem)) or problems.words(type(problem)).detail
    facts = {name: _readable(value, actor.language) for name, value in problem.facts.items()}
    return pages.to(f"/portal/drafts/{draft}" + (f"/{step}" if step else ""), said=said, good=False, **facts)


def _readable(value: object, language: str) -> str:
    try:
        return formats.long_day(date.fromisoformat(str(value)), language)
    except ValueError:
        return str(value)


def _step(name: str) -> Step:
    if name not in set(Step):
        raise NotFound(what="page")
    return Step(name)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(what="customer") from error


def _version(form: Form) -> int:
    typed = form.one("version")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < _LONGEST_VERSION else 0


def _filed(draft: UUID) -> str:
    return f"/portal/drafts/{draft}/filed"


router = Router(
    "/portal",
    route_handlers=[start, begin, preview, go_on, ask, take, filed, filed_letter, remove],
    before_request=pages.for_members,
    include_in_schema=False,
)
