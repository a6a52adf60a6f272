"""What time makes of deadlines, who hears of them, and rounds of many services that are filed part by part."""

from __future__ import annotations

from partner_portal.infra import mail, outbox, settings, tokens
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.events import Event
from tenants.service import brands

from ..events import BulkConfirmed, DigestDue
from ..service import bulk, deadline_keeping, deadline_readers, deadlines, figures
from ..service.cases import Filing, Reason
from ..service.deadlines import Filter, Watched, Within

_MOST_SOON, _MOST_MISSED = 10, 5


async def keep_deadlines() -> None:
    """Every deadline is what would be computed today."""
    await deadline_keeping.refresh_all()


async def tell_members() -> None:
    """Whoever is to hear of this week's deadlines will, once."""
    await deadline_readers.decide_digests()


async def send_digest(event: DigestDue) -> None:
    """The member has the deadlines of the next days by mail, as they are now; none when nothing is due any more."""
    row, due = await deadline_readers.member(event.member_id), await figures.notices_due()
    if row is None or not (due.overdue or due.within_30):
        return
    address = settings.current().public_url
    await mail.queue(
        f"digest:{event.member_id}:{event.monday}",
        "terminations/deadline_digest",
        to=row["email"],
        language=row["language"],
        brand=await brands.of_tenant(event.tenant_id),
        envelope=Envelope(about=event.member_id, unsubscribe=f"{address}/calendar/{tokens.placeholder('token', row['reader'])}/digest"),
        due=due,
        soon=await _first(Within.DAYS_30, _MOST_SOON),
        missed=await _first(Within.OVERDUE, _MOST_MISSED),
        monday=event.monday,
        link=f"{address}/portal/deadlines?window={Within.DAYS_30 if due.within_30 else Within.OVERDUE}",
    )


async def _first(window: Within, most: int) -> list[Watched]:
    wanted = Filter(window=window)
    return (await deadlines.page(deadlines.listing(wanted).window(limit=most), wanted)).rows[:most]


async def file_round(event: BulkConfirmed) -> None:
    """The next customers of a confirmed round have their cases, filed by whoever confirmed it."""
    held = await bulk.one(event.round_id)
    if held.done_at is not None:
        return
    _, _, member = held.created_by.partition(":")
    actor = Actor(kind=ActorKind.MEMBER, id=member, tenant=event.tenant_id, label=held.created_by_label, channel="portal")
    filing = Filing(reason=Reason(held.reason), comment=held.comment, has_mandate=held.has_mandate)
    await bulk.file_some(actor, event.round_id, filing, part=event.part)


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {BulkConfirmed: [file_round], DigestDue: [send_digest]}
DAILY = [keep_deadlines, tell_members]
