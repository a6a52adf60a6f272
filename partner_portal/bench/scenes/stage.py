"""Who acts in a scene and what came of it: the clients, the things that paths of pages name, and sending forms as browsers do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import msgspec

from billing.service import issuers
from billing.service.issuers import IssuerDetails
from partner_portal.infra import db, outbox, sessions, tokens
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor
from partner_portal.web import auth, csrf
from tenants.service import accounts

from ..pressing import pressed

STAFF = Principal(Door.STAFF, None, "staff:1")
_HOUSE = IssuerDetails(
    name="Kadetel B.V.",
    street="Kade 1",
    postcode="3011 AB",
    city="Rotterdam",
    email="facturen@kadetel.example.com",
    vat_id="NL999999990B29",
    chamber_number="12345678",
    iban="NL05TEST0417164300",
)


async def name_the_house() -> None:
    """Somebody can send invoices."""
    async with db.unit_of_work(STAFF):
        house = await db.fetch_one(
            "SELECT id FROM tenant WHERE kind = 'house' AND NOT EXISTS (SELECT 1 FROM billing_issuer i WHERE i.tenant = tenant.id)"
        )
        if house is not None:
            await issuers.enter(house["id"], _HOUSE)


class SceneFailed(RuntimeError):
    """The portal did not do what the scene asks for."""


class Stage(msgspec.Struct):
    """An owner of a partner with a browser, a stranger with one, and what is there so far."""

    owner: Actor
    own: httpx.AsyncClient
    stranger: httpx.AsyncClient
    things: dict[str, object] = {}
    """By the names that the table of pages uses."""
    services: dict[str, UUID] = {}
    """By what becomes of them."""

    @property
    def principal(self) -> Principal:
        """The owner's side of the wall."""
        return Principal(Door.TENANT, self.owner.tenant, self.owner.trail)

    async def change(self, path: str, sent: object) -> Any:
        """The owner's software changes something; everything that follows by itself has happened."""
        answer = await self.own.post(path, json=sent)
        if answer.is_error:
            raise SceneFailed(f"{path}: {answer.status_code} {answer.text[:500]}")
        await outbox.drain()
        return answer.json()

    async def fill_in(self, path: str, **typed: str) -> str:
        """The owner fills in the first form of a page that leads to the page itself; returns where one comes afterwards."""
        _, fields = pressed((await self.own.get(path)).text)
        return await self.send(path, fields | typed)

    async def send(self, path: str, fields: dict[str, Any], *, stranger: bool = False) -> str:
        """A form is sent; returns where it leads, when everything that follows by itself has happened."""
        answer = await (self.stranger if stranger else self.own).post(path, data=fields)
        if not answer.is_redirect:
            raise SceneFailed(f"{path}: {answer.status_code} {answer.text[:3000]}")
        await outbox.drain()
        return str(answer.headers["location"])

    async def row(self, sql: str, *values: object) -> Any:
        """One row of whatever partner; SceneFailed when it is not there."""
        async with db.unit_of_work(STAFF):
            found = await db.fetch_one(sql, *values)
        if found is None:
            raise SceneFailed(sql)
        return found

    async def secret(self, sql: str, *values: object) -> str:
        """The secret that stands in the mail about the row with this id."""
        return tokens.token((await self.row(sql, *values))["id"])


def browser() -> httpx.AsyncClient:
    """A client of the portal in this process."""
    from partner_portal.app import app  # noqa: PLC0415  # reads the settings

    as_asgi: Any = app  # httpx and Litestar each type ASGI themselves
    return httpx.AsyncClient(transport=httpx.ASGITransport(as_asgi), base_url="http://portal.test", timeout=60)


async def let_in(client: httpx.AsyncClient, actor: Actor) -> None:
    """The client is signed in as the actor."""
    token = await sessions.start(actor.trail, tenant=actor.tenant)
    client.cookies.set(auth.session_cookie(), token)
    client.headers["x-csrf-token"] = csrf.token(token)


async def account(who: str) -> Actor:
    """Whoever may come in as `member:` or `contact:` and an id."""
    async with db.unit_of_work(accounts.DOOR):
        found = await accounts.now(who)
    if found is None:
        raise SceneFailed(f"{who} may not come in")
    return found.actor
