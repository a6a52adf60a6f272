"""Whether an answer takes longer where there are more partners and more services: the same portal on two worlds."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from . import asked
from .load import Order
from .rows import Goal, Measured, beside, compared

if TYPE_CHECKING:
    from .ground import Loader, Member, Served, World
    from .plan import Plan
    from .throughput import Ask

_MOST = 1.3
_TENANTS = 10
_GROUPS = 10
_KINDS = 5
_WARMING = 0.1

READS: dict[str, Ask] = {
    "customer list": asked.customer_list,
    "services of a customer": asked.services,
    "preview": asked.preview,
}


_Chosen = tuple[int, int, int]
"""A service by the number of its partner, of its customer there, and of its kind."""


class _Made(msgspec.Struct):
    id: str


class Site:
    """A world with the portal on it, and its members signed in."""

    def __init__(self, world: World, served: Served, members: list[Member]) -> None:
        self.world, self.served, self.members = world, served, members
        self._unfiled = ((tenant, nth, kind) for nth in range(_GROUPS) for kind in range(_KINDS) for tenant in range(_TENANTS))

    @classmethod
    async def of(cls, world: World, served: Served) -> Site:
        """The owners of the first partners are signed in."""
        return cls(world, served, [await world.member(tenant) for tenant in range(_TENANTS)])

    def unfiled(self, cases: int) -> list[_Chosen]:
        """The next services nobody filed for here, each of another partner than the one before."""
        return list(islice(self._unfiled, cases))

    def reads(self, ask: Ask) -> list[str]:
        """The requests of one kind, of all members in turn."""
        each = [ask(self.world, member, tenant) for tenant, member in enumerate(self.members)]
        return [request for together in zip(*each, strict=True) for request in together]

    def milliseconds(self, loader: Loader, requests: list[str], seconds: float) -> float:
        """How long the portal is busy with one of these requests."""
        return 1000 / asked.per_second(loader, self.served.port, requests, seconds)

    def filing(self, loader: Loader, chosen: list[_Chosen]) -> float:
        """How long the portal is busy with filing one case, in milliseconds, for services nobody filed for; the quotes are made before."""
        quotes = [
            self.members[tenant].post("/api/v1/quotes", {"service_ids": [str(self.world.size.service(tenant, nth, kind))]})
            for tenant, nth, kind in chosen
        ]
        kept = loader.send(Order(port=self.served.port, requests=quotes, keep=True))
        files = [
            self.members[tenant].post(
                "/api/v1/terminations",
                {"quote_id": msgspec.json.decode(body.encode("latin-1"), type=_Made).id, "reason": "not_said"},
            )
            for (tenant, _nth, _kind), body in zip(chosen, kept.bodies, strict=True)
        ]
        result = loader.send(Order(port=self.served.port, requests=files))
        return result.seconds / result.answers * 1000


def beside_a_small_world(said: str, large: Site, small: Site, loader: Loader, plan: Plan) -> list[Measured]:
    """What an answer costs in a large world, with what it costs in a small one as its floor."""
    found = []
    for name, ask in READS.items():
        far, near = large.reads(ask), small.reads(ask)
        for site, requests in ((large, far), (small, near)):
            site.milliseconds(loader, requests, _WARMING)
        ours, floor = (partial(site.milliseconds, loader, requests, plan.seconds) for site, requests in ((large, far), (small, near)))
        found.append(beside(Goal(f"{name}, {said}", "ms", _MOST, "lower"), ours, floor, slices=plan.slices))
    turns = []
    for _ in range(plan.slices + 1):
        chosen = small.unfiled(plan.cases)
        turns.append((large.filing(loader, chosen), small.filing(loader, chosen)))
    there, here = zip(*turns[1:], strict=True)
    return [*found, compared(Goal(f"filing, {said}", "ms", _MOST, "lower"), there, here)]
