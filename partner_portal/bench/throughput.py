"""What the portal answers in a second beside the floor, through HTTP with tenancy on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from . import asked
from .asked import per_second
from .rows import Goal, Measured, beside

if TYPE_CHECKING:
    from .ground import Loader, Member, Served, World
    from .plan import Plan

_LEAST = 0.75
_TENANT = 3
_WARMING = 0.1

Ask = Callable[["World", "Member", int], list[str]]

ROWS: dict[str, Ask] = {
    "customer list (50 rows)": asked.customer_list,
    "services of a customer": asked.services,
    "preview": asked.preview,
    "preview with its calendar": asked.preview_with_calendar,
    "quote": asked.quote,
}


async def beside_the_floor(world: World, portal: Served, floor: Served, loader: Loader, plan: Plan) -> list[Measured]:
    """Each endpoint's answers per second beside those of a bare handler that gives the same answer."""
    member = await world.member(_TENANT)
    found = []
    for name, ask in ROWS.items():
        requests = ask(world, member, _TENANT)
        for served in (portal, floor):
            per_second(loader, served.port, requests, _WARMING)
        ours, bare = (partial(per_second, loader, served.port, requests, plan.seconds) for served in (portal, floor))
        found.append(beside(Goal(name, "answers/s", _LEAST, "higher"), ours, bare, slices=plan.slices))
    return found
