"""Jobs that were given up are seen by operators and can be run again, from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from partner_portal.infra import embedded

ROOT = Path(__file__).parents[2]
DEAD = """
INSERT INTO infra_outbox (id, event_id, topic, handler, door, payload, dead_at, last_error, attempts)
VALUES ($1, $1, 'billing.InvoiceIssued', 'billing.send', 'portal_staff', '{}', now(), 'MailServerUnavailable: no', 9)
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Servers]:
    with embedded.servers(tmp_path_factory.mktemp("console"), durable=False) as servers:
        portal(servers, "migrate")
        yield servers


def portal(servers: embedded.Servers, *args: str) -> str:
    urls = {"DATABASE_URL": servers.postgres_url, "REDIS_URL": servers.redis_url}
    environ = dict(os.environ) | urls | {"PORTAL_ENV": "test", "SECRET_KEY": "s" * 32, "COLUMNS": "250"}
    command = [sys.executable, "-m", "partner_portal.console.main", *args]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_migrating_twice_is_harmless(servers: embedded.Servers) -> None:
    assert portal(servers, "migrate") == "The database is up to date.\n"


async def test_a_job_that_was_given_up_is_listed_and_run_again_once(servers: embedded.Servers) -> None:
    assert "No job was given up." in portal(servers, "dead-letters")
    job = uuid4()
    connection = await asyncpg.connect(servers.postgres_url)
    await connection.execute(DEAD, job)
    await connection.close()

    listed = portal(servers, "dead-letters")
    assert str(job) in listed
    assert "MailServerUnavailable" in listed

    assert portal(servers, "run-again", str(job)) == f"{job}: is due again\n"
    assert portal(servers, "run-again", str(job)) == f"{job}: was not given up (any more)\n"
    assert "No job was given up." in portal(servers, "dead-letters")
