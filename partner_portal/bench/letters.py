"""A confirmation letter beside WeasyPrint alone on the same HTML, in the same process."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

from partner_portal.infra import clock, db, pdf
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor, ActorKind, Role
from terminations.service import cases, letters, proof, quotes
from terminations.service.cases import Filing, Reason

from . import alone
from .rows import Goal, Measured, compared

if TYPE_CHECKING:
    from .ground import World

_MOST = 1.2
_LETTER = "terminations/confirmation"
_LANGUAGE = "nl"
_TENANT = 5
# The pool is private: only a floor needs to run something else in the very process that draws the portal's letters.


def warm() -> None:
    """The process that draws is starting, while others work."""
    executor, _places = pdf._pool.get()  # noqa: SLF001
    executor.submit(alone.draw, "<p>warm</p>")


async def beside_weasyprint(world: World, *, slices: int) -> Measured:
    """Milliseconds of wall time per letter, from its words to its bytes; the process that draws is warm."""
    words = await _words(world)
    page = pdf.html(_LETTER, language=_LANGUAGE, **words)
    try:
        await pdf.write(page)
        await _alone(page)
        ours, floor = [], []
        for _ in range(slices):
            begun = perf_counter()
            await pdf.render(_LETTER, language=_LANGUAGE, **words)
            ours.append((perf_counter() - begun) * 1000)
            floor.append(await _alone(page))
    finally:
        pdf.close()
    goal = Goal("confirmation PDF (floor: WeasyPrint alone)", "ms", _MOST, "lower")
    return compared(goal, ours, floor)


async def _words(world: World) -> dict[str, Any]:
    """What the letter of a case says that was filed a moment ago."""
    size, tenant = world.size, world.size.tenant(_TENANT)
    member = Actor(kind=ActorKind.MEMBER, id=str(size.member(_TENANT)), tenant=tenant, roles=frozenset({Role.OWNER.value}), label="Owner")
    await db.open_pools(world.settings)
    try:
        async with db.unit_of_work(Principal(Door.TENANT, tenant, member.trail)):
            asked = quotes.Request(services=(size.service(_TENANT, 9, 4),), received_on=clock.today())
            quote = await quotes.keep(member, asked)
            told = await letters.dossier(await cases.file(member, quote.id, Filing(reason=Reason.NOT_SAID, has_mandate=True)))
            return await proof.words(told, _LANGUAGE)
    finally:
        await db.close_pools()


async def _alone(page: str) -> float:
    executor, _places = pdf._pool.get()  # noqa: SLF001
    return await asyncio.get_running_loop().run_in_executor(executor, alone.draw, page)
