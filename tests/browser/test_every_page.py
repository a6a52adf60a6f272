"""Every page of the portal, in every state of the table, is held to the same promises: accessible, in order, within its width, and nothing refused.

Each page is looked at once, in a language, theme and width that change from page to page; `make test-long` looks at all of them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar.status_codes import HTTP_200_OK
from playwright.async_api import Browser, Page

from partner_portal.bench.scenes import play
from partner_portal.bench.surfaces import SURFACES, Reader, Surface
from partner_portal.infra import db, settings
from partner_portal.infra.settings import Settings
from partner_portal.web import auth
from tests.browser import looking
from tests.browser.portal import LOOKS, NARROW, Look, Portal, session
from tests.conftest import browser, emptied
from tests.world import STAFF_DOOR, World, load

MOST_STATEMENTS = 12

_SEND = "form => { form.noValidate = true; form.requestSubmit(); }"

_ONCE = [(surface, LOOKS[nth % len(LOOKS)]) for nth, surface in enumerate(SURFACES)]
_REST = [(surface, look) for nth, surface in enumerate(SURFACES) for look in LOOKS if look != LOOKS[nth % len(LOOKS)]]
LOOKED_AT = [
    *(pytest.param(surface, look, id=f"{surface.slug}-{look}") for surface, look in _ONCE),
    *(pytest.param(surface, look, id=f"{surface.slug}-{look}", marks=pytest.mark.long) for surface, look in _REST),
]


class Stage(msgspec.Struct):
    """The world with its scene."""

    world: World
    scene: play.Scene

    def who(self, surface: Surface) -> str:
        """Who looks at a page; contacts are those of the scene's customer."""
        known = {Reader.EVERYBODY: "stranger", Reader.OWNER: "owner", Reader.CLERK: "clerk"}
        return known.get(surface.reader, self.scene.contact.trail)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(running: Settings, address: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One world for all pages: looking changes nothing."""
    async with emptied(running, tmp_path_factory.mktemp("pages")) as catcher:
        with settings.use(base_url=address):
            world = await load(catcher)
            yield Stage(world, await play.built(await owner_of(world)))


async def owner_of(world: World) -> str:
    """Noord's owner, as sessions name it."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT id FROM member WHERE email = $1", world.noord.owner)
    assert row is not None
    return f"member:{row['id']}"


@pytest_asyncio.fixture(loop_scope="session")
async def portal(stage: Stage, address: str, chromium: Browser) -> AsyncIterator[Portal]:
    """The portal with that world in it."""
    async with Portal(address, stage.world, chromium) as opened:
        yield opened


async def shown(portal: Portal, surface: Surface, look: Look, stage: Stage) -> Page:
    """The page as its reader gets it."""
    page = await portal.page(stage.who(surface), look)
    answer = await page.goto(surface.address(stage.scene.things))
    assert answer is not None
    if surface.sends:
        async with page.expect_navigation() as navigation:
            await page.eval_on_selector(surface.sends, _SEND)
        answer = await navigation.value
    assert answer.status == surface.status, f"{answer.status} {page.url}\n{(await answer.text())[:2000]}"
    return page


@pytest.mark.parametrize(("surface", "look"), LOOKED_AT)
async def test_a_page_keeps_its_promises(portal: Portal, stage: Stage, surface: Surface, look: Look) -> None:
    page = await shown(portal, surface, look, stage)

    found = await looking.order(page, surface.language or look.language)
    found += await looking.axe(page)
    for width in dict.fromkeys((look.width, NARROW)):
        await page.set_viewport_size({"width": width, "height": 740})
        found += [f"at {width}: {what}" for what in await looking.too_wide(page)]

    assert "\n".join(found + portal.troubles) == ""


async def test_no_page_sets_a_cookie_before_somebody_signs_in(portal: Portal, stage: Stage) -> None:
    found = {}
    for surface in SURFACES:
        if surface.reader is Reader.EVERYBODY:
            page = await shown(portal, surface, Look(), stage)
            found[surface.name] = [cookie["name"] for cookie in await page.context.cookies()]
            await page.context.close()

    assert len(found) > 5
    assert {name: cookies for name, cookies in found.items() if cookies} == {}


async def test_titles_tell_pages_apart(stage: Stage) -> None:
    pages: dict[str, set[str]] = {}
    for surface in (one for one in plain() if one.status == HTTP_200_OK):
        answer = await asked(stage, surface)
        [title] = re.findall(r"<title>(.*?)</title>", answer.text, re.DOTALL)
        pages.setdefault(title.strip(), set()).add(surface.path)

    assert {title: paths for title, paths in pages.items() if len(paths) > 1} == {}


async def test_no_page_asks_the_database_more_than_twelve_things(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counted as the first page of the minute, when who is asking has to be looked up as well."""
    asked_for = counted(monkeypatch)
    found: dict[str, list[str]] = {}
    for surface in plain():
        asked_for.clear()
        answer = await asked(stage, surface)
        assert answer.status_code == surface.status, surface.name
        found[surface.name] = list(asked_for)

    with capsys.disabled():
        sys.stdout.write("\nstatements a page: " + ", ".join(f"{name} {len(said)}" for name, said in found.items()) + "\n")
    assert {name: said for name, said in found.items() if len(said) > MOST_STATEMENTS} == {}


def plain() -> list[Surface]:
    """Pages that are there when they are asked for: no form is sent before."""
    return [surface for surface in SURFACES if not surface.sends]


async def asked(stage: Stage, surface: Surface) -> httpx.Response:
    """The answer to the page's reader, whose role nobody remembers."""
    async with browser(headers={"accept": "text/html", "accept-language": "nl"}) as client:
        if surface.reader is not Reader.EVERYBODY:
            client.cookies.set(auth.session_cookie(), await session(stage.world, stage.who(surface)))
        return await client.get(surface.address(stage.scene.things))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that a unit of work sends from now on; beginning, ending and savepoints are none."""
    sent: list[str] = []
    for name in ("fetch", "fetchrow", "execute"):
        original = getattr(db._Connection, name)

        async def noted(self: Any, sql: str, *args: Any, original: Any = original) -> Any:
            if "SAVEPOINT" not in sql.upper():
                sent.append(" ".join(sql.split())[:200])
            return await original(self, sql, *args)

        monkeypatch.setattr(db._Connection, name, noted)
    return sent
