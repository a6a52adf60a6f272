"""Staff at the admin: an account for each role, signed in as the browser does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Protocol

import httpx
import pytest_asyncio

import admin.access
from partner_portal.infra import db
from partner_portal.kernel.actor import StaffRole
from tests.conftest import browser
from tests.world import STAFF_DOOR, World

PASSWORD = "horse staple battery correct"


class SignsIn(Protocol):
    """Makes an account and signs it in."""

    async def __call__(self, *roles: StaffRole, name: str = "", language: str = "nl") -> httpx.AsyncClient: ...


async def enter(name: str, *roles: StaffRole) -> int:
    """The account exists; its user name is `name`."""
    async with db.unit_of_work(STAFF_DOOR):
        return await admin.access.enter(
            username=name, email=f"{name}@kadetel.example.com", name=f"{name.title()} van Kadetel", roles=frozenset(roles), password=PASSWORD
        )


async def sign_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    """The answer of the admin's sign-in, asked as its page asks."""
    await client.get("/admin/")
    client.headers["x-csrftoken"] = client.cookies["csrftoken"]
    return await client.post("/admin/public/login/", json={"username": name, "password": password})


@pytest_asyncio.fixture(loop_scope="session")
async def staff(world: World) -> AsyncIterator[SignsIn]:
    """Clients of people with the roles asked for."""
    async with AsyncExitStack() as leaving:

        async def signs_in(*roles: StaffRole, name: str = "", language: str = "nl") -> httpx.AsyncClient:
            client = await leaving.enter_async_context(browser(headers={"accept-language": language}))
            username = name or "-".join(role.value.replace(" ", "-") for role in roles) or "nobody"
            await enter(username, *roles)
            answer = await sign_in(client, username)
            assert answer.status_code == 200, answer.text
            return client

        yield signs_in


@pytest_asyncio.fixture(loop_scope="session")
async def finance(staff: SignsIn) -> httpx.AsyncClient:
    """Fien of finance."""
    return await staff(StaffRole.FINANCE, name="fien")


@pytest_asyncio.fixture(loop_scope="session")
async def administrator(staff: SignsIn) -> httpx.AsyncClient:
    """Ada, who lets others in."""
    return await staff(StaffRole.ADMINISTRATOR, name="ada")
