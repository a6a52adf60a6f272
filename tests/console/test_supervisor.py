"""The portal's processes are kept running, and none is left when their keeper goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from partner_portal.console.supervisor import Part, Supervisor

ROOT = Path(__file__).parents[2]
STAYS = "import time\nprint('here', flush=True)\ntime.sleep(60)"
ENDS = "print('no luck', flush=True); raise SystemExit(1)"
KEEPS = """
import sys, time, os
from pathlib import Path
from partner_portal.console.supervisor import Part, Supervisor
with Supervisor([Part("child", [sys.executable, "-c", sys.argv[1]], dict(os.environ), Path(sys.argv[2]))]) as all:
    print(all.parts[0].child.pid, flush=True)
    time.sleep(60)
"""


def part(folder: Path, program: str, name: str = "part") -> Part:
    return Part(name, [sys.executable, "-c", program], dict(os.environ), folder / f"{name}.log")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return ") Z " not in Path(f"/proc/{pid}/stat").read_text()


def wait_until(true: Callable[[], object], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def pid_of(part: Part) -> int:
    assert part.child is not None
    return part.child.pid


def test_a_part_that_is_killed_is_started_again(tmp_path: Path) -> None:
    with Supervisor([part(tmp_path, STAYS)]) as all_parts:
        [one] = all_parts.parts
        first = pid_of(one)
        os.kill(first, signal.SIGKILL)

        assert wait_until(lambda: all_parts.look() or one.starts == 2)
        assert wait_until(lambda: all_parts.look() == [] and one.starts == 2)
        assert pid_of(one) != first


def test_a_part_that_keeps_ending_is_started_ever_more_slowly(tmp_path: Path) -> None:
    with Supervisor([part(tmp_path, ENDS)]) as all_parts:
        [one] = all_parts.parts
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            all_parts.look()
            time.sleep(0.02)
    assert one.starts in {2, 3}
    assert one.last_words().splitlines()[-1] == "no luck"


def interrupted(parts: Supervisor, pids: list[int]) -> None:
    with parts:
        pids += [pid_of(one) for one in parts.parts]
        raise KeyboardInterrupt


def test_nothing_runs_after_the_block_whatever_ended_it(tmp_path: Path) -> None:
    pids: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(Supervisor([part(tmp_path, STAYS, name) for name in ("one", "two")]), pids)
    assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)


def test_a_part_that_does_not_start_stops_those_before_it(tmp_path: Path) -> None:
    good, bad = part(tmp_path, STAYS), Part("bad", ["/no/such/program"], {}, tmp_path / "bad.log")
    with pytest.raises(FileNotFoundError), Supervisor([good, bad]):
        pass
    assert good.child is None


def test_a_killed_supervisor_takes_its_parts_along(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KEEPS, STAYS, str(tmp_path / "child.log")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert alive(pid)
        supervisor.kill()
    assert wait_until(lambda: not alive(pid))
