"""Every page of the portal, one request at a time, for a partner with a thousand customers among a million services: time, statements, weight, feel."""

from __future__ import annotations

import gzip
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

import msgspec
from rich.table import Table

from partner_portal import wiring
from partner_portal.infra import log, sessions, settings
from partner_portal.infra.settings import Env
from partner_portal.web import auth, identity

from . import vitals
from .ground import BenchFailed, Ground
from .page_server import EMPTY, STATEMENTS
from .scenes import finance, play
from .scenes.play import Scene
from .surfaces import SURFACES, Reader, Surface
from .world import TENANT, Size

if TYPE_CHECKING:
    from playwright.async_api import Browser

MOST_MS = 50.0
MOST_BYTES = 150_000
MOST_SHIFT = 0.0

_SERVER = ("partner_portal.bench.page_server",)
_WARMING = 5
_NAMED = re.compile(rb"(?:href|src)=\"(/(?:static|brand)/[^\"#]+)")
_OK = 200


class PagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """How much is looked at, and how often."""

    size: Size
    rounds: int
    each: int
    visits: int


FULL = PagePlan(size=Size(600, 1_000_000), rounds=10, each=10, visits=2)
QUICK = PagePlan(size=Size(60, 100_000), rounds=4, each=5, visits=1)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One page: milliseconds of the server at the middle and at the slow end, beside an empty page at the same moments; what it asked; what it weighs."""

    name: str
    path: str
    reader: Reader
    p50_ms: float
    p95_ms: float
    floor_p50_ms: float
    floor_p95_ms: float
    statements: int
    most_statements: int
    empty_statements: int
    page_bytes: int
    first_visit_bytes: int
    lcp_ms: float | None = None
    cls: float | None = None
    tbt_ms: float | None = None
    moved: tuple[str, ...] = ()

    @property
    def missed(self) -> list[str]:
        """The promises that it does not keep."""
        kept = {
            "p95": self.p95_ms < MOST_MS,
            "statements": self.statements <= self.most_statements,
            "weight": self.first_visit_bytes < MOST_BYTES,
            "shift": self.cls is None or self.cls <= MOST_SHIFT,
        }
        return [name for name, is_kept in kept.items() if not is_kept]


async def run(plan: PagePlan, say: Callable[[str], None], looked_at: Sequence[Surface]) -> list[Measured]:
    """These pages are measured, on servers of its own that are gone afterwards; `say` hears what is going on. BenchFailed where one does not answer."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-", ignore_cleanup_errors=True)))
        # As in production, but that the clock can be moved (cases have to expire) and browsers take the session over plain HTTP.
        ground = await stack.enter_async_context(Ground(folder, env=Env.TEST))
        log.configure(ground.settings, stack.enter_context((folder / "bench.log").open("w")))
        say(f"{plan.size.services:,} services are loaded ...".replace(",", " "))
        world = await ground.world("pages", plan.size, for_pages=True)
        chosen = settings.adopt(world.settings)
        await stack.enter_async_context(wiring.running(chosen))
        say("Cases, links and drafts are made ...")
        scene = await play.built(f"member:{plan.size.member(TENANT)}", crowd=0)
        served = await ground.server("pages", *_SERVER, settings=chosen).ready()
        site = _Site(served.port, scene, await _cookies(scene))
        say(f"{len(looked_at)} pages, one request at a time ...")
        found = [site.measured(surface, plan) for surface in looked_at]
        running = await stack.enter_async_context(vitals.browser())
        if running is None:
            say("No browser is there: nothing is said of what pages feel like.")
            return found
        say("The same pages by a browser on a telephone ...")
        return [await site.felt(running, one, plan) for one in found]


def surfaces(only: Sequence[str] = ()) -> list[Surface]:
    """The pages that can be measured, those that are there when they are asked for; where `only` names some, those with such words in their name."""
    found = [surface for surface in SURFACES if not surface.sends and surface.status == _OK]
    return [surface for surface in found if not only or any(words.lower() in surface.name for words in only)]


async def _cookies(scene: Scene) -> dict[Reader, dict[str, str]]:
    people = {Reader.OWNER: scene.owner, Reader.CLERK: scene.owner, Reader.CONTACT: scene.contact, Reader.CONSUMER: scene.consumer}
    found = {
        reader: {"name": auth.session_cookie(), "value": await sessions.start(actor.trail, tenant=actor.tenant)}
        for reader, actor in people.items()
    }
    staff = {"name": identity.ADMIN_COOKIE, "value": await finance.session(int(scene.staff.id))}
    return {Reader.EVERYBODY: {}, Reader.STAFF: staff, **found}


class _Site:
    """The server under measurement, and what its visitors bring."""

    def __init__(self, port: int, scene: Scene, cookies: Mapping[Reader, Mapping[str, str]]) -> None:
        self._port = port
        self._scene = scene
        self._cookies = cookies
        self._line = HTTPConnection("127.0.0.1", port, timeout=30)

    def measured(self, surface: Surface, plan: PagePlan) -> Measured:
        """The page and the empty page in turn, so that what else the machine does hits both alike."""
        path = surface.address(self._scene.things)
        first, empty = [[self._asked(*asked) for _ in range(_WARMING)][-1] for asked in ((path, surface.reader), (EMPTY, Reader.OWNER))]
        ours: list[float] = []
        floor: list[float] = []
        for _ in range(plan.rounds):
            ours += [self._asked(path, surface.reader).milliseconds for _ in range(plan.each)]
            floor += [self._asked(EMPTY, Reader.OWNER).milliseconds for _ in range(plan.each)]
        (p50, p95), (floor_p50, floor_p95) = _middle_and_slow_end(ours), _middle_and_slow_end(floor)
        return Measured(
            name=surface.name,
            path=path,
            reader=surface.reader,
            p50_ms=p50,
            p95_ms=p95,
            floor_p50_ms=floor_p50,
            floor_p95_ms=floor_p95,
            statements=first.statements,
            most_statements=surface.statements,
            empty_statements=empty.statements,
            page_bytes=len(first.body),
            first_visit_bytes=len(first.body) + self._weight_of_parts(first.body),
        )

    def _asked(self, path: str, reader: Reader) -> _Answer:
        headers = {"accept": "text/html", "accept-encoding": "gzip", "accept-language": "nl"}
        if cookie := self._cookies[reader]:
            headers["cookie"] = f"{cookie['name']}={cookie['value']}"
        begun = time.perf_counter()
        self._line.request("GET", path, headers=headers)
        answer = self._line.getresponse()
        body = answer.read()
        milliseconds = (time.perf_counter() - begun) * 1000
        if answer.status != _OK:
            raise BenchFailed(f"{path}: {answer.status} {body[:500]!r}")
        return _Answer(milliseconds, int(answer.getheader(STATEMENTS) or 0), body)

    def _weight_of_parts(self, body: bytes) -> int:
        """Bytes of the styles, scripts, icons and fonts that the page names, as they travel."""
        page = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        named = sorted({found.decode() for found in _NAMED.findall(page)})
        return sum(len(self._asked(path, Reader.EVERYBODY).body) for path in named)

    async def felt(self, running: Browser, page: Measured, plan: PagePlan) -> Measured:
        """The same page with what a browser says of it."""
        seen = await vitals.felt(running, f"http://127.0.0.1:{self._port}{page.path}", self._cookies[page.reader], times=plan.visits)
        return msgspec.structs.replace(page, lcp_ms=seen.lcp_ms, cls=seen.cls, tbt_ms=seen.tbt_ms, moved=seen.moved)


class _Answer(msgspec.Struct, frozen=True):
    milliseconds: float
    statements: int
    body: bytes


def _middle_and_slow_end(times: Sequence[float]) -> tuple[float, float]:
    parts = quantiles(times, n=20)
    return round(parts[9], 1), round(parts[18], 1)


def as_json(found: Sequence[Measured]) -> str:
    """The pages as a JSON list, each with the promises it does not keep."""
    return msgspec.json.format(
        msgspec.json.encode([{**msgspec.to_builtins(one), "missed": one.missed} for one in found]), indent=1
    ).decode()


_COLUMNS = ("page", "p50", "p95 ms", "empty p50", "empty p95", "statements", "page kB", "first visit kB", "LCP ms", "CLS", "TBT ms", "")


def as_table(found: Sequence[Measured], said: str) -> Table:
    """The pages for people."""
    table = Table(title=said, title_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in ("page", "") else "right")
    for one in found:
        felt = ["" if value is None else f"{value:g}" for value in (one.lcp_ms, one.cls, one.tbt_ms)]
        times = [f"{value:g}" for value in (one.p50_ms, one.p95_ms, one.floor_p50_ms, one.floor_p95_ms)]
        weights = [f"{value / 1000:.0f}" for value in (one.page_bytes, one.first_visit_bytes)]
        verdict = f"[red]missed: {', '.join([*one.missed, *one.moved])}[/red]" if one.missed else "[green]met[/green]"
        table.add_row(one.name, *times, str(one.statements), *weights, *felt, verdict)
    return table
