"""Paying online: the link of an invoice nobody has paid, and a payment that waits at the built-in gateway."""

from __future__ import annotations

from uuid import UUID

from billing.service import pay_links
from partner_portal.infra import db, outbox

from .stage import STAFF, Stage

_OPEN = """
SELECT i.id FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id
 WHERE i.customer = $1 AND s.open_cents > 0 AND i.kind <> 'credit note' AND i.issuer <> i.tenant ORDER BY i.id LIMIT 1
"""


async def begin(stage: Stage) -> None:
    """Somebody pressed Pay, and stands before the gateway's page."""
    invoice = await stage.row(_OPEN, UUID(str(stage.things["customer"])))
    async with db.unit_of_work(STAFF):
        link = await pay_links.make(stage.owner, [invoice["id"]])
    path = pay_links.path(link)
    await stage.stranger.post(path)
    await outbox.drain()
    onward = await stage.stranger.get(f"{path}?going=1")
    stage.things |= {"pay_link": path.rpartition("/")[2], "practice_payment": onward.headers.get("location", "").rpartition("/")[2]}
