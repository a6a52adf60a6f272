"""Styles, scripts and fonts: kept for good under an address that follows their content, small on the way, and no other file of the machine."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest

from partner_portal.web import assets

STYLE = "portal.css"


async def test_an_address_that_pages_name_is_kept_for_good(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get(assets.address(STYLE))

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")
    assert "set-cookie" not in answer.headers


async def test_a_plain_or_old_address_is_asked_for_again(stranger: httpx.AsyncClient) -> None:
    for address in (f"/static/{STYLE}", f"/static/{STYLE}?v=000000000000"):
        assert (await stranger.get(address)).headers["cache-control"] == "public, max-age=86400"


async def test_what_the_browser_has_is_not_sent_again(stranger: httpx.AsyncClient) -> None:
    first = await stranger.get(f"/static/{STYLE}")
    again = await stranger.get(f"/static/{STYLE}", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


async def test_text_leaves_compressed_and_fonts_as_they_are(stranger: httpx.AsyncClient) -> None:
    async with stranger.stream("GET", f"/static/{STYLE}", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    plain = await stranger.get(f"/static/{STYLE}", headers={"accept-encoding": "identity"})
    font = await stranger.get("/static/fonts/source-sans-3-latin-400-normal.woff2", headers={"accept-encoding": "gzip"})

    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 2
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in font.headers
    assert font.headers["content-type"] == "font/woff2"
    assert all(answer.headers["vary"] == "Accept-Encoding" for answer in (plain, font))


@pytest.mark.parametrize("name", ["portal.js", "htmx.min.js"])
async def test_scripts_say_that_they_are(stranger: httpx.AsyncClient, name: str) -> None:
    """Browsers run no module of another kind, and some systems name scripts otherwise."""
    assert (await stranger.get(f"/static/{name}")).headers["content-type"].startswith("text/javascript")


UPWARDS = (
    "../pages.py",
    "..%2f..%2f..%2fpyproject.toml",
    "%2e%2e/%2e%2e/pyproject.toml",
    "....//pages.py",
    "fonts/../../pages.py",
    "..\\pages.py",
)
ELSEWHERE = ("/etc/passwd", "%2fetc%2fpasswd", "", "fonts", "nothing.css", "portal.css%00.js", "portal.css%00")


@pytest.mark.parametrize("name", [*UPWARDS, *ELSEWHERE])
async def test_no_other_file_of_the_machine_is_served(stranger: httpx.AsyncClient, name: str) -> None:
    answer = await stranger.get(f"/static/{name}")

    assert answer.status_code in (400, 404)
    assert b"import annotations" not in answer.content


async def test_a_brands_colours_are_a_style_sheet_for_good(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/brand/8a1538.css")

    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert "--brand:" in answer.text


@pytest.mark.parametrize(
    "name", ["8a1538", "8a1538.js", "red.css", "8a153.css", "8a1538;}body{display:none}.css", "8a1538%0a.css", "..%2fx.css"]
)
async def test_only_colours_are_colours(stranger: httpx.AsyncClient, name: str) -> None:
    answer = await stranger.get(f"/brand/{name}")

    assert answer.status_code == 404
    assert "body{" not in answer.text


def test_a_template_that_names_no_file_is_an_error_of_ours() -> None:
    with pytest.raises(FileNotFoundError):
        assets.address("nothing.css")


def test_another_content_has_another_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = assets.HERE / "static"
    before = assets.address(STYLE)
    other = tmp_path / STYLE
    other.write_bytes((folder / STYLE).read_bytes() + b" ")
    monkeypatch.setattr(assets, "_FOLDERS", (tmp_path,))
    assets._found.cache_clear()  # as after a second

    assert assets.address(STYLE) != before
