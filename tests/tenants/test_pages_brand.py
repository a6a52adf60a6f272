"""The house style on its page: a colour shown as it can be read, a logo drawn anew, and both where customers look."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from PIL import Image, ImageFile

from partner_portal.infra import db, outbox
from tenants.service import brands
from tests.journeys import partner as people
from tests.tenants.people import PAGE, csrf, open_page, read, rows, send, signed_in
from tests.world import World

BRAND = "/portal/settings/brand"
TYPED = {"shown_name": "", "colour": "#1f4e79", "email": "service@nrd.example.com", "phone": "", "website": ""}


@pytest_asyncio.fixture(loop_scope="session")
async def owner(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(world.noord.owner) as client:
        yield client


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 300), mode: str = "RGBA", **how: Any) -> bytes:
    out = io.BytesIO()
    drawn = Image.new(mode, size, (11, 110, 79, 0) if mode == "RGBA" else (11, 110, 79))
    drawn.paste((200, 30, 30), (20, 20, 120, 120))
    drawn.save(out, kind, **how)
    return out.getvalue()


async def upload(client: httpx.AsyncClient, content: bytes, name: str = "logo.png") -> httpx.Response:
    page = await open_page(client, BRAND)
    return await client.post(f"{BRAND}/logo", data={"csrf_token": csrf(page)}, files={"logo": (name, content)}, headers=PAGE)


async def logo_of(client: httpx.AsyncClient) -> str:
    found = re.search(r'<img src="(/brand/[^"]+\.png)"', (await open_page(client, BRAND)).text)
    return found[1] if found else ""


# --- Name, colour, how to be reached


async def test_the_house_style_is_saved_and_shown_to_people_and_customers(
    world: World, owner: httpx.AsyncClient, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    wanted = TYPED | {"shown_name": "Noorderlicht", "colour": "0b6e4f", "email": "hallo@noord.example.com", "phone": "+31201234567"}

    answer = await send(owner, BRAND, **wanted)

    assert answer.headers["location"] == BRAND
    page = await open_page(owner, BRAND)
    assert ("Noorderlicht" in read(page), "/brand/0b6e4f.css" in page.text) == (True, True)
    await people.filed(noord, world.noord.services["free"], mandate=False)
    mail = people.newest(world.mailbox, "bakkerij@")
    public = await stranger.get(people.link_in(mail))
    assert "Noorderlicht via Kadetel B.V." in world.mailbox.mailbox.raw(mail.id).decode()
    assert "hallo@noord.example.com" in public.text
    assert "Noorderlicht" in read(public)
    assert "Noord ICT" not in read(public).replace("Owner of Noord ICT", "somebody")


async def test_emptied_fields_are_empty_again(owner: httpx.AsyncClient) -> None:
    await send(owner, BRAND, **(TYPED | {"shown_name": "Anders", "phone": "+31201234567", "website": "https://noord.example.com"}))
    await send(owner, BRAND, **TYPED)

    [row] = await rows("SELECT shown_name, phone, website FROM tenant WHERE code = 'NRD'")
    assert list(row.values()) == [None, None, None]
    assert "Noord ICT" in read(await open_page(owner, BRAND))


@pytest.mark.parametrize(("typed", "kept"), [("#ABC", "#aabbcc"), ("1F4E79", "#1f4e79"), (" #0b6e4f ", "#0b6e4f")])
async def test_a_colour_is_taken_as_people_write_it(owner: httpx.AsyncClient, typed: str, kept: str) -> None:
    await send(owner, BRAND, **(TYPED | {"colour": typed}))

    assert (await rows("SELECT brand_colour FROM tenant WHERE code = 'NRD'"))[0]["brand_colour"] == kept


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("colour", "geel"),
        ("colour", ""),
        ("colour", "#12345"),
        ("colour", "#1f4e79;}"),
        ("email", "niemand"),
        ("email", ""),
        ("phone", "bel maar"),
        ("website", "noord.example.com"),
        ("website", "javascript:alert(1)"),
        ("shown_name", "x" * 81),
    ],
)
async def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(owner: httpx.AsyncClient, field: str, typed: str) -> None:
    answer = await send(owner, BRAND, **(TYPED | {"shown_name": "Bewaard", field: typed}))

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text[answer.text.index('role="alert"') :]
    assert (await rows("SELECT shown_name FROM tenant WHERE code = 'NRD'"))[0]["shown_name"] is None
    assert f'value="{typed}"' in answer.text.replace("&#39;", "'")


async def test_a_colour_that_cannot_be_read_is_shown_corrected_with_its_contrast(owner: httpx.AsyncClient) -> None:
    part = await owner.get(f"{BRAND}/look", params={"colour": "#ffe100"}, headers=PAGE | {"hx-request": "true"})

    words = read(part)
    assert "<html" not in part.text
    assert re.search(r"Op een lichte achtergrond: #[0-9a-f]{6} , donkerder gemaakt", words) or "donkerder gemaakt" in words
    assert "#ffe100" in words
    contrasts = [float(found.replace(",", ".")) for found in re.findall(r"Contrast ([\d,]+) op 1", words)]
    assert len(contrasts) == 2
    assert min(contrasts) >= 4.5


@pytest.mark.parametrize("colour", ["", "geel", "#12", "</svg>", "x" * 1000])
async def test_what_is_no_colour_yet_shows_the_one_that_is(owner: httpx.AsyncClient, colour: str) -> None:
    part = await owner.get(f"{BRAND}/look", params={"colour": colour}, headers=PAGE | {"hx-request": "true"})

    assert (part.status_code, "#1f4e79" in part.text) == (200, True)


async def test_without_script_a_colour_is_looked_at_before_it_is_saved(owner: httpx.AsyncClient) -> None:
    answer = await send(owner, BRAND, **(TYPED | {"colour": "#ffe100", "shown_name": "Bewaard", "look": "yes"}))

    assert answer.status_code == 200
    assert ("donkerder gemaakt" in read(answer), 'value="Bewaard"' in answer.text) == (True, True)
    assert (await rows("SELECT brand_colour FROM tenant WHERE code = 'NRD'"))[0]["brand_colour"] == "#1f4e79"


# --- Logo


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("JPEG", "RGB"), ("WEBP", "RGB"), ("PNG", "P"), ("PNG", "L")])
async def test_a_logo_is_drawn_anew_small_on_white_and_served_for_good(
    world: World, owner: httpx.AsyncClient, stranger: httpx.AsyncClient, kind: str, mode: str
) -> None:
    sent = picture(kind, mode="RGB" if mode in "PL" else mode)
    if mode in "PL":
        out = io.BytesIO()
        Image.open(io.BytesIO(sent)).convert(mode).save(out, kind)
        sent = out.getvalue()

    answer = await upload(owner, sent, "Mijn logo (definitief).bestand")

    assert answer.headers["location"] == BRAND
    path = await logo_of(owner)
    shown = await stranger.get(path)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert shown.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert shown.headers["x-content-type-options"] == "nosniff"
    drawn = Image.open(io.BytesIO(shown.content))
    assert (drawn.format, drawn.size) == ("PNG", (480, 160))
    if mode == "RGBA":
        assert drawn.convert("RGB").getpixel((479, 159)) == (255, 255, 255), "what was transparent is white"
    assert (await stranger.get(path, headers={"if-none-match": shown.headers["etag"]})).status_code == 304
    assert "set-cookie" not in shown.headers


async def test_nothing_of_the_file_itself_is_shown_to_anybody(owner: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Geheime plek"
    sent = picture("JPEG", mode="RGB", exif=exif) + b"<script>alert(1)</script>"
    await upload(owner, sent)

    shown = (await stranger.get(await logo_of(owner))).content

    assert b"Geheime plek" in sent
    assert (b"Geheime plek" in shown, b"script" in shown) == (False, False)


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it has 900 million pixels."""

    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", size) + part(b"IDAT", zlib.compress(b"\0" * 1000)) + part(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Kies eerst een bestand"),
        (b"geen afbeelding", "geen leesbare afbeelding"),
        (SVG, "geen leesbare afbeelding"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "geen leesbare afbeelding"),
        (b"%PDF-1.7", "geen leesbare afbeelding"),
        (picture()[:200], "geen leesbare afbeelding"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 500, "geen leesbare afbeelding"),
        (b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\0" * 100, "geen leesbare afbeelding"),
        (bomb(), "te groot"),
        (b"\x89PNG" + b"x" * (2 * 1024 * 1024), "te groot"),
        (picture(size=(15, 200)), "te klein"),
    ],
)
async def test_what_is_no_picture_or_too_much_of_one_is_refused_at_its_field(owner: httpx.AsyncClient, content: bytes, said: str) -> None:
    answer = await upload(owner, content)

    assert answer.status_code == 422
    assert said in read(answer)
    assert 'href="#logo"' in answer.text
    assert await rows("SELECT id FROM infra_document WHERE kind = 'logo'") == []
    reloaded = await owner.get(f"{BRAND}/logo", headers=PAGE)
    assert (reloaded.status_code, reloaded.headers["location"]) == (303, BRAND)


async def test_half_a_picture_is_refused_also_by_a_process_that_has_printed(
    owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as WeasyPrint leaves it

    answer = await upload(owner, picture()[:200])

    assert answer.status_code == 422
    assert "geen leesbare afbeelding" in read(answer)


async def test_a_logo_stands_where_customers_look_and_its_mails_keep_it(
    world: World, owner: httpx.AsyncClient, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await upload(owner, picture())
    path = await logo_of(owner)
    await people.filed(noord, world.noord.services["free"])
    link = people.link_in(people.newest(world.mailbox, "bakkerij@"))
    raw = world.mailbox.mailbox.raw(people.newest(world.mailbox, "bakkerij@").id)
    public = await stranger.get(link)
    await people.press(stranger, link, "approve")

    assert b"Content-ID: <logo>" in raw
    assert f'src="{path}"' in public.text
    async with db.unit_of_work(world.noord.principal()):
        face = await brands.for_letter(world.noord.id)
    assert face.picture.startswith("data:image/png;base64,")
    [letter] = await rows("SELECT size FROM infra_document WHERE kind = 'confirmation'")
    assert letter["size"] > 10_000

    await send(owner, f"{BRAND}/logo/removal", on=BRAND)

    assert await logo_of(owner) == ""
    assert (await stranger.get(path)).status_code == 200, "mails and pages that are out keep it"


async def test_an_address_that_is_no_logo_is_nothing(world: World, owner: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    await upload(owner, picture())
    path = await logo_of(owner)
    mark = path.rpartition("/")[2].removesuffix(".png")
    async with db.unit_of_work(world.noord.principal()):
        letter = await db.fetch_one("SELECT encode(sha256, 'hex') AS mark FROM infra_document WHERE kind <> 'logo'")

    wrong = [
        f"/brand/{world.zuid.id}/{mark}.png",
        f"/brand/{world.noord.id}/{'0' * 64}.png",
        f"/brand/{world.noord.id}/{mark.upper()}.png",
        f"/brand/{world.noord.id}/{mark}.svg",
        f"/brand/{world.noord.id}/{mark[:-1]}'.png",
        f"/brand/nobody/{mark}.png",
        *([f"/brand/{world.noord.id}/{letter['mark']}.png"] if letter else []),
    ]

    assert [(await stranger.get(address)).status_code for address in wrong] == [404] * len(wrong)


@pytest.mark.parametrize("who", ["clerk", "reader"])
async def test_others_than_owners_are_told_that_it_is_not_theirs(world: World, who: str) -> None:
    async with signed_in(getattr(world.noord, who)) as other:
        await open_page(other, BRAND, 403)
        token = csrf(await open_page(other, "/portal"))
        answers = [
            await other.post(path, data={"csrf_token": token} | TYPED, headers=PAGE)
            for path in (BRAND, f"{BRAND}/logo", f"{BRAND}/logo/removal")
        ]

    assert [answer.status_code for answer in answers] == [403] * 3
    await outbox.drain()
