"""The daily run beside the same rows written by plain INSERT ... SELECT, month after month, in one world."""

from __future__ import annotations

import os
from datetime import date
from time import perf_counter
from typing import TYPE_CHECKING, Any

import asyncpg

from billing.service import runs
from partner_portal import wiring
from partner_portal.infra import clock, db
from partner_portal.kernel.dates import add_months, first_of_month

from . import memory
from .rows import Goal, Measured, compared, within

if TYPE_CHECKING:
    from .ground import World

_MOST = 3.0
_MEGABYTES = 30
"""What a run may hold more at its end than at its beginning, however many services it bills."""

# Who bills and where bills go; all services are billed by the calendar month, as most are.
_BILLED = """
SET session_replication_role = replica;
INSERT INTO tenant (id, code, name, kind, bills, email, language, brand_colour, address, country)
VALUES (gen_random_uuid(), 'HUIS', 'House', 'house', 'direct', 'house@example.com', 'nl', '#1f4e79', '', 'NL') ON CONFLICT DO NOTHING;
INSERT INTO billing_issuer (tenant, name, street, postcode, city, email, vat_id, chamber_number, iban)
SELECT id, 'House B.V.', 'Kade 1', '3011 AB', 'Rotterdam', 'house@example.com', 'NL999999990B29', '12345678', 'NL05TEST0417164300'
  FROM tenant WHERE kind = 'house';
INSERT INTO location (id, tenant, customer, kind, street, postcode, city)
SELECT gen_random_uuid(), tenant, id, 'billing', 'Dorpsstraat 1', '1234 AB', 'Utrecht' FROM customer;
UPDATE billing_service SET cycle_day = 1;
VACUUM ANALYZE
"""
_STAGED = (
    "CREATE TEMP TABLE given_invoice AS SELECT * FROM billing_invoice WHERE issued_on = $1",
    "CREATE TEMP TABLE given_line AS SELECT l.* FROM billing_line l JOIN given_invoice i ON i.id = l.invoice",
    "CREATE TEMP TABLE given_vat AS SELECT v.* FROM billing_vat v JOIN given_invoice i ON i.id = v.invoice",
    "CREATE TEMP TABLE given_message AS SELECT o.* FROM infra_outbox o JOIN given_invoice i ON i.id::text = o.payload ->> 'invoice_id'",
    "CREATE TEMP TABLE twin AS SELECT id, gen_random_uuid() AS other FROM given_invoice",
    "UPDATE given_invoice i SET id = t.other, sequence = -sequence + 2000000000, number = number || 'x', series = 'Z' FROM twin t WHERE t.id = i.id",
    "UPDATE given_line l SET id = gen_random_uuid(), invoice = t.other, turn = 2 FROM twin t WHERE t.id = l.invoice",
    "UPDATE given_vat v SET id = gen_random_uuid(), invoice = t.other FROM twin t WHERE t.id = v.invoice",
    "UPDATE given_message SET id = gen_random_uuid(), event_id = gen_random_uuid()",
)
_PLAIN = """
BEGIN;
INSERT INTO billing_invoice SELECT * FROM given_invoice;
INSERT INTO billing_line SELECT * FROM given_line;
INSERT INTO billing_vat SELECT * FROM given_vat;
INSERT INTO infra_outbox SELECT * FROM given_message;
COMMIT
"""
_GONE = "DROP TABLE given_invoice, given_line, given_vat, given_message, twin"


async def beside_plain_inserts(world: World, *, slices: int) -> list[Measured]:
    """Seconds for a month's run over all services, and for the rows it wrote. Documents and mails are made by others."""
    services = f"{world.size.services:,}".replace(",", " ")
    wiring.register_handlers()
    owner = await asyncpg.connect(world.superuser_url, command_timeout=None)
    staff = await asyncpg.connect(world.settings.staff_dsn, command_timeout=None)
    await db.open_pools(world.settings)
    ours, floor, held = [], [], []
    try:
        for statement in _BILLED.split(";\n"):
            await owner.execute(statement)
        month = add_months(first_of_month(clock.today()), 1)
        for nth in range(slices):
            before = memory.resident(os.getpid())
            ours.append(await _run(add_months(month, nth), world.size.services))
            held.append(memory.resident(os.getpid()) - before)
            floor.append(await _plain(staff, add_months(month, nth)))
    finally:
        await db.close_pools()
        await owner.close()
        await staff.close()
    return [
        compared(Goal(f"daily run over {services} services (floor: the same rows by INSERT ... SELECT)", "s", _MOST, "lower"), ours, floor),
        within(Goal("memory that a run takes", "MB", 1, "lower"), max(0.0, held[-1]), _MEGABYTES),
    ]


async def _run(day: date, services: int) -> float:
    begun = perf_counter()
    report = await runs.bill(day)
    took = perf_counter() - begun
    if (report.services, report.parked) != (services, {}):
        raise BillingDiffers(report)
    return took


async def _plain(staff: Any, day: date) -> float:
    for statement in _STAGED:
        await staff.execute(statement.replace("$1", f"'{day}'"))
    begun = perf_counter()
    await staff.execute(_PLAIN)
    took = perf_counter() - begun
    await staff.execute(_GONE)
    return took


class BillingDiffers(RuntimeError):
    """The run did not bill what the world holds; there is nothing to compare."""
