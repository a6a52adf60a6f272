"""Staff at the admin: an account for each role, signed in as the browser does it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import httpx
import msgspec
import pytest
import pytest_asyncio

import admin.access
from partner_portal.infra import db, settings
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
            username=name,
            email=f"{name}@kadetel.example.com",
            name=f"{name.title()} van Kadetel",
            roles=frozenset(roles),
            password=PASSWORD,
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


@pytest_asyncio.fixture(loop_scope="session")
async def address(world: World, tmp_path: Path) -> AsyncIterator[str]:
    """Where a web process of its own serves the portal under test to a real browser."""
    with socket.create_server(("127.0.0.1", 0)) as mouth:
        port = mouth.getsockname()[1]
    environ = settings.environ(msgspec.structs.replace(settings.current(), port=port, base_url="", smtp_url=world.mailbox.smtp_url))
    with (tmp_path / "web.log").open("wb") as log:
        web = subprocess.Popen([sys.executable, "-m", "partner_portal.console.main", "web"], env=environ, stdout=log, stderr=log)
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                await _ready(client, web)
            yield f"http://127.0.0.1:{port}"
        finally:
            web.terminate()
            web.wait(20)


async def _ready(client: httpx.AsyncClient, web: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert web.poll() is None, "the web process ended; see its log"
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    pytest.fail("the web process does not answer")
