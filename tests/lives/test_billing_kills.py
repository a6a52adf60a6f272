"""The daily run is killed at any moment, again and again, and what it leaves in the end is what a run that nobody killed leaves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from billing.service import runs
from partner_portal.infra import db, settings
from tests.conftest import emptied
from tests.world import STAFF_DOOR, World, load, make_customer, make_service

DAY = date(2027, 1, 3)
CUSTOMERS = 14


async def fill(world: World) -> None:
    """Customers of both partners: whole periods, broken ones, some months behind, charges that wait, one without an address."""
    chance = random.Random(11)
    for partner, wholesale in ((world.noord, None), (world.zuid, 700)):
        async with db.unit_of_work(partner.principal()):
            for nth in range(CUSTOMERS):
                customer = await make_customer(partner, f"Klant {nth:02}", email=f"klant{nth}@klant.example.com")
                for _ in range(chance.randint(1, 3)):
                    terms: dict[str, Any] = {
                        "fee_cents": chance.randint(1, 9999),
                        "starts_on": date(2026, chance.randint(1, 11), chance.randint(1, 28)),
                    }
                    await make_service(partner, customer, wholesale_cents=wholesale, **terms)
                if nth % 5 == 0:
                    await db.execute(
                        "INSERT INTO billing_charge (tenant, key, customer, kind, description, unit_price, amount_cents, bill_from)"
                        " VALUES ($1, $2, $3, 'setup', 'Aansluiten', 25, 2500, '2026-12-24')",
                        *(partner.id, f"setup:{nth}", customer),
                    )
                if nth == 7:
                    await db.execute("DELETE FROM location WHERE customer = $1", customer)


async def state() -> list[Any]:
    """All that a run leaves, by names and numbers instead of ids."""
    async with db.unit_of_work(STAFF_DOOR):
        documents = await db.fetch(
            "SELECT i.number, t.code, c.name, i.layer, i.net_cents, i.vat_cents, i.gross_cents, i.due_on, i.reference, s.open_cents,"
            " (SELECT count(*) FROM billing_vat v WHERE v.invoice = i.id) AS vats FROM billing_invoice i JOIN tenant t ON t.id = i.tenant"
            " LEFT JOIN customer c ON c.id = i.customer JOIN billing_standing s ON s.invoice = i.id ORDER BY i.number"
        )
        lines = await db.fetch(
            "SELECT i.number, l.layer, s.number AS service, l.kind, l.description, l.period_from, l.period_until, l.turn, l.quantity, l.unit_price,"
            " l.net_cents FROM billing_line l JOIN billing_invoice i ON i.id = l.invoice LEFT JOIN billing_service s ON s.id = l.service"
            " ORDER BY i.number, s.number, l.period_from, l.description"
        )
        reached = await db.fetch("SELECT number, billed_from, paid_until FROM billing_service ORDER BY number")
        waits = await db.fetch("SELECT key FROM billing_charge WHERE line IS NULL ORDER BY key")
        parked = await db.fetch("SELECT reason, count(*) AS n FROM billing_parked WHERE settled_at IS NULL GROUP BY reason")
        counted = await db.fetch(
            "SELECT t.code, s.series, s.last FROM billing_series s JOIN tenant t ON t.id = s.tenant ORDER BY t.code, s.series"
        )
        first, *again = await db.fetch(
            "SELECT invoices, gross_cents, parked, finished_at IS NOT NULL AS finished, done FROM billing_run ORDER BY started_at, id"
        )
        told = await db.fetch(
            "SELECT topic, handler, count(DISTINCT payload) AS n FROM infra_outbox WHERE topic = 'InvoiceIssued' GROUP BY 1, 2 ORDER BY 2"
        )
    # What is begun anew after a run had come to its end finds nothing to bill, parks what was parked, and ends, too.
    assert {tuple(row) for row in again} <= {(0, 0, first["parked"], True, 0)}
    return [[tuple(row) for row in found] for found in (documents, lines, reached, waits, parked, counted, [first], told)]


async def killed(chance: random.Random, within: float) -> bool:
    """A run is begun and killed after a moment; False when it had come to its end by then."""
    environ = {**os.environ, **settings.environ(settings.current())}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.lives.billing_run", DAY.isoformat()),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    try:
        await asyncio.wait_for(child.wait(), chance.uniform(0, within))
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):  # it may come to its end at the very moment
            child.kill()
        if await child.wait() == -signal.SIGKILL:
            return True
    assert child.stderr is not None
    assert child.returncode == 0, (await child.stderr.read()).decode()[-3000:]
    return False


async def survive(world: World, folder: Path, running: Any, *, kills: int) -> None:
    chance = random.Random()
    await fill(world)
    runs_chunk, runs.CHUNK = runs.CHUNK, 3
    try:
        await runs.bill(DAY)
    finally:
        runs.CHUNK = runs_chunk
    unkilled = await state()
    assert len(unkilled[0]) > 2 * CUSTOMERS - 5

    felt, left = 0, kills
    while left > 0:
        async with emptied(running, folder):
            await fill(await load(world.mailbox))
            while left > 0 and await killed(chance, 0.5):
                felt, left = felt + 1, left - 1
            while await killed(chance, 60):
                pass
            assert await state() == unkilled
    assert felt == kills


@pytest.mark.timeout(400)
async def test_five_kills_leave_what_an_unkilled_run_leaves(world: World, tmp_path: Path, running: Any) -> None:
    await survive(world, tmp_path, running, kills=5)


@pytest.mark.long
@pytest.mark.timeout(2400)
async def test_fifty_kills_leave_what_an_unkilled_run_leaves(world: World, tmp_path: Path, running: Any) -> None:
    await survive(world, tmp_path, running, kills=50)
