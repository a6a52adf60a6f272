"""What time makes of deadlines, and rounds of many services that are filed part by part."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.events import Event

from ..events import BulkConfirmed
from ..service import bulk, deadline_keeping
from ..service.cases import Filing, Reason


async def keep_deadlines() -> None:
    """Every deadline is what would be computed today."""
    await deadline_keeping.refresh_all()


async def file_round(event: BulkConfirmed) -> None:
    """The next customers of a confirmed round have their cases, filed by whoever confirmed it."""
    held = await bulk.one(event.round_id)
    if held.done_at is not None:
        return
    _, _, member = held.created_by.partition(":")
    actor = Actor(kind=ActorKind.MEMBER, id=member, tenant=event.tenant_id, label=held.created_by_label, channel="portal")
    filing = Filing(reason=Reason(held.reason), comment=held.comment, has_mandate=held.has_mandate)
    await bulk.file_some(actor, event.round_id, filing, part=event.part)


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {BulkConfirmed: [file_round]}
DAILY = [keep_deadlines]
