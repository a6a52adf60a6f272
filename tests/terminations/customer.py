"""What a customer's contact does on its own pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx

from partner_portal.infra import db
from tenants.policy import Segment
from tests.conftest import work
from tests.tenants import people
from tests.world import World, make_customer, make_service

BAKER = "bakkerij@klant.example.com"


@asynccontextmanager
async def baker(world: World, *, of: str = "noord") -> AsyncIterator[httpx.AsyncClient]:
    """The main user of the bakery, signed in; it reads Dutch."""
    email = await people.main_user(getattr(world, of))
    async with people.signed_in(email) as client:
        yield client


@asynccontextmanager
async def colleague(world: World, email: str = "collega@klant.example.com", **rights: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Another contact of the bakery, with these rights."""
    await people.main_user(world.noord)
    await people.add_contact(world.noord, world.noord.customers["bakery"], email, **rights)
    async with people.signed_in(email) as client:
        yield client


def ending(path: str, *services: UUID, **said: str) -> str:
    """The address of a step of ending these services."""
    return f"/portal/own/end{path}?{urlencode([*(('service', str(one)) for one in services), *said.items()])}"


def fields(page: str, action: str) -> list[tuple[str, str]]:
    """What the form that is sent to `action` sends along unseen."""
    for form in re.findall(r"<form.*?</form>", page, flags=re.DOTALL):
        if f'action="{action}"' in form:
            return [(name, unescape(value)) for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)]
    raise AssertionError(f"no form to {action} in {page[:3000]}")


async def post(client: httpx.AsyncClient, path: str, typed: list[tuple[str, str]] | dict[str, str]) -> httpx.Response:
    """The form is sent, and everything that follows by itself has happened."""
    body = urlencode(typed if isinstance(typed, list) else list(typed.items()))
    answer = await client.post(path, content=body, headers=people.PAGE | {"content-type": "application/x-www-form-urlencoded"})
    await work()
    return answer


async def end(client: httpx.AsyncClient, *services: UUID, **said: str) -> httpx.Response:
    """Services are ended from the page that says all of it once more, by its button."""
    page = await people.open_page(client, ending("/check", *services, **(said or {"when": "free"})))
    return await post(client, "/portal/own/end", fields(page.text, "/portal/own/end"))


async def answer(client: httpx.AsyncClient, case: str, what: str, **typed: str) -> httpx.Response:
    """A button of a termination's page is pressed."""
    page = await people.open_page(client, f"/portal/own/terminations/{case}")
    seen = re.search(r'name="seen" value="(\d*)"', page.text)
    unseen = {"csrf_token": people.csrf(page)} | ({"seen": seen[1]} if seen else {})
    return await post(client, f"/portal/own/terminations/{case}/{what}", unseen | typed)


async def fresh_consumer(world: World, *, signed_on: date = date(2026, 11, 15)) -> tuple[str, UUID]:
    """A consumer with a service that was bought online a week ago, whose main user has its account; its address and the service."""
    email = "petra@klant.example.com"
    async with db.unit_of_work(world.noord.principal()):
        customer = await make_customer(world.noord, "Petra Bedenktijd", segment=Segment.CONSUMER, email=email)
        service = await make_service(
            world.noord,
            customer,
            label="Glasvezel thuis",
            signed_on=signed_on,
            starts_on=signed_on,
            paid_until=date(2027, 1, 15),
            minimum_months=12,
            channel="ONLINE",
        )
    world.noord.customers["petra"] = customer
    await people.main_user(world.noord, "petra")
    return email, service
