"""Ending services as JSON: preview, quote, case, and the steps that are the partner's."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from partner_portal.infra import clock, files
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth, conditional, lists
from partner_portal.web.money import MoneyIn, MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import ONLY_READS, from_members
from tenants.policy import Scope

from ..policy.afterwards import Wish
from ..policy.facts import Ground
from ..service import buyouts, case_list, cases, quotes, scheduling, sending, shown, steps
from ..service.buyouts import Answer, Payer
from ..service.cases import Filing, Reason
from ..service.shown import CalendarDetail, PreviewOut
from ..service.steps import Note
from ..tables import Termination
from ..workflow import IllegalStep, Party, State, legal_actions

ServiceIds = Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=50)]
Words = Annotated[str, Meta(max_length=2000)]


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which services are to end, from which day, and how.

    `notice_on` is the day notice is received, today by default; `early` asks for a buyout where the wished day comes before the contract's end.
    """

    service_ids: ServiceIds
    wished_on: date | None = None
    notice_on: date | None = None
    early: bool = False
    ground: Ground | None = None
    ground_told_on: date | None = None
    ground_effective_on: date | None = None

    def request(self) -> quotes.Request:
        """The same, as the rules ask it."""
        return quotes.Request(
            services=self.service_ids,
            received_on=self.notice_on or clock.today(),
            wished_on=self.wished_on,
            early=self.early,
            ground=self.ground,
            ground_told_on=self.ground_told_on,
            ground_effective_on=self.ground_effective_on,
        )


class AskPreview(Ask, frozen=True, kw_only=True):
    """What a preview is asked for; `calendar` says how fine: the days that stand out with each month's end, every day, or none."""

    calendar: CalendarDetail = CalendarDetail.MONTH


class QuoteOut(msgspec.Struct, frozen=True, kw_only=True):
    """A preview that was kept, bound by its hash, to be filed until `valid_until`."""

    id: UUID
    number: str
    valid_until: date
    sha256: str
    preview: PreviewOut


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quote to file. `mandate`: the partner states to hold the customer's mandate, so that notice counts from now and not from the customer's yes.

    `afterwards`: what the customer wants with telephone numbers, domain names and data of the services; what is left out is undecided.
    `contact_id`: which of the customer's contacts that may sign is asked to confirm; its main contact when left out.
    """

    quote_id: UUID
    reason: Reason
    comment: Words = ""
    mandate: bool = False
    afterwards: Annotated[tuple[Wish, ...], Meta(max_length=150)] = ()
    contact_id: UUID | None = None


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case as a list shows it."""

    id: UUID
    number: str
    state: State
    ends_on: date
    reason: Reason
    buyout: bool
    customer_number: str
    customer_name: str
    filed_at: datetime


class CaseLine(msgspec.Struct, frozen=True, kw_only=True):
    """One service of a case."""

    service_id: UUID
    number: str
    label: str
    ends_on: date
    billing_ends_on: date
    kind: str
    ended_at: datetime | None


class StepOut(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a case: what, by whom, for whom, when, how, having seen which text."""

    nth: int
    action: str
    state: State
    by: str
    on_behalf_of: str | None
    channel: str
    note: str
    text_version: str | None
    at: datetime


class CaseOut(msgspec.Struct, frozen=True, kw_only=True):
    """A case with its services and steps; `next` names what can happen, by whom."""

    id: UUID
    number: str
    state: State
    customer_number: str
    customer_name: str
    quote_number: str
    reason: Reason
    comment: str
    mandate: bool
    buyout: bool
    payer: Payer
    computed: MoneyOut
    agreed: MoneyOut | None
    received_on: date | None
    ends_on: date
    waits_until: datetime | None
    withdrawal_asked_at: datetime | None
    confirmation: str | None
    filed_at: datetime
    afterwards: tuple[Wish, ...]
    lines: list[CaseLine]
    steps: list[StepOut]
    next: dict[str, list[str]]

    @classmethod
    async def of(cls, case_id: UUID) -> tuple[CaseOut, int]:
        """The case as the database has it, with its version."""
        row = await cases.one(case_id)
        out = cls(
            id=row["id"],
            number=row["number"],
            state=State(row["state"]),
            customer_number=row["customer_number"],
            customer_name=row["customer_name"],
            quote_number=row["quote_number"],
            reason=Reason(row["reason"]),
            comment=row["comment"],
            mandate=row["has_mandate"],
            buyout=row["is_buyout"],
            payer=Payer(row["payer"]),
            computed=MoneyOut(text(row["computed_cents"])),
            agreed=None if row["agreed_cents"] is None else MoneyOut(text(row["agreed_cents"])),
            received_on=row["received_on"],
            ends_on=row["ends_on"],
            waits_until=row["waits_until"],
            withdrawal_asked_at=row["withdrawal_asked_at"],
            confirmation=f"/api/v1/terminations/{row['id']}/confirmation.pdf" if row["document"] else None,
            filed_at=row["filed_at"],
            afterwards=msgspec.json.decode(row["afterwards"], type=tuple[Wish, ...]),
            lines=[_line(line) for line in await cases.lines(case_id)],
            steps=[_step(step) for step in await cases.history(case_id)],
            next={party.value: [action.value for action in legal_actions(State(row["state"]), party)] for party in Party},
        )
        return out, row["version"]


class Remark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A remark that goes on record with a step."""

    note: Words = ""


class Counter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sum of one's own, as the payer's prices are given (excluding VAT for a business)."""

    amount: MoneyIn
    note: Words = ""


def _line(row: Any) -> CaseLine:
    return CaseLine(
        service_id=row["service"],
        number=row["number"],
        label=row["label"],
        ends_on=row["ends_on"],
        billing_ends_on=row["billing_ends_on"],
        kind=row["kind"],
        ended_at=row["ended_at"],
    )


def _step(row: Any) -> StepOut:
    return StepOut(
        nth=row["nth"],
        action=row["action"],
        state=State(row["state"]),
        by=row["actor_label"],
        on_behalf_of=row["on_behalf_of"],
        channel=row["channel"],
        note=row["note"],
        text_version=row["text_version"],
        at=row["at"],
    )


_WRITES = [auth.requires(Role.OWNER, Role.CLERK, Scope.TERMINATIONS)]


@post("/terminations/preview", status_code=200, opt={ONLY_READS: True})
async def preview(actor: auth.Acting, data: JSONBody[AskPreview]) -> PreviewOut:
    """Dates, cost sheet, calendar and applied rules of ending these services; nothing is kept."""
    return shown.out(await quotes.show(actor, data.request(), with_calendar=data.calendar is not CalendarDetail.NONE), data.calendar)


@post("/quotes", guards=_WRITES)
async def quote(actor: auth.Acting, data: JSONBody[Ask]) -> QuoteOut:
    """The preview, kept and bound by its hash: what can be filed."""
    kept = await quotes.keep(actor, data.request())
    return QuoteOut(
        id=kept.id, number=kept.number, valid_until=kept.valid_until, sha256=kept.sha256, preview=shown.out(kept.shown, CalendarDetail.NONE)
    )


@get("/terminations")
async def list_cases(
    request: Request[Any, Any, Any],
    status: Annotated[State | None, QueryParameter(name="state", description="Only cases in this state.")] = None,
    after: lists.After = None,
    limit: lists.Limit = 50,
) -> Response[lists.ListOut[CaseRow]]:
    """The partner's cases, newest first."""
    wanted = case_list.Filter(state=status)
    window = case_list.LISTING.window(after=after, limit=limit, **wanted.asked)
    found = await case_list.page(window, wanted)
    return lists.answer(request, window.page(found.rows), _row)


def _row(row: Any) -> CaseRow:
    return CaseRow(
        id=row["id"],
        number=row["number"],
        state=State(row["state"]),
        ends_on=row["ends_on"],
        reason=Reason(row["reason"]),
        buyout=row["is_buyout"],
        customer_number=row["customer_number"],
        customer_name=row["customer_name"],
        filed_at=row["filed_at"],
    )


@post("/terminations", guards=_WRITES)
async def file_case(actor: auth.Acting, data: JSONBody[File]) -> Response[CaseOut]:
    """File a quote: an ordinary end goes to the customer for confirmation, a buyout to the provider's finance first."""
    filing = Filing(reason=data.reason, comment=data.comment, has_mandate=data.mandate, afterwards=data.afterwards, contact=data.contact_id)
    case = await cases.file(actor, data.quote_id, filing)
    return await _answer(case.id, status_code=201, location=f"/api/v1/terminations/{case.id}")


@get("/terminations/{termination_id:uuid}")
async def show_case(request: Request[Any, Any, Any], termination_id: FromPath[UUID]) -> Response[CaseOut | None]:
    """One case, with its services, every step, and what can happen next."""
    out, version = await CaseOut.of(termination_id)
    return conditional.answer(request, out, version)


@post("/terminations/{termination_id:uuid}/withdrawal", guards=_WRITES)
async def withdraw(actor: auth.Acting, termination_id: FromPath[UUID], data: JSONBody[Remark]) -> Response[CaseOut]:
    """Withdraw the case; close to the end this asks the provider's finance (202)."""
    withdrawn = await scheduling.withdraw(actor, await Termination.find(termination_id), Note(text=data.note))
    return await _answer(termination_id, status_code=201 if withdrawn else 202)


@post("/terminations/{termination_id:uuid}/reminder", guards=_WRITES)
async def send_again(actor: auth.Acting, termination_id: FromPath[UUID], data: JSONBody[Remark]) -> Response[CaseOut]:
    """Send the link again, to whoever is the customer's main contact now; earlier links stop working."""
    await sending.send_again(actor, await Termination.find(termination_id), Note(text=data.note))
    return await _answer(termination_id, status_code=201)


@post("/terminations/{termination_id:uuid}/buyout/acceptance", guards=_WRITES)
async def accept_buyout(actor: auth.Acting, termination_id: FromPath[UUID], data: JSONBody[Remark]) -> Response[CaseOut]:
    """Accept the proposed buyout, where the partner pays it."""
    await buyouts.accept(actor, await Termination.find(termination_id), Answer(note=data.note))
    return await _answer(termination_id, status_code=201)


@post("/terminations/{termination_id:uuid}/buyout/refusal", guards=_WRITES)
async def refuse_buyout(actor: auth.Acting, termination_id: FromPath[UUID], data: JSONBody[Remark]) -> Response[CaseOut]:
    """Refuse the proposed buyout, where the partner pays it."""
    await buyouts.refuse(actor, await Termination.find(termination_id), Answer(note=data.note))
    return await _answer(termination_id, status_code=201)


@post("/terminations/{termination_id:uuid}/buyout/counter", guards=_WRITES)
async def counter_buyout(actor: auth.Acting, termination_id: FromPath[UUID], data: JSONBody[Counter]) -> Response[CaseOut]:
    """Propose another sum, where the partner pays the buyout."""
    await buyouts.counter(actor, await Termination.find(termination_id), data.amount.money().cents, Answer(note=data.note))
    return await _answer(termination_id, status_code=201)


@get("/terminations/{termination_id:uuid}/confirmation.pdf")
async def confirmation(termination_id: FromPath[UUID]) -> Response[bytes]:
    """The confirmation that customer, partner and provider got, byte for byte."""
    row = await cases.one(termination_id)
    if row["document"] is None:
        raise NotFound(what="document", id=str(termination_id))
    document, content = await files.fetch(row["document"])
    headers = {"content-disposition": f'inline; filename="{document.filename}"', "etag": f'"{document.sha256.hex()}"'}
    return Response(content, media_type=document.media_type, headers=headers)


async def _answer(case_id: UUID, *, status_code: int, location: str | None = None) -> Response[CaseOut]:
    out, version = await CaseOut.of(case_id)
    headers = {"etag": conditional.etag(version)} | ({"location": location} if location else {})
    return Response(out, status_code=status_code, headers=headers)


router = Router(
    "/",
    route_handlers=documented(
        [
            preview,
            quote,
            list_cases,
            file_case,
            show_case,
            withdraw,
            send_again,
            accept_buyout,
            refuse_buyout,
            counter_buyout,
            confirmation,
        ],
        NotFound,
        Invalid,
        NotAllowed,
        quotes.NoWholesalePrice,
        quotes.QuoteExpired,
        cases.QuoteOutdated,
        cases.ServiceAlreadyEnding,
        sending.NobodyToAsk,
        sending.MayNotSign,
        steps.TooLate,
        IllegalStep,
    ),
    before_request=from_members,
    tags=["terminations"],
)
