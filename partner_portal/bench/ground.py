"""What is measured on: servers of its own in a folder that is thrown away, and the processes under load."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, cast
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

from partner_portal.infra import embedded, migrations, sessions
from partner_portal.infra import settings as all_settings
from partner_portal.infra.processes import Child
from partner_portal.infra.settings import Env
from partner_portal.web import auth, csrf

from . import world
from .load import Order, Result

if TYPE_CHECKING:
    from partner_portal.infra.settings import Settings

    from .world import Size

_READY_WITHIN = 60.0


class BenchFailed(RuntimeError):
    """What was to be measured does not work."""


class Ground:
    """Embedded servers in `folder`, with a database per world; the portal as in production, but that nothing is synced to the disk."""

    def __init__(self, folder: Path, *, env: Env = Env.PRODUCTION) -> None:
        self.folder = folder
        self._env = env
        self._stack = AsyncExitStack()
        self._running: list[Child] = []

    async def __aenter__(self) -> Self:
        servers = self._stack.enter_context(embedded.servers(self.folder, durable=False))
        self.settings = all_settings.adopt(_settings(self.folder, servers, self._env))
        await migrations.migrate(self.settings)
        return self

    async def __aexit__(self, *_what: object) -> None:
        for child in self._running:
            child.stop(signal.SIGKILL)  # what they hold is thrown away
        await self._stack.aclose()

    async def world(self, name: str, size: Size, *, for_pages: bool = False) -> World:
        """A database that holds a world of this size."""
        line = await asyncpg.connect(_as_superuser(self.settings.database_url))
        try:
            await line.execute(f"CREATE DATABASE {name} TEMPLATE portal OWNER portal_owner")
        finally:
            await line.close()
        chosen = msgspec.structs.replace(self.settings, database_url=_with_path(self.settings.database_url, name))
        await world.fill(_as_superuser(chosen.database_url), size, for_pages=for_pages)
        return World(name, size, chosen)

    def start(self, name: str, module: str, *words: str, settings: Settings) -> Child:
        """A module of ours runs as a process of its own with these settings, its output in a file of the folder."""
        with (self.folder / f"{name}.log").open("wb") as output:
            child = Child([sys.executable, "-m", module, *words], environ=all_settings.environ(settings), output=output)
        self._running.append(child)
        return child

    def server(self, name: str, module: str, *words: str, settings: Settings) -> Served:
        """The same, for a module that serves HTTP on the port of its settings: a free one."""
        port = free_port()
        child = self.start(name, module, *words, settings=msgspec.structs.replace(settings, port=port))
        return Served(child, port, self.folder / f"{name}.log")


class World(msgspec.Struct, frozen=True):
    """One database, its size, and the settings that name it."""

    name: str
    size: Size
    settings: Settings

    @property
    def superuser_url(self) -> str:
        """Where it is reached past its walls, to be prepared."""
        return _as_superuser(self.settings.database_url)

    async def member(self, tenant: int) -> Member:
        """The owner at this partner, signed in."""
        who = f"member:{self.size.member(tenant)}"
        token = await sessions.start(who, tenant=self.size.tenant(tenant))
        return Member(f"{auth.session_cookie()}={token}", csrf.token(token))


class Member(msgspec.Struct, frozen=True):
    """Somebody signed in, as their browser shows it."""

    cookie: str
    proof: str

    def get(self, path: str) -> str:
        """A request as it goes over the wire."""
        return f"GET {path} HTTP/1.1\r\nHost: portal.test\r\nAccept: application/json\r\nCookie: {self.cookie}\r\n\r\n"

    def post(self, path: str, body: object) -> str:
        """The same with a body, and the proof that it comes from one of our pages."""
        sent = msgspec.json.encode(body).decode()
        return (
            f"POST {path} HTTP/1.1\r\nHost: portal.test\r\nAccept: application/json\r\nCookie: {self.cookie}\r\nX-CSRF-Token: {self.proof}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n{sent}"
        )


class Served(msgspec.Struct, frozen=True):
    """A process that serves HTTP."""

    child: Child
    port: int
    log: Path

    async def ready(self) -> Self:
        """It answers; BenchFailed with its last words if it does not."""
        deadline = time.monotonic() + _READY_WITHIN
        while not _answers(self.port):
            if self.child.status is not None or time.monotonic() > deadline:
                raise BenchFailed(f"A server under load did not start:\n{self.log.read_text()[-2000:]}")
            await asyncio.sleep(0.05)
        return self


class Loader:
    """The second process, from which all load comes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "partner_portal.bench.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        self._orders, self._results = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_what: object) -> None:
        self._orders.close()
        self._process.wait(10)
        self._results.close()

    def send(self, order: Order) -> Result:
        """The order's result; BenchFailed when an answer was an error."""
        self._orders.write(msgspec.json.encode(order) + b"\n")
        self._orders.flush()
        result = msgspec.json.decode(self._results.readline(), type=Result)
        if result.fault is not None:
            raise BenchFailed(f"An answer under load was an error: {result.fault}")
        return result


def _settings(folder: Path, servers: embedded.Servers, env: Env) -> Settings:
    return all_settings.load(
        {
            "PORTAL_ENV": env.value,
            "LOG_FORMAT": "json",
            "DATA": str(folder),
            "DATABASE_URL": servers.postgres_url,
            "REDIS_URL": servers.redis_url,
            "SMTP_URL": "smtp://127.0.0.1:9?tls=none",
            "BASE_URL": "https://portal.test",
            "SECRET_KEY": "of a measurement only, thrown away with its folder",
            "REQUESTS_PER_MINUTE": "1000000000",
        }
    )


def _as_superuser(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc="postgres@"))


def _with_path(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as mouth:
        port: int = mouth.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    line = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        line.request("GET", "/healthz")
        line.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        line.close()
    return True
