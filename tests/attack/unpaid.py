"""What the attacked partner has of reminders, holds, plans and stopped services."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from billing.policy.late import Charged, Reckoning
from billing.policy.ledger import Layer
from billing.policy.reminding import Held
from billing.service import holds, late, plans
from billing.service.late import Note
from billing.service.plans import InstalmentWanted
from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.dates import Period
from tests.world import FINANCE, STAFF_DOOR, Partner


async def remind(of: Partner, invoice: UUID, service: UUID) -> tuple[UUID, UUID]:
    """The invoice was reminded of and is held as agreed in a plan; the service has stopped and works again. Returns the plan, and a hold of the customer."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one(
            "SELECT s.open_cents, i.customer FROM billing_standing s JOIN billing_invoice i ON i.id = s.invoice WHERE i.id = $1", invoice
        )
        assert row
        agreed = [InstalmentWanted(clock.today() + timedelta(days=9), row["open_cents"])]
        plan = await plans.agree(FINANCE, [invoice], agreed, note="Geheime afspraak")
        hold = await holds.on_customer(FINANCE, row["customer"], Held.DISPUTED, note="Geheim bezwaar")
        await db.execute(
            "INSERT INTO billing_reminder (id, tenant, invoice, level, letter, sent_on, open_cents, words)"
            " VALUES (gen_random_uuid(), $1, $2, 1, gen_random_uuid(), $3, $4, '{}')",
            *(of.id, invoice, clock.today(), row["open_cents"]),
        )
        await charge(of, invoice)
        for nth, because in ((1, "unpaid"), (2, "held")):
            await db.execute(
                "INSERT INTO billing_suspension (id, tenant, service, nth, invoice, because, happened_on)"
                " VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6)",
                *(of.id, service, nth, invoice, because, clock.today()),
            )
    return plan, hold


async def charge(of: Partner, invoice: UUID) -> None:
    """Interest and costs of the invoice, as after its last letter."""
    row = await db.fetch_one("SELECT customer, issuer, number, due_on FROM billing_invoice WHERE id = $1", invoice)
    assert row
    note = Note(
        letter=new_id(), tenant=of.id, customer=row["customer"], issuer=row["issuer"], layer=Layer.CUSTOMER, debtor_name="Geheim", is_consumer=False,
        sent_on=clock.today(), term_ended_on=clock.today(), said_costs_cents=4000, numbers={invoice: row["number"]},
        reckoned=Reckoning(charged=(Charged(invoice, 1210, 0, Period(clock.today(), clock.today())),), costs_cents=4000),
    )  # fmt: skip
    await late.issue(note, clock.today() + timedelta(days=6))
