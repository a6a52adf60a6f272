"""When Moneybird refuses, is slow, says nonsense or wants another token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import pytest_asyncio

from billing.service.accounting import speaking
from billing.service.accounting.moneybird import Moneybird
from billing.service.accounting.port import (
    AccountingRefuses,
    AccountingUnavailable,
    CredentialRefused,
    Setup,
    What,
)
from partner_portal.infra import clock
from tests.billing import moneybird as theirs
from tests.billing.at_moneybird import GRANT, adapter, invoice
from tests.billing.to_books import BAKER, document, line


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[theirs.Moneybird]:
    async with theirs.running() as side:
        yield side


@pytest.fixture
def ours(there: theirs.Moneybird) -> Moneybird:
    return adapter(there)


# --- when it does not go well


@pytest.mark.parametrize("status", [302, 402, 408, 409, 423, 425, 500, 502, 503, 504])
async def test_what_may_pass_is_asked_again_later(there: theirs.Moneybird, ours: Moneybird, status: int) -> None:
    there.fails(status, b"{}")

    with pytest.raises(AccountingUnavailable):
        await ours.create(BAKER)


async def test_too_many_questions_wait_until_the_instant_they_are_told(there: theirs.Moneybird, ours: Moneybird) -> None:
    reset = int(clock.now().timestamp()) + 250
    there.fails(429, b'"Retry later"', retry_after=str(reset))

    with pytest.raises(AccountingUnavailable) as later:
        await ours.find(BAKER)

    assert later.value.pause
    assert timedelta(seconds=200) < later.value.pause <= timedelta(seconds=251)
    assert later.value.facts["detail"] == "429 Retry later"


@pytest.mark.parametrize(
    ("told", "pause"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta(0)),
        ("1795424500", timedelta(seconds=100)),
        ("1795424300", timedelta(0)),
        ("Mon, 23 Nov 2026 09:01:40 GMT", timedelta(seconds=100)),
        ("999999", timedelta(days=1)),
        ("9" * 40, None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_pause_is_read_as_seconds_as_an_instant_or_as_a_date(told: str, pause: timedelta | None) -> None:
    assert speaking.pause_of(told, datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) == pause


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"error": {"reference": ["can\'t be blank"], "date": ["is invalid", "is locked"]}}',
            "reference: can't be blank; date: is invalid, is locked",
        ),
        (b'{"error": "Contact ID is invalid", "symbolic": {}}', "Contact ID is invalid"),
        (b"<html>", ""),
    ],
)
async def test_a_no_says_why_in_their_words(there: theirs.Moneybird, ours: Moneybird, body: bytes, said: str) -> None:
    there.fails(422, body)

    with pytest.raises(AccountingRefuses) as refused:
        await ours.create(BAKER)

    assert refused.value.facts["detail"] == f"422 {said}".strip()


async def test_what_is_wrong_with_an_object_is_told_in_their_words(there: theirs.Moneybird, ours: Moneybird) -> None:
    await ours.create(BAKER)
    with pytest.raises(AccountingRefuses, match="customer_id: has already been taken"):
        await ours.create(BAKER)
    with pytest.raises(AccountingRefuses, match="Contact ID is invalid"):
        await ours.create(document(line(100), contact="404"))
    contact = await ours.find(BAKER)
    assert contact
    with pytest.raises(AccountingRefuses, match="tax_rate: is invalid"):
        await ours.create(document(line(100, code="9"), contact=contact.id))
    assert there.invoices == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b'{"id":{}}', b'{"id":"1","currency":"EUR","date":"x"}', b"\xff\xfe", b"x" * (5 * 1024 * 1024)],
    ids=["empty", "html", "list", "object", "id", "date", "bytes", "huge"],
)
async def test_an_answer_that_cannot_be_read_is_none(there: theirs.Moneybird, ours: Moneybird, content: bytes) -> None:
    there.fails(200, content)

    with pytest.raises(AccountingUnavailable):
        await ours.look(What.DOCUMENT, "1")


async def test_parts_of_a_cent_are_no_amount(there: theirs.Moneybird, ours: Moneybird) -> None:
    _wanted, made = await invoice(ours)
    there.edit(made.id, lambda stored: stored.update(total_price_incl_tax="146.531"))

    with pytest.raises(AccountingUnavailable):
        await ours.look(What.DOCUMENT, made.id)


async def test_nobody_at_home_is_none() -> None:
    plain = Setup(connection="huis", url="http://127.0.0.1:9/api/v2", administration="123", credential="x", within=timedelta(seconds=1))

    with pytest.raises(AccountingUnavailable):
        await Moneybird(plain).find(BAKER)


# --- tokens


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_not_known_stops_everything(there: theirs.Moneybird, ours: Moneybird, status: int) -> None:
    there.fails(status, b'{"error": "The access token is invalid"}')

    with pytest.raises(CredentialRefused) as refused:
        await ours.find(BAKER)

    assert theirs.TOKEN not in str(refused.value)


async def test_a_grant_is_renewed_once_and_what_comes_instead_is_kept(there: theirs.Moneybird) -> None:
    kept: list[str] = []

    async def keep(secret: str) -> None:
        kept.append(secret)

    tokens = {"token_url": there.url.replace("/api/v2", "/oauth/token")}
    ours = adapter(there, GRANT, keep=keep, options=tokens)
    await ours.create(BAKER)
    await ours.find(BAKER)
    there.tokens.clear()
    await ours.find(BAKER)

    grants = [msgspec.json.decode(one, type=speaking.Grant) for one in kept]
    assert [(one.refresh_token, one.access_token) for one in grants] == [("refresh-1", "token-1"), ("refresh-2", "token-2")]
    assert await adapter(there, kept[-1], keep=keep, options=tokens).find(BAKER) is not None
    assert there.refreshed == 2, "a token that is good is used on"
    with pytest.raises(CredentialRefused, match="invalid_grant"):
        await adapter(there, GRANT, keep=keep, options=tokens).find(BAKER)


@pytest.mark.parametrize("credential", ['{"client_id": "x"}', "{"])
def test_a_grant_that_lacks_something_says_so_and_not_what_it_holds(credential: str) -> None:
    with pytest.raises(CredentialRefused, match="client_secret"):
        Moneybird(Setup(connection="huis", url="", administration="1", credential=credential))
