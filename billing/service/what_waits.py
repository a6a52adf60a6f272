"""What of billing waits for somebody of staff: how much of each, and since when. Through the staff door; nothing is locked."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum

import msgspec

from partner_portal.infra import clock, db

from ..policy.reminding import Held
from . import debits, interest_rates, payouts, setting_off


class Work(StrEnum):
    """The kinds of work that only a person ends."""

    CREDIT_NOTES = "credit notes"
    REFUNDS = "refunds"
    FAILED_REFUNDS = "failed refunds"
    WRITE_OFFS = "write-offs"
    STATEMENTS = "statements"
    ENTRIES = "entries"
    IN_FAVOUR = "in favour"
    PAYOUTS = "payouts"
    COLLECTIONS = "collections"
    PAID_OUT = "refunds to the bank"
    FILES = "files"
    DIFFERENCES = "differences"
    PARKED = "parked"
    BOUNCED = "bounced"
    PORT_INS = "port-ins"
    RATES = "rates"
    RATES_SOON = "rates soon"


class Waiting(msgspec.Struct, frozen=True):
    """So many of a kind wait, the oldest since this moment; what is only wanted `by` a day to come is late for nobody before it."""

    work: str
    count: int
    since: datetime
    by: date | None = None


_COUNTED = """
SELECT 'credit notes' AS work, count(*) AS count, min(asked_at) AS since FROM billing_credit_request WHERE decision IS NULL
UNION ALL SELECT 'refunds', count(*), min(made_at) FROM billing_refund WHERE state = 'wanted'
UNION ALL SELECT 'failed refunds', count(*), min(changed_at) FROM billing_refund WHERE state = 'failed' AND seen_at IS NULL
UNION ALL SELECT 'write-offs', count(*), min(proposed_at) FROM billing_write_off_proposal WHERE outcome IS NULL
UNION ALL SELECT 'statements', count(*), min(imported_at) FROM billing_statement WHERE state = 'parked'
UNION ALL SELECT 'entries', count(*), min(s.imported_at) FROM billing_statement_entry e JOIN billing_statement s ON s.id = e.statement WHERE e.state = 'waiting'
UNION ALL SELECT 'refunds to the bank', count(*), min(coalesce(decided_at, made_at)) FROM billing_refund
           WHERE state = 'agreed' AND way = 'bank' AND (not_before IS NULL OR not_before <= $2)
UNION ALL SELECT 'files', count(*), min(made_at) FROM billing_bank_batch WHERE downloaded_at IS NULL AND refused_at IS NULL
UNION ALL SELECT 'differences', count(*), min(found_at) FROM billing_accounting_conflict WHERE solved_at IS NULL
UNION ALL SELECT 'parked', count(*), min(parked_at) FROM billing_parked WHERE settled_at IS NULL
UNION ALL SELECT 'bounced', count(*), min(placed_at) FROM billing_hold WHERE reason = $1 AND lifted_at IS NULL AND (until IS NULL OR until > $2)
UNION ALL SELECT 'port-ins', count(*), min((SELECT max(x.at) FROM billing_port_in_step x WHERE x.port_in = p.id)) FROM billing_port_in p
           WHERE p.state IN ('requested', 'accepted', 'planned')
"""


async def waiting() -> list[Waiting]:
    """Every kind of which something waits, in the order of Work."""
    rows = await db.fetch(_COUNTED, Held.BOUNCED.value, clock.today())
    found = [Waiting(row["work"], row["count"], row["since"]) for row in rows if row["count"]]
    documents, since = await setting_off.waits()
    if since is not None:
        found.append(Waiting(Work.IN_FAVOUR.value, documents, since))
    odd = [one.row["day"] for one in await payouts.listed() if one.waits]
    if odd:
        found.append(Waiting(Work.PAYOUTS.value, len(odd), _begin_of(min(odd))))
    due = [row for issuer in await debits.collecting() for row in await debits.due(issuer["tenant"])]
    if due:
        found.append(Waiting(Work.COLLECTIONS.value, len(due), clock.now()))  # announced for the coming days: waits since today
    found += await _rates()
    order = [kind.value for kind in Work]
    return sorted(found, key=lambda one: order.index(one.work))


async def _rates() -> list[Waiting]:
    """The rates of statutory interest that nobody entered: of days that have begun, and of those that begin soon."""
    missing = await interest_rates.missing()
    begun, coming = [one.since for one in missing if one.has_begun], [one for one in missing if not one.has_begun]
    found = [Waiting(Work.RATES.value, len(begun), _begin_of(min(begun)))] if begun else []
    if coming:
        first = min(coming, key=lambda one: one.since)
        found.append(Waiting(Work.RATES_SOON.value, len(coming), _begin_of(first.asked_on), first.since))
    return found


def _begin_of(day: date) -> datetime:
    return datetime.combine(day, time(), clock.AMSTERDAM)
