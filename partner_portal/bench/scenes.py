"""A world in which every page has something to show: cases in each state, links of each kind, drafts, an empty customer, names of the greatest length.

Made by the portal's own services and pages, in this process, for one partner that is there already; products `internet` and `hosting` and the buyout
rule `75 %` are, too. The clock moves on by some weeks meanwhile, so that things have ended and expired.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec

from billing.service import services
from billing.service.services import AgreedTerms
from partner_portal.infra import clock, db, outbox, sessions, tokens
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor, ActorKind, StaffRole
from partner_portal.kernel.dates import add_months
from partner_portal.web import auth, csrf
from tenants.policy import Segment
from tenants.service import accounts, customers
from tenants.service.customers import Address, MainContact, NewCustomer
from terminations.jobs import cases
from terminations.service import buyouts, deadline_keeping
from terminations.service.buyouts import Decision

from .pressing import pressed

LONGEST = 200
LONG_NAME = f"Stichting Samenwerkende Zorgaanbieders {'Noordoost-Achterhoek-' * 7}en Omstreken".ljust(LONGEST, "x")
LONG_EMAIL = f"{'a' * 60}@{'langedomeinnaam.' * 8}example.com"
FINANCE = Actor(kind=ActorKind.STAFF, id="1", roles=frozenset({StaffRole.FINANCE.value}), label="Fien Financiën", channel="admin")

_PASSED = timedelta(days=36)
_STAFF = Principal(Door.STAFF, None, "staff:1")
_CROWD = 60
_MOST_STEPS = 12
_LEAVES = ("too_late", "ended", "waiting", "answered", "refused", "withdrawn", "in_draft", "filed_draft", "to_end")
_STAYS = ("proposal", "at_finance", "countered", "declined", "with_data")


class SceneFailed(RuntimeError):
    """The portal did not do what the scene asks for."""


class Scene(msgspec.Struct, frozen=True):
    """Who looks, and what the paths of pages name."""

    owner: Actor
    contact: Actor
    things: dict[str, object]


async def built(owner: str, *, crowd: int = _CROWD) -> Scene:
    """Everything is there, for this owner of a partner (`member:` and its id)."""
    actor = await _account(owner)
    async with browser() as own, browser() as stranger:
        token = await sessions.start(actor.trail, tenant=actor.tenant)
        own.cookies.set(auth.session_cookie(), token)
        own.headers["x-csrf-token"] = csrf.token(token)
        making = _Making(actor, own, stranger)
        await making.customers(crowd)
        await making.cases()
        await making.drafts()
        await making.notices()
        return Scene(actor, await making.contact(), making.things)


async def _account(who: str) -> Actor:
    async with db.unit_of_work(accounts.DOOR):
        account = await accounts.now(who)
    if account is None:
        raise SceneFailed(f"{who} may not come in")
    return account.actor


def browser() -> httpx.AsyncClient:
    """A client of the portal in this process."""
    from partner_portal.app import app  # noqa: PLC0415  # reads the settings

    as_asgi: Any = app  # httpx and Litestar each type ASGI themselves
    return httpx.AsyncClient(transport=httpx.ASGITransport(as_asgi), base_url="http://portal.test", timeout=60)


class _Making:
    def __init__(self, owner: Actor, own: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
        self.owner, self.own, self.stranger = owner, own, stranger
        self.things: dict[str, object] = {}
        self._services: dict[str, UUID] = {}
        self._numbers: dict[str, str] = {}

    async def customers(self, crowd: int) -> None:
        """A large customer, one without anything, one with the longest names, and enough of them for more than one page."""
        async with db.unit_of_work(Principal(Door.TENANT, self.owner.tenant, self.owner.trail)):
            care = await self._customer("Zorggroep De Linde", "inkoop@delinde.example.com")
            empty = await self._customer("Nieuwkomer B.V.", "post@nieuwkomer.example.com")
            long = await self._customer(LONG_NAME, LONG_EMAIL)
            self.things |= {"customer": care, "empty_customer": empty, "long_customer": long}
            for what in _LEAVES:
                await self._service(what, care, f"Internet vestiging {what.replace('_', ' ')}")
            for what in _STAYS:
                await self._service(what, care, f"Hosting {what.replace('_', ' ')}", product="hosting", **_bound())
            await self._service("long", long, "W" * LONGEST, product="hosting", **_bound(), discount_cents=120_00, discount_months=24)
            for nth in range(crowd):
                await self._customer(f"Klant {nth:03d}", f"klant{nth}@example.com")
        self.things["service"] = self._services["at_finance"]
        self.things |= {"long_service": self._services["long"], "service_to_end": self._services["to_end"]}

    async def _customer(self, name: str, email: str) -> UUID:
        contact = MainContact(name if name == LONG_NAME else f"Contact van {name}", email)
        address = Address(LONG_NAME if name == LONG_NAME else "Dorpsstraat 1", "1234 AB", "Utrecht")
        return await customers.create(self.owner, NewCustomer(name, Segment.OTHER_BIZ, contact, address))

    async def _service(self, what: str, customer: UUID, label: str, *, product: str = "internet", **terms: Any) -> None:
        today = clock.today()
        usual = {"fee_cents": 5000, "starts_on": add_months(today, -30), "paid_until": add_months(today.replace(day=1), 3)}
        agreed = msgspec.convert({"label": label, **usual, **terms}, AgreedTerms, strict=False)
        self._services[what] = await services.enter(self.owner, customer=customer, product=product, terms=agreed)

    async def contact(self) -> Actor:
        """The main contact of the large customer, who took the invitation."""
        async with db.unit_of_work(_STAFF):
            row = await db.fetch_one(
                "UPDATE contact SET accepted_as = email WHERE customer = $1 AND is_main RETURNING id", self.things["customer"]
            )
        assert row is not None  # noqa: S101  # every customer has one
        return await _account(f"contact:{row['id']}")

    async def cases(self) -> None:
        """A case in each state, called by its state."""
        for what in ("too_late", "ended"):
            await self._file(what)
        await self._press("ended", "approve")
        clock.move(_PASSED)
        for daily in cases.DAILY:
            await daily()
        await self._keep_deadlines()
        await outbox.drain()
        for what in ("waiting", "answered", "refused", "withdrawn"):
            await self._file(what)
        await self._press("answered", "approve")
        await self._press("refused", "refuse", reason="Wij blijven toch")
        await self._change(f"/api/v1/terminations/{self.things['withdrawn_case']}/withdrawal", {"note": "Klant blijft"})
        for what in ("proposal", "at_finance", "countered", "declined", "long"):
            await self._file(what, wished_on=add_months(clock.today(), 3).isoformat(), early=True)
        await self._decide("proposal", Decision.APPROVE)
        await self._decide("countered", Decision.APPROVE)
        await self._press("countered", "counter", offer="100,00", reason="Dit is te veel")
        await self._decide("declined", Decision.REFUSE, reason="Het contract loopt nog")

    async def _keep_deadlines(self) -> None:
        """When notice is due for the services of this partner; not of all partners there are."""
        tenant, found = Principal(Door.TENANT, self.owner.tenant, "system:daily"), 1
        async with db.unit_of_work(tenant):
            await deadline_keeping.check()
        while found:
            async with db.unit_of_work(tenant):
                found = await deadline_keeping.refresh()

    async def _change(self, path: str, sent: object) -> Any:
        answer = await self.own.post(path, json=sent)
        if answer.is_error:
            raise SceneFailed(f"{path}: {answer.status_code} {answer.text[:500]}")
        await outbox.drain()
        return answer.json()

    async def _file(self, what: str, **asked: Any) -> None:
        kept = await self._change("/api/v1/quotes", {"service_ids": [str(self._services[what])], **asked})
        case = await self._change("/api/v1/terminations", {"quote_id": kept["id"], "reason": "switches", "mandate": True})
        self.things[f"{what}_case"] = case["id"]
        self._numbers[what] = case["number"]
        await self._note_link(what)

    async def _note_link(self, what: str) -> None:
        """The secret that stands in the newest mail about this case, if one was sent."""
        async with db.unit_of_work(_STAFF):
            row = await db.fetch_one(
                "SELECT id FROM termination_decision_link WHERE termination = $1 AND replaced_at IS NULL ORDER BY created_at DESC LIMIT 1",
                self.things[f"{what}_case"],
            )
        if row is not None:
            self.things[what] = tokens.token(row["id"])

    async def _decide(self, what: str, decision: Decision, **given: Any) -> None:
        async with db.unit_of_work(_STAFF):
            await buyouts.decide(FINANCE, await buyouts.case_by_number(self._numbers[what]), decision, **given)
        await outbox.drain()
        await self._note_link(what)

    async def _press(self, what: str, decision: str, **typed: str) -> None:
        """Somebody answers on the page behind the link."""
        path = f"/confirm/{self.things[what]}"
        _, fields = pressed((await self.stranger.get(path)).text)
        answer = await self.stranger.post(path, data={**fields, "decision": decision, **typed})
        if answer.is_error:
            raise SceneFailed(f"{path}: {answer.status_code} {answer.text[:500]}")
        await outbox.drain()

    async def drafts(self) -> None:
        """Drafts with every question answered, one of them with a buyout and data to hand over; and one that was filed."""
        self.things["draft"] = await self._draft("in_draft")
        self.things["draft_with_data"] = await self._draft("with_data")
        self.things["filed_draft"] = await self._draft("filed_draft", and_file=True)
        await outbox.drain()

    async def _draft(self, what: str, *, and_file: bool = False) -> str:
        chosen = {"customer": str(self.things["customer"]), "service": str(self._services[what])}
        at = await self._sent("/portal/terminations/new", chosen)
        for _ in range(_MOST_STEPS):
            page = await self.own.get(at)
            at = page.headers.get("location", at)
            if page.is_redirect:
                continue
            if at.endswith("/filed") or (at.endswith("/check") and not and_file):
                return str(at).split("/")[3]
            action, fields = pressed(page.text)
            at = await self._sent(action or at, fields)
        raise SceneFailed(f"the draft does not come to its end: {at}")

    async def notices(self) -> None:
        """What somebody whom nobody knows sent on the public pages."""
        async with db.unit_of_work(_STAFF):
            row = await db.fetch_one("SELECT code FROM tenant WHERE id = $1", self.owner.tenant)
        assert row is not None  # noqa: S101  # it is the owner's partner
        self.things["partner_code"] = code = row["code"]
        self.things["notice"] = await self._notice(f"/end-contract/{code}")
        self.things["withdrawal"] = await self._notice(f"/withdraw-contract/{code}")

    async def _notice(self, path: str) -> str:
        typed = {"name": "Anna Onbekend", "customer": "weet ik niet", "contract": "mijn internet", "email": "anna@example.com"}
        _, fields = pressed((await self.stranger.get(path)).text)
        second = await self.stranger.post(path, data={**fields, **typed, "step": "check"})
        _, fields = pressed(second.text)
        answer = await self.stranger.post(path, data={**fields, "step": "send"})
        if not answer.is_redirect:
            raise SceneFailed(f"{path}: {answer.status_code} {answer.text[:3000]}")
        await outbox.drain()
        return str(answer.headers["location"]).rpartition("/")[2]

    async def _sent(self, path: str, fields: dict[str, str]) -> str:
        answer = await self.own.post(path, data=fields)
        if not answer.is_redirect:
            raise SceneFailed(f"{path}: {answer.status_code} {answer.text[:3000]}")
        return str(answer.headers["location"])


def _bound() -> dict[str, Any]:
    """Terms of two years, of which nine months have passed."""
    begun: date = add_months(clock.today().replace(day=1), -9)
    return {
        "fee_cents": 8995,
        "starts_on": begun,
        "minimum_months": 24,
        "renewal": "FIXED",
        "renewal_months": 12,
        "buyout_rule": "75 %",
    }
