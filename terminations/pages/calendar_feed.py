"""What bears its own proof in its address: a member's calendar of deadlines, and the end of its weekly mail by one click."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import db, rates, tokens
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import NotFound
from partner_portal.web import auth, conditional, language, pages
from partner_portal.web.problems import TooManyRequests

from ..service import deadline_readers
from ..service.deadline_readers import Entry, Reading
from . import calendar_file

_SUFFIX = ".ics"
_MOST, _HOUR = 60, 3600
"""How often an hour one address is answered; calendars ask every few minutes at most."""
_TYPE = "text/calendar"


@get("/calendar/{token:str}")
async def calendar(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes | None]:
    """The deadlines of whoever holds the address; nothing of them once the member is disabled or the partner suspended."""
    secret = token.removesuffix(_SUFFIX)
    if secret == token:
        raise NotFound(what="link")
    wait = await rates.counted("calendar", tokens.sha256(secret).hex(), most=_MOST, seconds=_HOUR)
    if wait:
        raise TooManyRequests(retry_after=wait, limit=_MOST)
    reading = await deadline_readers.holder(secret)
    await auth.act_as(request, reading.actor)
    db.current().only_reads()
    # Empty, not gone: so that calendars forget what they showed before.
    entries = await deadline_readers.entries() if reading.is_open else []
    mark = f'"{_mark(entries, reading)}"'
    headers = {"etag": mark, "cache-control": "private, max-age=900", "content-disposition": 'inline; filename="deadlines.ics"'}
    if conditional.is_known(request, mark):
        return Response(None, status_code=304, headers=headers)
    content = await asyncio.to_thread(calendar_file.written, entries, reading.actor.language, alarm_days=reading.alarm_days)
    return Response(content, media_type=_TYPE, headers=headers)


def _mark(entries: list[Entry], reading: Reading) -> str:
    """Another as soon as the file would be."""
    return hashlib.sha256(msgspec.msgpack.encode((entries, reading.actor.language, reading.alarm_days))).hexdigest()[:32]


@get("/calendar/{token:str}/digest")
async def ask_to_stop(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
    """A button that stops the weekly mail: opening the address stops nothing, for mail scanners open addresses."""
    await _enter(request, token)
    return await pages.page(request, "terminations/deadlines/stop.html", is_stopped=False, menu=())


@post("/calendar/{token:str}/digest", status_code=200)
async def stop(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
    """The weekly mail is stopped, by the button or by the mail program itself (RFC 8058)."""
    await deadline_readers.stop_digest(await _enter(request, token))
    return await pages.page(request, "terminations/deadlines/stop.html", is_stopped=True, menu=())


async def _enter(request: Request[Any, Any, Any], token: str) -> Actor:
    """Whoever holds the address, in the language of the browser it was opened with."""
    reading = await deadline_readers.stopper(token)
    actor = msgspec.structs.replace(reading.actor, language=language.choose(None, request.headers.get("accept-language", "")))
    await auth.act_as(request, actor)
    return actor


router = Router("/", route_handlers=[calendar, ask_to_stop, stop], include_in_schema=False)
