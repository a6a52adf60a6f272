"""The one layer around the application: names each request, knows who asks, counts, opens the unit of work and commits before anything leaves.

A plain ASGI layer, for Litestar's dependencies may run in tasks of their own, where a transaction set in a context variable is lost, and because
every layer more is paid by every request. The order is the order of the functions in `Exchange`.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.status_codes import HTTP_303_SEE_OTHER, HTTP_400_BAD_REQUEST, HTTP_413_REQUEST_ENTITY_TOO_LARGE

from partner_portal.infra import db, log
from partner_portal.kernel.errors import Problem

from . import csrf, errors, frame, headers, idempotency, identity, language, metrics
from .problems import BodyTooLarge, ClientGone, MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextvars import Token

    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from partner_portal.infra.db import UnitOfWork
    from partner_portal.kernel.actor import Actor

_log = structlog.get_logger("web")
PORTAL = "/portal"
SIGN_IN = "/portal/sign-in"
_LOOKS = frozenset({"GET", "HEAD"})
_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{8,64}")


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How the layer behaves in this installation."""

    production: bool = False
    session_cookie: str = "session"
    requests_per_minute: int = 600
    largest_body: int = 16 * 1024 * 1024
    """Bytes; no route takes more. JSON routes take less: Litestar's `request_max_body_size`."""
    admin: str = "/admin"
    unguarded: tuple[str, ...] = ("/static/", "/brand/", "/healthz", "/readyz", "/metrics")
    """Served without asking who asks and without a unit of work."""
    own_proof: tuple[str, ...] = (
        "/portal/invitation/",
        "/portal/password/",
        "/confirm/",
        "/calendar/",
        "/pay/",
        "/mandate/",
        "/sandbox-gateway/",
    )
    """Addresses that bear a secret of their own: no session counts there, so no other site can abuse one."""
    for_anybody: tuple[str, ...] = ("/end-contract", "/withdraw-contract")
    """Forms for people who need no account: nobody's session counts there either, but what is sent must come from a page of ours."""


class Shell:
    """The portal as a server sees it: the application with the layer around it."""

    def __init__(self, app: ASGIApp, authenticator: identity.Authenticator, shape: Shape) -> None:
        self.app = app
        self.authenticator = authenticator
        self.shape = shape
        self.security = headers.security(production=shape.production)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; the start and the end of the process pass through."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        await Exchange(self, scope, receive, send).run()


class Exchange:
    """One request and its answer."""

    __slots__ = (
        "_receive", "_send", "about", "added", "begun", "given", "gone", "held", "identity", "in_admin",
        "replaced", "request_id", "scope", "shell", "size", "status", "twin", "whole_body", "work",
    )  # fmt: skip

    def __init__(self, shell: Shell, scope: Any, receive: Receive, send: Send) -> None:
        self.shell = shell
        self.scope = scope
        self._receive = receive
        self._send: Callable[[Any], Awaitable[None]] = send
        self.given: dict[bytes, bytes] = dict(scope["headers"])
        self.begun = perf_counter()
        path: str = scope["path"]
        self.in_admin = path.startswith(shell.shape.admin) and path[len(shell.shape.admin) :][:1] in ("", "/")
        self.identity = identity.Identity()
        self.added = shell.security.admin if self.in_admin else shell.security.ours
        self.status = 0
        self.size = 0
        self.gone = self.replaced = False
        self.work: UnitOfWork | None = None
        self.twin: idempotency.Twin | None = None
        self.held: Any = None
        self.whole_body: bytes | None = None
        self.request_id = self._name()
        self.about = {"request": self.request_id}

    def _name(self) -> str:
        brought = self.given.get(b"x-request-id")
        if brought is not None and _SANE_ID.fullmatch(brought):
            return brought.decode()
        return secrets.token_hex(12)

    async def run(self) -> None:
        """Serves the request from its name to its line in the log."""
        state = self.scope.setdefault("state", {})
        state["exchange"], state["identity"], state["reader"] = self, self.identity, self.reader
        token = log.about(self.about)
        try:
            if self.scope["path"].startswith(self.shell.shape.unguarded):
                await self.shell.app(self.scope, self.receive, self.send)
            elif await self._admitted():
                await self._serve()
        finally:
            self._note()
            log.over(token)

    async def _admitted(self) -> bool:
        """Whether the request may go on; if not, it was answered."""
        try:
            self._check_form()
            shape = self.shell.shape
            proves_itself = self.scope["path"].startswith(shape.own_proof)
            given = identity.credentials(self.given, self.scope, session_cookie=shape.session_cookie, in_admin=self.in_admin)
            if proves_itself or self.scope["path"].startswith(shape.for_anybody):
                given = identity.Credentials(address=given.address)
            found = await identity.identify(given, self.shell.authenticator, limit=shape.requests_per_minute)
            self._known(found)
            if not proves_itself:
                await csrf.check(self.scope["method"], self.given, found.token, self._read_body)
        except Exception as error:  # noqa: BLE001  # Litestar's handlers are not around us yet
            await self._answer(errors.problem_of(error))
            return False
        return True

    def _check_form(self) -> None:
        """What can be refused before anything is asked of anybody."""
        length = self.given.get(b"content-length")
        if length is not None and length != b"0":
            if not length.isdigit():
                raise MalformedRequest
            if int(length) > self.shell.shape.largest_body:
                raise BodyTooLarge(limit=self.shell.shape.largest_body)
        if b"%00" in self.scope.get("query_string", b"") or "\0" in self.scope["path"]:
            raise MalformedRequest

    def _known(self, found: identity.Identity) -> None:
        self.identity = self.scope["state"]["identity"] = found
        self.scope["user"] = actor = found.actor
        if actor is not None:
            self.about["actor"] = actor.trail
            self.about["tenant"] = str(actor.tenant or "")

    async def _serve(self) -> None:
        """The application inside its unit of work, which is over when this returns, whatever happened."""
        self.work = db.begin(identity.principal(self.identity.actor, in_admin=self.in_admin))
        token: Token[Any] = db.DB.current_transaction.set(self.work)
        try:
            if await self._is_first():
                await self.shell.app(self.scope, self.receive, self.send)
        except Exception as error:
            if self.status:
                _log.exception("web.failed_after_answer")
                raise
            await self._roll_back()
            await self._answer(errors.problem_of(error))
        finally:
            await self._roll_back()
            db.DB.current_transaction.reset(token)

    async def _is_first(self) -> bool:
        """False if the same request was carried out before and its answer was given again."""
        if self.scope["method"] != "POST" or idempotency.HEADER not in self.given or self.in_admin:
            return True
        actor = self.identity.actor
        if actor is None or actor.tenant is None:
            return True
        body = await self._read_body()
        self.twin = idempotency.Twin.of(actor, self.given[idempotency.HEADER], self.scope, body)
        earlier = await self.twin.claim()
        if earlier is None:
            return True
        self.twin = None
        await self._roll_back()
        await self._send_whole(earlier.status, [*earlier.headers, (b"idempotency-replayed", b"true")], earlier.body)
        return False

    async def _read_body(self) -> bytes:
        """The body as a whole; the application reads it again."""
        if self.whole_body is not None:
            return self.whole_body
        parts = []
        while True:
            message: Any = await self.receive()
            if message["type"] != "http.request":
                raise ClientGone
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        self.whole_body = b"".join(parts)
        return self.whole_body

    async def receive(self) -> Any:
        """What the application reads; raises BodyTooLarge as soon as more arrived than any route takes."""
        if self.whole_body is not None:
            body, self.whole_body = self.whole_body, None
            return {"type": "http.request", "body": body, "more_body": False}
        message: Any = await self._receive()
        if message["type"] == "http.request":
            self.size += len(message.get("body", b""))
            if self.size > self.shell.shape.largest_body:
                self.gone = True
                raise BodyTooLarge(limit=self.shell.shape.largest_body)
        return message

    async def send(self, message: Message) -> None:
        """What the application answers; leaves only after the commit, or as the problem that prevented it."""
        if self.replaced:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self.held is not None and message["type"] == "http.response.body":
            await self._keep(message)
        else:
            await self._send(message)

    async def _start(self, message: Any) -> None:
        status = message["status"]
        if self.gone and status != HTTP_413_REQUEST_ENTITY_TOO_LARGE:  # an application that does not know our exception answered for itself
            await self._replace(BodyTooLarge(limit=self.shell.shape.largest_body))
            return
        if self.twin is not None and status < HTTP_400_BAD_REQUEST:
            self.held = (message, [])
            return
        if await self._saved(ok=status < HTTP_400_BAD_REQUEST):
            await self._send_start(message)

    async def _keep(self, message: Any) -> None:
        """An answer that is remembered leaves as a whole, when it is written down together with its effect."""
        start, parts = self.held
        parts.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        self.held = None
        body = b"".join(parts)
        try:
            await self.twin.remember(start["status"], start["headers"], body, self.scope)  # type: ignore[union-attr]
        except Exception as error:  # noqa: BLE001  # answered here: Litestar believes its answer has begun
            await self._roll_back()
            await self._replace(errors.problem_of(error))
            return
        if await self._saved(ok=True):
            await self._send_start(start)
            await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _saved(self, *, ok: bool) -> bool:
        """The unit of work is over; False if it could not be saved and that was answered instead."""
        if self.work is None:
            return True
        try:
            await self.work.finish(ok=ok)
        except Exception as error:  # noqa: BLE001  # answered here: Litestar believes its answer has begun
            await self._replace(errors.problem_of(error))
            return False
        return True

    async def _replace(self, problem: Problem) -> None:
        await self._answer(problem)
        self.replaced = True

    async def _answer(self, problem: Problem) -> None:
        made = errors.answer(problem, self.reader())
        given = [(b"content-type", made.media_type.encode()), *((name.encode(), value.encode()) for name, value in made.headers)]
        await self._send_whole(made.status, given, made.body)

    async def _send_whole(self, status: int, given: list[headers.Header], body: bytes) -> None:
        start = {"type": "http.response.start", "status": status, "headers": [*given, (b"content-length", str(len(body)).encode())]}
        await self._send_start(start)
        await self._send({"type": "http.response.body", "body": b"" if self.scope["method"] == "HEAD" else body, "more_body": False})

    async def _send_start(self, message: Any) -> None:
        if message["status"] == HTTP_303_SEE_OTHER and self._of_htmx():
            message = headers.followed_by_htmx(message)
        self.status = message["status"]
        given = headers.completed(message["headers"], self.added)
        given.append((b"x-request-id", self.request_id.encode()))
        if self.identity.limit:
            given += headers.rate(self.identity.used, self.identity.limit, self.identity.resets_in_ms)
        await self._send({**message, "headers": given})

    async def _roll_back(self) -> None:
        if self.work is not None and not self.work.closed:
            with suppress(*errors.LOST):  # the database is gone, and with it the transaction
                await self.work.finish(ok=False)

    async def switch(self, actor: Actor) -> None:
        """The rest of the request is `actor`'s, in a new unit of work; only while the database was not yet asked."""
        if self.work is None or self.work.raw is not None:
            raise AlreadyAsked
        await self.work.finish(ok=False)
        self.work = db.begin(identity.principal(actor))
        db.DB.current_transaction.set(self.work)
        self._known(msgspec.structs.replace(self.identity, actor=actor))

    def reader(self) -> errors.Reader:
        """Who reads the answer: the language they chose, and whether they look at pages."""
        accepted = self.given.get(b"accept", b"")
        jar, wished = (self.given.get(name, b"").decode("latin-1") for name in (b"cookie", b"accept-language"))
        spoken = language.choose(self.identity.actor, wished, identity.cookie(jar, language.LANGUAGE_COOKIE))
        return errors.Reader(
            language=spoken,
            request_id=self.request_id,
            wants_page=accepted.startswith(b"text/html") or self._of_htmx(),
            wants_part=self._of_htmx(),
            way_in=self._way_in(),
            way_back=self._sent_from(),
            actor=self.identity.actor,
            csrf=csrf.masked(self.identity.token) if self.identity.token else "",
            theme=frame.theme(identity.cookie(jar, frame.THEME_COOKIE)),
            lone_keys=identity.cookie(jar, frame.LONE_KEYS_COOKIE) != frame.OFF,
            here=self._here() if self.scope["method"] in _LOOKS else self._sent_from() or self._here(),
        )

    def _of_htmx(self) -> bool:
        return b"hx-request" in self.given

    def _here(self) -> str:
        query = self.scope.get("query_string", b"").decode("latin-1")
        return quote(self.scope["path"]) + (f"?{query}" if query else "")

    def _sent_from(self) -> str:
        """The page of ours that the browser had open, where it says so and it is another than this."""
        address = self.given.get(b"hx-current-url") or self.given.get(b"referer", b"")
        try:
            parts = urlsplit(address.decode("latin-1"))
        except ValueError:
            return ""
        if parts.netloc.encode("latin-1") != self.given.get(b"host", b""):
            return ""
        path = frame.own_path(parts.path + (f"?{parts.query}" if parts.query else ""), "")
        return "" if path == self._here() and self.scope["method"] in _LOOKS else path

    def _way_in(self) -> str:
        """Where a stranger signs in, and comes back to what was asked for, or to the page that sent it; pages behind the sign-in only."""
        path: str = self.scope["path"]
        if not path.startswith(PORTAL) or path.startswith(SIGN_IN):
            return ""
        is_page = self.scope["method"] in _LOOKS and not self._of_htmx()
        wanted = self._here() if is_page else self._sent_from()
        return f"{SIGN_IN}?{urlencode({'next': wanted})}" if wanted not in ("", PORTAL) else SIGN_IN

    def _note(self) -> None:
        """One line and one count per request, by the route's template: a path may bear a token."""
        route = self.scope.get("path_template") or "unmatched"
        method = metrics.plain(self.scope["method"])
        seconds = perf_counter() - self.begun
        metrics.count(method, route, self.status, seconds)
        log.request(method, route, self.status, round(seconds * 1000), self.about)


class AlreadyAsked(RuntimeError):
    """The actor cannot change after the database was asked on behalf of another."""
