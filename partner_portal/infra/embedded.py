"""PostgreSQL and Valkey of a data folder: started where none are given, shared by every command that uses the folder."""

from __future__ import annotations

import fcntl
import json
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .embedded_keeper import OWNED_BY_ANOTHER, START_PATIENCE
from .embedded_programs import StartFailed

__all__ = ["Servers", "StartFailed", "servers"]

if TYPE_CHECKING:
    from types import TracebackType

_LAST_WORDS = 2000
_PATIENCE = 30


class Servers:
    """The two servers in use; what was given by address is left alone, what is embedded lives as long as it is used."""

    def __init__(self, data: Path, *, database_url: str = "", redis_url: str = "", durable: bool = True) -> None:
        self._embedded: list[_Use] = []
        wanted = [name for name, given in (("postgres", database_url), ("valkey", redis_url)) if not given]
        if wanted:
            data.mkdir(parents=True, exist_ok=True)
        uses = {name: _Use(data.resolve(), name, durable=durable) for name in wanted}
        self._embedded = list(uses.values())
        try:
            for use in self._embedded:
                use.begin()
            self.postgres_url = database_url or uses["postgres"].url()
            self.redis_url = redis_url or uses["valkey"].url()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """No longer in use here; an embedded server that nobody else uses has stopped. Harmless when repeated."""
        for use in self._embedded:
            use.end()
        for use in self._embedded:
            use.wait()
        self._embedded = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def servers(data: Path, *, database_url: str = "", redis_url: str = "", durable: bool = True) -> Servers:
    """Both servers answer; with both addresses given nothing is started. Raises StartFailed.

    `durable=False` is for tests: nothing is synced to the disk.
    """
    return Servers(data, database_url=database_url, redis_url=redis_url, durable=durable)


class _Use:
    """One user's hold on one embedded server: an open connection to its keeper, which the kernel ends with us."""

    def __init__(self, data: Path, name: str, *, durable: bool) -> None:
        self._data, self._name, self._durable = data, name, durable
        self._keeper: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._log_start = 0

    def begin(self) -> None:
        """A keeper is on its way, unless one answers already."""
        self._line = self._connect()
        if self._line is None and self._unkept():
            self._start_keeper()

    def url(self) -> str:
        """The server's address, once it answers."""
        deadline = time.monotonic() + START_PATIENCE
        while True:
            if (said := self._greeting()) is not None:
                return str(json.loads(said)["url"])
            self._line = self._connect()
            if self._line is None:
                self._look_after_keeper(deadline)
                time.sleep(0.01)

    def end(self) -> None:
        """The keeper knows we are gone, also when another server's failure kept us from greeting it."""
        if self._line is None and self._keeper is not None:
            with suppress(StartFailed):
                self.url()
        if self._line is not None:
            self._line.shutdown(socket.SHUT_WR)

    def wait(self) -> None:
        """The keeper has let us go: the server has stopped, or others use it."""
        if self._line is not None:
            with suppress(OSError), self._line:
                self._line.settimeout(_PATIENCE)
                while self._line.recv(1024):
                    pass
            self._line = None
        if self._keeper is not None:
            with suppress(subprocess.TimeoutExpired):
                self._keeper.wait(0.2)
            self._keeper.returncode = self._keeper.returncode or 0  # while others use it, it rightly outlives us
            self._keeper = None

    def _greeting(self) -> bytes | None:
        if self._line is None:
            return None
        with suppress(OSError), self._line.makefile("rb") as lines:
            if said := lines.readline():
                return said
        self._line.close()  # it was stopping as we came
        self._line = None
        return None

    def _connect(self) -> socket.socket | None:
        line = socket.socket(socket.AF_UNIX)
        try:
            control = json.loads((self._data / f"{self._name}.json").read_text())["control"]
            line.connect(control)
        except (OSError, ValueError, KeyError):
            line.close()
            return None
        return line

    def _start_keeper(self) -> None:
        durable = "durable" if self._durable else "fast"
        module = "partner_portal.infra.embedded_keeper"
        with (self._data / f"{self._name}.log").open("ab") as log:
            self._log_start = log.tell()
            self._keeper = subprocess.Popen(
                [sys.executable, "-m", module, self._name, str(self._data), durable],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=Path(__file__).parents[2],
            )

    def _look_after_keeper(self, deadline: float) -> None:
        status = None if self._keeper is None else self._keeper.poll()
        if status == OWNED_BY_ANOTHER:
            self._keeper = None
        elif status or time.monotonic() > deadline:
            raise StartFailed(f"The embedded {self._name} did not start:\n{self._last_words()}")
        if (self._keeper is None or status is not None) and self._unkept():
            self._start_keeper()

    def _unkept(self) -> bool:
        """Whether no keeper lives, however the last one ended: the kernel gives up a dead process' lock."""
        with (self._data / f"{self._name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def _last_words(self) -> str:
        log = self._data / f"{self._name}.log"
        with log.open("rb") as lines:
            lines.seek(self._log_start)
            return lines.read()[-_LAST_WORDS:].decode(errors="replace").strip() + f"\n(all of it: {log})"
