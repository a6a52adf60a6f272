"""What waits for somebody of staff, of every kind with the page where it is done: for a page, and for a mail once a working day unless it is switched off."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from billing.service import what_waits
from billing.service.what_waits import Waiting, Work
from partner_portal.infra import clock, db, mail, outbox, settings
from partner_portal.infra.brand import Brand
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.dates import is_working_day
from tenants.policy import TenantKind
from terminations.service import buyouts

BUYOUTS, BACKGROUND = "buyouts", "background"
_TOLD_FROM = 7
"""From this hour on in Amsterdam."""
LATE = timedelta(days=5)
"""Longer than this nothing should wait."""
_DIGEST = "what waits"

PAGES: dict[str, str] = {
    BUYOUTS: "/admin/work-list",
    Work.CREDIT_NOTES: "/admin/credit-notes",
    Work.REFUNDS: "/admin/refunds",
    Work.FAILED_REFUNDS: "/admin/refunds",
    Work.WRITE_OFFS: "/admin/late?show=written-off",
    Work.STATEMENTS: "/admin/statements",
    Work.ENTRIES: "/admin/statements",
    Work.IN_FAVOUR: "/admin/refunds#in-favour",
    Work.PAYOUTS: "/admin/payouts",
    Work.COLLECTIONS: "/admin/direct-debits",
    Work.PAID_OUT: "/admin/direct-debits",
    Work.FILES: "/admin/direct-debits",
    Work.DIFFERENCES: "/admin/accounting",
    Work.PARKED: "/admin/#/billing_parked",
    Work.BOUNCED: "/admin/reminders?show=held",
    Work.PORT_INS: "/admin/orders",
    Work.RATES: "/admin/late?show=costs",
    Work.RATES_SOON: "/admin/late?show=costs",
    BACKGROUND: "/admin/#/infra_outbox",
}
"""Where each kind is done, in the order in which it is shown."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """So many of a kind wait, the oldest for so many days, or are wanted `by` a day to come; `link` leads to where it is done."""

    work: str
    link: str
    count: int
    since: datetime
    days: int
    by: date | None = None

    @property
    def is_late(self) -> bool:
        """Whether the oldest waits longer than anything should."""
        return self.by is None and self.days >= LATE.days


async def tasks(now: datetime) -> list[Task]:
    """Every kind of work of which something waits for a person; through the staff door."""
    found = {one.work: one for one in await what_waits.waiting()}
    cases, since = await buyouts.waits()
    if since is not None:
        found[BUYOUTS] = Waiting(BUYOUTS, cases, since)
    if dead := await outbox.dead():
        found[BACKGROUND] = Waiting(BACKGROUND, len(dead), dead[0]["dead_at"])
    return [
        Task(work=str(work), link=link, count=one.count, since=one.since, days=max((now - one.since).days, 0), by=one.by)
        for work, link in PAGES.items()
        if (one := found.get(work))
    ]


async def is_wanted() -> bool:
    """Whether the mail goes out; nobody who said nothing does without."""
    row = await db.fetch_one("SELECT is_wanted FROM staff_digest WHERE name = $1", _DIGEST)
    return row is None or bool(row["is_wanted"])


async def want(actor: Actor, *, is_wanted: bool) -> None:
    """The mail goes out from now on, or does not, whoever reads the address of finance."""
    await db.execute(
        "INSERT INTO staff_digest (id, name, is_wanted, changed_by_label, changed_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (name) DO UPDATE SET is_wanted = excluded.is_wanted, changed_by_label = excluded.changed_by_label, changed_at = excluded.changed_at",
        *(new_id(), _DIGEST, is_wanted, actor.label, clock.now()),
    )


async def tell() -> bool:
    """On a working day from seven o'clock on, once: the address of finance knows what waits; nothing is sent where nothing waits. Returns whether it is."""
    now = clock.now().astimezone(clock.AMSTERDAM)
    if now.hour < _TOLD_FROM or not is_working_day(now.date()):
        return False
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        row = await db.fetch_one("SELECT id FROM tenant WHERE kind = $1 LIMIT 1", TenantKind.HOUSE.value)
    if row is None:
        return False
    async with db.unit_of_work(Principal(Door.STAFF, row["id"], "system:daily")):
        return await _tell(now)


_DECIDE = """
INSERT INTO staff_digest (id, name, told_on) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET told_on = excluded.told_on WHERE staff_digest.told_on IS NULL OR staff_digest.told_on < excluded.told_on
 RETURNING is_wanted
"""


async def _tell(now: datetime) -> bool:
    decided = await db.fetch_one(_DECIDE, new_id(), _DIGEST, now.date())
    if decided is None or not decided["is_wanted"]:
        return False
    found, current = await tasks(now), settings.current()
    if not found:
        return False
    sent = await mail.queue(
        f"what-waits:{now.date().isoformat()}",
        "admin/what_waits",
        to=current.finance_email,
        language="nl",  # as all that finance gets
        brand=Brand(name=current.provider_name, email=current.finance_email),
        tasks=found,
        many=sum(task.count for task in found),
        portal=current.public_url,
        link=f"{current.public_url}/admin/waiting",
    )
    return sent is not None


async def tell_finance() -> None:
    """Finance hears once a working day of what waits for it."""
    await tell()


DAILY = [tell_finance]
