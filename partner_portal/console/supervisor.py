"""Keeps the portal's processes running: each in a process of its own, started again when it ends, all gone when this one is."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Self

from partner_portal.infra.processes import Child

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0
_GRACE = 20.0
_LAST_LINES = 15


class Part:
    """One process of the portal; its output goes to a log file."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        self._command, self._environ = command, environ
        self._pause = _FIRST_PAUSE
        self._due = 0.0
        self._begun = 0.0
        self.starts = 0
        self.child: Child | None = None

    def start(self) -> None:
        """It runs. Call it from the main thread: the process ends with the thread that started it."""
        with self.log.open("ab") as output:
            self.child = Child(self._command, environ=self._environ, output=output)
        self._begun = time.monotonic()
        self.starts += 1

    def look(self) -> bool:
        """If it has ended it is started again: soon at first, more slowly each time it ends early. True where it was found ended."""
        if self.child is not None and self.child.status is None:
            return False
        now = time.monotonic()
        if self.child is not None:
            self._pause = _FIRST_PAUSE if now - self._begun > _STEADY_AFTER else min(self._pause * 2, _LONGEST_PAUSE)
            self.child, self._due = None, now + self._pause
            return True
        if now >= self._due:
            self.start()
        return False

    def stop(self) -> None:
        """It does not run; what it was doing it could finish."""
        if self.child is not None:
            self.child.stop(signal.SIGTERM, patience=_GRACE)
            self.child = None

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:])


class Supervisor:
    """The parts, running inside the block; stopped in the opposite order of their start."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts

    def __enter__(self) -> Self:
        try:
            for part in self.parts:
                part.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def look(self) -> list[Part]:
        """Every part runs, or will soon; returns those just found ended."""
        return [part for part in self.parts if part.look()]

    def stop(self) -> None:
        """No part runs."""
        for part in reversed(self.parts):
            part.stop()
