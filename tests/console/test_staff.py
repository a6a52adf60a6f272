"""`portal staff create`: the first administrator has to come from somewhere."""

from __future__ import annotations

import subprocess
import sys

from partner_portal.infra import db, settings
from tests.admin.conftest import sign_in
from tests.conftest import browser
from tests.world import STAFF_DOOR, World

WHO = ("--email", "ada@kadetel.example.com", "--name", "Ada van Kadetel", "--role", "administrator", "--role", "finance")


def portal(*args: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """The command, against the servers of this run."""
    environ = settings.environ(settings.current())
    return subprocess.run(
        [sys.executable, "-m", "partner_portal.console.main", *args],
        env=environ,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_an_account_is_made_with_its_roles_and_can_sign_in(world: World) -> None:
    made = portal("staff", "create", "ada", *WHO, "--generate")
    assert made.returncode == 0, made.stderr
    password = made.stdout.rpartition("Password: ")[2].strip()
    async with browser() as client:
        assert (await sign_in(client, "ada", password)).status_code == 200
    async with db.unit_of_work(STAFF_DOOR):
        roles = await db.fetch("SELECT role FROM staff_role ORDER BY role")
        entry = await db.fetch_one("SELECT actor, changes FROM infra_audit WHERE relation = 'piccolo_user'")
    assert [row["role"] for row in roles] == ["administrator", "finance"]
    assert entry is not None
    assert entry["actor"] == "system:console"
    assert "pbkdf2" not in entry["changes"]


async def test_a_taken_name_and_a_short_password_are_refused_in_words(world: World) -> None:
    assert portal("staff", "create", "ada", *WHO, "--password-stdin", typed="long enough for anybody\n").returncode == 0
    again = portal("staff", "create", "ada", *WHO, "--password-stdin", typed="long enough for anybody\n")
    short = portal("staff", "create", "bea", *WHO, "--password-stdin", typed="short\n")
    assert (again.returncode, short.returncode) == (1, 1)
    assert again.stderr.strip() == "username: This is in use already."
    assert short.stderr.strip() == "password: A password has 12 to 128 characters."
