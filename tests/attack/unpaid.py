"""What the attacked partner has of reminders, holds, plans and stopped services."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from billing.service import plans
from billing.service.plans import InstalmentWanted
from partner_portal.infra import clock, db
from tests.world import FINANCE, STAFF_DOOR, Partner


async def remind(of: Partner, invoice: UUID, service: UUID) -> None:
    """The invoice was reminded of and is held as agreed in a plan; the service has stopped and works again."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT open_cents FROM billing_standing WHERE invoice = $1", invoice)
        assert row
        agreed = [InstalmentWanted(clock.today() + timedelta(days=9), row["open_cents"])]
        await plans.agree(FINANCE, [invoice], agreed, note="Geheime afspraak")
        await db.execute(
            "INSERT INTO billing_reminder (id, tenant, invoice, level, letter, sent_on, open_cents, words)"
            " VALUES (gen_random_uuid(), $1, $2, 1, gen_random_uuid(), $3, $4, '{}')",
            *(of.id, invoice, clock.today(), row["open_cents"]),
        )
        for nth, because in ((1, "unpaid"), (2, "held")):
            await db.execute(
                "INSERT INTO billing_suspension (id, tenant, service, nth, invoice, because, happened_on)"
                " VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6)",
                *(of.id, service, nth, invoice, because, clock.today()),
            )
