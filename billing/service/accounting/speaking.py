"""How a package with an API over HTTP is spoken to: by which token, renewed where it ends, and what each answer means in words of the port.

A credential is a token that does not end, or the JSON of a `Grant` (OAuth 2, RFC 6749 section 6), whose refresh token is good for one use: what comes
instead is kept before anything else is asked.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from partner_portal.infra import clock, outgoing, remote
from partner_portal.kernel.money import TooPreciseAmount, exact_cents

from .port import AccountingRefuses, AccountingUnavailable, CredentialRefused, Setup

T = TypeVar("T")

NUMBERS = msgspec.json.Encoder(decimal_format="number")
"""Amounts as JSON numbers, digit by digit as they are here."""

_RENEWED_BEFORE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(days=1)
_UNPAID_PAUSE = timedelta(hours=1)
_SAYS = 400
_AN_INSTANT = 1_000_000_000
"""From here on a number of seconds is no pause but an instant since 1970."""
_OK, _REDIRECT, _WRONG, _SERVER = 200, 300, 400, 500
_UNKNOWN, _UNPAID, _FORBIDDEN, _NOT_FOUND, _TOO_SLOW, _CONFLICT, _GONE, _LOCKED, _EARLY, _TOO_MANY = (
    401,
    402,
    403,
    404,
    408,
    409,
    410,
    423,
    425,
    429,
)


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What renews a token: the application's own name and secret there, and the refresh token of this administration; the token, until when it is good."""

    client_id: str
    client_secret: str
    refresh_token: str
    access_token: str = ""
    until: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the token can be used without asking for another."""
        return bool(self.access_token) and (self.until is None or now + _RENEWED_BEFORE < self.until)

    def serves(self, instead_of: str) -> bool:
        """Whether its token can be used now; `instead_of` is one that was refused."""
        return self.is_fresh(clock.now()) and self.access_token != instead_of

    def __repr__(self) -> str:
        """Says nothing secret."""
        return f"Grant({self.client_id})"


class _Renewed(msgspec.Struct, frozen=True):
    access_token: str
    refresh_token: str = ""
    expires_in: int | None = None


class NothingThere(AccountingRefuses):
    """There is nothing at this address of the API."""


class Speaker:
    """One credential at one API. `words` says what the package said in a refusal; `is_basic`: the application names itself in a header when renewing."""

    def __init__(self, setup: Setup, *, url: str, renews_at: str, words: Callable[[bytes], str], is_basic: bool) -> None:
        self._setup, self._words, self._is_basic = setup, words, is_basic
        self._url = url.rstrip("/")
        self._renews_at = setup.options.get("token_url") or renews_at
        self._held = held(setup.credential)
        self._renewing = asyncio.Lock()

    async def read(self, kind: type[T], method: str, path: str, **more: Any) -> T:
        """What the package answered, as `kind`; takes what `ask` takes."""
        answer = await self.ask(method, path, **more)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AccountingUnavailable(detail=f"an answer that cannot be read: {error}"[:_SAYS]) from error

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        patience: int = 1,
    ) -> remote.Answer:
        """The answer, where the package did what was asked; else NothingThere or one of the port's three. A token that ended is renewed once.

        `patience`: so many times as long as usual may it take.
        """
        where = f"{self._url}{path}" + (f"?{urlencode(query)}" if query else "")
        token = await self._token()
        within = self._setup.within * patience
        answer = await self._once(method, where, token, headers, body, within)
        if answer.status == _UNKNOWN and isinstance(self._held, Grant):
            answer = await self._once(method, where, await self._token(instead_of=token), headers, body, within)
        judge(answer, self._words)
        return answer

    async def _once(
        self, method: str, where: str, token: str, headers: Mapping[str, str] | None, body: bytes | None, within: timedelta
    ) -> remote.Answer:
        usual = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if body is not None:
            usual["content-type"] = "application/json"
        return await _asked(method, where, usual | dict(headers or {}), body, within)

    async def _token(self, *, instead_of: str = "") -> str:
        async with self._renewing:
            now = self._held
            if isinstance(now, str):
                return now
            if not now.serves(instead_of):
                async with self._setup.alone() if self._setup.alone else nullcontext("") as kept:
                    now = self._held = await self._renew(now, kept, instead_of)
            return now.access_token

    async def _renew(self, grant: Grant, kept: str, instead_of: str) -> Grant:
        """What somebody else renewed meanwhile is used as it is: the refresh token that we hold is good for nothing then."""
        now = held(kept) if kept else grant
        now = now if isinstance(now, Grant) else grant
        if now.serves(instead_of):
            return now
        form = {"grant_type": "refresh_token", "refresh_token": now.refresh_token}
        fresh = await granted(now, form, where=self._renews_at, is_basic=self._is_basic, within=self._setup.within)
        if self._setup.keep:
            await self._setup.keep(msgspec.json.encode(fresh).decode())
        return fresh


def judge(answer: remote.Answer, words: Callable[[bytes], str]) -> None:
    """Nothing where they did it; else what they said, and whether asking again can help."""
    if _OK <= answer.status < _REDIRECT:
        return
    detail = f"{answer.status} {words(answer.body)}".strip()[:_SAYS]
    if answer.status in {_NOT_FOUND, _GONE}:
        raise NothingThere(detail=detail)
    if answer.status in {_UNKNOWN, _FORBIDDEN}:
        raise CredentialRefused(detail=detail)
    if answer.status == _UNPAID:
        raise AccountingUnavailable(pause=_UNPAID_PAUSE, detail=detail)
    # 409: what we sent before, and did not hear of, is still under way there.
    if answer.status < _WRONG or answer.status >= _SERVER or answer.status in {_TOO_SLOW, _CONFLICT, _LOCKED, _EARLY, _TOO_MANY}:
        raise AccountingUnavailable(pause=pause_of(answer.retry_after, clock.now()), detail=detail)
    raise AccountingRefuses(detail=detail)


async def granted(grant: Grant, form: Mapping[str, str], *, where: str, is_basic: bool, within: timedelta) -> Grant:
    """The grant with the token that it is given for what stands in the form: a refresh token, or the code of a consent."""
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    sent = dict(form)
    if is_basic:
        named = base64.b64encode(f"{grant.client_id}:{grant.client_secret}".encode()).decode()
        headers["authorization"] = f"Basic {named}"
    else:
        sent |= {"client_id": grant.client_id, "client_secret": grant.client_secret}
    answer = await _asked("POST", where, headers, urlencode(sent).encode(), within)
    if _WRONG <= answer.status < _SERVER and answer.status not in {_TOO_SLOW, _TOO_MANY}:
        # Its words may repeat what was sent: only the code of the error is told (RFC 6749 section 5.2).
        raise CredentialRefused(detail=f"no token is given: {_code(answer.body)}")
    judge(answer, lambda _body: "")
    try:
        told = msgspec.json.decode(answer.body, type=_Renewed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AccountingUnavailable(detail="a token that cannot be read") from error
    until = clock.now() + timedelta(seconds=told.expires_in) if told.expires_in else None
    renews = told.refresh_token or grant.refresh_token
    return msgspec.structs.replace(grant, access_token=told.access_token, refresh_token=renews, until=until)


async def _asked(method: str, where: str, headers: Mapping[str, str], body: bytes | None, within: timedelta) -> remote.Answer:
    try:
        return await remote.ask(method, where, headers=headers, body=body, within=within.total_seconds())
    except outgoing.NotReached as error:
        raise AccountingUnavailable(detail=error.why.value) from error


def held(credential: str) -> Grant | str:
    """A credential as it is used: a token, or the grant that stands in its JSON; CredentialRefused where something lacks there."""
    told = credential.strip()
    if not told.startswith("{"):
        return told
    try:
        return msgspec.json.decode(told, type=Grant)
    except msgspec.DecodeError as error:
        raise CredentialRefused(detail="the credential is JSON, but not with client_id, client_secret and refresh_token") from error


def _code(body: bytes) -> str:
    try:
        said = msgspec.json.decode(body, type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = None
    return said[:60] if isinstance(said, str) else "no reason told"


def pause_of(told: str, now: datetime) -> timedelta | None:
    """How long a Retry-After asks to wait: seconds, an HTTP date, or (Moneybird) the instant in seconds since 1970; never more than a day."""
    told = told.strip()
    try:
        if told.isascii() and told.isdigit():
            seconds = int(told)
            asked = timedelta(seconds=min(seconds, _AN_INSTANT)) if seconds < _AN_INSTANT else datetime.fromtimestamp(seconds, UTC) - now
        else:
            at = parsedate_to_datetime(told)
            asked = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(asked, timedelta(0)), _LONGEST_PAUSE)


def cents_of(amount: Decimal) -> int:
    """An amount of theirs in cents; an amount in parts of a cent is no answer that can be read."""
    try:
        return exact_cents(amount)
    except (TooPreciseAmount, ArithmeticError, ValueError) as error:
        raise AccountingUnavailable(detail="an amount in parts of a cent") from error


def units(cents: int) -> Decimal:
    """Cents as the packages write amounts: euros with two decimals."""
    return Decimal(cents).scaleb(-2)


def fingerprint(*facts: object) -> str:
    """The same for the same facts: what changes when somebody changes one of them, and not when somebody else is paid."""
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:32]
