"""The smallest application that has every kind of route: things with a name, owned by a tenant."""
# ruff: noqa: S608  # handlers name what they need to be let in; values of these statements are bound

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery, JSONBody
from msgspec import Meta

from partner_portal.infra import db, sessions
from partner_portal.kernel.actor import Actor, ActorKind, Role
from partner_portal.kernel.errors import NotFound, Refused
from partner_portal.kernel.money import Money
from partner_portal.web import auth, conditional, idempotency, lists, openapi, requests, shell
from partner_portal.web.middleware import Shell
from partner_portal.web.money import MoneyIn, MoneyOut

SCHEMA = """
CREATE TABLE IF NOT EXISTS web_thing (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant uuid NOT NULL DEFAULT nullif(current_setting('app.tenant', true), '')::uuid,
    name text NOT NULL, version int NOT NULL DEFAULT 1, made_on date NOT NULL DEFAULT '2026-01-01',
    parent uuid REFERENCES web_thing,
    CONSTRAINT web_thing_name_once UNIQUE (tenant, name) DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE web_thing ENABLE ROW LEVEL SECURITY;
ALTER TABLE web_thing FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS web_thing_own ON web_thing;
CREATE POLICY web_thing_own ON web_thing TO portal_app USING (tenant = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
DROP POLICY IF EXISTS web_thing_staff ON web_thing;
CREATE POLICY web_thing_staff ON web_thing TO portal_staff USING (true);
DROP POLICY IF EXISTS web_thing_owner ON web_thing;
CREATE POLICY web_thing_owner ON web_thing TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, UPDATE ON web_thing TO portal_app, portal_staff;
"""

NOORD, ZUID = UUID(int=1), UUID(int=2)


def member(name: str, tenant: UUID, *roles: str, language: str = "en") -> Actor:
    return Actor(kind=ActorKind.MEMBER, id=name, tenant=tenant, roles=frozenset(roles), language=language)


class People:
    """What the shell asks about people; the tests change it at will and see how often it was asked."""

    def __init__(self) -> None:
        self.owner_of_noord = member("owner-noord", NOORD, Role.OWNER)
        self.reader_of_noord = member("reader-noord", NOORD, Role.READER, language="nl")
        self.owner_of_zuid = member("owner-zuid", ZUID, Role.OWNER)
        self.robot = Actor(kind=ActorKind.KEY, id="robot", tenant=NOORD, roles=frozenset({"things:read"}))
        self.finance = Actor(kind=ActorKind.STAFF, id="7", roles=frozenset({"finance"}))
        self.members = {actor.trail: actor for actor in (self.owner_of_noord, self.reader_of_noord, self.owner_of_zuid)}
        self.keys = {"pp_robot_secret": self.robot}
        self.admins = {"admin-session": self.finance}
        self.asked = 0

    async def person(self, session: sessions.Session) -> Actor | None:
        self.asked += 1
        return self.members.get(session.who)

    async def key(self, token: str) -> Actor | None:
        self.asked += 1
        return self.keys.get(token)

    async def staff(self, cookie: str) -> Actor | None:
        self.asked += 1
        return self.admins.get(cookie)


class Part(msgspec.Struct, forbid_unknown_fields=True):
    label: Annotated[str, Meta(min_length=2)]
    count: Annotated[int, Meta(ge=1)] = 1


class Circle(msgspec.Struct, tag="circle", forbid_unknown_fields=True):
    radius: int


class Square(msgspec.Struct, tag="square", forbid_unknown_fields=True):
    side: int


class ThingIn(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=50)]
    wished_on: date | None = None
    price: MoneyIn | None = None
    parts: Annotated[list[Part], Meta(max_length=20_000)] = []
    kind: Literal["big", "small"] = "big"
    weight: Decimal | None = None
    shape: Circle | Square | None = None
    owner: UUID | None = None
    wait: int = 0


class ThingOut(msgspec.Struct):
    id: UUID
    name: str
    version: int
    price: MoneyOut | None = None


class NameTaken(Refused):
    """A thing with this name is there already."""


THINGS = lists.Listing(
    "things", {"name": lists.Column("name", "text", "name"), "made_on": lists.Column("made_on", "date", "made_on")}, usual="name"
)


@post("/things")
async def make(actor: auth.Acting, data: JSONBody[ThingIn]) -> Response[ThingOut]:
    rows = await db.fetch("INSERT INTO web_thing (name) VALUES ($1) RETURNING id, name, version", data.name)
    if data.wait:
        await asyncio.sleep(data.wait / 1000)
    price = MoneyOut.of(data.price.money()) if data.price else None
    return Response(ThingOut(**rows[0], price=price), headers={"location": f"/things/{rows[0]['id']}"})


@get("/things", before_request=requests.known_parameters_only, responses=openapi.raises())
async def every(
    request: Request[Any, Any, Any],
    actor: auth.Acting,
    after: lists.After = None,
    limit: lists.Limit = 50,
    sort: lists.Sort = None,
    q: FromQuery[str | None] = None,
) -> Response[lists.ListOut[ThingOut]]:
    window = THINGS.window(sort=sort, after=after, limit=limit, q=q)
    where, values = window.where(2)
    rows = await db.fetch(
        f"SELECT id, name, version, made_on FROM web_thing WHERE name LIKE $1 AND {where} ORDER BY {window.order}",  # values are bound
        lists.contains(q or ""),
        *values,
    )
    return lists.answer(request, window.page(rows), lambda row: ThingOut(row["id"], row["name"], row["version"]))


async def _find(thing_id: UUID) -> Any:
    rows = await db.fetch("SELECT id, name, version FROM web_thing WHERE id = $1 FOR UPDATE", thing_id)
    if not rows:
        raise NotFound(what="thing", id=thing_id)
    return rows[0]


@get("/things/{thing_id:uuid}")
async def one(request: Request[Any, Any, Any], actor: auth.Acting, thing_id: FromPath[UUID]) -> Response[ThingOut | None]:
    row = await _find(thing_id)
    return conditional.answer(request, ThingOut(**row), row["version"])


class Rename(msgspec.Struct, forbid_unknown_fields=True):
    name: str


@patch("/things/{thing_id:uuid}")
async def rename(
    request: Request[Any, Any, Any], actor: auth.Acting, thing_id: FromPath[UUID], data: JSONBody[Rename]
) -> Response[ThingOut | None]:
    row = await _find(thing_id)
    conditional.require_match(request, row["version"])
    await db.execute("UPDATE web_thing SET name = $1, version = version + 1 WHERE id = $2", data.name, thing_id)
    return conditional.answer(request, ThingOut(thing_id, data.name, row["version"] + 1), row["version"] + 1)


@post("/things/{thing_id:uuid}/refusal")
async def refuse(actor: auth.Acting, thing_id: FromPath[UUID]) -> None:
    await _find(thing_id)
    await db.execute("UPDATE web_thing SET name = 'half done' WHERE id = $1", thing_id)
    raise NameTaken(price=Money(1250), allowed=["this", "that"])


@post("/broken")
async def broken(actor: auth.Acting) -> None:
    await db.execute("INSERT INTO web_thing (name) VALUES ('from a broken request')")
    raise RuntimeError("the secret of our insides")


@post("/sql/{what:str}")
async def sql(actor: auth.Acting, what: FromPath[str]) -> dict[str, str]:
    """Raises what the database raises; "swallowed" swallows it."""
    statements = {
        "unknown-parent": f"INSERT INTO web_thing (name, parent) VALUES ('a', '{uuid4()}')",
        "other-tenant": f"INSERT INTO web_thing (name, tenant) VALUES ('a', '{ZUID}')",
        "deadlock": "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$",
        "serialization": "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$",
        "nul": "SELECT convert_from('\\x00'::bytea, 'UTF8')",
        "syntax": "SELEKT 1",
    }
    if what == "swallowed":
        try:
            await db.execute("INSERT INTO web_thing (name, parent) VALUES ('a', gen_random_uuid())")
        except Exception:  # noqa: BLE001
            return {"status": "pretended"}
    await db.execute(statements[what])
    return {"status": "done"}


@post("/secrets", opt={idempotency.SECRET_ANSWER: True})
async def secret(actor: auth.Acting) -> dict[str, str]:
    await db.execute("INSERT INTO web_thing (name) VALUES ($1)", str(uuid4()))
    return {"secret": "shown once"}


@get("/owners-only", guards=[auth.requires(Role.OWNER)])
async def owners_only() -> dict[str, bool]:
    return {"owner": True}


@get("/hello")
async def hello(perhaps_actor: auth.PerhapsActing) -> dict[str, str]:
    return {"hello": perhaps_actor.trail if perhaps_actor else "stranger"}


@post("/session", status_code=200)
async def sign_in(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    response: Response[dict[str, str]] = Response({})
    response.content["csrf"] = await auth.sign_in(request, response, who="member:owner-noord", tenant=NOORD)
    return response


@post("/session/end", status_code=200)
async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
    response: Response[None] = Response(None)
    await auth.sign_out(request, response)
    return response


@post("/forms")
async def form(actor: auth.Acting, data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]) -> dict[str, Any]:
    return {"name": data["name"]}


@post("/uploads")
async def upload(actor: auth.Acting, data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]) -> dict[str, Any]:
    return {"name": data["name"]}


@get("/confirm/{token:str}")
async def by_link(request: Request[Any, Any, Any], token: FromPath[str]) -> dict[str, int]:
    """A link proves by itself for whom it is: here, for Noord."""
    await auth.act_as(request, Actor(kind=ActorKind.CUSTOMER, id="c1", tenant=NOORD))
    rows = await db.fetch("SELECT count(*) AS n FROM web_thing")
    return {"things": rows[0]["n"]}


@get("/late-switch")
async def late_switch(request: Request[Any, Any, Any]) -> dict[str, int]:
    await db.fetch("SELECT 1")
    await auth.act_as(request, Actor(kind=ActorKind.CUSTOMER, id="c1", tenant=NOORD))
    return {}


@get("/count")
async def count() -> dict[str, int]:
    """What the database shows to whoever asks."""
    rows = await db.fetch("SELECT count(*) AS n FROM web_thing")
    return {"things": rows[0]["n"]}


@get("/admin/count")
async def staff_count(perhaps_actor: auth.PerhapsActing) -> dict[str, Any]:
    rows = await db.fetch("SELECT count(*) AS n FROM web_thing")
    return {"things": rows[0]["n"], "actor": perhaps_actor.trail if perhaps_actor else None}


ROUTES = [
    make, every, one, rename, refuse, broken, sql, secret, owners_only, hello,
    sign_in, sign_out, form, upload, by_link, late_switch, count, staff_count,
]  # fmt: skip


def portal(people: People) -> Shell:
    described = openapi.config(title="Things", version="1", tags={"things": "Things of the tests."})
    return shell.application(ROUTES, authenticator=people, openapi=described)
