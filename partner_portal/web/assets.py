"""Style sheets and fonts, kept by browsers for a day; the colours of a brand, kept for a year under their own name."""

from __future__ import annotations

from pathlib import Path

from litestar import Response, get
from litestar.datastructures import CacheControlHeader
from litestar.params import FromPath
from litestar.static_files import create_static_files_router

from partner_portal.infra import brand, catalogue
from partner_portal.kernel.errors import NotFound

_DAY, _YEAR = 24 * 3600, 365 * 24 * 3600

files = create_static_files_router(
    path="/static",
    directories=[Path(__file__).with_name("static"), catalogue.ROOT / "partner_portal" / "infra" / "assets"],
    cache_control=CacheControlHeader(public=True, max_age=_DAY),
)


@get(
    "/brand/{name:str}",
    include_in_schema=False,
    sync_to_thread=False,
    cache_control=CacheControlHeader(public=True, max_age=_YEAR, immutable=True),
)
def colours(name: FromPath[str]) -> Response[str]:
    """The style sheet of one brand colour, `1f4e79.css`."""
    colour, _, kind = name.partition(".")
    if kind != "css":
        raise NotFound(what="style sheet")
    try:
        return Response(brand.stylesheet(f"#{colour}"), media_type="text/css; charset=utf-8")
    except brand.NotAColour as error:
        raise NotFound(what="style sheet") from error
