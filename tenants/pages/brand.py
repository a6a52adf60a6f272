"""A partner's house style: name, colour, logo and how to be reached, chosen by its owners; the logo itself, for everybody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery

from partner_portal.infra import brand as faces
from partner_portal.infra import db, pictures
from partner_portal.infra.brand import NotAColour
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotFound
from partner_portal.web import auth, forms, pages
from partner_portal.web.forms import NO_ERRORS, Errors, Typed

from ..service import brands
from ..service.brands import BrandChange
from .words import plain

BRAND = "/portal/settings/brand"
_PAGE = "tenants/brand.html"
_MARK_LENGTH = 64
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}


class Paper(msgspec.Struct, frozen=True):
    """The colour as it is used on one paper: corrected until it can be read, with the contrast it then has."""

    name: str
    paper: str
    ink: str
    accent: str
    on_accent: str
    contrast: str
    is_corrected: bool


def look(colour: str) -> list[Paper]:
    """How a colour comes out on light and on dark paper; NotAColour."""
    faces.readable(colour, on=faces.WHITE)
    made = faces.Brand(name="", colour=colour)
    papers = (
        ("light", faces.PAPER_LIGHT, "#1b1f24", made.accent, made.on_accent),
        ("dark", faces.PAPER_DARK, "#e8eaed", made.accent_dark, made.on_accent_dark),
    )
    return [
        Paper(name, paper, ink, accent, on_accent, f"{faces.contrast(accent, paper):.1f}", accent != colour)
        for name, paper, ink, accent, on_accent in papers
    ]


@get("/")
async def show(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The house style as it is."""
    now = await brands.on_record(actor)
    return await _page(request, Typed.of(msgspec.structs.asdict(now)), now.colour)


@get("/look")
async def preview(request: Request[Any, Any, Any], actor: auth.Acting, colour: FromQuery[str] = "") -> Response[bytes]:
    """How a colour would look, while it is being chosen; the last one that could be shown, if this is none."""
    chosen = faces.hexed(colour)
    try:
        look(chosen)
    except NotAColour:
        chosen = (await brands.on_record(actor)).colour
    return await _page(request, Typed.of({"colour": colour}), chosen, looking=True)


@post("/")
async def save(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The house style is as typed; or only shown, where that was asked."""
    form = await forms.read(request)
    try:
        wanted = forms.parse(form, BrandChange)
        if not form.one("look"):
            async with db.savepoint():
                await brands.change(actor, wanted)
    except Invalid as problem:
        wrong = forms.errors(plain(problem, BrandChange), actor.language)
        return await _page(request, form.typed, (await brands.on_record(actor)).colour, wrong, 422)
    if form.one("look"):
        return await _page(request, form.typed, faces.hexed(wanted.colour))
    return pages.to(BRAND, said=sentence("The house style is saved, and holds from the next page and mail on."))


@post("/logo", request_max_body_size=4 * pictures.LARGEST_FILE)
async def put_logo(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """The chosen picture is the logo."""
    sent = (await forms.read(request)).file("logo")
    now = await brands.on_record(actor)
    try:
        async with db.savepoint():
            await brands.set_logo(actor, await sent.read() if sent else b"")
    except Invalid as problem:
        wrong = forms.errors(problem, actor.language)
        return await _page(request, Typed.of(msgspec.structs.asdict(now)), now.colour, wrong, 422)
    return pages.to(BRAND, said=sentence("The logo is saved."))


@post("/logo/removal")
async def remove_logo(actor: auth.Acting) -> Response[Any]:
    """The name stands where the logo was."""
    await brands.remove_logo(actor)
    return pages.to(BRAND, said=sentence("The logo is gone; your name stands in its place."))


async def _page(
    request: Request[Any, Any, Any], typed: Typed, colour: str, wrong: Errors = NO_ERRORS, status: int = 200, *, looking: bool = False
) -> Response[bytes]:
    words = {"typed": typed, "errors": wrong, "papers": look(colour), "looking": looking}
    return await pages.page(request, _PAGE, block="look", status=status, **words)


@get("/brand/{tenant_id:uuid}/{name:str}", include_in_schema=False)
async def logo(request: Request[Any, Any, Any], tenant_id: FromPath[UUID], name: FromPath[str]) -> Response[bytes]:
    """A partner's logo under an address that changes with it, so that browsers keep it for good."""
    mark, _, kind = name.partition(".")
    if kind != "png" or len(mark) != _MARK_LENGTH or set(mark) - set("0123456789abcdef"):
        raise NotFound(what="logo")
    etag = f'"{mark}"'
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=_FOR_EVER | {"etag": etag})
    return Response(await brands.logo(tenant_id, mark), media_type="image/png", headers=_FOR_EVER | {"etag": etag})


router = Router(
    BRAND,
    route_handlers=[show, preview, save, put_logo, remove_logo],
    before_request=pages.for_members,
    guards=[auth.requires(Role.OWNER)],
    include_in_schema=False,
)
