"""The portal with its whole scene in it, for walking every page of the table."""

from __future__ import annotations

from playwright.async_api import Browser, Page

from partner_portal.bench.scenes.play import Scene
from partner_portal.bench.surfaces import Reader, Surface
from partner_portal.infra import db
from tests.browser.portal import Look, Portal, Who
from tests.world import STAFF_DOOR, World

_SEND = "form => { form.noValidate = true; form.requestSubmit(); }"
_WHO: dict[Reader, Who] = {Reader.EVERYBODY: "stranger", Reader.OWNER: "owner", Reader.CLERK: "clerk"}  # contacts are those of the scene


class Gallery(Portal):
    """`page = await gallery.shown(surface, look)`: the page of the table as its reader gets it."""

    def __init__(self, url: str, world: World, chromium: Browser, scene: Scene) -> None:
        super().__init__(url, world, chromium)
        self.scene = scene

    def who(self, surface: Surface) -> Who:
        """Who looks at a page."""
        known = {Reader.CONSUMER: self.scene.consumer, Reader.CONTACT: self.scene.contact, Reader.STAFF: self.scene.staff}
        return _WHO.get(surface.reader) or known[surface.reader].trail

    async def shown(self, surface: Surface, look: Look) -> Page:
        """The page, in a browser that is kept for the next one; it answered as the table says. Troubles of earlier pages are forgotten."""
        self.troubles.clear()
        page = await self.kept_page(self.who(surface), look)
        answer = await page.goto(surface.address(self.scene.things))
        assert answer is not None
        if surface.sends:
            async with page.expect_navigation() as navigation:
                await page.eval_on_selector(surface.sends, _SEND)
            answer = await navigation.value
        assert answer.status == surface.status, f"{answer.status} {page.url}\n{(await answer.text())[:2000]}"
        return page


async def owner_of(world: World) -> str:
    """Noord's owner, as sessions name it."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT id FROM member WHERE email = $1", world.noord.owner)
    assert row is not None
    return f"member:{row['id']}"
