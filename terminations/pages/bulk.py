"""Deciding on many services at once: when, what would happen to each and what is skipped, why and for whom; then how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import catalogue, clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor, Role
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Form, Typed

from ..policy.notices import day_typed
from ..service import bulk, deadlines, explain
from ..service.bulk import Skip, Verdict
from ..service.cases import Filing, Reason
from ..tables import BulkRound
from .deadlines import Wanted

PATH = "/portal/deadlines/bulk"
_LONGEST_COMMENT = 2000
_SKIPPED: dict[Skip, str] = {
    Skip.ENDED: sentence("It has ended."),
    Skip.ENDING: sentence("A termination is under way already."),
    Skip.ENDS_BY_ITSELF: sentence("It ends by itself on %(day)s; no notice is needed."),
    Skip.NEEDS_BUYOUT: sentence(
        "It is bound beyond that day: leaving then takes a buyout, to be filed on its own. It is free from %(day)s on."
    ),
    Skip.TOO_LATE: sentence("The notice comes too late for that day; the first possible one is %(day)s."),
    Skip.NOBODY: sentence("The customer has no main contact with an e-mail address, so nobody could confirm."),
    Skip.NO_PRICE: sentence("The provider has yet to set what it charges you for this service."),
    Skip.CHANGED: sentence("Its day or cost is no longer what you saw; look again."),
    Skip.REFUSED: sentence("It could not be filed together with others; file it on its own to see why."),
}
_UNDER_WAY = sentence("Termination %(case)s is under way for it already, with %(day)s as the last day.")


@get("/")
async def nothing_chosen(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Without a round there is nothing to show: services are chosen in the list."""
    return await pages.page(request, "terminations/deadlines/none.html")


@post("/")
async def begin(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The services chosen in the list, or all that the list shows, are looked at together."""
    form = await forms.read(request)
    wanted = Wanted.of({name: form.one(name) for name in ("window", "renews", "customer", "product", "fee_from", "q")})
    listed = form.one("scope") == "all"
    chosen = await deadlines.services_of(wanted.filter, bulk.MOST) if listed else _ids(form.all("service"))
    if not chosen:
        return pages.to(wanted.address(), said=sentence("Choose the services first that you want to end."), good=False)
    made = await bulk.begin(actor, chosen[: bulk.MOST])
    if listed and len(chosen) == bulk.MOST:
        return pages.to(
            f"{PATH}/{made}", said=sentence("These are the first %(most)s of the list; the others follow in a next round."), most=bulk.MOST
        )
    return pages.to(f"{PATH}/{made}")


def _ids(given: Sequence[str]) -> list[UUID]:
    found = []
    for text in dict.fromkeys(given):
        try:
            found.append(UUID(text))
        except ValueError as error:
            raise NotFound(what="service") from error
    return found


@get("/{round_id:uuid}")
async def show(request: Request[Any, Any, Any], round_id: FromPath[UUID], actor: auth.Acting) -> Response[bytes]:
    """What would happen; or, once it was confirmed, what has happened so far."""
    held = await bulk.one(round_id)
    if held.confirmed_at is not None:
        return await _outcome(request, held, actor)
    return await _preview(
        request, held, actor, Typed.of({"when": "day" if held.wished_on else "free", "wished_on": held.wished_on}), NO_ERRORS
    )


@post("/{round_id:uuid}/day")
async def choose_day(request: Request[Any, Any, Any], round_id: FromPath[UUID], actor: auth.Acting) -> Response[Any]:
    """The services are to end on another day: everything is looked at anew."""
    held = await bulk.one(round_id)
    form = await forms.read(request)
    try:
        async with db.savepoint():
            await bulk.wish(round_id, _wished(form))
    except Invalid as problem:
        return await _preview(request, held, actor, form.typed, forms.errors(problem, actor.language), status=422)
    return pages.to(f"{PATH}/{round_id}")


def _wished(form: Form) -> Any:
    if form.one("when") == "free":
        return None
    day = day_typed(form.one("wished_on"))
    if day is None:
        raise Invalid(FieldError("/wished_on", "no-day-ahead"))
    return day


@post("/{round_id:uuid}/filing")
async def file(request: Request[Any, Any, Any], round_id: FromPath[UUID], actor: auth.Acting) -> Response[Any]:
    """Everything that can be filed is filed, once."""
    held = await bulk.one(round_id)
    form = await forms.read(request)
    try:
        filing = _filing(form)
    except Invalid as problem:
        return await _preview(request, held, actor, form.typed, forms.errors(problem, actor.language), status=422)
    if not await bulk.confirm(actor, round_id, filing):
        said = sentence("A day has passed since this was computed. It was computed anew: look at it once more.")
        return pages.to(f"{PATH}/{round_id}", said=said, good=False)
    return pages.to(f"{PATH}/{round_id}")


def _filing(form: Form) -> Filing:
    faults = []
    if form.one("reason") not in set(Reason):
        faults.append(FieldError("/reason", "choose-a-reason"))
    if form.one("mandate") not in {"yes", "no"}:
        faults.append(FieldError("/mandate", "choose-from-when"))
    if len(form.one("comment")) > _LONGEST_COMMENT:
        faults.append(FieldError("/comment", "too-long", {"limit": _LONGEST_COMMENT}))
    if faults:
        raise Invalid(*faults)
    return Filing(reason=Reason(form.one("reason")), comment=form.one("comment"), has_mandate=form.one("mandate") == "yes")


async def _preview(
    request: Request[Any, Any, Any], held: BulkRound, actor: Actor, typed: Typed, errors: Errors, *, status: int = 200
) -> Response[bytes]:
    found = await bulk.items(held.id)
    going = [item for item in found if item.verdict.skipped is None]
    answers = [item.verdict.answer_by for item in going if item.verdict.answer_by]
    return await pages.page(
        request,
        "terminations/deadlines/bulk.html",
        status=status,
        round=held,
        going=going,
        skipped=[(item, _why(item.verdict, actor.language)) for item in found if item.verdict.skipped is not None],
        customers=len({item.customer for item in going}),
        total=sum(item.verdict.cost_cents or 0 for item in going),
        answer_by=min(answers, default=None),
        today=clock.today(),
        reasons=[(value, catalogue.text(words, actor.language)) for value, words in explain.REASONS.items()],
        typed=typed,
        errors=errors,
    )


async def _outcome(request: Request[Any, Any, Any], held: BulkRound, actor: Actor) -> Response[bytes]:
    found = await bulk.items(held.id)
    return await pages.page(
        request,
        "terminations/deadlines/filed.html",
        block="progress",
        round=held,
        counts=bulk.counted(found),
        filed=[item for item in found if item.case_id is not None],
        skipped=[(item, _why(item.verdict, actor.language)) for item in found if item.case_id is None and item.verdict.skipped is not None],
        total=len(found),
    )


def _why(verdict: Verdict, language: str) -> str:
    assert verdict.skipped is not None  # noqa: S101  # asked of what is skipped only
    if verdict.case is not None:
        return catalogue.text(_UNDER_WAY, language, case=verdict.case, day=verdict.ends_on)
    return catalogue.text(_SKIPPED[verdict.skipped], language, day=verdict.first_possible_end or verdict.ends_on or "")


router = Router(
    PATH,
    route_handlers=[nothing_chosen, begin, show, choose_day, file],
    guards=[auth.requires(Role.OWNER, Role.CLERK)],
    before_request=pages.for_members,
    include_in_schema=False,
)
