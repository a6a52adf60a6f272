"""Mollie's payments API, version 2, as documented: amounts as text with two decimals, HAL+JSON, and keys that make a repeated request the same one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Meta

from partner_portal.infra import outgoing, remote
from partner_portal.kernel.dates import local_date
from partner_portal.kernel.money import TooPreciseAmount, exact_cents
from partner_portal.kernel.money import cents as rounded

from ...policy.money_in import IntentState, PartKind
from .port import BackKind, BackState, ForeignMoney, GatewayRefuses, GatewayUnavailable, GoneBack, PaidOut, Part, Remote, Settlement, Wanted

T = TypeVar("T")

_STATES = {
    "open": IntentState.OPEN,
    "pending": IntentState.OPEN,
    "authorized": IntentState.OPEN,  # a card's sum is reserved, not paid
    "paid": IntentState.PAID,
    "failed": IntentState.FAILED,
    "canceled": IntentState.ABANDONED,
    "expired": IntentState.EXPIRED,
}
_REFUNDS = {"refunded": BackState.DONE, "failed": BackState.FAILED, "canceled": BackState.FAILED}
"""Everything else that a refund may be is on its way."""
_LOCALES = {"nl": "nl_NL", "en": "en_GB"}
_LONGEST = 255
_NOT_FOUND, _GONE, _CONFLICT, _TOO_MANY, _SERVER = 404, 410, 409, 429, 500


class _Amount(msgspec.Struct, frozen=True):
    value: Annotated[str, Meta(pattern=r"^-?\d{1,12}(\.\d{1,4})?$")]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]

    @property
    def is_euros(self) -> bool:
        return self.currency == "EUR"

    def cents(self, of: str) -> int:
        """Cents of a euro, so much `of` what has this id; ForeignMoney."""
        if not self.is_euros:
            raise ForeignMoney(of=of, amount=str(self))
        try:
            return exact_cents(self.value)
        except TooPreciseAmount as error:
            raise GatewayUnavailable(detail="an amount in parts of a cent") from error

    def __str__(self) -> str:
        return f"{self.value} {self.currency}"


class _Href(msgspec.Struct, frozen=True):
    href: str


class _Links(msgspec.Struct, frozen=True):
    checkout: _Href | None = None


class _Back(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    amount: _Amount
    created_at: datetime
    status: str = ""
    metadata: Any = None
    reversed_at: datetime | None = None


class _Embedded(msgspec.Struct, frozen=True):
    refunds: list[_Back] = []
    chargebacks: list[_Back] = []


class _Payment(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    status: str
    amount: _Amount
    metadata: Any = None
    method: str | None = None
    paid_at: datetime | None = None
    links: _Links = msgspec.field(default_factory=_Links, name="_links")
    embedded: _Embedded = msgspec.field(default_factory=_Embedded, name="_embedded")


class _Part(msgspec.Struct, frozen=True):
    id: str
    amount: _Amount


class _Next(msgspec.Struct, frozen=True):
    next: _Href | None = None


class _Parts(msgspec.Struct, frozen=True):
    embedded: dict[str, list[_Part]] = msgspec.field(default_factory=dict, name="_embedded")
    links: _Next = msgspec.field(default_factory=_Next, name="_links")


class _Cost(msgspec.Struct, frozen=True, rename="camel"):
    amount_gross: _Amount


class _Month(msgspec.Struct, frozen=True):
    costs: list[_Cost] = []


class _Settled(msgspec.Struct, frozen=True):
    id: str
    amount: _Amount
    periods: dict[str, dict[str, _Month]] = {}

    @property
    def costs(self) -> list[_Amount]:
        return [cost.amount_gross for months in self.periods.values() for month in months.values() for cost in month.costs]


class _Listed(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    status: str
    reference: str | None = None
    settled_at: datetime | None = None


class _SettledOnes(msgspec.Struct, frozen=True):
    settlements: list[_Listed] = []


class _Settlements(msgspec.Struct, frozen=True):
    embedded: _SettledOnes = msgspec.field(default_factory=_SettledOnes, name="_embedded")


class Mollie:
    """The profile of one API key."""

    name = "mollie"

    def __init__(self, *, api_key: str, url: str, within: timedelta, token: str = "") -> None:
        self._key, self._url, self._within, self._token = api_key, url, within, token

    async def create(self, wanted: Wanted) -> Remote:
        """POST /payments."""
        body = {
            "amount": _amount(wanted.amount_cents),
            "description": wanted.description[:_LONGEST],
            "redirectUrl": wanted.back_to,
            "webhookUrl": wanted.tell_at,
            "locale": _LOCALES.get(wanted.language, "en_GB"),
            "metadata": {"key": wanted.key},
        }
        return _remote(await self._read("POST", "/payments", _Payment, body, key=wanted.key))

    async def fetch(self, payment: str) -> Remote | None:
        """GET /payments/{id}, refunds and chargebacks within."""
        try:
            found = await self._read("GET", f"/payments/{quote(payment, safe='')}?embed=refunds,chargebacks", _Payment)
        except _Nothing:
            return None
        return _remote(found)

    async def refund(self, payment: str, *, key: str, cents: int, description: str) -> GoneBack:
        """POST /payments/{id}/refunds, unless it is there: a key is remembered for an hour there, and what was asked may be asked again later than that."""
        there = await self.fetch(payment)
        for known in there.backs if there else ():
            if known.kind is BackKind.REFUND and known.key == key:
                return known
        body = {"amount": _amount(cents), "description": description[:_LONGEST], "metadata": {"key": key}}
        return _back(await self._read("POST", f"/payments/{quote(payment, safe='')}/refunds", _Back, body, key=key), BackKind.REFUND)

    async def settlements(self, since: date, known: Collection[str] = ()) -> list[PaidOut]:
        """GET /settlements; none without an access token of the organisation, as the API wants one."""
        if not self._token:
            return []
        found = await self._read("GET", "/settlements?limit=50", _Settlements, token=self._token)
        days = [(one, _day(one.settled_at)) for one in found.embedded.settlements if one.status == "paidout" and one.id not in known]
        return [PaidOut(id=one.id, reference=one.reference or one.id, day=day) for one, day in days if day is not None and day >= since]

    async def settlement(self, number: str) -> Settlement:
        """GET /settlements/{id}, and the payments, refunds and chargebacks in it: also of other profiles, in whatever money those are paid."""
        address = f"/settlements/{quote(number, safe='')}"
        one = await self._read("GET", address, _Settled, token=self._token)
        found = [(kind, part) for kind in PartKind for part in await self._parts(f"{self._url}{address}/{kind.value}s?limit=250")]
        own = [(number, amount) for amount in (one.amount, *one.costs)]
        return Settlement(
            paid_cents=one.amount.cents(number) if one.amount.is_euros else 0,
            # Each cost has parts of a cent; what is kept is all of them together, in whole ones.
            fee_cents=rounded(sum(Decimal(cost.value) for cost in one.costs if cost.is_euros)),
            parts=tuple(_part(kind, part) for kind, part in found if part.amount.is_euros),
            foreign=tuple(f"{of} {amount}" for of, amount in [*own, *((part.id, part.amount) for _, part in found)] if not amount.is_euros),
        )

    async def _parts(self, address: str) -> list[_Part]:
        parts: list[_Part] = []
        while address.startswith(f"{self._url}/"):  # the next page, as it says itself, and never elsewhere: the token goes along
            page = await self._read("GET", address.removeprefix(self._url), _Parts, token=self._token)
            parts += [part for listed in page.embedded.values() for part in listed]
            address = page.links.next.href if page.links.next else ""
        return parts

    async def _read(
        self, method: str, path: str, kind: type[T], body: Mapping[str, Any] | None = None, *, key: str = "", token: str = ""
    ) -> T:
        headers = {"authorization": f"Bearer {token or self._key}", "accept": "application/hal+json", "content-type": "application/json"}
        if key:
            headers["idempotency-key"] = key
        try:
            answer = await remote.ask(
                method,
                f"{self._url}{path}",
                headers=headers,
                body=msgspec.json.encode(body) if body else None,
                within=self._within.total_seconds(),
            )
        except outgoing.NotReached as error:
            raise GatewayUnavailable(detail=error.why.value) from error
        _judge(answer)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise GatewayUnavailable(detail=f"an answer that cannot be read: {error}"[:300]) from error


class _Nothing(GatewayRefuses):
    """There is nothing of this id."""


def _judge(answer: remote.Answer) -> None:
    """Nothing where Mollie did it; else what it said, and whether asking again can help."""
    if answer.status < _NOT_FOUND - 4:
        if not 200 <= answer.status < 300:  # noqa: PLR2004  # a redirect is no answer of an API
            raise GatewayUnavailable(detail=f"{answer.status}")
        return
    try:
        said = msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = {}
    detail = f"{answer.status} {said.get('title', '')}: {said.get('detail', '')}"[:300]
    if answer.status in {_NOT_FOUND, _GONE}:
        raise _Nothing(detail=detail)
    # 409: a request with the same key is still under way there.
    if answer.status in {_CONFLICT, _TOO_MANY} or answer.status >= _SERVER:
        raise GatewayUnavailable(detail=detail)
    raise GatewayRefuses(detail=detail)


def _part(kind: PartKind, part: _Part) -> Part:
    cents = part.amount.cents(part.id)
    return Part(id=part.id, kind=kind, cents=cents if kind is PartKind.PAYMENT else -abs(cents))


def _amount(cents: int) -> dict[str, str]:
    return {"currency": "EUR", "value": f"{cents // 100}.{cents % 100:02d}"}


def _remote(found: _Payment) -> Remote:
    backs = [_back(one, BackKind.REFUND) for one in found.embedded.refunds]
    backs += [_back(one, BackKind.CHARGEBACK) for one in found.embedded.chargebacks]
    state = _STATES.get(found.status)
    if state is None:
        raise GatewayUnavailable(detail=f"an unknown status: {found.status[:40]}")
    return Remote(
        id=found.id,
        key=_key(found.metadata) or "",
        state=state,
        amount_cents=found.amount.cents(found.id),
        checkout_url=found.links.checkout.href if found.links.checkout else None,
        method=found.method or "",
        paid_on=_day(found.paid_at),
        backs=tuple(backs),
    )


def _back(one: _Back, kind: BackKind) -> GoneBack:
    day = _day(one.created_at)
    assert day is not None  # noqa: S101  # it has a moment
    # A chargeback that the bank took back is none; its money is ours again.
    charged = BackState.DONE if one.reversed_at is None else BackState.FAILED
    state = _REFUNDS.get(one.status, BackState.PENDING) if kind is BackKind.REFUND else charged
    return GoneBack(id=one.id, kind=kind, cents=abs(one.amount.cents(one.id)), on=day, key=_key(one.metadata), state=state)


def _key(metadata: Any) -> str | None:
    key = metadata.get("key") if isinstance(metadata, dict) else None
    return key if isinstance(key, str) else None


def _day(at: datetime | None) -> date | None:
    return local_date(at) if at else None
