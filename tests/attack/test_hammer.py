"""Eight partners, strangers, failures and broken connections at once on two connections of the pool: nobody ever sees another's row."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import Counter
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from partner_portal.infra import db, sessions, settings
from partner_portal.web import csrf
from tenants.policy import Scope, WhoBills
from tenants.service import keys
from tests import world as small_world
from tests.lives.portal import LOOPBACK, Processes
from tests.world import STAFF_DOOR, Partner, make_customer, make_service

POOL = 2
CLIENTS = 24


class House(msgspec.Struct):
    """A partner of the hammer: how many customers it has, what all their names begin with, how it comes in, and a contact of its second customer."""

    partner: Partner
    name: str
    headers: dict[str, str]
    customers: list[UUID]
    service: UUID
    contact: str = ""
    contact_headers: dict[str, str] = {}


async def houses() -> list[House]:
    """Eight partners with 20 to 27 customers each."""
    built = []
    for nth in range(8):
        name = f"Huis{nth}"
        async with db.unit_of_work(STAFF_DOOR):
            partner = await small_world._partner(f"H{nth}X", name, WhoBills.DIRECT, name.lower())
        async with db.unit_of_work(partner.principal()):
            customers = [await make_customer(partner, f"{name} klant {place}", email=f"k{place}@{name}.test") for place in range(20 + nth)]
            service = await make_service(partner, customers[0], label=f"{name} dienst")
            made = await keys.make(partner.actor, name="hamer", scopes=frozenset(Scope), expires_on=None)
        contact, headers = await signed_in_contact(partner, customers[1])
        built.append(House(partner, name, {"authorization": f"Bearer {made.secret}"}, customers, service, contact, headers))
    return built


async def signed_in_contact(partner: Partner, customer: UUID) -> tuple[str, dict[str, str]]:
    """The customer's main user and what its browser sends along."""
    async with db.unit_of_work(partner.principal()):
        row = await db.fetch_one("UPDATE contact SET accepted_as = email WHERE customer = $1 RETURNING id", customer)
    assert row is not None
    token = await sessions.start(f"contact:{row['id']}", tenant=partner.id)
    return str(row["id"]), {"cookie": f"session={token}", "x-csrf-token": csrf.token(token)}


class Hammer:
    """Clients that ask all kinds of things, and check every answer."""

    def __init__(self, url: str, built: list[House], seed: int) -> None:
        self.url, self.houses, self.chance = url, built, random.Random(seed)
        self.asked: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def pound(self, until: float) -> None:
        """One client, now this partner's, now that one's."""
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            while time.monotonic() < until:
                house = self.chance.choice(self.houses)
                other = self.chance.choice([one for one in self.houses if one is not house])
                what = self.chance.choice(
                    [
                        self.listing,
                        self.one,
                        self.foreign,
                        self.refused,
                        self.stranger,
                        self.vanish,
                        self.preview,
                        self.quote,
                        self.contact,
                        self.contact_refused,
                    ]
                )
                self.asked[what.__name__] += 1
                await what(client, house, other)

    def expect(self, answer: httpx.Response, status: int, house: House, what: str) -> None:
        """The status is right and every name in the answer is the house's own."""
        names = {one.name for one in self.houses if one is not house and one.name in answer.text}
        if answer.status_code != status or names:
            self.wrong.append(f"{what}: {answer.status_code} instead of {status}, of {names or house.name}: {answer.text[:200]}")

    async def listing(self, client: httpx.AsyncClient, house: House, _other: House) -> None:
        answer = await client.get(
            "/api/v1/customers", params={"limit": 200, "q": self.chance.choice(["", "klant", "Huis"])}, headers=house.headers
        )
        self.expect(answer, 200, house, "list")
        if answer.status_code == 200 and len(answer.json()["items"]) != len(house.customers):
            self.wrong.append(f"{house.name} has {len(house.customers)} customers, saw {len(answer.json()['items'])}")

    async def one(self, client: httpx.AsyncClient, house: House, _other: House) -> None:
        customer = self.chance.choice(house.customers)
        answer = await client.get(f"/api/v1/customers/{customer}", headers=house.headers)
        self.expect(answer, 200, house, "one")

    async def foreign(self, client: httpx.AsyncClient, house: House, other: House) -> None:
        answer = await client.get(f"/api/v1/customers/{self.chance.choice(other.customers)}", headers=house.headers)
        self.expect(answer, 404, house, "foreign")

    async def refused(self, client: httpx.AsyncClient, house: House, _other: House) -> None:
        """Locks a row, writes, and is rolled back."""
        if self.chance.random() < 0.5:
            path = f"/api/v1/customers/{house.customers[0]}"
            answer = await client.patch(path, json={"name": "Nooit"}, headers=house.headers | {"if-match": '"999"'})
            self.expect(answer, 412, house, "stale")
            return
        contact = {"name": "Niemand", "email": "n@niemand.test"}
        address = {"street": "S 1", "postcode": "1234 AB", "city": "S"}
        body = {
            "name": "Nooit",
            "segment": "GOV",
            "main_contact": contact,
            "billing_address": address,
            "number": f"{house.name[0]}{house.name[4]}X-C-00001",
        }
        answer = await client.post("/api/v1/customers", json=body, headers=house.headers)
        self.expect(answer, 422, house, "taken")

    async def stranger(self, client: httpx.AsyncClient, house: House, _other: House) -> None:
        path = self.chance.choice(["/api/v1/customers", f"/api/v1/customers/{house.customers[0]}", "/api/v1/terminations"])
        nobody = House(house.partner, "", {}, [], house.service)
        self.expect(await client.get(path), 401, nobody, "stranger")
        self.expect(await client.get("/api/v1/articles"), 200, nobody, "public")
        self.expect(await client.get(f"/confirm/{'A' * 43}"), 404, nobody, "link")

    async def vanish(self, _client: httpx.AsyncClient, house: House, _other: House) -> None:
        """Asks, and is gone before the answer, or in the middle of it."""
        port = int(self.url.rpartition(":")[2])
        path = self.chance.choice(["/api/v1/customers?limit=200", f"/api/v1/customers/{house.customers[0]}"])
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        head = f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {house.headers['authorization']}\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        if self.chance.random() < 0.4:
            await asyncio.sleep(self.chance.uniform(0, 0.02))
        elif self.chance.random() < 0.5:
            await reader.read(100)
        mouth = writer.get_extra_info("socket")
        mouth.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # a reset, not a farewell
        writer.close()

    async def preview(self, client: httpx.AsyncClient, house: House, _other: House) -> None:
        answer = await client.post(
            "/api/v1/terminations/preview", json={"service_ids": [str(house.service)], "calendar": "none"}, headers=house.headers
        )
        self.expect(answer, 200, house, "preview")

    async def quote(self, client: httpx.AsyncClient, house: House, other: House) -> None:
        answer = await client.post("/api/v1/quotes", json={"service_ids": [str(house.service), str(other.service)]}, headers=house.headers)
        self.expect(answer, 404, house, "mixed quote")

    async def contact(self, client: httpx.AsyncClient, house: House, _other: House) -> None:
        """A contact of one customer sees itself, and that it is no member."""
        answer = await client.get("/api/v1/own/contacts", headers=house.contact_headers)
        self.expect(answer, 200, house, "contacts")
        if answer.status_code == 200 and [one["id"] for one in answer.json()] != [house.contact]:
            self.wrong.append(f"a contact of {house.name} saw {answer.text[:300]}")
        self.expect(await client.get("/api/v1/customers", headers=house.contact_headers), 403, house, "not for contacts")

    async def contact_refused(self, client: httpx.AsyncClient, house: House, other: House) -> None:
        """Locks a row in the contact's role, and is rolled back; another house's contact is not there."""
        stale = house.contact_headers | {"if-match": '"999"'}
        own = await client.patch(f"/api/v1/own/contacts/{house.contact}", json={"name": "Nooit"}, headers=stale)
        self.expect(own, 412, house, "stale contact")
        foreign = await client.patch(f"/api/v1/own/contacts/{other.contact}", json={"name": "Nooit"}, headers=stale)
        self.expect(foreign, 404, house, "foreign contact")


async def hammered(folder: Path, seconds: float) -> Counter[str]:
    built = await houses()
    with Processes(folder, "web", pool_size=POOL) as processes:
        await processes.ready()
        hammer = Hammer(processes.url, built, seed=random.randrange(10**6))
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(hammer.pound(until))
        await idle()
        async with httpx.AsyncClient(base_url=processes.url) as client:
            for house in built:
                await hammer.listing(client, house, house)
            assert (await client.get("/readyz")).status_code == 200
        assert hammer.wrong[:5] == []
        assert '"status":500' not in processes.said("web").replace(" ", "")
    async with db.unit_of_work(STAFF_DOOR):
        written = await db.fetch(
            "SELECT (SELECT count(*) FROM customer WHERE name = 'Nooit') + (SELECT count(*) FROM termination_quote) AS n"
        )
    assert written[0]["n"] == 0
    return hammer.asked


async def idle() -> None:
    """Every connection of the web process rests: none is lost, none is amid a transaction, none still knows a tenant."""
    connection = await asyncpg.connect(settings.current().database_url)
    try:
        async with asyncio.timeout(10):
            while True:
                states = await connection.fetch(
                    "SELECT application_name AS door, state FROM pg_stat_activity WHERE application_name LIKE 'portal portal_%' AND usename LIKE 'portal_%'"
                )
                if all(row["state"] in {"idle", None} for row in states):
                    break
                await asyncio.sleep(0.1)
    finally:
        await connection.close()
    ours = 2 * settings.current().pool_size  # this process' own pools are in the same database
    assert len(states) <= ours + 2 * POOL


@pytest.mark.usefixtures("world")
async def test_eight_partners_on_two_connections_never_meet(tmp_path: Path) -> None:
    asked = await hammered(tmp_path, seconds=8)

    assert len(asked) == 10, "every kind was asked"
    assert asked.total() > 200


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("world")
async def test_eight_partners_never_meet_for_two_minutes(tmp_path: Path) -> None:
    asked = await hammered(tmp_path, seconds=120)

    assert asked.total() > 3000
