"""How much memory a process and its children hold."""

from __future__ import annotations

import subprocess
from pathlib import Path

_KILOBYTES = 1024
_MEGABYTE = 1024 * 1024


def resident(pid: int) -> float:
    """Megabytes in memory of the process alone."""
    return _table()[pid][1] / _MEGABYTE


def resident_children(pid: int) -> list[float]:
    """The same of each process that it started."""
    return [size / _MEGABYTE for parent, size in _table().values() if parent == pid]


def _table() -> dict[int, tuple[int, int]]:
    """Each process' parent and bytes in memory."""
    if Path("/proc/self/status").exists():
        return dict(found for folder in Path("/proc").iterdir() if folder.name.isdigit() and (found := _read(folder)))
    said = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    rows = [tuple(map(int, line.split())) for line in said.splitlines()]
    return {pid: (parent, kilobytes * _KILOBYTES) for pid, parent, kilobytes in rows}


def _read(folder: Path) -> tuple[int, tuple[int, int]] | None:
    try:
        lines = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    except OSError:
        return None  # it has ended
    return int(folder.name), (int(lines["PPid"]), int(lines.get("VmRSS", "0 kB").split()[0]) * _KILOBYTES)
