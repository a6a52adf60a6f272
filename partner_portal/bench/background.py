"""The worker: how fast it delivers what the cases filed before have brought, and how much memory it holds once it has made a letter."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import asyncpg
from msgspec.structs import replace

from partner_portal.infra import pdf
from partner_portal.mailcatcher.mailbox import Mailbox

from . import memory
from .ground import BenchFailed, free_port
from .rows import Goal, Measured, told, within

if TYPE_CHECKING:
    from pathlib import Path

    from .ground import Ground, Served, World

_WITHIN = 60.0
_WEB_MEGABYTES = 150
_WORKER_MEGABYTES = 150
_PDF_MEGABYTES = 80


def web_memory(portal: Served) -> Measured:
    """What the web process holds after all that it has answered."""
    return within(Goal("memory of the web process", "MB", 1, "lower"), memory.resident(portal.child.pid), _WEB_MEGABYTES)


async def worker(ground: Ground, world: World, portal: Served) -> list[Measured]:
    """Deliveries a second, mails included, from the first to the last; and the memory of the worker with its PDF processes."""
    line = await asyncpg.connect(world.settings.database_url)
    try:
        mails, smtp_url = _mail_server(ground, world)
        child = ground.start("worker", "partner_portal.console.main", "worker", settings=replace(world.settings, smtp_url=smtp_url))
        await _until(line, "SELECT count(*) > 0 AND bool_and(done_at IS NOT NULL) FROM infra_outbox")
        rate = await line.fetchval("SELECT count(*) / extract(epoch FROM max(done_at) - min(done_at)) FROM infra_outbox")
        await asyncio.to_thread(_approve, portal.port, Mailbox(mails).mails()[0].text)
        await _until(line, "SELECT count(document) > 0 FROM termination")
        own, theirs = memory.resident(child.pid), sum(memory.resident_children(child.pid))
        child.stop(signal.SIGKILL)  # nothing of it is needed any more
    finally:
        await line.close()
    most = _WORKER_MEGABYTES + pdf.size() * _PDF_MEGABYTES
    return [
        told(Goal("deliveries from the outbox, mails included", "deliveries/s", None, "higher"), float(rate)),
        within(Goal("memory of the worker process", "MB", 1, "lower"), own, _WORKER_MEGABYTES),
        within(Goal(f"memory of the worker with {pdf.size()} PDF process(es)", "MB", 1, "lower"), own + theirs, most),
    ]


def _mail_server(ground: Ground, world: World) -> tuple[Path, str]:
    """A folder, and where to send mail that is to be found in it."""
    folder, smtp, http = ground.folder / "mail", free_port(), free_port()
    words = ("--smtp-port", str(smtp), "--http-port", str(http), "--folder", str(folder))
    ground.start("mailcatcher", "partner_portal.mailcatcher", *words, settings=world.settings)
    return folder, f"smtp://127.0.0.1:{smtp}?tls=none"


async def _until(line: asyncpg.Connection, question: str) -> None:
    deadline = time.monotonic() + _WITHIN
    while not await line.fetchval(question):
        if time.monotonic() > deadline:
            raise BenchFailed(f"The worker did not get so far in {_WITHIN:.0f} seconds: {question}")
        await asyncio.sleep(0.1)


def _approve(port: int, mail: str) -> None:
    """The customer opens the page behind the link in the mail, and presses the button."""
    link = re.search(r"/confirm/[\w-]+", mail)
    if link is None:
        raise BenchFailed("The newest mail asks nobody to confirm anything.")
    page = _answered(port, "GET", link[0])
    version = re.search(r'name="text_version" value="(\w+)"', page)
    _answered(port, "POST", link[0], {"decision": "approve", "text_version": version[1] if version else ""})


def _answered(port: int, method: str, path: str, form: dict[str, str] | None = None) -> str:
    line = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request(method, path, urlencode(form or {}), {"Content-Type": "application/x-www-form-urlencoded"} if form else {})
        answer = line.getresponse()
        page = answer.read().decode()
    finally:
        line.close()
    if answer.status >= 400:  # noqa: PLR2004
        raise BenchFailed(f"{method} of the customer's page was answered {answer.status}: {page[:500]}")
    return page
