"""The daily run: what every partner's services owe becomes documents, and what does not add up is parked for a person.

It goes by chunks of customers, each one transaction that writes their documents, counts their numbers and moves their services on. A run that was
killed is begun again by whoever comes next: what was billed is not due any more, what was not still is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.errors import Refused
from tenants.policy import Segment, TenantKind, WhoBills

from ..policy import tax
from ..policy.ledger import Layer
from ..policy.places import Place
from ..policy.recurring import Why
from . import bulk, due, parking, parties, places, prices
from .bulk import Billable, Written
from .due import Doubt
from .parties import Debtor, IssuerUnknown, Sender
from .places import NoPlace

CHUNK = 1000
"""Customers billed in one transaction: what it locks, others wait for."""
EXAMPLES = 20
"""How many of what was parked a report names."""

NOWHERE: Mapping[UUID, Place | NoPlace] = {}
"""For debtors that are no consumers elsewhere."""

_DOOR = Principal(Door.STAFF, actor="system:run")
_LOCK = 0x62_69_6C_6C
_TRIES = 3
_TENANTS = "SELECT id, kind, bills FROM tenant WHERE $1::uuid IS NULL OR id = $1 OR kind = 'house'"
_TO_BILL = """
SELECT count(*) AS n FROM billing_service WHERE starts_on <= $1 AND (billing_ends_on IS NULL OR paid_until <= billing_ends_on)
   AND CASE WHEN in_advance THEN paid_until <= $1 ELSE paid_until + make_interval(months => billing_months) <= $1 END
"""
_CUSTOMERS = """
SELECT tenant, customer FROM (
    (SELECT DISTINCT ON (s.tenant, s.customer) s.tenant, s.customer FROM billing_service s WHERE (s.tenant, s.customer) > ($1, $2) AND s.paid_until <= $3
        AND s.starts_on <= $3 AND (s.billing_ends_on IS NULL OR s.paid_until <= s.billing_ends_on) ORDER BY s.tenant, s.customer LIMIT $4)
    UNION (SELECT DISTINCT c.tenant, c.customer FROM billing_charge c WHERE c.layer = 'customer' AND c.line IS NULL AND c.dropped_at IS NULL
              AND c.bill_from <= $3 AND (c.tenant, c.customer) > ($1, $2) ORDER BY c.tenant, c.customer LIMIT $4)
    UNION (SELECT DISTINCT p.tenant, p.customer FROM billing_parked p WHERE p.settled_at IS NULL AND p.customer IS NOT NULL
              AND (p.tenant, p.customer) > ($1, $2) ORDER BY p.tenant, p.customer LIMIT $4)) AS due ORDER BY tenant, customer LIMIT $4
"""
_PARTNERS = """
SELECT tenant FROM billing_charge WHERE layer = 'partner' AND line IS NULL AND dropped_at IS NULL AND bill_from <= $1 AND customer IS NULL
 UNION SELECT tenant FROM billing_parked WHERE customer IS NULL AND settled_at IS NULL ORDER BY tenant
"""
_BEGUN = "SELECT id FROM billing_run WHERE day = $1 AND finished_at IS NULL ORDER BY started_at DESC LIMIT 1"
_FINISHED = "SELECT 1 FROM billing_run WHERE day = $1 AND finished_at IS NOT NULL LIMIT 1"
_BEGIN = "INSERT INTO billing_run (id, day, services, started_at) VALUES ($1, $2, $3, $4)"
_ON = """
UPDATE billing_run SET done = done + $2, services = greatest(services, done + $2), invoices = invoices + $3, gross_cents = gross_cents + $4 WHERE id = $1
"""
_FINISH = """
UPDATE billing_run SET finished_at = $2, services = done, parked = (SELECT count(*) FROM billing_parked WHERE settled_at IS NULL) WHERE id = $1
"""
_NAMES = """
SELECT t.id AS tenant, t.name AS partner, c.id AS customer, c.name AS customer_name, c.number AS customer_number FROM tenant t
  LEFT JOIN customer c ON c.tenant = t.id AND c.id = ANY($2::uuid[]) WHERE t.id = ANY($1::uuid[])
"""
_SERVICES = "SELECT id, number FROM billing_service WHERE id = ANY($1::uuid[])"
READ = "SELECT * FROM billing_run ORDER BY started_at DESC LIMIT $1"


class RunUnderWay(Refused):
    """Another run is billing at this moment; there is nothing to add to it."""


class Example(msgspec.Struct, frozen=True):
    """One thing that was parked: whose, which service, why."""

    why: Why
    partner: str
    customer: str
    service: str
    facts: dict[str, str]


class Report(msgspec.Struct, kw_only=True):
    """What a run bills, or would bill: services, documents, their sum, and what it leaves to people, with some examples."""

    day: date
    is_dry: bool
    to_bill: int = 0
    services: int = 0
    invoices: int = 0
    gross_cents: int = 0
    parked: dict[str, int] = {}
    examples: list[Example] = []


Told = Callable[[Report], None]


class _Round:
    """One run under way: on which day, as which row, what it has come to; a rehearsal writes nothing."""

    def __init__(self, day: date, run: UUID | None, told: Told, *, is_dry: bool = False) -> None:
        self.day, self.run, self.told, self.is_dry = day, run, told, is_dry
        self.report = Report(day=day, is_dry=is_dry, parked={}, examples=[])
        self.senders: dict[UUID, Sender | None] = {}
        self.own_name: set[UUID] = set()
        self.house: UUID | None = None
        self.doubts: list[tuple[UUID, Doubt]] = []
        self.owed: dict[UUID, int] = {}

    def sender(self, tenant: UUID, layer: Layer) -> Sender | None:
        """Who sends the tenant's documents of this layer; None where its details are not known."""
        own = tenant if layer is Layer.CUSTOMER and tenant in self.own_name else self.house
        return None if own is None else self.senders.get(own)

    def add(self, services: int, written: Written, doubts: Sequence[tuple[UUID, Doubt]]) -> None:
        """So much more has been billed, or parked."""
        report = self.report
        report.services += services
        report.invoices += written.invoices
        report.gross_cents += written.gross_cents
        for tenant, doubt in doubts:
            report.parked[doubt.why.value] = report.parked.get(doubt.why.value, 0) + 1
            if len(self.doubts) < EXAMPLES:
                self.doubts.append((tenant, doubt))
        self.told(report)


async def bill(day: date, told: Told = lambda _report: None) -> Report:
    """Everything that is due on the day is billed or parked; what an earlier run that was killed had begun is finished. Raises RunUnderWay."""
    async with _alone():
        under_way = _Round(day, await _begun(day), told)
        report = await _all(under_way)
        async with db.unit_of_work(_DOOR):
            await db.execute(_FINISH, under_way.run, clock.now())
        return report


async def rehearse(day: date, told: Told = lambda _report: None) -> Report:
    """What `bill` would do on the day; nothing is written. Raises RunUnderWay."""
    async with _alone():
        return await _all(_Round(day, None, told, is_dry=True))


async def bill_at_once(customer: UUID, tenant: UUID, day: date) -> Written:
    """What is due of one customer on the day is billed in this unit of work, which comes through the staff door; what does not add up is parked."""
    under_way = _Round(day, None, lambda _report: None)
    await _learn(under_way, tenant)
    return (await _customers(under_way, {customer: tenant}))[1]


async def was_billed(day: date) -> bool:
    """Whether the day's run has come to its end."""
    async with db.unit_of_work(_DOOR):
        return await db.fetch_one(_FINISHED, day) is not None


async def latest(limit: int = 30) -> list[asyncpg.Record]:
    """The last runs, the newest first. Through the staff door."""
    return await db.fetch(READ, limit)


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    # Held by a transaction that does nothing else: it ends with its process, however that ends.
    guard = db.begin(_DOOR)
    try:
        row = await guard.connection.fetchrow("SELECT pg_try_advisory_xact_lock($1) AS is_ours", _LOCK)
        if row is None or not row["is_ours"]:
            raise RunUnderWay
        yield
    finally:
        await guard.finish(ok=True)


async def _begun(day: date) -> UUID:
    async with db.unit_of_work(_DOOR):
        await prices.follow(day)
        before = await db.fetch_one(_BEGUN, day)
        to_bill = await db.fetch_one(_TO_BILL, day)
        run: UUID = before["id"] if before else new_id()
        if before is None:
            await db.execute(_BEGIN, run, day, to_bill["n"] if to_bill else 0, clock.now())
        return run


async def _all(under_way: _Round) -> Report:
    async with db.unit_of_work(_DOOR):
        await _learn(under_way)
        to_bill = await db.fetch_one(_TO_BILL, under_way.day)
        under_way.report.to_bill = to_bill["n"] if to_bill else 0
    last = UUID(int=0), UUID(int=0)
    while True:
        async with db.unit_of_work(_DOOR):
            found = await db.fetch(_CUSTOMERS, *last, under_way.day, CHUNK)
        if not found:
            break
        await _again(_customers, under_way, {row["customer"]: row["tenant"] for row in found})
        last = found[-1]["tenant"], found[-1]["customer"]
    async with db.unit_of_work(_DOOR):
        partners = {row["tenant"] for row in await db.fetch(_PARTNERS, under_way.day)}
    for partner in sorted(partners | set(under_way.owed)):
        await _again(_partner, under_way, partner)
    async with db.unit_of_work(_DOOR):
        under_way.report.examples = await _examples(under_way.doubts)
    return under_way.report


async def _learn(under_way: _Round, tenant: UUID | None = None) -> None:
    tenants = await db.fetch(_TENANTS, tenant)
    under_way.own_name = {row["id"] for row in tenants if row["bills"] == WhoBills.OWN_NAME}
    under_way.house = next((row["id"] for row in tenants if row["kind"] == TenantKind.HOUSE), None)
    for sender in under_way.own_name | ({under_way.house} if under_way.house else set()):
        try:
            async with db.savepoint():
                under_way.senders[sender] = await parties.sender(sender, Layer.CUSTOMER)
        except IssuerUnknown:
            under_way.senders[sender] = None


async def _again(work: Callable[[_Round, Any], Any], under_way: _Round, what: Any) -> None:
    """Whoever else writes the same rows at the same moment may win; then it is done once more."""
    for nth in range(1, _TRIES + 1):
        try:
            async with db.unit_of_work(_DOOR) as unit:
                if under_way.is_dry:
                    unit.doom()
                services, written, doubts = await work(under_way, what)
        except asyncpg.DeadlockDetectedError:
            if nth == _TRIES:
                raise
        else:
            under_way.add(services, written, doubts)
            return


async def _customers(under_way: _Round, tenants: dict[UUID, UUID]) -> tuple[int, Written, list[tuple[UUID, Doubt]]]:
    await prices.follow(under_way.day, tenants)
    debtors = await parties.debtors(list(tenants), under_way.day)
    placed = await _placed(under_way, debtors)
    found = [_billable(under_way, customer, tenant, debtors.get(customer), placed) for customer, tenant in tenants.items()]
    billables = [one for one in found if isinstance(one, Billable)]
    doubts = [one for one in found if isinstance(one, Doubt)]
    await bulk.begin(billables)
    doubts += await due.collect(under_way.day)
    services = await due.count()
    if under_way.is_dry:
        for partner, cents in (await due.owed_by_partners()).items():
            under_way.owed[partner] = under_way.owed.get(partner, 0) + cents
    await bulk.take_charges(under_way.day)
    written = await bulk.add_up()
    if not under_way.is_dry:
        made = await bulk.write({one.sender.tenant: one.sender for one in billables}, under_way.day, under_way.run)
        await places.record(made, placed)
        await due.move(under_way.day, clock.now())
        await _keep(under_way.run, tenants, doubts, services, written)
    return services, written, [(tenants[doubt.debtor], doubt) for doubt in doubts]


async def _partner(under_way: _Round, partner: UUID) -> tuple[int, Written, list[tuple[UUID, Doubt]]]:
    debtor = await parties.partner(partner)
    billable = _billable(under_way, partner, partner, debtor)
    doubts = [] if isinstance(billable, Billable) else [billable]
    billables = [billable] if isinstance(billable, Billable) else []
    await bulk.begin(billables)
    await bulk.take_charges(under_way.day)
    doubts += [Doubt(partner, service, Why.BILLED_ALREADY) for service, _ in await bulk.billed_already()]
    if billables and (owed := under_way.owed.get(partner)):
        await bulk.put_sum(partner, owed)
    written = await bulk.add_up()
    if not under_way.is_dry:
        await bulk.write({one.sender.tenant: one.sender for one in billables}, under_way.day, under_way.run)
        await _keep(under_way.run, {partner: partner}, doubts, 0, written)
    return 0, written, [(partner, doubt) for doubt in doubts]


async def _placed(under_way: _Round, debtors: Mapping[UUID, Debtor]) -> dict[UUID, Place | NoPlace]:
    """Where those that are consumers elsewhere are taxed."""
    senders = {customer: under_way.sender(debtor.tenant, Layer.CUSTOMER) for customer, debtor in debtors.items()}
    return await places.judge({customer: (debtors[customer], sender) for customer, sender in senders.items() if sender}, under_way.day)


def _billable(
    under_way: _Round, key: UUID, tenant: UUID, debtor: Debtor | None, placed: Mapping[UUID, Place | NoPlace] = NOWHERE
) -> Billable | Doubt:
    layer = Layer.PARTNER if key == tenant else Layer.CUSTOMER
    sender = under_way.sender(tenant, layer)
    if sender is None:
        return Doubt(key, None, Why.NO_ISSUER)
    if debtor is None:
        return Doubt(key, None, Why.NO_ADDRESS)
    if isinstance(place := placed.get(key), NoPlace):
        return Doubt(key, None, Why(place.why.value), place.facts)
    try:
        vat = tax.vat_for(debtor.seat, under_way.day, supplier_country=sender.party.country, oss=sender.uses_oss)
    except tax.NoVatRate as unknown:
        return Doubt(key, None, Why.NO_VAT_RATE, {name: str(value) for name, value in unknown.facts.items()})
    usual = sender.consumer_payment_days if debtor.segment is Segment.CONSUMER else sender.payment_days
    return Billable(key, debtor, sender, usual if debtor.payment_days is None else debtor.payment_days, vat)


async def _keep(run: UUID | None, tenants: dict[UUID, UUID], doubts: Sequence[Doubt], services: int, written: Written) -> None:
    await parking.keep(run, tenants, doubts)
    if run is not None:
        await db.execute(_ON, run, services, written.invoices, written.gross_cents)


async def _examples(doubts: Sequence[tuple[UUID, Doubt]]) -> list[Example]:
    if not doubts:
        return []
    tenants, debtors = {tenant for tenant, _ in doubts}, {doubt.debtor for _, doubt in doubts}
    partners, customers = {}, {}
    for row in await db.fetch(_NAMES, list(tenants), list(debtors)):
        partners[row["tenant"]] = row["partner"]
        customers[row["customer"]] = f"{row['customer_name']} ({row['customer_number']})"
    numbers = {row["id"]: row["number"] for row in await db.fetch(_SERVICES, [doubt.service for _, doubt in doubts if doubt.service])}
    return [
        Example(
            doubt.why,
            partners[tenant],
            customers.get(doubt.debtor, ""),
            numbers.get(doubt.service, "") if doubt.service else "",
            doubt.facts,
        )
        for tenant, doubt in doubts
    ]
