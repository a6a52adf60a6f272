"""`portal accounting` by hand: a secret is kept where only its owner reads it, older documents follow, and a look through says what is wrong."""

from __future__ import annotations

import asyncio
import stat
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from billing.service.accounting import connections
from partner_portal.infra import clock, db, settings
from tests.billing import at_books, moneybird
from tests.billing.at_books import Side
from tests.billing.booked import carry, rows
from tests.billing.money import issue
from tests.world import FINANCE, STAFF_DOOR, World

USED_WRONGLY, FAILED = 2, 3


@pytest_asyncio.fixture(loop_scope="session", params=["moneybird", "xero"])
async def there(world: World, request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    async with at_books.running(request.param) as side:
        yield side


@pytest_asyncio.fixture(loop_scope="session")
async def bird(world: World) -> AsyncIterator[Side]:
    async with at_books.running("moneybird") as side:
        yield side


async def portal(*words: str, typed: str = "") -> tuple[int, str]:
    """The exit status of `portal accounting`, and all it said."""
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "partner_portal.console.main", "accounting", *words),
        env=settings.environ(settings.current()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _nothing = await command.communicate(typed.encode())
    assert b"Traceback" not in told, told.decode()
    return command.returncode or 0, told.decode()


async def test_a_secret_is_asked_for_kept_for_its_owner_alone_and_never_said(world: World, bird: Side) -> None:
    await at_books.connect(bird, world)
    file = settings.current().accounting / "huis" / connections.SECRET
    file.unlink()

    status, told = await portal("secret", "--connection", "huis", typed=f" {moneybird.TOKEN} \n")

    assert (status, moneybird.TOKEN in told) == (0, False), told
    assert "portal accounting smoke --connection huis" in told
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (moneybird.TOKEN, 0o600)
    assert (await portal("smoke", "--connection", "huis"))[0] == 0


@pytest.mark.parametrize(
    ("words", "typed", "status", "says"),
    [
        (("secret", "--connection", "huis", "--secret", "  "), "", USED_WRONGLY, "the secret is empty: nothing was kept"),
        (("secret", "--connection", "huis"), '{"client_id": "x"}\n', 1, "client_id, client_secret and refresh_token"),
        (("secret", "--connection", "elders", "--secret", "x"), "", USED_WRONGLY, "there is no connection elders"),
        (("secret",), "", USED_WRONGLY, "Missing option '--connection'"),
        (("catch-up", "--connection", "huis", "--since", "gisteren"), "", USED_WRONGLY, "'gisteren' does not match the format"),
        (("catch-up", "--connection", "huis", "--since", "2026-02-30"), "", USED_WRONGLY, "'2026-02-30' does not match the format"),
        (("catch-up", "--connection", "huis", "--since", "2199-01-01"), "", USED_WRONGLY, "2199-01-01 is still to come"),
        (("catch-up", "--connection", "huis"), "", USED_WRONGLY, "Missing option '--since'"),
        (("catch-up", "--connection", "elders", "--since", "2026-01-01"), "", USED_WRONGLY, "there is no connection elders"),
        (("smoke", "--connection", "elders", "--write"), "", USED_WRONGLY, "there is no connection elders"),
        (("smoke", "--connection", "huis", "--schrijf"), "", USED_WRONGLY, "No such option"),
    ],
)
async def test_what_cannot_be_is_said_in_words_and_changes_nothing(
    world: World, bird: Side, words: tuple[str, ...], typed: str, status: int, says: str
) -> None:
    await at_books.connect(bird, world)
    before = await rows("SELECT code, starts_on, state FROM billing_accounting_connection")

    exited, told = await portal(*words, typed=typed)

    assert (exited, says in " ".join(told.split())) == (status, True), told
    assert (settings.current().accounting / "huis" / connections.SECRET).read_text() == moneybird.TOKEN
    assert await rows("SELECT code, starts_on, state FROM billing_accounting_connection") == before
    assert bird.asked == []


async def test_catching_up_sends_what_is_older_and_never_less_than_before(world: World, bird: Side) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"])
    clock.set_to(clock.now() + timedelta(days=2))
    today = clock.today()
    connection = await at_books.connect(bird, world, starts_on=today)
    await carry()

    status, told = await portal("catch-up", "--connection", "huis", "--since", "2026-11-01")

    assert (status, told.strip()) == (0, "Documents from 2026-11-01 on will be sent.")
    await carry()
    assert [one["reference"] for one in bird.invoices.values()] == ["HUIS-F2026-000001"]  # type: ignore[union-attr]
    assert await portal("catch-up", "--connection", "huis", "--since", "2026-11-20") == (0, "Documents from 2026-11-01 on will be sent.\n")
    async with db.unit_of_work(STAFF_DOOR):
        await connections.pause(FINANCE, connection.id, "Jaarwerk")
    assert "when the connection is resumed" in (await portal("catch-up", "--connection", "huis", "--since", "2026-10-01"))[1]
    async with db.unit_of_work(STAFF_DOOR):
        await connections.end(FINANCE, connection.id, "Weg")
    status, told = await portal("catch-up", "--connection", "huis", "--since", "2026-09-01")
    assert (status, "This connection has ended" in told) == (1, True), told


async def test_a_look_through_writes_one_debtor_only_when_told_to(world: World, there: Side) -> None:
    await at_books.connect(there, world)
    written = len(there.done("POST", "ontacts")) + len(there.done("PUT", "ontacts"))

    status, told = await portal("smoke", "--connection", "huis")
    assert (status, "FAIL" in told, "Voorbeeld Hosting B.V." in told) == (0, False, True), told
    assert len(there.done("POST", "ontacts")) + len(there.done("PUT", "ontacts")) == written

    for _twice in range(2):
        status, told = await portal("smoke", "--connection", "huis", "--write")
        assert (status, "a debtor is written and found again" in told) == (0, True), told
    assert len(there.done("POST", "ontacts")) + len(there.done("PUT", "ontacts")) == written + 1


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("another secret", "FAIL credential-refused"),
        ("nobody at home", "FAIL accounting-unavailable"),
        ("a code that is not there", "FAIL VAT codes: not there: S:NL:21 = 999"),
        ("a package that says nonsense", "FAIL accounting-unavailable"),
    ],
)
async def test_a_look_through_that_finds_something_wrong_says_what_and_fails(world: World, bird: Side, what: str, says: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "nobody at home": {"url": "http://127.0.0.1:9/api/v2"},
        "a code that is not there": {"vat_codes": {"S:NL:21": "999"}},
    }
    await at_books.connect(bird, world, **more.get(what, {}))
    if what == "another secret":
        connections.keep_secret("huis", "hush")
    if what == "a package that says nonsense":
        bird.fails(200, b"<html>")

    status, told = await portal("smoke", "--connection", "huis", "--write")

    assert (status, says in told) == (FAILED, True), told
    assert "hush" not in told
    assert (bird.done("POST", "contacts") == []) == (what != "a code that is not there"), "what opens is tried to its end"
