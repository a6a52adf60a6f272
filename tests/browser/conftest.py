"""A browser, and the portal for it to look at.

`portal` is the small world over real HTTP: `page = await portal.page("clerk", language="en", width=NARROW)`, then Playwright's own words (its async
API). `await portal.work()` does what is due in the background. Whatever the browser complained about fails the test at its end.
`gallery` is the same with every page's state in it, to be walked by the table of pages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from partner_portal.bench.scenes import play
from partner_portal.infra import settings
from partner_portal.infra.settings import Settings
from tests import chromium as installed
from tests.browser.gallery import Gallery, owner_of
from tests.browser.portal import Portal, served
from tests.conftest import emptied
from tests.world import World, load


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder needs a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser of this run."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(**installed.options())  # type: ignore[arg-type]  # a dict of its keywords
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def address(portal_settings: Settings) -> AsyncIterator[str]:
    """Where the portal under test answers."""
    with settings.use(portal_settings):
        async with served() as url:
            yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gallery(running: Settings, address: str, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gallery]:
    """The whole scene for browsers, one for all tests of a module: they only look."""
    async with emptied(running, tmp_path_factory.mktemp("pages")) as catcher:
        with settings.use(base_url=address):
            world = await load(catcher)
            async with Gallery(address, world, chromium, await play.built(await owner_of(world))) as opened:
                yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def portal(world: World, address: str, chromium: Browser) -> AsyncIterator[Portal]:
    """The small world for browsers; a test that means a browser to complain clears `portal.troubles` afterwards."""
    with settings.use(base_url=address):
        async with Portal(address, world, chromium) as running:
            yield running
        assert running.troubles == []
