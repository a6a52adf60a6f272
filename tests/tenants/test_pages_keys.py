"""API keys on pages: made and shown once, revoked after a question, and owners' business only."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.conftest import browser
from tests.tenants.people import PAGE, csrf, open_page, read, rows, send, signed_in
from tests.world import World

KEYS = "/portal/settings/keys"


@pytest_asyncio.fixture(loop_scope="session")
async def owner(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(world.noord.owner) as client:
        yield client


def once(page: httpx.Response) -> str:
    found = re.search(r'name="once" value="([0-9a-f-]{36})"', page.text)
    assert found
    return found[1]


async def made(owner: httpx.AsyncClient, **typed: object) -> httpx.Response:
    """The form is filled in and sent."""
    page = await open_page(owner, f"{KEYS}/new")
    form = {"csrf_token": csrf(page), "once": once(page), "name": "Boekhouding", "scopes": ["read"], "expires_on": ""}
    return await owner.post(f"{KEYS}/new", data=form | typed, headers=PAGE)


def secret(page: httpx.Response) -> str:
    found = re.search(r'id="secret" value="(pp_[^"]+)" readonly', page.text)
    assert found, read(page)
    return found[1]


async def test_a_key_is_shown_once_in_a_field_that_can_be_copied_without_script_and_works(owner: httpx.AsyncClient) -> None:
    answer = await made(owner, scopes=["read", "customers:write"])
    key = secret(answer)

    async with browser(headers={"authorization": f"Bearer {key}"}) as software:
        assert (await software.get("/api/v1/customers")).status_code == 200
        assert (await software.get("/api/v1/webhook-endpoints")).status_code == 403
    listed = await open_page(owner, KEYS)
    assert key not in listed.text
    assert "no-store" in answer.headers["cache-control"]
    assert "Boekhouding" in read(listed)
    assert "Lezen" in read(listed)


async def test_the_form_proposes_to_read_only_and_for_a_year(owner: httpx.AsyncClient) -> None:
    page = await open_page(owner, f"{KEYS}/new")

    assert re.findall(r'name="scopes"[^>]*value="([^"]+)" checked', page.text) == ["read"]
    assert 'name="expires_on" type="date" value="2027-11-22"' in page.text


async def test_a_form_sent_twice_makes_one_key(owner: httpx.AsyncClient) -> None:
    page = await open_page(owner, f"{KEYS}/new")
    form = {"csrf_token": csrf(page), "once": once(page), "name": "Twee keer", "scopes": "read"}

    first, second = [await owner.post(f"{KEYS}/new", data=form, headers=PAGE) for _ in range(2)]

    assert (first.status_code, second.status_code) == (200, 409)
    assert "pp_" not in second.text
    assert "maak een andere" in read(second)
    assert len(await rows("SELECT id FROM api_key")) == 1


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"expires_on": "2026-11-21"}, "expires_on"),
        ({"expires_on": "gisteren"}, "expires_on"),
    ],
)
async def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(
    owner: httpx.AsyncClient, typed: dict[str, object], field: str
) -> None:
    answer = await made(owner, **({"name": "Bewaard"} | typed))

    assert answer.status_code == 422
    assert f'href="#{field}' in answer.text[answer.text.index('role="alert"') :]
    assert ("Bewaard" in answer.text) == ("name" not in typed)
    assert await rows("SELECT id FROM api_key") == []


async def test_a_key_is_revoked_after_a_question_and_is_of_no_use_at_once(owner: httpx.AsyncClient) -> None:
    key = secret(await made(owner))
    [row] = await rows("SELECT id FROM api_key")
    path = f"{KEYS}/{row['id']}/revocation"
    async with browser(headers={"authorization": f"Bearer {key}"}) as software:
        assert (await software.get("/api/v1/customers")).status_code == 200
        asked = read(await open_page(owner, path))
        assert (await software.get("/api/v1/customers")).status_code == 200, "asking does nothing"

        answer = await send(owner, path)

        assert (await software.get("/api/v1/customers")).status_code == 401
    assert "Boekhouding" in asked
    assert answer.headers["location"] == KEYS
    assert "ingetrokken" in read(await open_page(owner, KEYS))
    assert "ingetrokken op" in read(await open_page(owner, path)), "and cannot be revoked twice"


async def test_no_keys_yet_says_what_they_are_for(owner: httpx.AsyncClient) -> None:
    assert "Nog geen sleutels" in read(await open_page(owner, KEYS))


@pytest.mark.parametrize("who", ["clerk", "reader"])
async def test_others_than_owners_are_told_that_it_is_not_theirs(world: World, who: str) -> None:
    async with signed_in(getattr(world.noord, who)) as other:
        for path in (KEYS, f"{KEYS}/new"):
            await open_page(other, path, 403)


async def test_another_partners_key_is_not_there(world: World, owner: httpx.AsyncClient) -> None:
    await made(owner)
    [row] = await rows("SELECT id FROM api_key")
    async with signed_in(world.zuid.owner) as other:
        await open_page(other, f"{KEYS}/{row['id']}/revocation", 404)
