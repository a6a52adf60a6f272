"""A million invoices: what partners read of theirs beside the same among few, and what adds all of it up beside plain SQL over the same rows."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from billing.service import invoice_list, open_items, reminders
from partner_portal.infra import clock, db
from partner_portal.infra.db import Door, Principal

from .growth import Site
from .rows import Goal, Measured, beside, compared

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .ground import Ground, Loader, Member, World
    from .plan import Plan
    from .throughput import Ask

_PORTAL = ("partner_portal.console.main", "web")
_MOST = 1.3
_MOST_OF_SUMS = 2.0
_TENANT = 3
_SOME = 10
_LETTERS = 200
"""As many as the page of tonight's reminders shows."""


def invoices(_world: World, member: Member, _tenant: int) -> list[str]:
    """The newest fifty."""
    return [member.get("/api/v1/invoices")]


def invoices_deep(world: World, member: Member, tenant: int) -> list[str]:
    """The fifty in the middle of all of the partner's, as the cursor of the page before leads there."""
    middle = world.size.invoices // world.size.tenants // 2
    row = {"issued_on": _issued_on(world, middle), "id": world.size.invoice(tenant, middle)}
    cursor = invoice_list.LISTING.window(limit=1).page([row, row]).next
    return [member.get(f"/api/v1/invoices?after={cursor}")]


def _issued_on(world: World, nth: int) -> Any:
    return clock.today() - timedelta(days=(world.size.invoices - nth * world.size.tenants) * 730 // world.size.invoices)


def one_invoice(world: World, member: Member, tenant: int) -> list[str]:
    """Whole invoices, far apart."""
    each = world.size.invoices // world.size.tenants
    return [member.get(f"/api/v1/invoices/{world.size.invoice(tenant, each * nth // _SOME)}") for nth in range(_SOME)]


def invoice_pages(_world: World, member: Member, _tenant: int) -> list[str]:
    """The page with the newest fifty."""
    return [member.get("/portal/invoices")]


def open_items_listed(_world: World, member: Member, _tenant: int) -> list[str]:
    """The fifty that have been due longest."""
    return [member.get("/api/v1/open-items")]


def open_item_pages(_world: World, member: Member, _tenant: int) -> list[str]:
    """The page with these, with the sums by age."""
    return [member.get("/portal/open-items")]


READS: dict[str, Ask] = {
    "invoice list": invoices,
    "invoice list, deep": invoices_deep,
    "one invoice": one_invoice,
    "invoice list as a page": invoice_pages,
    "open items": open_items_listed,
    "open items as a page": open_item_pages,
}
_STAFF = Principal(Door.STAFF, actor="system:bench")
# The rows that each sum goes over, added up by plain SQL as the same role: what no answer can be faster than.
_OPEN = """
SELECT count(*), sum(s.open_cents), min(i.due_on) FROM billing_standing s JOIN billing_invoice i ON i.tenant = s.tenant AND i.id = s.invoice
 WHERE s.open_cents > 0 AND s.open_cents <> 0 AND i.kind <> 'credit note'
"""


async def among_many(ground: Ground, plan: Plan, loader: Loader) -> list[Measured]:
    """Milliseconds of what is read of invoices, in a world of very many of them."""
    sites = []
    for name, size in (("many", plan.owed), ("few", plan.few)):
        world = await ground.world(f"owed_{name}", size)
        served = await ground.server(f"owed_{name}", *_PORTAL, settings=world.settings).ready()
        sites.append(await Site.of(world, served))
    large, small = sites
    said = f"{large.world.size.invoices:,} beside {small.world.size.invoices:,} invoices".replace(",", " ")
    found = []
    for name, ask in READS.items():
        far, near = large.reads(ask), small.reads(ask)
        for site, requests in ((large, far), (small, near)):
            site.milliseconds(loader, requests, 0.1)
        ours, floor = (partial(site.milliseconds, loader, requests, plan.seconds) for site, requests in ((large, far), (small, near)))
        found.append(beside(Goal(f"{name}, {said}", "ms", _MOST, "lower"), ours, floor, slices=plan.slices))
    for site in sites:
        site.served.child.stop()
    return found + await _sums(large.world, plan)


async def _sums(world: World, plan: Plan) -> list[Measured]:
    """What adds up everything that is open, beside plain SQL over the same rows."""
    partner = Principal(Door.TENANT, world.size.tenant(_TENANT), "system:bench")
    asked: dict[str, tuple[Principal, Callable[[], Awaitable[Any]]]] = {
        "ageing of a partner": (partner, lambda: open_items.ageing(open_items.Filter())),
        "what a partner's customers have coming": (partner, lambda: open_items.in_favour(open_items.Filter())),
        "debtors of a partner": (partner, lambda: open_items.debtors(open_items.DEBTORS.window())),
        "aged debtors of all partners": (_STAFF, open_items.by_debtor),
        "what is open by partner": (_STAFF, open_items.by_partner),
        "preview of tonight's reminders": (_STAFF, lambda: reminders.preview(most=_LETTERS)),
    }
    found, many = [], f"{world.size.invoices:,}".replace(",", " ")
    async with _pools(world):
        for name, (who, ask) in asked.items():
            turns = [(await _took(who, ask), await _took(who, lambda: db.fetch(_OPEN))) for _ in range(plan.slices // 2 + 2)][1:]
            ours, floor = zip(*turns, strict=True)
            goal = Goal(f"{name}, {many} invoices (floor: a plain sum of what is open)", "ms", _MOST_OF_SUMS, "lower")
            found.append(compared(goal, ours, floor))
    return found


@asynccontextmanager
async def _pools(world: World) -> AsyncIterator[None]:
    await db.open_pools(world.settings)
    try:
        yield
    finally:
        await db.close_pools()


async def _took(who: Principal, ask: Callable[[], Awaitable[Any]]) -> float:
    begun = time.perf_counter()
    async with db.unit_of_work(who):
        await ask()
    return (time.perf_counter() - begun) * 1000
