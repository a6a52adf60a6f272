"""`make screenshots`: every page of the table, wide and narrow, light and dark, in both languages, with every mail and letter, on one sheet to look at.

Not a test, but it stands on the tests' world. Everything is written to var/screenshots; open index.html there. ARGS="-k customers" chooses pages.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.status_codes import HTTP_202_ACCEPTED
from playwright.async_api import Browser

from partner_portal.bench.surfaces import SURFACES, Surface
from tests.browser.gallery import Gallery
from tests.browser.portal import LOOKS
from tests.conftest import browser

FOLDER = Path(__file__).parents[2] / "var" / "screenshots"
_QUALITY = 70
_LONGEST = 6000  # pixels: the end of an endless page shows nothing new
_STYLE = """body { font: 16px/24px sans-serif; margin: 24px; } h2 { margin-top: 48px; } div { display: flex; flex-wrap: wrap; gap: 16px; align-items: start; }
figure { margin: 0; } img { display: block; height: 360px; width: auto; border: 1px solid #999; } figcaption { font-size: 14px; color: #555; }"""


@pytest.fixture(scope="module", autouse=True)
def sheet() -> Iterator[None]:
    """The pictures of this run only, and a sheet that shows all there are."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    yield
    parts = [
        f"<h2>{html.escape(folder.name)}</h2><div>{''.join(_figures(folder))}</div>"
        for folder in sorted(FOLDER.iterdir())
        if folder.is_dir()
    ]
    page = f"<!doctype html><html lang=en><meta charset=utf-8><title>Screenshots</title><style>{_STYLE}</style><h1>Screenshots</h1>{''.join(parts)}"
    (FOLDER / "index.html").write_text(page)


def _figures(folder: Path) -> Iterator[str]:
    for file in sorted(folder.iterdir()):
        address = f"{folder.name}/{file.name}"
        seen = f"<img src='{address}' loading=lazy alt=''>" if file.suffix in (".jpg", ".png") else ""
        yield f"<figure><a href='{address}'>{seen}<figcaption>{html.escape(file.stem)}</figcaption></a></figure>"


@pytest.mark.parametrize("surface", [pytest.param(surface, id=surface.slug) for surface in SURFACES])
async def test_page(gallery: Gallery, surface: Surface) -> None:
    folder = FOLDER / surface.slug
    shutil.rmtree(folder, ignore_errors=True)
    for look in LOOKS:
        page = await gallery.shown(surface, look)
        tall = await page.evaluate("Math.max(innerHeight, document.documentElement.scrollHeight)")
        # A window as high as the page: what sticks to the window's edge would lie over the middle of a longer picture.
        await page.set_viewport_size({"width": look.width, "height": min(_LONGEST, tall)})
        await page.screenshot(path=folder / f"{look}.jpg", type="jpeg", quality=_QUALITY)
        await page.close()


async def test_mails(gallery: Gallery, chromium: Browser) -> None:
    """One of each kind, by its subject without numbers, as a mail program shows it wide and on a telephone."""
    folder = FOLDER / "zz-mails"
    shutil.rmtree(folder, ignore_errors=True)
    kinds = {re.sub(r"[^a-z]+", "-", mail.subject.lower()).strip("-"): mail for mail in gallery.world.mailbox.mailbox.mails()}
    for kind, mail in kinds.items():
        for look in (look for look in LOOKS if look.language == "nl"):
            context = await chromium.new_context(viewport={"width": look.width, "height": 900}, color_scheme=look.theme)
            page = await context.new_page()
            await page.goto(f"{gallery.world.mailbox.url}/messages/{mail.id}/html")
            await page.screenshot(path=folder / f"{kind[:80]}-{look.theme}-{look.width}.jpg", type="jpeg", quality=_QUALITY, full_page=True)
            await context.close()


async def test_letters(gallery: Gallery) -> None:
    """The letters that the scene's mails and pages lead to; drawn where a tool for it is installed, as files elsewhere."""
    folder = FOLDER / "zz-letters"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    things = gallery.scene.things
    paths = {
        "confirmation": f"/confirm/{things['answered']}/confirmation.pdf",
        "request": f"/confirm/{things['waiting']}/request.pdf",
        "proposal": f"/confirm/{things['proposal']}/request.pdf",
        "receipt": f"/end-contract/{things['partner_code']}/{things['notice']}/receipt.pdf",
    }
    async with browser() as client:
        for name, path in paths.items():
            answer = await client.get(path)
            if answer.status_code == HTTP_202_ACCEPTED:  # asked for the first time: it is drawn in the background
                await gallery.work()
                answer = await client.get(path)
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            file = folder / f"{name}.pdf"
            file.write_bytes(answer.content)
            if tool := shutil.which("pdftoppm"):
                subprocess.run([tool, "-r", "70", "-png", file, folder / name], check=True)
