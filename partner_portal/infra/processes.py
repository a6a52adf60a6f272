"""Child processes that end when their parent does, however the parent ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LINUX = sys.platform == "linux"
_LIBC = ctypes.CDLL(None) if _LINUX else None

# Waits for its standard input to end, which happens when the parent is gone, then sends the signal.
_WATCH = 'read _; kill -"$1" "$2" 2>/dev/null'


class Child:
    """A running child process; `death_signal` reaches it when this process ends, also by SIGKILL.

    On Linux the signal comes when the *thread* that started the child ends: start children from the main thread.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        death_signal: signal.Signals = signal.SIGTERM,
        output: IO[bytes] | None = None,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            cwd=cwd,
            env=environ,
            start_new_session=True,
            preexec_fn=_ask_for(death_signal) if _LINUX else None,
        )
        self._watcher = None if _LINUX else _watch(self._process.pid, death_signal)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    def stop(self, *signals: signal.Signals, patience: float = 10) -> None:
        """Not running afterwards: each of `signals` is given `patience` seconds, then SIGKILL. Harmless when repeated."""
        if self._watcher:
            self._watcher.kill()
            self._watcher.wait()
        for number in signals or (signal.SIGTERM,):
            if self._ended_after(number, patience):
                return
        self._process.kill()
        self._process.wait()

    def _ended_after(self, number: signal.Signals, patience: float) -> bool:
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return False
        return True


def _ask_for(number: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def ask() -> None:
        assert _LIBC is not None
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def _watch(pid: int, number: signal.Signals) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "watch", str(int(number)), str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
