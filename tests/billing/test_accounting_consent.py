"""An owner lets the portal into an administration: the address asks for no more than is needed, and the grant for the code is kept as the secret."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import pytest_asyncio

from billing.service.accounting import connections, consent
from billing.service.accounting.consent import NoConsentNeeded
from billing.service.accounting.port import CredentialRefused
from billing.service.accounting.speaking import Grant
from partner_portal.infra import settings
from tests.billing import booked, moneybird, xero
from tests.world import World

BACK = "http://localhost/back"
Side = moneybird.Moneybird | xero.FakeXero


@pytest_asyncio.fixture(loop_scope="session", params=["moneybird", "xero"])
async def there(world: World, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Side]]:
    async with (moneybird if request.param == "moneybird" else xero).running() as side:
        package: str = request.param
        administration = moneybird.ADMINISTRATION if package == "moneybird" else xero.TENANT
        tokens = f"{side.url.rsplit('/api', 1)[0]}/{'oauth' if package == 'moneybird' else 'connect'}/token"
        place: dict[str, Any] = {"package": package, "url": side.url, "administration": administration, "options": {"token_url": tokens}}
        await booked.connect(side, world.house, **place)
        connections.keep_secret("boeken", "")
        yield package, side


async def said(*words: str, typed: str = "") -> tuple[int, str]:
    """The command's exit status and all it said."""
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "partner_portal.console.main", "accounting", *words),
        env=settings.environ(settings.current()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _nothing = await command.communicate(typed.encode())
    return command.returncode or 0, told.decode()


async def test_who_agrees_has_let_the_portal_in_and_codes_can_be_read(there: tuple[str, Side]) -> None:
    package, _side = there
    client = ("--client-id", "portal", "--client-secret", "hush", "--back", BACK)
    secret = settings.current().accounting / "boeken" / connections.SECRET

    status, told = await said("consent", "--connection", "boeken", *client, typed="another\n")
    assert (status, "invalid_grant" in told, secret.read_text()) == (1, True, ""), told

    status, told = await said("consent", "--connection", "boeken", *client, typed="agreed\n")

    assert (status, "Voorbeeld Hosting B.V." in told, "* " in told) == (0, True, True), told
    assert "hush" not in told
    kept = msgspec.json.decode(secret.read_bytes(), type=Grant)
    assert (kept.client_secret, kept.refresh_token) == ("hush", "refresh-1")
    status, told = await said("codes", "--connection", "boeken")
    assert status == 0, told
    assert [line.split()[0] for line in told.splitlines() if "Omzet hosting" in line] == ["601" if package == "moneybird" else "200"]


@pytest.mark.parametrize("package", ["moneybird", "xero"])
def test_the_address_asks_by_our_own_name_for_what_is_needed(package: str) -> None:
    told = urlsplit(consent.address(package, client_id="portal", back=BACK, state="s1"))
    asked = parse_qs(told.query)

    assert told.scheme == "https"
    assert (asked["client_id"], asked["redirect_uri"], asked["state"], asked["response_type"]) == (["portal"], [BACK], ["s1"], ["code"])
    assert "payroll" not in asked["scope"][0]


def test_a_package_without_consent_is_told_so() -> None:
    with pytest.raises(NoConsentNeeded):
        consent.address("files", client_id="x", back=BACK, state="s")


@pytest.mark.parametrize(("typed", "code"), [(" abc \n", "abc"), (f"{BACK}?code=abc&state=s1", "abc")])
def test_a_code_is_read_by_itself_or_from_the_address(typed: str, code: str) -> None:
    assert consent.code_of(typed, "s1") == code


@pytest.mark.parametrize(
    "typed", [f"{BACK}?code=abc&state=s2", f"{BACK}?code=abc", f"{BACK}?state=s1", f"{BACK}?error=access_denied&state=s1"]
)
def test_an_answer_to_another_question_is_none(typed: str) -> None:
    with pytest.raises(CredentialRefused):
        consent.code_of(typed, "s1")
