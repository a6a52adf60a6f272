"""Paying online: the link of an invoice nobody has paid, a payment that waits at the built-in gateway, a link to give a mandate, and one in force."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from billing.policy.ledger import DraftLine, Layer, LineKind
from billing.policy.tax import Vat
from billing.service import issuing, mandate_links, mandates, parties, pay_links
from billing.service.issuing import Draft
from billing.service.mandates import NewMandate
from partner_portal.infra import clock, db, outbox

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


async def _collected(stage: Stage) -> UUID:
    """The customer has a mandate on paper, and an invoice of today is to be collected by it; what was billed before is not."""
    tenant, customer = stage.owner.tenant, UUID(str(stage.things["customer"]))
    assert tenant is not None  # noqa: S101  # the owner's
    line = DraftLine(kind=LineKind.OTHER, description="Werkzaamheden", amount_cents=7_500, unit_price=Decimal(75), vat=Vat())
    async with db.unit_of_work(STAFF):
        sender = await parties.sender(tenant, Layer.CUSTOMER)
        new = NewMandate(holder="Bakkerij De Korst", iban="NL91ABNA0417164300", signed_on=clock.today())
        mandate = await mandates.sign(stage.owner, tenant, customer, sender.tenant, new)
        await issuing.issue(Draft(tenant=tenant, customer=customer, lines=[line]))
    return mandate


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
        "mandate": await _collected(stage),
        "mandate_link": mandate_links.path(invitation).rpartition("/")[2],
        "pay_link": path.rpartition("/")[2],
        "practice_payment": onward.headers.get("location", "").rpartition("/")[2],
    }
