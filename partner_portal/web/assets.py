"""Styles, scripts, icons and fonts, each under an address that changes with its content, so that browsers keep it for good; and brand colours."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.params import FromPath

from partner_portal.infra import brand, catalogue, templates
from partner_portal.kernel.errors import NotFound

HERE = Path(__file__).parent
VENDOR = HERE / "vendor"
"""Libraries of others, laid out by `portal assets`; never committed."""
ICONS = HERE / "icons.txt"
"""The icons in use, by the names of Bootstrap Icons."""

_FOLDERS = (HERE / "static", VENDOR, catalogue.ROOT / "partner_portal" / "infra" / "assets")
mimetypes.add_type("text/javascript", ".js")  # some systems say application/javascript
_DAY, _YEAR = 24 * 3600, 365 * 24 * 3600
_COMPRESSIBLE = ("text/", "image/svg")
_WORTH_IT = 512  # bytes; below, compression makes a body larger or hardly smaller


class Asset(msgspec.Struct, frozen=True):
    """One file as it is served."""

    content: bytes
    zipped: bytes | None
    media_type: str
    mark: str


def address(name: str) -> str:
    """Where browsers find the file `name`; another address as soon as its content is another. FileNotFoundError where a template names no file."""
    found = _asset(name)
    if found is None:
        raise FileNotFoundError(name)
    return f"/static/{name}?v={found.mark}"


def zipped(request: Request[Any, Any, Any], content: bytes) -> tuple[bytes, dict[str, str]]:
    """`content` as this browser takes it, and the headers that say so."""
    headers = {"vary": "Accept-Encoding"}
    if len(content) < _WORTH_IT or not _takes_gzip(request):
        return content, headers
    return gzip.compress(content, 5, mtime=0), headers | {"content-encoding": "gzip"}


def _takes_gzip(request: Request[Any, Any, Any]) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _asset(name: str) -> Asset | None:
    # Pages name a dozen files each: looked at anew once a second, so that whoever changes one sees it.
    return _found(name, int(monotonic()))


@lru_cache(maxsize=256)
def _found(name: str, _second: int) -> Asset | None:
    if "\0" in name:
        return None
    for folder in _FOLDERS:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return _read(path, path.stat().st_mtime_ns)
    return None


@lru_cache(maxsize=256)
def _read(path: Path, _changed_at: int) -> Asset:
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    small = gzip.compress(content, 9, mtime=0) if kind.startswith(_COMPRESSIBLE) and len(content) >= _WORTH_IT else None
    return Asset(content, small, kind, hashlib.sha256(content).hexdigest()[:12])


templates.environment().globals["asset"] = address


@get("/static/{name:path}", include_in_schema=False, sync_to_thread=False)
def files(request: Request[Any, Any, Any], name: FromPath[Path]) -> Response[bytes]:
    """One file; for good under the address that pages name, for a day under its plain name."""
    found = _asset(str(name).lstrip("/"))
    if found is None:
        raise NotFound(what="file")
    lasting = request.query_params.get("v") == found.mark
    headers = {
        "etag": f'"{found.mark}"',
        "cache-control": f"public, max-age={_YEAR}, immutable" if lasting else f"public, max-age={_DAY}",
        "vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(b"", status_code=304, headers=headers)
    if found.zipped is not None and _takes_gzip(request):
        return Response(found.zipped, media_type=found.media_type, headers=headers | {"content-encoding": "gzip"})
    return Response(found.content, media_type=found.media_type, headers=headers)


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
