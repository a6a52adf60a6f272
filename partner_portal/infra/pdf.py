"""Letters as PDF: tagged PDF/A-3a, the same bytes for the same words, made in processes of their own from local files only.

WeasyPrint is imported in those processes alone, so a process that never renders pays nothing for it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from partner_portal.kernel.errors import Unavailable

from . import press, templates

SECONDS = 30.0  # a letter takes a tenth of a second; what takes this long will not end
REMEDY = (
    "install Pango: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 (Debian, Ubuntu) or brew install pango (macOS)"
)


class PdfUnavailable(Unavailable):
    """No letter can be made here; the facts say why and what to install."""


class PdfTookTooLong(Unavailable):
    """The letter was not ready in time; its process was ended."""


def size() -> int:
    """How many letters are made at the same time: a core is left to the rest of the portal."""
    return max(1, (os.cpu_count() or 1) - 1)


class _Pool:
    """The processes of this process: started by the first letter, started anew after a crash."""

    def __init__(self) -> None:
        self.executor: ProcessPoolExecutor | None = None
        self.places = asyncio.Semaphore(size())

    def get(self) -> tuple[ProcessPoolExecutor, asyncio.Semaphore]:
        """The processes, and a place for each: who waits for a place is not on the clock yet."""
        if self.executor is None:
            self.executor = ProcessPoolExecutor(size(), multiprocessing.get_context("spawn"), initializer=press.warm)
            self.places = asyncio.Semaphore(size())
        return self.executor, self.places

    def drop(self, broken: Executor) -> None:
        if self.executor is broken:
            self.close()

    def close(self) -> None:
        executor, self.executor = self.executor, None
        if executor is None:
            return
        # A process that hangs in a letter would be waited for: end them all, they hold nothing.
        for process in list((executor._processes or {}).values()):  # noqa: SLF001  # no public way to end a worker before Python 3.14
            process.kill()
        executor.shutdown(wait=False)


_pool = _Pool()


async def render(name: str, *, language: str, **words: Any) -> bytes:
    """The letter `name` ("terminations/confirmation") as PDF/A-3a; equal words give equal bytes.

    PdfUnavailable where the system lacks WeasyPrint's libraries, PdfTookTooLong after SECONDS.
    """
    return await write(html(name, language=language, **words))


def html(name: str, *, language: str, **words: Any) -> str:
    """What the letter says, as the HTML it is made of."""
    domain, _slash, letter = name.partition("/")
    return templates.render(f"{domain}/pdf/{letter}.html", language=language, **words)


async def write(page: str, enclosed: press.Enclosed | None = None, following: Sequence[str] = ()) -> bytes:
    """`page` as PDF/A-3a, with the file it encloses and the letters that follow it; a crashed process is replaced and the letter tried once more."""
    for last in (False, True):
        executor, places = _pool.get()
        making = asyncio.get_running_loop().run_in_executor
        try:
            async with places:
                return await asyncio.wait_for(making(executor, press.write, page, enclosed, following), SECONDS)
        except press.LibrariesMissing as why:
            raise PdfUnavailable(why=str(why), remedy=REMEDY) from None
        except BrokenProcessPool as crash:
            _pool.drop(executor)
            if last:
                raise PdfUnavailable(why="the process making it crashed twice") from crash
        except TimeoutError as late:
            _pool.drop(executor)
            raise PdfTookTooLong(seconds=SECONDS) from late
    raise AssertionError  # the loop returns or raises


def close() -> None:
    """No process of ours is left; the next letter starts them again."""
    _pool.close()
