"""The notices that came in on the partner's public pages: what waits for somebody to look, attach to a service, answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import catalogue, clock, db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused
from partner_portal.web import auth, errors, forms, lists, pages, problems
from partner_portal.web.forms import NO_ERRORS, Errors, Form

from ..policy import notices as policy
from ..policy.cooling_off import refund_by
from ..policy.facts import Ground
from ..policy.notices import NoticeKind, NoticeState
from ..service import notices, placing
from ..service.notices import LISTING
from ..service.placing import Attach
from ..tables import ReceivedNotice

Page = Response[bytes]
PATH = "/portal/notices"
SHOWN = {"open": NoticeState.OPEN, "filed": NoticeState.FILED, "all": None}
GROUNDS: dict[str, str] = {
    "": sentence("No: file it as an ordinary end"),
    Ground.NON_CONFORMITY.value: sentence("Yes: the service falls short"),
    Ground.CHANGE.value: sentence("Yes: terms or prices were changed"),
    Ground.PRICE_3M.value: sentence("Yes: the price rose within three months"),
    Ground.RELOCATION.value: sentence("Yes: the customer moves and the service cannot"),
    Ground.DEATH.value: sentence("Yes: the contract holder has died"),
    Ground.FORCE_MAJEURE.value: sentence("Yes: it fails through nobody's fault"),
}
USUAL_ANSWERS = {
    policy.WhyOpen.NO_MATCH.value: sentence(
        "We find no contract with the details you gave. Please send us your customer number or a copy of an invoice. The day on which we received"
        " your notice stays the same."
    ),
    policy.WhyOpen.COOLING_OFF_OVER.value: sentence(
        "The cooling-off period of this contract is over, so it cannot be withdrawn from any more. You can end it by notice: tell us if we may"
        " read your message as such. The day on which we received it stays the same."
    ),
}
USUAL_ANSWER = sentence(
    "We cannot tell for certain which contract you mean, or whether you may end it. Please send us your customer number, or call us. The day on"
    " which we received your notice stays the same."
)


@get("/")
async def listed(request: Request[Any, Any, Any]) -> Page:
    """The notices that wait for somebody, those that a case stands for, or all."""
    asked = request.query_params.get("state", "open")
    chosen = asked if asked in SHOWN else "open"
    try:
        window = LISTING.window(after=request.query_params.get("after") or None, state=chosen)
    except Invalid:  # the cursor of another list, which an old address may hold
        window = LISTING.window(state=chosen)
    page = window.page(await notices.page(window, state=SHOWN[chosen]))
    return await pages.page(
        request,
        "terminations/notice/list.html",
        rows=page.rows,
        chosen=chosen,
        today=clock.today(),
        waiting=await notices.waiting(),
        page_address=await _public_address(request),
        pager={
            "previous": f"{PATH}?state={chosen}" if window.last else "",
            "next": lists.next_address(request, page.next) if page.next else "",
        },
    )


async def _public_address(request: Request[Any, Any, Any]) -> str:
    actor = auth.acting(request.scope)
    assert actor.tenant is not None  # noqa: S101  # members have one
    return notices.page_address(await notices.code_of(actor.tenant))


@get("/{notice_id:uuid}")
async def show(request: Request[Any, Any, Any], notice_id: FromPath[UUID]) -> Page:
    """What was received, whose it could be, and what can be done with it."""
    return await _show(request, notice_id)


@post("/{notice_id:uuid}/attachment", guards=[auth.requires(Role.OWNER, Role.CLERK)])
async def attach(request: Request[Any, Any, Any], actor: auth.Acting, notice_id: FromPath[UUID]) -> Response[Any]:
    """It means these services: a case stands for it from the instant of the notice, and the customer is asked to verify."""
    form = await forms.read(request)
    try:
        async with db.savepoint():
            case = await placing.attach(actor, await ReceivedNotice.find(notice_id), await _how(form))
    except (Invalid, Refused, NotFound) as problem:
        return await _again(request, notice_id, form, problem)
    return pages.to(
        f"{PATH}/{notice_id}", said=sentence("Termination %(number)s is filed; the customer is asked to confirm it."), number=case.number
    )


async def _how(form: Form) -> Attach:
    chosen = [UUID(service) for service in form.all("services") if _is_id(service)]
    typed = await placing.services_called(form.one("number"))
    ground = form.one("ground")
    effective = form.one("effective_on")
    if effective and policy.day_typed(effective) is None:
        raise Invalid(FieldError("/effective_on", "no-day"))
    return Attach(
        services=tuple(dict.fromkeys([*chosen, *typed])),
        ground=Ground(ground) if ground in GROUNDS and ground else Ground.COOLING_OFF if ground == Ground.COOLING_OFF else None,
        effective_on=policy.day_typed(effective),
    )


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@post("/{notice_id:uuid}/answer", guards=[auth.requires(Role.OWNER, Role.CLERK)])
async def answer(request: Request[Any, Any, Any], actor: auth.Acting, notice_id: FromPath[UUID]) -> Response[Any]:
    """The sender gets an answer, and nobody needs to look any more."""
    form = await forms.read(request)
    try:
        async with db.savepoint():
            notice = await ReceivedNotice.find(notice_id)
            if notices.can_be_written_to(notice.email):
                await notices.answer(actor, notice, form.one("answer"))
                said = sentence("Your answer is on its way to the sender.")
            else:
                await notices.close_without_mail(actor, notice, form.one("answer"))
                said = sentence("The notice is closed with your note.")
    except (Invalid, Refused) as problem:
        return await _again(request, notice_id, form, problem)
    return pages.to(f"{PATH}/{notice_id}", said=said)


async def _again(request: Request[Any, Any, Any], notice_id: UUID, form: Form, problem: Invalid | Refused | NotFound) -> Page:
    spoken = auth.acting(request.scope).language
    if isinstance(problem, Invalid):
        return await _show(request, notice_id, form=form, wrong=forms.errors(problem, spoken), status=422)
    return await _show(request, notice_id, form=form, refused=_refusal(problem, spoken), status=409)


def _refusal(problem: Refused | NotFound, spoken: str) -> str:
    said = problems.words(type(problem))
    return errors.say(said.detail or said.title, spoken, problem.facts)


async def _show(
    request: Request[Any, Any, Any],
    notice_id: UUID,
    *,
    form: Form | None = None,
    wrong: Errors = NO_ERRORS,
    refused: str = "",
    status: int = 200,
) -> Page:
    row = await notices.one(notice_id)
    notice = await ReceivedNotice.get(notice_id)
    actor = auth.acting(request.scope)
    waits = NoticeState(notice.state) in {NoticeState.OPEN, NoticeState.ANSWERED}
    found = await placing.suggestions(notice) if waits else ()
    typed = form.typed if form else forms.Typed.of({"answer": _usual_answer(notice, actor.language), "ground": _usual_ground(notice)})
    return await pages.page(
        request,
        "terminations/notice/page.html",
        status=status,
        notice=notice,
        row=row,
        suggestions=found,
        may_deal=actor.has_any(Role.OWNER, Role.CLERK) and waits,
        can_mail=notices.can_be_written_to(notice.email),
        refund_by=refund_by(clock.civil_day(notice.received_at)),
        grounds=_grounds(notice, actor.language),
        typed=typed,
        errors=wrong,
        refused=refused,
        today=clock.today(),
    )


def _usual_answer(notice: ReceivedNotice, spoken: str) -> str:
    # In the sender's own language, as the page was read.
    said = USUAL_ANSWERS.get(notice.why or "", USUAL_ANSWER)
    return catalogue.text(said, notice.language if notice.language in ("nl", "en") else spoken)


def _usual_ground(notice: ReceivedNotice) -> str:
    return Ground.COOLING_OFF.value if notice.kind == NoticeKind.COOLING_OFF and notice.why != policy.WhyOpen.COOLING_OFF_OVER else ""


def _grounds(notice: ReceivedNotice, spoken: str) -> list[tuple[str, str]]:
    own = {Ground.COOLING_OFF.value: sentence("Yes: within the cooling-off period")} if notice.kind == NoticeKind.COOLING_OFF else {}
    return [(value, catalogue.text(word, spoken)) for value, word in {**GROUNDS, **own}.items()]


router = Router(PATH, route_handlers=[listed, show, attach, answer], include_in_schema=False, before_request=pages.for_members)
