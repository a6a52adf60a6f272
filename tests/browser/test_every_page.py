"""Every page of the portal, in every state of the table, is held to the same promises: accessible, in order, within its width, and nothing refused.

Each page is looked at once, in a language, theme and width that change from page to page; `make test-long` looks at all of them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Literal

import httpx
import pytest
from litestar.status_codes import HTTP_200_OK

from partner_portal.bench.surfaces import SURFACES, Reader, Surface
from partner_portal.infra import db
from tests.browser import looking
from tests.browser.gallery import Gallery
from tests.browser.portal import LOOKS, NARROW, Look, session
from tests.conftest import browser
from tests.counting import counted
from tests.world import STAFF_DOOR

COLOURED = (
    "today",
    "customer",
    "customer's answer: waiting",
    "costs of ending, only looked at",
    "ending services: reason",
    "notice by anybody",
)

_ONCE = [(surface, LOOKS[nth % len(LOOKS)]) for nth, surface in enumerate(SURFACES)]
_REST = [(surface, look) for nth, surface in enumerate(SURFACES) for look in LOOKS if look != LOOKS[nth % len(LOOKS)]]
LOOKED_AT = [
    *(pytest.param(surface, look, id=f"{surface.slug}-{look}") for surface, look in _ONCE),
    *(pytest.param(surface, look, id=f"{surface.slug}-{look}", marks=pytest.mark.long) for surface, look in _REST),
]


@pytest.mark.parametrize(("surface", "look"), LOOKED_AT)
async def test_a_page_keeps_its_promises(gallery: Gallery, surface: Surface, look: Look) -> None:
    page = await gallery.shown(surface, look)

    found = await looking.order(page, surface.language or look.language)
    found += await looking.axe(page)
    for width in dict.fromkeys((look.width, NARROW)):
        await page.set_viewport_size({"width": width, "height": 740})
        found += [f"at {width}: {what}" for what in await looking.too_wide(page)]
    await page.close()

    assert "\n".join(found + gallery.troubles) == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colour", ["#ffd400", "#e07b00", "#8a8a8a", "#00ff88"])
async def test_pages_can_be_read_whatever_colour_a_partner_chose(gallery: Gallery, colour: str, theme: Literal["light", "dark"]) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE tenant SET brand_colour = $2 WHERE id = $1", gallery.world.noord.id, colour)
    found = []
    for surface in (one for one in SURFACES if one.name in COLOURED):
        page = await gallery.shown(surface, Look(theme=theme))
        found += [f"{surface.name}: {wrong}" for wrong in await looking.axe(page, "wcag2aa")]
        await page.close()

    assert "\n".join(found) == ""


async def test_no_page_sets_a_cookie_before_somebody_signs_in(gallery: Gallery) -> None:
    found = {}
    for surface in SURFACES:
        if surface.reader is Reader.EVERYBODY:
            page = await gallery.shown(surface, Look())
            found[surface.name] = [cookie["name"] for cookie in await page.context.cookies()]
            await page.close()

    assert len(found) > 5
    assert {name: cookies for name, cookies in found.items() if cookies} == {}


async def test_titles_tell_pages_apart(gallery: Gallery) -> None:
    pages: dict[str, set[str]] = {}
    for surface in (one for one in plain() if one.status == HTTP_200_OK):
        answer = await asked(gallery, surface)
        [title] = re.findall(r"<title>(.*?)</title>", answer.text, re.DOTALL)
        pages.setdefault(title.strip(), set()).add(re.sub(r"\{\w+\}", "{}", surface.path.partition("?")[0]))

    assert {title: paths for title, paths in pages.items() if len(paths) > 1} == {}


async def test_every_page_answers_as_the_table_says(gallery: Gallery) -> None:
    answers = {surface: await asked(gallery, surface) for surface in plain()}

    wrong = {one.name: f"{answer.status_code} {answer.text[:300]}" for one, answer in answers.items() if answer.status_code != one.status}
    assert wrong == {}


async def test_no_page_asks_the_database_more_than_it_may(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counted as the first page of the minute, when who is asking has to be looked up as well."""
    asked_for = counted(monkeypatch)
    found: dict[str, list[str]] = {}
    for surface in plain():
        await asked(gallery, surface, asked_for.clear)
        found[surface.name] = list(asked_for)

    with capsys.disabled():
        sys.stdout.write("\nstatements a page: " + ", ".join(f"{name} {len(said)}" for name, said in found.items()) + "\n")
    allowed = {surface.name: surface.statements for surface in plain()}
    assert {name: said for name, said in found.items() if len(said) > allowed[name]} == {}


def plain() -> list[Surface]:
    """Pages that are there when they are asked for: no form is sent before."""
    return [surface for surface in SURFACES if not surface.sends]


async def asked(gallery: Gallery, surface: Surface, now: Callable[[], None] = lambda: None) -> httpx.Response:
    """The answer to the page's reader, whose role nobody remembers. `now` is called before the request, when the reader has signed in."""
    async with browser(headers={"accept": "text/html", "accept-language": "nl"}) as client:
        if surface.reader is not Reader.EVERYBODY:
            signed_in = await session(gallery.world, gallery.who(surface))
            client.cookies.set(signed_in["name"], signed_in["value"])
        now()
        return await client.get(surface.address(gallery.scene.things))
