"""How an owner lets the portal into an administration: the address where they agree, and the grant for the code from there (RFC 6749 section 4.1)."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from partner_portal.kernel.errors import Refused

from . import moneybird, moneybird_words, xero, xero_words
from .connections import Connection
from .moneybird import Moneybird
from .port import CredentialRefused, Setup
from .speaking import Grant, Speaker, granted
from .xero import Xero


class NoConsentNeeded(Refused):
    """The package opens without anybody's consent, or by a token that is made there."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a package asks its users for consent, where it gives tokens, and which rights are asked for."""

    agree: str
    tokens: str
    rights: str
    is_basic: bool


_PLACES = {
    Moneybird.name: Place(
        agree="https://moneybird.com/oauth/authorize", tokens=moneybird.TOKENS, rights="sales_invoices settings", is_basic=False
    ),
    Xero.name: Place(
        agree="https://login.xero.com/identity/connect/authorize",
        tokens=xero.TOKENS,
        rights="offline_access accounting.transactions accounting.contacts accounting.settings.read accounting.attachments",
        is_basic=True,
    ),
}


def _place(package: str) -> Place:
    found = _PLACES.get(package)
    if found is None:
        raise NoConsentNeeded(package=package)
    return found


def address(package: str, *, client_id: str, back: str, state: str, rights: str = "") -> str:
    """Where the owner of an administration agrees; from there the browser goes `back` with a code and `state`. NoConsentNeeded."""
    place = _place(package)
    asked = {"response_type": "code", "client_id": client_id, "redirect_uri": back, "scope": rights or place.rights, "state": state}
    return f"{place.agree}?{urlencode(asked)}"


def code_of(typed: str, state: str) -> str:
    """The code in what somebody typed: the code itself, or the whole address where the browser went; CredentialRefused where that is not ours."""
    if "://" not in typed:
        return typed.strip()
    told = parse_qs(urlsplit(typed.strip()).query)
    if told.get("state") != [state] or len(told.get("code", [])) != 1:
        raise CredentialRefused(detail="this address is not the answer to that question")
    return told["code"][0]


async def redeem(connection: Connection, client: Grant, *, code: str, back: str, within: timedelta) -> Grant:
    """The grant that the code stands for; a code is good once, for minutes. CredentialRefused, AccountingUnavailable."""
    place = _place(connection.package)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
    return await granted(client, form, where=connection.options.get("token_url") or place.tokens, is_basic=place.is_basic, within=within)


class _Tenant(msgspec.Struct, frozen=True, rename="camel"):
    tenant_id: str
    tenant_name: str = ""


async def opens(connection: Connection, grant: Grant, within: timedelta) -> dict[str, str]:
    """The administrations that a fresh grant opens, by their ids: one of them is the connection's."""
    setup = Setup(
        connection=connection.code,
        url="",
        administration="",
        credential=msgspec.json.encode(grant).decode(),
        options=connection.options,
        within=within,
    )
    if connection.package == Xero.name:
        host = urlsplit(connection.url or xero.URL)
        speaker = Speaker(setup, url=f"{host.scheme}://{host.netloc}", renews_at=xero.TOKENS, words=xero_words.words, is_basic=True)
        return {one.tenant_id: one.tenant_name for one in await speaker.read(list[_Tenant], "GET", "/connections")}
    speaker = Speaker(setup, url=connection.url or moneybird.URL, renews_at=moneybird.TOKENS, words=moneybird_words.words, is_basic=False)
    listed = await speaker.read(list[moneybird_words.Named], "GET", "/administrations.json")
    return {str(one.id): one.name for one in listed}
