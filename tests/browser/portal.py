"""The portal as browsers see it: real HTTP, real pages, and everything that a browser complains about is a failure."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import msgspec
import uvicorn
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from partner_portal.bench.scenes import finance
from partner_portal.infra import db, outbox, sessions
from partner_portal.web import auth, identity
from tests.world import STAFF_DOOR, World

Who = str
"""owner, clerk, reader: Noord's; zuid: Zuid's owner; contact: the main contact of Noord's bakery, or `contact:` and an id; `staff:` and an account's number:
in the admin; stranger: nobody we know."""

WIDE, NARROW = 1280, 360
_HEIGHTS = {WIDE: 900, NARROW: 740}
_STAFF = "staff:"
_LOCALES = {"nl": "nl-NL", "en": "en-GB"}
_FIRST_ERROR = 400
_SERVER_ERROR = 500
_FORM_REFUSED = 422  # what htmx asked for and shows
_SEEN_AS_ANSWER = "Failed to load resource"  # the console's words for an answer that `_answered` has judged


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody looks at a page."""

    language: Literal["nl", "en"] = "nl"
    theme: Literal["light", "dark"] = "light"
    width: int = WIDE

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}"


LOOKS = [
    Look(language=language, theme=theme, width=width)
    for language in ("nl", "en")
    for theme in ("light", "dark")
    for width in (WIDE, NARROW)
]


class _Web(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are pytest's."""
        yield


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The portal of this process answers at this address: its database, clock, settings and mails are the test's own."""
    from partner_portal.app import app  # noqa: PLC0415  # reads the settings

    as_asgi: Any = app  # uvicorn and Litestar each type ASGI themselves
    with socket.create_server(("127.0.0.1", 0)) as mouth:
        web = _Web(uvicorn.Config(as_asgi, log_config=None, access_log=False, lifespan="off", server_header=False))
        serving = asyncio.create_task(web.serve(sockets=[mouth]))
        while not web.started:  # uvicorn has no event to wait for
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{mouth.getsockname()[1]}"
        web.should_exit = True
        await serving


async def session(world: World, who: Who, language: str = "nl") -> dict[str, str]:
    """The name and value of the cookie of a new session of somebody, who reads in `language` from now on."""
    if who.startswith(_STAFF):
        return {"name": identity.ADMIN_COOKIE, "value": await finance.session(int(who.removeprefix(_STAFF)))}
    trail = await prefer(world, who, language)
    token = await sessions.start(trail, tenant=(world.zuid if who == "zuid" else world.noord).id)
    return {"name": auth.session_cookie(), "value": token}


async def prefer(world: World, who: Who, language: str) -> str:
    """Somebody reads in this language from now on, and nothing is remembered of what they may do; returns how the trail names them.

    Staff read what their browser prefers.
    """
    if who.startswith(_STAFF):
        return who
    partner = world.zuid if who == "zuid" else world.noord
    async with db.unit_of_work(STAFF_DOOR):
        if who.startswith("contact"):
            row = await db.fetch_one(
                "UPDATE contact SET language = $2, accepted_as = email WHERE id::text = $1 OR ($1 = '' AND customer = $3 AND is_main) RETURNING id",
                *(who.partition(":")[2], language, partner.customers["bakery"]),
            )
        else:
            email = getattr(partner, "owner" if who == "zuid" else who)
            row = await db.fetch_one("UPDATE member SET language = $2 WHERE email = $1 RETURNING id", email, language)
    assert row is not None, who
    trail = f"{'contact' if who.startswith('contact') else 'member'}:{row['id']}"
    await sessions.forget(trail)
    return trail


class Portal:
    """`page = await portal.page("clerk", language="en")`: a page of a browser of its own, signed in; `portal.url` is where it all stands."""

    def __init__(self, url: str, world: World, chromium: Browser) -> None:
        self.url, self.world = url, world
        self.troubles: list[str] = []
        self._chromium = chromium
        self._open = AsyncExitStack()
        self._kept: dict[tuple[Who, Look], BrowserContext] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._open.aclose()

    async def page(self, who: Who = "owner", look: Look | None = None, *, javascript: bool = True, **wishes: Any) -> Page:
        """A page for somebody in a browser of its own; `wishes` are a Look's, such as `width=NARROW`. The browser's complaints become `troubles`."""
        context = await self.browser(who, look or Look(**wishes), javascript=javascript)
        return await context.new_page()

    async def kept_page(self, who: Who, look: Look) -> Page:
        """A page in a browser that is kept for whoever looks this way again: for looking only."""
        known = (who, look)
        if known not in self._kept:
            self._kept[known] = await self.browser(who, look)
        elif who != "stranger":
            await prefer(self.world, who, look.language)
        return await self._kept[known].new_page()

    async def browser(self, who: Who, look: Look, *, javascript: bool = True, **options: Any) -> BrowserContext:
        """The same, without a page yet."""
        context = await self._chromium.new_context(
            base_url=self.url,
            locale=_LOCALES[look.language],
            color_scheme=look.theme,
            reduced_motion="reduce",
            viewport={"width": look.width, "height": _HEIGHTS.get(look.width, 900)},
            java_script_enabled=javascript,
            **options,
        )
        context.set_default_timeout(10_000)
        self._open.push_async_callback(context.close)
        self._watch(context)
        if who != "stranger":
            await self.sign_in(context, who, look.language)
        return context

    async def sign_in(self, context: BrowserContext, who: Who, language: str = "nl") -> None:
        """The browser has a session, as if its user had signed in; who that is reads in `language` from now on."""
        signed_in = await session(self.world, who, language)
        await context.add_cookies(
            [{"name": signed_in["name"], "value": signed_in["value"], "url": self.url, "httpOnly": True, "sameSite": "Lax"}]
        )

    async def work(self) -> None:
        """Everything that is due in the background is done: mails have arrived, letters are made."""
        await outbox.drain()

    def _watch(self, context: BrowserContext) -> None:
        context.on("console", self._said)
        context.on("weberror", lambda error: self.troubles.append(f"script: {error.error}"))
        context.on("request", self._asked)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_SEEN_AS_ANSWER):
            self.troubles.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", self.world.mailbox.url)):
            self.troubles.append(f"another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a download, or a page left before it was there
            self.troubles.append(f"failed: {request.method} {_path(request.url)} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status < _FIRST_ERROR:
            return
        of_page = response.request.is_navigation_request()
        if response.status >= _SERVER_ERROR or not (of_page or response.status == _FORM_REFUSED):
            self.troubles.append(f"answer: {response.status} {response.request.method} {_path(response.url)}")


def _path(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
