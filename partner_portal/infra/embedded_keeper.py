"""The process that owns one embedded server of a data folder and stops it when its last user is gone."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from partner_portal.infra.embedded_programs import PROGRAMS, StartFailed
from partner_portal.infra.processes import Child

if TYPE_CHECKING:
    from partner_portal.infra.embedded_programs import Program

OWNED_BY_ANOTHER = 3
START_PATIENCE = 60
_FIRST_USER_WITHIN = 15
_LONGEST_SOCKET = 100
_LOOK_EVERY = 0.5
_RESTARTS = 5
_SOCKETS = "portal-"


class Keeper:
    """Users hold a connection to `control`; each is told the server's URL. No connection left: the server stops."""

    def __init__(self, program: Program, sockets: Path, state: Path, log: Path) -> None:
        self.program, self.state, self.log = program, state, log
        self.control = sockets / "control"
        self.users: list[socket.socket] = []
        self.restarts = 0
        self.server = self._start()

    def keep(self) -> None:
        """Serves until the last user is gone; afterwards the server has stopped and users have been told so."""
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(self.control))
            door.listen(64)
            self._announce()
            try:
                self._serve(door)
            finally:
                self.state.unlink(missing_ok=True)
                self.server.stop(*self.program.stop_signals)

    def _serve(self, door: socket.socket) -> None:
        deadline = time.monotonic() + _FIRST_USER_WITHIN
        leaving: list[socket.socket] = []
        while self.users or (not leaving and time.monotonic() < deadline):
            heard, _, _ = select.select([door, *self.users], [], [], _LOOK_EVERY)
            for line in heard:
                if line is door:
                    self._welcome(door)
                else:
                    self.users.remove(line)
                    leaving.append(line)
            if self.users:
                while leaving:
                    leaving.pop().close()
            if self.server.status is not None:
                self._start_again()
        self.users = leaving  # they wait for the end of this process

    def _welcome(self, door: socket.socket) -> None:
        user, _ = door.accept()
        try:
            user.sendall(json.dumps({"url": self.program.url(), "pid": self.server.pid}).encode() + b"\n")
        except OSError:
            user.close()
        else:
            self.users.append(user)

    def _announce(self) -> None:
        new = self.state.with_suffix(".new")
        new.write_text(json.dumps({"keeper": os.getpid(), "control": str(self.control)}))
        new.replace(self.state)

    def _start_again(self) -> None:
        self.restarts += 1
        if self.restarts > _RESTARTS:
            raise StartFailed(f"{self.program.name} keeps ending with status {self.server.status}")
        self.server = self._start()

    def _start(self) -> Child:
        command = self.program.prepare()
        with self.log.open("ab") as output:
            server = Child(command, death_signal=self.program.death_signal, output=output)
        deadline = time.monotonic() + START_PATIENCE
        while not self.program.ready():
            if server.status is not None:
                raise StartFailed(f"{self.program.name} ended with status {server.status} while starting")
            if time.monotonic() > deadline:
                server.stop(*self.program.stop_signals)
                raise StartFailed(f"{self.program.name} did not answer within {START_PATIENCE} s")
            time.sleep(0.01)
        return server


def main(name: str, data: str, durable: str) -> int:
    """Keeps the server called `name` of the folder `data`; returns at once when another keeper has it."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    folder = Path(data)
    with ExitStack() as leaving:
        lock = leaving.enter_context((folder / f"{name}.lock").open("a"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return OWNED_BY_ANOTHER
        state = folder / f"{name}.json"
        _clear_after_a_killed_keeper(state)
        sockets = _socket_folder()
        leaving.callback(shutil.rmtree, sockets, ignore_errors=True)
        try:
            program = PROGRAMS[name](folder, sockets, durable=durable == "durable")
            Keeper(program, sockets, state, folder / f"{name}.log").keep()
        except StartFailed as problem:
            sys.stderr.write(f"{problem}\n")
            return 1
    return 0


def _clear_after_a_killed_keeper(state: Path) -> None:
    with suppress(OSError, ValueError, KeyError):
        left = Path(json.loads(state.read_text())["control"]).parent
        state.unlink()
        if left.name.startswith(_SOCKETS):
            shutil.rmtree(left)


def _socket_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix=_SOCKETS))
    if len(str(folder / ".s.PGSQL.5432")) > _LONGEST_SOCKET:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix=_SOCKETS, dir="/tmp"))
    return folder


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
