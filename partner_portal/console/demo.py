"""`portal demo`: everything at once, with a world to look at and a story that is played through it."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec
from rich.console import Console

from partner_portal.infra import settings as all_settings

from . import system_libraries
from .supervisor import Part, Supervisor
from .surroundings import surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from partner_portal.infra.settings import Settings

_READY_WITHIN = 60
_LOOK_EVERY = 0.1
_LOOPBACK = "127.0.0.1"
_OK = 200
_FAILED = 1


class Told(BaseException):
    """Somebody wants this to end; no error, and nothing may swallow it."""


class NotReady(Exception):
    """A part did not begin to serve; the text says which and its last words."""


@click.command()
@click.option("--once", is_flag=True, help="End after the story; exit status 0 only if every step held.")
@click.option("--story/--no-story", default=True, help="Play the main job through the running portal.")
@click.option("--reload", "reloading", is_flag=True, help="Restart the web process when a file changes.")
def demo(*, once: bool, story: bool, reloading: bool) -> None:
    """The whole portal with a demo world, until Ctrl-C; PORT and DATA choose the port and the folder."""
    out = Console(highlight=False, soft_wrap=True)
    if system_libraries.missing():
        _give_up(system_libraries.remedy())
    settings = _settings()
    with ExitStack() as leaving:
        leaving.enter_context(_told_by_signal())
        leaving.enter_context(_alone_in(settings.data))
        try:
            status = Demo(settings, out, reloading=reloading).run(once=once, story=story)
        except Told:
            out.print("\nStopped.")
            status = 0
        except NotReady as problem:
            _give_up(str(problem))
    sys.exit(status)


class Demo:
    """The parts of one demo, and what is done with them."""

    def __init__(self, settings: Settings, out: Console, *, reloading: bool) -> None:
        self.settings, self.out, self.reloading = settings, out, reloading

    @property
    def url(self) -> str:
        """Where the web process answers on this machine."""
        return f"http://{_LOOPBACK}:{self.settings.port}"

    def run(self, *, once: bool, story: bool) -> int:
        """Everything was started, used, and stopped again; the status is the story's."""
        with surroundings(self.settings) as self.settings:
            self._say("PostgreSQL and Valkey", f"data in {self.settings.data}")
            self._prepare()
            with Supervisor([self._mailcatcher(), self._web(), self._worker()]) as parts:
                catcher, web, _worker = parts.parts
                self._wait_for(parts, catcher, self.settings.mailcatcher_url, "/")
                self._wait_for(parts, web, self.url, "/readyz")
                self._say("Mail catcher", self.settings.mailcatcher_url)
                self._say("Portal", self.settings.public_url)
                status = self._play(parts) if story else 0
                if not once:
                    self._stay(parts)
        return status

    def _prepare(self) -> None:
        from partner_portal import wiring  # noqa: PLC0415  # needs adopted settings
        from partner_portal.demo import world  # noqa: PLC0415
        from partner_portal.infra import clock, db, migrations  # noqa: PLC0415

        wiring.register_handlers()  # what the world is billed is made and mailed by the worker
        ports = _free_ports(2)
        self.settings = all_settings.adopt(
            msgspec.structs.replace(
                self.settings,
                port=_web_port(self.settings, self.out),
                smtp_url=f"smtp://{_LOOPBACK}:{ports[0]}?tls=none",
                mailcatcher_url=f"http://{_LOOPBACK}:{ports[1]}",
            )
        )

        async def prepare() -> None:
            ran = await migrations.migrate(self.settings)
            self._say("Schema", f"{len(ran)} migrations run" if ran else "up to date")
            await db.open_pools(self.settings)
            clock.movable(self.settings.data)
            try:
                await world.load()
            finally:
                await db.close_pools()

        asyncio.run(prepare())
        self._say("World", "loaded")

    def _mailcatcher(self) -> Part:
        ports = [self.settings.smtp_url.split(":")[2].split("?")[0], self.settings.mailcatcher_url.rpartition(":")[2]]
        return self._part("mailcatcher", "--smtp-port", ports[0], "--http-port", ports[1], "--folder", str(self.settings.data / "mail"))

    def _web(self) -> Part:
        return self._part("web", *(["--reload"] if self.reloading else []))

    def _worker(self) -> Part:
        return self._part("worker")

    def _part(self, name: str, *args: str) -> Part:
        command = [sys.executable, "-m", "partner_portal.console.main", name, *args]
        return Part(name, command, all_settings.environ(self.settings), self.settings.data / f"{name}.log")

    def _wait_for(self, parts: Supervisor, part: Part, url: str, path: str) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while not _answers(url, path):
            if time.monotonic() > deadline or part.starts > 2:  # noqa: PLR2004  # once may be bad luck
                raise NotReady(f"The {part.name} process does not serve:\n{part.last_words()}\n(all of it: {part.log})")
            self._look_after(parts)
            time.sleep(_LOOK_EVERY)

    def _play(self, parts: Supervisor) -> int:
        from partner_portal.demo import story  # noqa: PLC0415

        outcome: list[int] = []
        telling = threading.Thread(target=lambda: outcome.append(story.play(self.url)), daemon=True)
        telling.start()
        while telling.is_alive():  # parts are looked after here: a child ends with the thread that started it
            self._look_after(parts)
            telling.join(_LOOK_EVERY)
        return outcome[0] if outcome else _FAILED

    def _stay(self, parts: Supervisor) -> NoReturn:
        from partner_portal.demo import world  # noqa: PLC0415

        self.out.print()
        for line in world.doors(self.settings):
            self.out.print(line)
        self.out.print("Ctrl-C ends it; the next start goes on from here.")
        while True:
            self._look_after(parts)
            time.sleep(_LOOK_EVERY)

    def _look_after(self, parts: Supervisor) -> None:
        for part in parts.look():
            self.out.print(f"[yellow]The {part.name} process ended and is started again; its log: {part.log}[/yellow]")

    def _say(self, what: str, how: str) -> None:
        self.out.print(f"[bold]{what:<24}[/bold]{how}")


def _settings() -> Settings:
    # Whoever tries the demo receives webhooks on the same machine.
    settings = all_settings.load(unless_said={"PORTAL_ENV": "demo", "OUTGOING_NETWORKS": "127.0.0.0/8,::1/128"})
    if settings.in_production:
        raise all_settings.SettingsProblem(["PORTAL_ENV: a demo makes up people and mails; it never runs in production."])
    return msgspec.structs.replace(settings, data=settings.data.resolve())


@contextmanager
def _told_by_signal() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def tell(_number: int, _frame: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)  # what is stopping is not hurried
        raise Told

    before = [signal.signal(number, tell) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _alone_in(data: Path) -> Iterator[None]:
    data.mkdir(parents=True, exist_ok=True)
    with (data / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _give_up(f"A demo already runs in {data}; end it, or choose another folder with DATA=.")
        yield


def _web_port(settings: Settings, out: Console) -> int:
    if settings.port and _is_free(settings.port):
        return settings.port
    [free] = _free_ports(1)
    if settings.port == all_settings.Settings().port:
        out.print(f"Port {settings.port} is taken; using {free}.")
    elif settings.port:
        raise all_settings.SettingsProblem([f"PORT: {settings.port} is taken by another program."])
    return free


def _is_free(port: int) -> bool:
    with socket.socket() as mouth:
        mouth.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            mouth.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    mouths = [socket.create_server((_LOOPBACK, 0)) for _ in range(count)]
    ports = [mouth.getsockname()[1] for mouth in mouths]
    for mouth in mouths:
        mouth.close()
    return ports


def _answers(url: str, path: str) -> bool:
    line = HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        line.request("GET", path)
        return line.getresponse().status == _OK
    except (OSError, HTTPException):
        return False
    finally:
        line.close()


def _give_up(why: str) -> NoReturn:
    click.echo(why, err=True)
    sys.exit(_FAILED)
