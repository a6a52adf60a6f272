"""Letters and invoices beside WeasyPrint alone on the same HTML, in the same processes: one at a time, and as many as there are cores."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING, Any

from billing.service import archive, documents, faces, paper
from billing.service.documents import Document, Rendering
from partner_portal.infra import clock, db, pdf, press
from partner_portal.infra.brand import Brand
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import Actor, ActorKind, Role
from terminations.service import cases, letters, proof, quotes
from terminations.service.cases import Filing, Reason

from . import alone
from .rows import Goal, Measured, compared

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .ground import World

_MOST = 1.2
_MOST_OF_INVOICES = 1.15
_TOGETHER = 4
"""So many invoices are made at once, per core."""
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


async def invoices_beside_weasyprint(world: World, *, slices: int) -> list[Measured]:
    """Milliseconds per invoice, from the document to the bytes of its PDF with the e-invoice inside: one at a time, and with every core at work.

    `world` is one with invoices. The floor draws the same HTML as the same kind of PDF, in the same processes; it makes and encloses no e-invoice.
    """
    document, brand = await _invoice(world)
    page, _enclosed = _sheets(document, brand)
    cores = os.cpu_count() or 1
    found = []
    try:
        for processes, together, said in ((1, 1, "per core"), (cores, cores * _TOGETHER, f"across all {cores} cores")):
            _processes(processes)
            for make in (lambda: _alone(page), lambda: pdf.write(page)):
                await _each(processes * 2, make)
            ours, floor = [], []
            for _ in range(slices):
                ours.append(await _each(together, lambda: pdf.write(*_sheets(document, brand))))
                floor.append(await _each(together, lambda: _alone(page)))
            goal = Goal(
                f"invoice PDF with its e-invoice, {said} (floor: WeasyPrint alone on the same HTML)", "ms", _MOST_OF_INVOICES, "lower"
            )
            found.append(compared(goal, ours, floor))
    finally:
        pdf.close()
    return found


def _sheets(document: Document, brand: Brand) -> tuple[str, press.Enclosed | None]:
    return paper.sheets(document, brand, Rendering.ORIGINAL, page=archive.page_of(document))


def _processes(count: int) -> None:
    """So many processes draw: where a core is usually left to others, here all of them are measured."""
    pdf.close()
    pdf._pool.executor = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=press.warm)  # noqa: SLF001
    pdf._pool.places = asyncio.Semaphore(count)  # noqa: SLF001


async def _each(together: int, make: Callable[[], Coroutine[Any, Any, Any]]) -> float:
    begun = perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(together):
            group.create_task(make())
    return (perf_counter() - begun) * 1000 / together


async def _invoice(world: World) -> tuple[Document, Brand]:
    tenant = world.size.tenant(0)
    await db.open_pools(world.settings)
    try:
        async with db.unit_of_work(Principal(Door.TENANT, tenant, "system:bench")):
            document = await documents.one(world.size.invoice(0, 0))
            return document, await faces.on_paper(document)
    finally:
        await db.close_pools()
