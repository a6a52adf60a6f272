"""Paying online: the link of an invoice nobody has paid, a payment that waits at the built-in gateway, and a link to give a mandate."""

from __future__ import annotations

from uuid import UUID

from billing.service import mandate_links, pay_links
from partner_portal.infra import db, outbox

from .stage import STAFF, Stage

_OPEN = """
SELECT i.id FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id
 WHERE i.customer = $1 AND s.open_cents > 0 AND i.kind <> 'credit note' AND i.issuer <> i.tenant ORDER BY i.id LIMIT 1
"""


async def _invite(stage: Stage) -> UUID:
    """The customer is asked for a mandate, by an issuer that collects."""
    async with db.unit_of_work(STAFF):
        await db.execute("UPDATE billing_issuer SET creditor_id = 'NL98ZZZ999999990000' WHERE creditor_id IS NULL")
    async with db.unit_of_work(STAFF):
        return await mandate_links.invite(stage.owner, UUID(str(stage.things["customer"])))


async def begin(stage: Stage) -> None:
    """Somebody pressed Pay, and stands before the gateway's page."""
    invoice = await stage.row(_OPEN, UUID(str(stage.things["customer"])))
    async with db.unit_of_work(STAFF):
        link = await pay_links.make(stage.owner, [invoice["id"]])
    path, invitation = pay_links.path(link), await _invite(stage)
    await stage.stranger.post(path)
    await outbox.drain()
    onward = await stage.stranger.get(f"{path}?going=1")
    stage.things |= {
        "mandate_link": mandate_links.path(invitation).rpartition("/")[2],
        "pay_link": path.rpartition("/")[2],
        "practice_payment": onward.headers.get("location", "").rpartition("/")[2],
    }
