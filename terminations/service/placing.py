"""Whose notice it is: found among the partner's services or another's, filed as a case in the customer's name, and never let go unanswered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import msgspec
import structlog

from billing.policy.agreed import Channel
from billing.policy.ledger import Layer
from partner_portal.infra import clock, db, outbox, tokens
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Problem
from tenants.policy import Segment

from ..events import NoticeArrived, NoticeFiled, NoticeOverdue, NoticeUnplaced
from ..policy import notices as policy
from ..policy.cooling_off import open_for_certain_until
from ..policy.facts import Ground
from ..policy.notices import Candidate, Claim, NoticeKind, NoticeState, Seen, WhyOpen
from ..tables import Quote, ReceivedNotice, Termination
from ..workflow import State
from . import cases, notices, quotes
from .cases import FiledBy, Filing, Reason, ServiceAlreadyEnding
from .notices import CHANNEL
from .quotes import Request

log = structlog.get_logger()

_MOST_CANDIDATES = 200
_PATIENCE = timedelta(hours=1)
"""After this time a notice that the portal itself could not place is a person's."""

_CANDIDATES = """
WITH pointed AS (
    SELECT tenant, customer FROM billing_service WHERE number = ANY($1)
    UNION SELECT tenant, id FROM customer WHERE number = ANY($1)
    UNION SELECT tenant, customer FROM contact WHERE lower(email) = ANY($2) AND (active_until IS NULL OR active_until >= $3))
SELECT s.id, coalesce(s.number, '') AS number, coalesce(s.label, '') AS label, c.id AS customer, c.tenant, c.number AS customer_number, c.name AS customer_name,
       coalesce(array_agg(k.name) FILTER (WHERE k.id IS NOT NULL), '{}') AS contact_names,
       coalesce(array_agg(k.email) FILTER (WHERE k.id IS NOT NULL), '{}') AS contact_emails
  FROM pointed p JOIN customer c ON c.tenant = p.tenant AND c.id = p.customer
  LEFT JOIN billing_service s ON s.tenant = c.tenant AND s.customer = c.id AND s.ended_at IS NULL
  LEFT JOIN contact k ON k.tenant = c.tenant AND k.customer = c.id AND (k.active_until IS NULL OR k.active_until >= $3)
 GROUP BY s.id, s.number, s.label, c.id, c.tenant, c.number, c.name
 ORDER BY (s.number = ANY($1)) IS TRUE DESC, s.number, s.id LIMIT $4
"""


class Attach(msgspec.Struct, frozen=True, kw_only=True):
    """How a person files a notice: for which services, and on which ground where it was given for a reason."""

    services: tuple[UUID, ...]
    ground: Ground | None = None
    effective_on: date | None = None


async def place(notice_id: UUID) -> None:
    """A notice nobody has looked at stands as a case in its customer's name, or waits for a person who is told why."""
    notice = await ReceivedNotice.find(notice_id)
    if NoticeState(notice.state) is not NoticeState.RECEIVED:
        return
    found = policy.match(_claim(notice), [candidate for _tenant, candidate in await _candidates(notice)])
    customer = UUID(found.customer) if found.customer else None
    why = WhyOpen.SUSPECT if notice.is_suspect else found.why or await _for_a_person(notice, found.services)
    if why is None:
        why = await _try_to_file(notice, tuple(UUID(service) for service in found.services))
    if why is not None:
        await notices.leave_to_person(notice, why, customer=customer)
    if why is WhyOpen.NO_MATCH and notice.handed_from is None:
        await outbox.publish(NoticeUnplaced(tenant_id=notice.tenant, notice_id=notice.id))


def _claim(notice: ReceivedNotice) -> Claim:
    return Claim(name=notice.name, customer=notice.customer_text, contract=notice.contract_text, email=notice.email)


async def _candidates(notice: ReceivedNotice) -> list[tuple[UUID, Candidate]]:
    """What the notice points at among the services that this unit of work sees, each with its tenant."""
    claim = _claim(notice)
    numbers = policy.numbers_in(claim.contract, claim.customer)
    emails = policy.emails_in(claim.email, claim.customer, claim.contract)
    rows = await db.fetch(_CANDIDATES, list(numbers), list(emails), clock.today(), _MOST_CANDIDATES)
    return [
        (
            row["tenant"],
            Candidate(
                service=str(row["id"] or ""),
                number=row["number"],
                label=row["label"],
                customer=str(row["customer"]),
                customer_number=row["customer_number"],
                customer_name=row["customer_name"],
                contact_names=tuple(row["contact_names"]),
                contact_emails=tuple(row["contact_emails"]),
            ),
        )
        for row in rows
    ]


async def suggestions(notice: ReceivedNotice) -> tuple[Seen, ...]:
    """The services of the acting partner that something in the notice points at, the likeliest first."""
    return policy.seen(_claim(notice), [candidate for _tenant, candidate in await _candidates(notice)])


async def _for_a_person(notice: ReceivedNotice, services: Sequence[str]) -> WhyOpen | None:
    """Why a person must judge a notice although it is known which services it means."""
    if notice.kind == NoticeKind.EXTRAORDINARY:
        return WhyOpen.NEEDS_JUDGEMENT
    if notice.kind == NoticeKind.COOLING_OFF and not await _within_cooling_off(notice, services):
        return WhyOpen.COOLING_OFF_OVER
    return None


async def _within_cooling_off(notice: ReceivedNotice, services: Sequence[str]) -> bool:
    rows = await db.fetch(
        "SELECT s.signed_on, s.channel, c.segment FROM billing_service s JOIN customer c ON c.id = s.customer WHERE s.id = ANY($1::uuid[])",
        [UUID(service) for service in services],
    )
    declared_on = clock.civil_day(notice.received_at)
    last_days = [open_for_certain_until(Segment(row["segment"]), Channel(row["channel"]), row["signed_on"]) for row in rows]
    return all(day is not None and declared_on <= day for day in last_days)


async def _try_to_file(notice: ReceivedNotice, services: tuple[UUID, ...]) -> WhyOpen | None:
    """None when the case stands; else why a person has to file it, and nothing was done."""
    ground = Ground.COOLING_OFF if notice.kind == NoticeKind.COOLING_OFF else None
    try:
        async with db.savepoint():
            await _file(await _in_the_name_of_the_customer(notice, services), notice, Attach(services=services, ground=ground))
    except ServiceAlreadyEnding:
        return WhyOpen.ALREADY_ENDING
    except Problem as problem:  # whatever the rules say: the notice was received, and a person sees to it
        log.info("notice.could_not_be_filed", notice=notice.number, problem=problem.code)
        return WhyOpen.COULD_NOT_FILE
    return None


async def _in_the_name_of_the_customer(notice: ReceivedNotice, services: Sequence[UUID]) -> Actor:
    row = await db.fetch_one("SELECT c.name FROM billing_service s JOIN customer c ON c.id = s.customer WHERE s.id = $1", services[0])
    # The name on file, not the one that was typed: nothing a stranger types reaches the customer's mail.
    return Actor(
        kind=ActorKind.CUSTOMER,
        id=str(notice.id),
        tenant=notice.tenant,
        label=row["name"] if row else "",
        channel=CHANNEL,
        language=notice.language,
    )


async def _file(actor: Actor, notice: ReceivedNotice, attach: Attach, *, early: bool = False) -> Termination:
    received_on = clock.civil_day(notice.received_at)
    request = Request(
        services=attach.services,
        received_on=received_on,
        wished_on=notice.wished_on,
        early=early,
        ground=attach.ground,
        ground_told_on=received_on if attach.ground else None,
        ground_effective_on=attach.effective_on,
        notice=notice.id,
    )
    request = await _not_in_the_past(actor, request)
    quote = await quotes.keep(actor, request)
    case = await cases.file(actor, quote.id, Filing(reason=Reason.NOT_SAID, by=FiledBy.NOTICE, received_at=notice.received_at))
    await notices.move(notice, NoticeState.FILED, termination=case.id, customer=case.customer)
    await outbox.publish(NoticeFiled(tenant_id=notice.tenant, notice_id=notice.id, termination_id=case.id))
    return case


async def _not_in_the_past(actor: Actor, request: Request) -> Request:
    """The request as it can still be carried out: what should have ended before today, because nobody looked, ends today."""
    shown = await quotes.show(actor, request, with_calendar=False)
    ends = [service.ending.ends_on for service in shown.previews[Layer.CUSTOMER].services]
    return request if min(ends) >= clock.today() else msgspec.structs.replace(request, wished_on=clock.today())


async def attach(actor: Actor, notice: ReceivedNotice, how: Attach) -> Termination:
    """A case stands for the locked notice, received at the notice's own instant; the customer is asked to verify it.

    Raises DealtWithBefore, Invalid, NotFound for a service that is not the partner's, and whatever filing refuses.
    """
    if not how.services:
        raise Invalid(FieldError("/services", "empty"))
    _must_wait(notice)
    # Staff see every partner's services: those of the notice's own partner alone can be meant here.
    own = await db.fetch("SELECT id FROM billing_service WHERE id = ANY($1::uuid[]) AND tenant = $2", list(how.services), notice.tenant)
    if missing := set(how.services) - {row["id"] for row in own}:
        raise NotFound(what="service", id=str(min(missing)))
    return await _file(msgspec.structs.replace(actor, tenant=notice.tenant), notice, how)


def _must_wait(notice: ReceivedNotice) -> None:
    state = NoticeState(notice.state)
    if state is NoticeState.FILED or NoticeState.FILED not in policy.NEXT[state]:
        raise notices.DealtWithBefore(number=notice.number, state=notice.state)


async def services_called(typed: str) -> tuple[UUID, ...]:
    """The services whose numbers were typed, of whichever partners this unit of work sees; Invalid naming the first that is none."""
    found = []
    for number in typed.replace(",", " ").split():
        rows = await db.fetch("SELECT id FROM billing_service WHERE number = ANY($1)", [number, number.upper()])
        if len(rows) != 1:
            raise Invalid(FieldError("/number", "several-services" if rows else "no-such-service", {"value": number[:40]}))
        found.append(rows[0]["id"])
    return tuple(dict.fromkeys(found))


async def home_of(services: Sequence[UUID]) -> UUID:
    """The partner whose services these are; Invalid where they are of several, or none."""
    rows = await db.fetch("SELECT DISTINCT tenant FROM billing_service WHERE id = ANY($1::uuid[])", list(services))
    if len(rows) != 1:
        raise Invalid(FieldError("/number", "one-customer" if rows else "empty"))
    tenant: UUID = rows[0]["tenant"]
    return tenant


async def look_elsewhere(tenant: UUID, notice_id: UUID) -> None:
    """A notice that matches nothing of the partner at whose page it was given is with the one partner it does match, from the same instant.

    Through the staff door: a partner may not look among another's customers, so neither learns anything of the other's.
    """
    notice = await ReceivedNotice.find(notice_id)
    if notice.tenant != tenant:
        raise NotFound(what="notice", id=str(notice_id))
    if NoticeState(notice.state) is not NoticeState.OPEN or notice.why != WhyOpen.NO_MATCH:
        return
    found = await _candidates(notice)
    match = policy.match(_claim(notice), [candidate for _tenant, candidate in found])
    homes = {tenant for tenant, candidate in found if candidate.service in match.services} - {notice.tenant}
    if len(homes) == 1:
        await hand_over(notice, homes.pop())


async def hand_over(notice: ReceivedNotice, home: UUID) -> ReceivedNotice:
    """The locked notice is with another partner, under the same number and from the same instant, and closed where it came in.

    Through the staff door. Raises DealtWithBefore.
    """
    await notices.move(notice, NoticeState.HANDED_OVER)
    copy = new_id()
    kept = ("number", "kind", "name", "customer_text", "contract_text", "reason", "wished", "wished_on", "email", "language", "is_suspect")
    arrived = ReceivedNotice(
        id=copy,
        tenant=home,
        press=tokens.token(copy),
        token_sha256=tokens.sha256(tokens.token(copy)),
        is_confirmed=notice.is_confirmed,
        handed_from=notice.id,
        received_at=notice.received_at,
        state=NoticeState.RECEIVED,
        **{name: getattr(notice, name) for name in kept},
    )
    await ReceivedNotice.insert(arrived)
    await outbox.publish(NoticeArrived(tenant_id=home, notice_id=copy))
    return arrived


async def of_case(case: UUID) -> ReceivedNotice | None:
    """The notice for which this case stands now, locked; None where it came otherwise, or another case took its place."""
    row: ReceivedNotice | None = await ReceivedNotice.objects().where(ReceivedNotice.termination == case).first().lock_rows()
    return row


async def case_is_over(case_id: UUID) -> None:
    """The notice behind a case that stands or is closed now goes on as it must: carried out, answered, or back with a person."""
    case = await Termination.get(case_id)
    notice = await of_case(case_id)
    if notice is None or NoticeState(notice.state) is not NoticeState.FILED:
        return
    state = State(case.state)
    if state in {State.SCHEDULED, State.ENDED}:
        await notices.settle(notice, NoticeState.CARRIED_OUT)
    elif state is State.REFUSED and not case.is_buyout:
        # The contact on file says that it wants nothing to end; whoever wrote is told that nothing could be verified.
        await notices.settle(notice, NoticeState.ANSWERED, why=WhyOpen.DENIED)
    elif state in {State.REFUSED, State.EXPIRED, State.WITHDRAWN}:
        await _fall_back(notice, case, WhyOpen.UNVERIFIED if state is State.EXPIRED else WhyOpen.TAKEN_BACK)


async def _fall_back(notice: ReceivedNotice, case: Termination, why: WhyOpen) -> None:
    """A notice whose earlier day came to nothing ends on the ordinary one after all; any other is a person's again."""
    quote: Quote = await Quote.get(case.quote)
    asked = quotes.request_of(quote)
    if asked.early and await _try_to_file(notice, asked.services) is None:
        return
    await notices.leave_to_person(notice, why)


async def watch() -> None:
    """What the portal could not place itself within the hour is a person's, and whoever should have looked by now is reminded, once a day."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        rows = await db.fetch(
            "SELECT id, tenant FROM received_notice WHERE (state = 'received' AND received_at < $1)"
            " OR (state = 'open' AND look_by < $2 AND (reminded_at IS NULL OR reminded_at < $3))",
            *(clock.now() - _PATIENCE, clock.today(), clock.now() - timedelta(days=1)),
        )
    for row in rows:
        try:
            async with db.unit_of_work(Principal(Door.TENANT, row["tenant"], "system:daily")):
                await _see_to(await ReceivedNotice.find(row["id"]))
        except Exception as error:  # tried again at the next round; the others must not wait for it
            log.exception("daily.notice_failed", notice=str(row["id"]), error=type(error).__name__)


async def _see_to(notice: ReceivedNotice) -> None:
    state = NoticeState(notice.state)
    if state is NoticeState.RECEIVED:
        await notices.leave_to_person(notice, WhyOpen.NOT_LOOKED_AT)
    elif state is NoticeState.OPEN and notice.look_by is not None and notice.look_by < clock.today():
        await db.execute("UPDATE received_notice SET reminded_at = $2 WHERE id = $1", notice.id, clock.now())
        await outbox.publish(NoticeOverdue(tenant_id=notice.tenant, notice_id=notice.id, look_by=clock.today()))
