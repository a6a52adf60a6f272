"""One run of all measurements."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from partner_portal.infra import log, redis

from . import background, bank, books, growth, letters, owed, recurring, rules, throughput
from .ground import Ground, Loader
from .growth import Site
from .plan import SMALL, Plan
from .world import Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ground import World
    from .rows import Measured

_PORTAL = ("partner_portal.console.main", "web")
_FLOOR = ("partner_portal.bench.floor",)


async def run(plan: Plan, say: Callable[[str], None]) -> list[Measured]:
    """Everything is measured, on servers of its own that are gone afterwards; `say` hears what is going on."""
    async with _prepared() as (ground, small, loader):
        say("Worlds are loaded, processes start, the rules run alone ...")
        starting = [ground.server("web", *_PORTAL, settings=small.settings), ground.server("floor", *_FLOOR, settings=small.settings)]
        large = {}
        for nth, (said, size) in enumerate(plan.worlds.items()):
            world = await ground.world(f"large{nth}", size)
            large[said] = world, ground.server(f"web{nth}", *_PORTAL, settings=world.settings)
        found = rules.calendars(slices=plan.slices * 4)
        portal, floor = [await server.ready() for server in starting]
        say("Answers per second beside the floor ...")
        found += await throughput.beside_the_floor(small, portal, floor, loader, plan)
        floor.child.stop(signal.SIGKILL)
        here = await Site.of(small, portal)
        for said, (world, served) in large.items():
            say(f"{said} ...")
            found += growth.beside_a_small_world(said, await Site.of(world, await served.ready()), here, loader, plan)
            served.child.stop(signal.SIGKILL)
        say("Worker, memory and letters ...")
        found.append(background.web_memory(portal))
        letters.warm()
        found += await background.worker(ground, small, portal)
        say("A bank statement ...")
        found += await bank.statement(small, small.settings.database_url, entries=plan.entries)
        found.append(await letters.beside_weasyprint(small, slices=plan.letters))
        found += await letters.invoices_beside_weasyprint(await ground.world("papers", Size(1, 10, 10)), slices=plan.letters // 2)
        say("Invoices go to the books ...")
        found += await books.beside_bare_requests(ground, await ground.world("kept", plan.kept), slices=plan.books)
        say("What is owed among very many invoices ...")
        found += await owed.among_many(ground, plan, loader)
        say("Months are billed ...")
        return found + await recurring.beside_plain_inserts(await ground.world("billed", plan.billed), slices=plan.months)


@asynccontextmanager
async def _prepared() -> AsyncIterator[tuple[Ground, World, Loader]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-", ignore_cleanup_errors=True)))
        loader = stack.enter_context(Loader())
        ground = await stack.enter_async_context(Ground(folder))
        log.configure(ground.settings, stack.enter_context((folder / "bench.log").open("w")))
        small = await ground.world("small", SMALL)
        redis.open_pool(small.settings.redis_url)
        stack.push_async_callback(redis.close_pool)
        yield ground, small, loader
