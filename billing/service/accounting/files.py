"""Accounting by files: e-invoices (UBL) go out into a folder, statements of the bank (CAMT) come in from another; whatever package stands behind it.

The connection's folder holds `out` (for the package to take away), `sent` (a copy of all that ever went out, by which nothing goes out twice), `in`
(statements), `done` and `refused` (each with its reason beside it).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from .port import AccountingRefuses, AccountingUnavailable, Contact, Health, News, Remote, SalesDocument, Setup, Wanted, What

P = ParamSpec("P")
T = TypeVar("T")

OUT, SENT, IN, DONE, REFUSED = "out", "sent", "in", "done", "refused"
MOST_FILES = 10
"""So many statements are taken in at a time."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")


class Files:
    """The folder of one connection."""

    name = "files"

    def __init__(self, setup: Setup) -> None:
        if setup.folder is None:
            raise AccountingRefuses(detail="a folder is needed")
        self.folder = setup.folder

    async def check(self) -> Health:
        """The folders are there and can be written."""
        await self._do(self._prepared)
        return Health(administration=str(self.folder))

    async def find(self, wanted: Wanted) -> Remote | None:
        """What went out before, by the copies that stay."""
        return await self._do(self._sent, file_of(wanted)) if isinstance(wanted, SalesDocument) else None

    async def create(self, wanted: Wanted) -> Remote:
        """The e-invoice lies in `out`, whole or not at all; a debtor needs no file, for each document names its own."""
        if isinstance(wanted, Contact):
            return Remote(id=wanted.key, version="")
        if isinstance(wanted, SalesDocument):
            return await self._do(self._written, wanted)
        raise AccountingRefuses(detail="files carry no payments")

    async def change(self, contact: Contact, known: Remote, *, even_if_changed: bool = False) -> Remote:  # noqa: ARG002  # the next document has it
        """Nothing to do: each document names its debtor."""
        return known

    async def look(self, what: What, remote_id: str) -> Remote | None:
        """The copy of what went out; what became of it on the other side no file tells."""
        return await self._do(self._sent, remote_id) if what is What.DOCUMENT else Remote(id=remote_id, version="")

    async def news(self, cursor: str | None) -> News:
        """Files tell no news; statements are taken in by `exchanged`."""
        return News(cursor=cursor or "")

    async def waiting(self) -> list[Path]:
        """Statements that lie in `in`, the oldest first; not what is still being written, nor what is no file of its own."""
        return await self._do(self._waiting)

    async def put_away(self, file: Path, reason: str | None = None) -> None:
        """The file is among those that are done; or, with a reason, set apart."""
        await self._do(self._put_away, file, reason)

    async def read(self, file: Path, most: int) -> bytes:
        """The beginning of the file, at most so many bytes."""
        return await self._do(_beginning, file, most)

    async def _do(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(work, *given, **named)
        except OSError as error:
            raise AccountingUnavailable(detail=f"{type(error).__name__}: {error.strerror}") from error

    def _prepared(self) -> None:
        for name in (OUT, SENT, IN, DONE, REFUSED):
            (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o750)

    def _sent(self, name: str) -> Remote | None:
        file = self.folder / SENT / name
        return _remote(name, file.read_bytes()) if file.is_file() else None

    def _written(self, document: SalesDocument) -> Remote:
        self._prepared()
        name = file_of(document)
        # First to where the package takes it from, then the copy: of two that were cut off between, the second writes the same again under the same name.
        for folder in (OUT, SENT):
            new = self.folder / folder / f".{name}.{os.getpid()}.tmp"
            new.write_bytes(document.ubl)
            new.replace(self.folder / folder / name)
        return _remote(name, document.ubl)

    def _waiting(self) -> list[Path]:
        self._prepared()
        found = [
            file
            for file in (self.folder / IN).iterdir()
            if file.is_file() and not file.is_symlink() and not file.name.startswith(".") and not file.name.lower().endswith(_UNFINISHED)
        ]
        return sorted(found, key=lambda file: (file.stat().st_mtime_ns, file.name))[:MOST_FILES]

    def _put_away(self, file: Path, reason: str | None) -> None:
        if not file.exists():
            return
        place = self.folder / (DONE if reason is None else REFUSED)
        target, nth = place / file.name, 1
        while target.exists():
            nth += 1
            target = place / f"{file.stem}-{nth}{file.suffix}"
        shutil.move(file, target)
        if reason is not None:
            target.with_name(f"{target.name}.reason.txt").write_text(reason + "\n")


def _beginning(file: Path, most: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(most)


def file_of(document: SalesDocument) -> str:
    """How the e-invoice's file is called: by its number, in letters that every system takes."""
    return f"{_NOT_IN_NAMES.sub('_', document.number)[:100]}.xml"


def _remote(name: str, content: bytes) -> Remote:
    return Remote(id=name, version=hashlib.sha256(content).hexdigest()[:32])
