"""The only clock: real time in production, movable in tests and in the demo."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


class _Shift:
    """How far the clock was moved; all processes of one data folder read it from the same file."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self._stamp: int = -1
        self._by = timedelta()

    def by(self) -> timedelta:
        if self.file is None:
            return timedelta()
        try:
            stamp = os.stat(self.file).st_mtime_ns  # noqa: PTH116  # on every call of now(): a Path object costs more than the call
        except FileNotFoundError:
            return timedelta()
        if stamp != self._stamp:
            self._by = timedelta(seconds=float(self.file.read_text() or "0"))
            self._stamp = stamp
        return self._by

    def put(self, by: timedelta) -> None:
        if self.file is None:
            raise ClockIsFixed
        beside = self.file.with_suffix(".new")
        beside.write_text(str(by.total_seconds()))
        beside.replace(self.file)


class ClockIsFixed(RuntimeError):
    """Somebody tried to move the clock of a portal that runs on real time."""


_shift = _Shift()


def movable(folder: Path) -> None:
    """From here on the clock follows the shift kept in `folder`; for tests and the demo only."""
    folder.mkdir(parents=True, exist_ok=True)
    _shift.file = folder / "clock"


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC) + _shift.by()  # noqa: TID251  # the one place that asks the machine


def today() -> date:
    """The civil day in Europe/Amsterdam, by which notices and terms are counted."""
    return now().astimezone(AMSTERDAM).date()


def civil_day(instant: datetime) -> date:
    """The civil day in Europe/Amsterdam on which `instant` falls."""
    return instant.astimezone(AMSTERDAM).date()


def move(by: timedelta) -> None:
    """Move the clock forward (or back) by `by` for every process of the data folder; ClockIsFixed on real time."""
    _shift.put(_shift.by() + by)


def move_to(day: date) -> None:
    """Move the clock so that today() is `day`, keeping the time of the day."""
    move(day - today())


def set_to(instant: datetime) -> None:
    """From now on it is `instant`, and time goes on from there, for every process of the data folder."""
    move(instant - now())


def reset() -> None:
    """Back to real time."""
    _shift.put(timedelta())
