"""Each thing that must never be is found when it is, and nothing is found in a portal that is in order."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

from billing.service import runs
from partner_portal import invariants, invariants_billing
from partner_portal.infra import clock, db, outbox, settings
from partner_portal.infra.settings import Settings
from terminations.service import scheduling
from terminations.service.buyouts import Decision, case_by_number, decide
from tests.journeys import partner as people
from tests.world import FINANCE, STAFF_DOOR, World, make_service

ROOT = Path(__file__).parents[2]


@pytest_asyncio.fixture(loop_scope="session")
async def lived(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> World:
    """A portal with an ended, a scheduled and a waiting case, a proposed buyout, and a quote."""
    async with db.unit_of_work(world.noord.principal()):
        more = [await make_service(world.noord, world.noord.customers["bakery"], label=f"Dienst {nth}") for nth in range(3)]
    for service in (world.noord.services["free"], more[0]):
        await people.filed(noord, service)
        await people.press(stranger, people.link_in(people.newest(world.mailbox, "bakkerij@")), "approve")
        if service != more[0]:
            clock.move(timedelta(days=40))
            await scheduling.take_effect()
            await outbox.drain()
            clock.move(timedelta(days=2))
            await runs.bill(clock.today())
            await outbox.drain()
    await people.filed(noord, more[1])
    await people.quote(noord, more[2])
    buyout = await people.filed(noord, world.noord.services["bound"], early=True, wished_on="2027-03-31")
    async with db.unit_of_work(STAFF_DOOR):
        await decide(FINANCE, await case_by_number(buyout["number"]), Decision.APPROVE)
    await outbox.drain()
    return world


@pytest_asyncio.fixture(loop_scope="session")
async def owner(running: Settings) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who can break anything: the tables' owner, for whom history is not append-only."""
    connection = await asyncpg.connect(running.database_url)
    for table in HISTORY:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield connection
    for table in HISTORY:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await connection.close()


HISTORY = ("termination_step", "termination_quote", "termination_buyout_decision", "infra_document_content")


async def found() -> dict[str, tuple[str, ...]]:
    async with db.unit_of_work(STAFF_DOOR):
        return {breach.rule: breach.rows for breach in await invariants.breaches()}


@pytest.mark.usefixtures("lived")
async def test_a_portal_in_order_breaks_no_rule_and_each_planted_breach_is_found(owner: asyncpg.Connection) -> None:
    assert await found() == {}
    missed = {}

    for rule, (planted, undone) in PLANTED.items():
        kept = await owner.fetch("SELECT t.* FROM termination t ORDER BY id")
        for statement in planted:
            tag = await owner.execute(statement)
            assert not tag.endswith(" 0"), (rule, statement)
        seen = await found()
        if rule not in seen or not all(seen[rule]):
            missed[rule] = seen
        for statement in undone:
            await owner.execute(statement)
        assert await owner.fetch("SELECT t.* FROM termination t ORDER BY id") == kept, rule
        assert await found() == {}, f"{rule}: not undone"

    assert missed == {}
    tried_with_billing = set(invariants_billing.RULES)
    assert set(PLANTED) == {*invariants.RULES, invariants.INTACT} - tried_with_billing, "every rule is tried"


def _swap(table: str, change: str, back: str, where: str) -> tuple[list[str], list[str]]:
    return [f"UPDATE {table} SET {change} WHERE {where}"], [f"UPDATE {table} SET {back} WHERE {where}"]  # noqa: S608  # ours


def _kept(table: str, where: str, **changes: str) -> tuple[list[str], list[str]]:
    """A change, and its undoing from a copy of the table."""
    change = ", ".join(f"{name} = {value}" for name, value in changes.items())
    back = ", ".join(f"{name} = was.{name}" for name in changes)
    return (
        [f"CREATE TEMP TABLE was AS SELECT * FROM {table}", f"UPDATE {table} SET {change} WHERE {where}"],  # noqa: S608  # ours
        [f"UPDATE {table} t SET {back} FROM was WHERE was.id = t.id", "DROP TABLE was"],  # noqa: S608  # ours
    )


def _twin(table: str, where: str, **changes: str) -> tuple[list[str], list[str]]:
    """A row that is there a second time."""
    change = ", ".join(f"{name} = {value}" for name, value in {"id": "gen_random_uuid()", **changes}.items())
    made = [f"CREATE TEMP TABLE twin AS SELECT * FROM {table} WHERE {where} LIMIT 1", f"UPDATE twin SET {change}"]  # noqa: S608  # ours
    return [*made, f"INSERT INTO {table} SELECT * FROM twin"], [f"DELETE FROM {table} t USING twin WHERE t.id = twin.id", "DROP TABLE twin"]  # noqa: S608  # ours


_ENDED = "id IN (SELECT l.service FROM termination_line l JOIN termination t ON t.id = l.termination WHERE t.state = 'ended')"
_SCHEDULED = "id IN (SELECT l.service FROM termination_line l JOIN termination t ON t.id = l.termination WHERE t.state = 'scheduled')"
_WAITING = "termination = (SELECT id FROM termination WHERE state = 'waiting_for_customer')"
_ONCE = "CREATE UNIQUE INDEX termination_line_service_once ON termination_line (tenant, service) WHERE is_open"
_two_lines = _twin("termination_line", "is_open")
PLANTED: dict[str, tuple[list[str], list[str]]] = {
    "a scheduled case has its ends planned on its services": _kept("billing_service", _SCHEDULED, ends_on="ends_on + 1"),
    "a planned end belongs to a case": _kept("billing_service", "ends_on IS NULL", ends_on="'2027-01-01'", billing_ends_on="'2027-01-01'"),
    "a scheduled case has its confirmation": _kept("termination", "state = 'ended'", document="NULL"),
    "an ended case has ended services": _kept("billing_service", _ENDED, ended_at="NULL"),
    "what has reached its last day has ended": _kept("termination_line", "is_open", ends_on="'2026-12-01'"),
    "what an end costs is charged": _kept(
        "termination_quote",
        "id IN (SELECT quote FROM termination WHERE state = 'ended')",
        preview="jsonb_insert(preview, '{previews,customer,services,0,ending,sheet,lines,0}', '{\"code\": \"HANDLING\"}')",
    ),
    "one open line per service": (["DROP INDEX termination_line_service_once", *_two_lines[0]], [*_two_lines[1], _ONCE]),
    "open cases hold their services, closed ones none": _swap("termination_line", "is_open = false", "is_open = true", _WAITING),
    "every step follows from the one before": _kept("termination_step", "action = 'take_effect'", nth="7"),
    "a case stands where its last step left it": _kept("termination", "state = 'waiting_for_customer'", state="'accepted'"),
    "a proposed or accepted buyout has an agreed amount": _kept("termination", "is_buyout", agreed_cents="NULL"),
    "an agreed amount was decided by finance": _kept("termination_buyout_decision", "true", is_final="false"),
    "whoever is waited for is not waited for in vain": _kept("termination", "state = 'proposed'", waits_until="NULL"),
    "one decision per link": _twin("termination_decision_link", "decided_at IS NULL AND replaced_at IS NULL", token_sha256="'\\x00'"),
    "no job waits": _kept("infra_outbox", "topic = 'TerminationEnded'", done_at="NULL", occurred_at="occurred_at - interval '1 day'"),
    "a webhook that waits is on its way": (
        [
            "INSERT INTO webhook_endpoint (id, tenant, url, created_by) SELECT gen_random_uuid(), id, 'https://x.example.com/', '' FROM tenant LIMIT 1",
            (
                "INSERT INTO webhook_delivery (id, tenant, endpoint, message, type, key, body, state, due_at)"
                " SELECT gen_random_uuid(), tenant, id, id, 'x', 'x', '{}', 'waiting', now() FROM webhook_endpoint"
            ),
        ],
        ["DELETE FROM webhook_delivery", "DELETE FROM webhook_endpoint"],
    ),
    "no mail waits": _kept("infra_mail", "name = 'terminations/ended'", sent_at="NULL", queued_at="queued_at - interval '1 day'"),
    "a document on file is the one that was stored": _kept("infra_document_content", "true", content="content || '\\x20'"),
    "a quote is the one that was sealed": _kept("termination_quote", "number LIKE '%1'", preview="preview || '{\"x\": 1}'"),
}


@pytest.mark.usefixtures("lived")
async def test_a_dead_letter_is_told_apart_from_a_job_that_waits(owner: asyncpg.Connection) -> None:
    await owner.execute("UPDATE infra_mail SET sent_at = NULL, queued_at = queued_at - interval '1 day' WHERE name = 'terminations/ended'")
    await owner.execute("UPDATE infra_outbox SET done_at = NULL, dead_at = now() WHERE topic = 'MailQueued'")

    assert await found() == {}, "staff sees dead letters in a list of their own"


def portal(chosen: Settings) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "partner_portal.console.main", "invariants"]
    given = {"COLUMNS": "250"} | settings.environ(chosen)
    return subprocess.run(command, cwd=ROOT, env=dict(os.environ) | given, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.usefixtures("lived")
async def test_the_command_says_what_is_broken_and_where(owner: asyncpg.Connection) -> None:
    chosen = settings.current()
    whole = portal(chosen)
    number = await owner.fetchval("UPDATE termination SET state = 'withdrawn' WHERE state = 'scheduled' RETURNING number")

    broken = portal(chosen)

    rules = len(invariants.RULES) + 1
    assert (whole.returncode, whole.stdout) == (0, f"{rules} of {rules} rules hold.\n"), whole.stderr
    assert broken.returncode == 1
    assert "BROKEN: a case stands where its last step left it" in broken.stdout
    assert f"  {number}\n" in broken.stdout
