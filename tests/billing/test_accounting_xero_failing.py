"""When Xero refuses, is slow, says nonsense or wants another token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import pytest_asyncio

from billing.service.accounting import connections, speaking, xero_words
from billing.service.accounting.port import (
    AccountingRefuses,
    AccountingUnavailable,
    CredentialRefused,
    What,
)
from billing.service.accounting.xero import Xero
from partner_portal.infra import clock
from tests.billing import xero as theirs
from tests.billing import xero_contract as contract
from tests.billing.at_xero import GRANT, adapter, booking, invoice, line
from tests.billing.to_books import BAKER, document
from tests.world import World


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[theirs.FakeXero]:
    async with theirs.running() as side:
        yield side


@pytest.fixture
def ours(there: theirs.FakeXero) -> Xero:
    return adapter(there)


# --- when it does not go well


@pytest.mark.parametrize("status", [302, 402, 408, 409, 500, 502, 503])
async def test_what_may_pass_is_asked_again_later(there: theirs.FakeXero, ours: Xero, status: int) -> None:
    there.fails(status, b"{}")

    with pytest.raises(AccountingUnavailable):
        await ours.create(BAKER)


async def test_too_many_questions_wait_as_long_as_they_are_told(there: theirs.FakeXero, ours: Xero) -> None:
    there.fails(429, retry_after="42", x_rate_limit_problem="minute")

    with pytest.raises(AccountingUnavailable) as later:
        await ours.find(BAKER)

    assert later.value.pause == timedelta(seconds=42)


async def test_what_is_wrong_with_an_object_is_told_in_their_words(there: theirs.FakeXero, ours: Xero) -> None:
    contact = await ours.create(BAKER)
    with pytest.raises(AccountingRefuses, match="must be unique across all active contacts"):
        await ours.create(msgspec.structs.replace(BAKER, key="0193a5b0-0000-7000-8000-0000000000ff"))
    with pytest.raises(AccountingRefuses, match="TaxType code 'WRONG' does not exist"):
        await ours.create(document(line(100, code="WRONG"), contact=contact.id))
    with pytest.raises(AccountingRefuses, match="Account code '8000' is not a valid code"):
        await ours.create(document(line(100, ledger="8000"), contact=contact.id, key="0193a5b0-0000-7000-8000-0000000000fe"))
    assert there.things["Invoices"] == {}


async def test_more_than_is_open_is_refused(ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    with pytest.raises(AccountingRefuses, match="exceeds the amount outstanding"):
        await ours.create(booking(made.id, 99999))


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b'{"Invoices":[]}', b'{"Invoices":[{}]}', b"\xff\xfe", b"x" * (5 * 1024 * 1024)],
    ids=["empty", "html", "list", "object", "none", "nothing", "bytes", "huge"],
)
async def test_an_answer_that_cannot_be_read_is_none(there: theirs.FakeXero, ours: Xero, content: bytes) -> None:
    there.fails(200, content)

    with pytest.raises(AccountingUnavailable):
        await ours.look(What.DOCUMENT, "Invoices/1")


@pytest.mark.parametrize("told", ["", "/Date(x)/", "/Date(99999999999999999999)/", "/Date(999999999999999)/"])
def test_a_day_that_cannot_be_read_is_no_answer(told: str) -> None:
    with pytest.raises(AccountingUnavailable):
        xero_words.instant(told)


@pytest.mark.parametrize("told", ["2026-11-23", "2026-11-23T00:00:00", "/Date(1795392000000)/", "/Date(1795392000000+0000)/"])
def test_a_day_is_read_in_each_way_they_write_it(told: str) -> None:
    assert xero_words.instant(told) == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("remote", ["../Contacts", "Invoices/1?x=", "1", "", "Users/1"])
async def test_an_id_that_is_none_of_theirs_is_never_asked_for(there: theirs.FakeXero, ours: Xero, remote: str) -> None:
    assert [await ours.look(what, remote) for what in What] == [None] * len(What)
    assert there.asked == []


async def test_a_number_that_would_change_the_question_is_not_asked(there: theirs.FakeXero, ours: Xero) -> None:
    with pytest.raises(AccountingRefuses):
        await ours.find(document(line(1), contact="Contacts/1", number='X" OR Type=="ACCPAY'))
    assert there.asked == []


# --- tokens


async def test_a_grant_is_renewed_before_it_ends_and_what_comes_instead_is_kept_first(there: theirs.FakeXero) -> None:
    kept: list[str] = []

    async def keep(secret: str) -> None:
        assert there.done("GET", contract.BASE) == [], "kept before anything is asked"
        kept.append(secret)

    ours = adapter(there, GRANT | {"until": "2020-01-01T00:00:00Z"}, keep=keep)
    await ours.find(BAKER)
    await ours.find(BAKER)

    grant = msgspec.json.decode(kept[0], type=speaking.Grant)
    assert (len(kept), grant.refresh_token, grant.access_token) == (1, "refresh-1", "token-1")
    assert grant.until
    assert timedelta(minutes=29) < grant.until - clock.now() <= timedelta(minutes=30)


async def test_a_token_that_is_refused_is_renewed_and_the_question_asked_once_more(there: theirs.FakeXero, ours: Xero) -> None:
    there.tokens = set()

    await ours.create(BAKER)

    assert (there.refreshed, len(there.things["Contacts"])) == (1, 1)


async def test_two_who_renew_at_once_use_what_one_of_them_got(there: theirs.FakeXero, world: World) -> None:
    stale = msgspec.json.encode(GRANT | {"until": "2020-01-01T00:00:00Z"}).decode()
    connections.keep_secret("huis", stale)

    async def keep(secret: str) -> None:
        connections.keep_secret("huis", secret)

    several = [adapter(there, msgspec.json.decode(stale), keep=keep, alone=lambda: connections.alone("huis")) for _ in range(3)]
    await asyncio.gather(*(one.find(BAKER) for one in several))

    assert there.refreshed == 1
    there.tokens = set()  # ended before its time: whoever hears that first renews it for all of them
    await asyncio.gather(*(one.find(BAKER) for one in several))
    assert there.refreshed == 2


async def test_a_renewal_whose_answer_got_lost_is_asked_for_again_within_half_an_hour(there: theirs.FakeXero) -> None:
    stale = GRANT | {"access_token": ""}
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, stale, within=timedelta(seconds=0.3)).find(BAKER)

    assert await adapter(there, stale).find(BAKER) is None

    there.later(31 * 60)
    with pytest.raises(CredentialRefused):
        await adapter(there, stale).find(BAKER)


async def test_a_renewal_that_is_refused_stops_everything_and_tells_no_secret(there: theirs.FakeXero) -> None:
    with pytest.raises(CredentialRefused) as refused:
        await adapter(there, GRANT | {"refresh_token": "used", "access_token": ""}).find(BAKER)

    assert "invalid_grant" in refused.value.facts["detail"]
    assert not {"hush", "used"} & set(refused.value.facts["detail"].split())


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_renewal_that_may_pass_is_tried_again_later(there: theirs.FakeXero, status: int) -> None:
    there.fails(status)

    with pytest.raises(AccountingUnavailable):
        await adapter(there, GRANT | {"access_token": ""}).find(BAKER)
