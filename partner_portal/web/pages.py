"""Pages in the portal's frame: who reads, in which language and theme, under whose brand, with what to say once; and where to go after a form."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie

from partner_portal.infra import settings, templates
from partner_portal.kernel.actor import ActorKind
from partner_portal.kernel.errors import NotAllowed

from . import assets, auth, frame, glossary  # noqa: F401  # templates ask the glossary
from .errors import HTML, reader_of
from .frame import THEME_COOKIE as THEME_COOKIE  # noqa: PLC0414  # pages ask for these here
from .frame import THEMES as THEMES  # noqa: PLC0414
from .frame import own_path as own_path  # noqa: PLC0414

_SAID = "said"
_SAID_SECONDS = 60
_SIGNATURE = 16


class Said(msgspec.Struct, frozen=True):
    """What the next page says once."""

    sentence: str
    good: bool
    facts: dict[str, Any]


async def page(request: Request[Any, Any, Any], template: str, *, block: str = "", status: int = 200, **words: object) -> Response[bytes]:
    """The template as a page, or only its `block` where htmx asks; a status of 400 or more saves nothing of what the request did."""
    reader = reader_of(request.scope)
    actor = auth.stranger_or_actor(request.scope)
    about = {"actor": actor, **{name: getattr(reader, name) for name in ("here", "request_id", "theme", "lone_keys", "csrf")}}
    words["ui"] = templates.parts("web/macros.html", language=reader.language, csrf=about["csrf"])
    if block and "hx-request" in request.headers:
        text = templates.render_block(template, block, language=reader.language, **about, **words)
        return _answer(request, text, status, {"vary": "HX-Request, Accept-Encoding"})
    around = await frame.around(actor)
    said = _said(request)
    words = {"brand": around.brand, "menu": around.menu, "flash": said, **about, **words}
    answer = _answer(request, templates.render(template, language=reader.language, **words), status, {})
    if said is not None:
        answer.set_cookie(_cookie("", 0))
    return answer


def _answer(request: Request[Any, Any, Any], text: str, status: int, more: Mapping[str, str]) -> Response[bytes]:
    body, headers = assets.zipped(request, text.encode())
    return Response(body, status_code=status, media_type=HTML.partition(";")[0], headers={**headers, **more})


def to(path: str, *, said: str = "", good: bool = True, **facts: object) -> Response[None]:
    """On to another page of ours after a form, which says `said` (a source sentence with its facts) once."""
    answer: Response[None] = Response(None, status_code=303, headers={"location": path})
    if said:
        answer.set_cookie(_cookie(_sealed(Said(said, good, msgspec.to_builtins(facts))), _SAID_SECONDS))
    return answer


async def for_members(request: Request[Any, Any, Any]) -> None:
    """For routers of pages, as `before_request`: a partner's members only; a customer's contact is not told that there is a page."""
    _only(request, ActorKind.MEMBER)


async def for_contacts(request: Request[Any, Any, Any]) -> None:
    """For routers of pages, as `before_request`: a customer's contacts only."""
    _only(request, ActorKind.CONTACT)


async def for_everybody(request: Request[Any, Any, Any]) -> None:
    """For routers of pages, as `before_request`: whoever is signed in with a browser."""
    _only(request, ActorKind.MEMBER, ActorKind.CONTACT)


def _only(request: Request[Any, Any, Any], *kinds: ActorKind) -> None:
    if auth.acting(request.scope).kind not in kinds:
        raise NotAllowed


def _said(request: Request[Any, Any, Any]) -> Said | None:
    given = request.cookies.get(_SAID, "")
    try:
        raw = base64.urlsafe_b64decode(given.encode() + b"=" * (-len(given) % 4))
        if raw and hmac.compare_digest(raw[:_SIGNATURE], _signature(raw[_SIGNATURE:])):
            return msgspec.msgpack.decode(raw[_SIGNATURE:], type=Said)
    except (ValueError, msgspec.DecodeError):
        pass
    return None


def _sealed(said: Said) -> str:
    body = msgspec.msgpack.encode(said)
    return base64.urlsafe_b64encode(_signature(body) + body).rstrip(b"=").decode()


def _signature(body: bytes) -> bytes:
    # Signed, for a neighbouring host could plant a cookie and have our page say its words.
    return hmac.digest(settings.current().secret_key.encode(), b"said " + body, hashlib.sha256)[:_SIGNATURE]


def _cookie(value: str, seconds: int) -> Cookie:
    return Cookie(_SAID, value=value, path="/portal", max_age=seconds, httponly=True, secure=auth.by_tls(), samesite="lax")
