"""The embedded servers: started, shared, ended with their last user, and whole again after any crash."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
import redis

from partner_portal.infra import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = """
import sys, pathlib
from partner_portal.infra import embedded
with embedded.servers(pathlib.Path(sys.argv[1]), durable=False) as servers:
    print(servers.postgres_url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "var"
    yield folder
    assert wait_until(lambda: not any(alive(pid) for pid in pids(folder))), "a server outlived its test"


def another_user(data: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", USER, str(data)]
    place = Path(embedded.__file__).parents[2]
    return subprocess.Popen(command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def url_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate(timeout=30)


def pids(data: Path) -> list[int]:
    """Of both keepers and of PostgreSQL, as the folder tells them."""
    keepers = [int(json.loads(file.read_text())["keeper"]) for file in data.glob("*.json")]
    postmaster = data / "postgres" / "postmaster.pid"
    return keepers + ([int(postmaster.read_text().split()[0])] if postmaster.exists() else [])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").exists() or ") Z " not in Path(f"/proc/{pid}/stat").read_text()


def wait_until(true: object, seconds: float = 10) -> bool:
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def run(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_both_servers_answer_and_stop_when_told_to(data: Path) -> None:
    servers = embedded.servers(data, durable=False)
    assert await run(servers.postgres_url, "select lower('ÉCOLE')") == "école"
    assert redis.Redis.from_url(servers.redis_url).ping()
    started = pids(data)

    servers.stop()
    servers.stop()

    assert len(started) == 3
    assert not any(alive(pid) for pid in started)


async def test_the_owner_of_the_database_is_no_superuser_and_sees_through_no_wall(data: Path) -> None:
    with embedded.servers(data, durable=False) as servers:
        mighty = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
        assert await run(servers.postgres_url, mighty) is False


async def test_the_servers_live_until_the_last_user_leaves(data: Path) -> None:
    first = another_user(data)
    url = url_of(first)

    with embedded.servers(data, durable=False) as second:
        assert second.postgres_url == url
        leave(first)
        assert await run(url, "select 1") == 1

    with pytest.raises(OSError):
        await run(url, "select 1")


async def test_a_killed_user_takes_the_servers_along(data: Path) -> None:
    user = another_user(data)
    url_of(user)
    started = pids(data)

    user.kill()
    leave(user)

    assert wait_until(lambda: not any(alive(pid) for pid in started))


async def test_a_killed_keeper_takes_its_server_along_and_the_next_user_finds_all_that_was_committed(data: Path) -> None:
    with embedded.servers(data) as servers:
        await run(servers.postgres_url, "create table kept as select 42 as answer")
        redis.Redis.from_url(servers.redis_url).set("kept", "42")
        started = pids(data)
        sockets = [Path(json.loads(file.read_text())["control"]).parent for file in data.glob("*.json")]
        for pid in started[:2]:
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not any(alive(pid) for pid in started))

    with embedded.servers(data) as servers:
        assert await run(servers.postgres_url, "select answer from kept") == 42
        assert redis.Redis.from_url(servers.redis_url).get("kept") == b"42"
        assert not [folder for folder in sockets if folder.exists()]


async def test_a_server_killed_under_its_users_comes_back_at_the_same_address(data: Path) -> None:
    with embedded.servers(data) as servers:
        await run(servers.postgres_url, "create table kept as select 42 as answer")
        old = pids(data)[-1]
        os.kill(old, signal.SIGKILL)

        assert wait_until(lambda: pids(data)[-1] != old)
        assert wait_until(lambda: (data / "postgres.log").read_text().count("ready to accept connections") > 1)
        assert await run(servers.postgres_url, "select answer from kept") == 42


async def test_starters_at_the_same_moment_share_one_server(data: Path) -> None:
    users = [another_user(data) for _ in range(4)]

    urls = {url_of(user) for user in users}
    keepers = len(list(data.glob("*.json")))
    for user in users:
        leave(user)

    assert len(urls) == 1
    assert "" not in urls
    assert keepers == 2


async def test_a_user_who_comes_while_the_servers_stop_gets_new_ones(data: Path) -> None:
    for _ in range(5):
        leaver = another_user(data)
        url_of(leaver)
        assert leaver.stdin is not None
        leaver.stdin.close()
        with embedded.servers(data, durable=False) as servers:
            assert await run(servers.postgres_url, "select 1") == 1
        leaver.wait(10)
        assert leaver.stdout is not None
        leaver.stdout.close()


async def test_a_pid_file_of_another_life_is_no_obstacle(data: Path) -> None:
    with embedded.servers(data, durable=False):
        pass
    (data / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{data}\n1\n5432\n\n\n\nready\n")

    with embedded.servers(data, durable=False) as servers:
        assert await run(servers.postgres_url, "select 1") == 1


def test_given_addresses_start_nothing(data: Path) -> None:
    with embedded.servers(data, database_url="postgresql://db/portal", redis_url="redis://cache") as servers:
        assert servers.postgres_url == "postgresql://db/portal"
        assert servers.redis_url == "redis://cache"
    assert not data.exists()


def test_only_the_missing_server_is_started(data: Path) -> None:
    with embedded.servers(data, database_url="postgresql://db/portal", durable=False) as servers:
        assert redis.Redis.from_url(servers.redis_url).ping()
    assert not (data / "postgres").exists()


def test_a_server_that_cannot_start_says_why(data: Path) -> None:
    with embedded.servers(data, durable=False):
        pass
    (data / "postgres" / "PG_VERSION").write_text("9.6\n")

    with pytest.raises(embedded.StartFailed, match="initialized by PostgreSQL version 9"):
        embedded.servers(data, durable=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL refuses root only")
async def test_where_root_has_no_user_namespaces_the_server_runs_as_nobody_even_in_a_private_folder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    refusing = tmp_path / "bin" / "unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)

    with monkeypatch.context() as without:
        without.setenv("PATH", f"{refusing.parent}:{os.environ['PATH']}")
        with embedded.servers(data) as servers:
            await run(servers.postgres_url, "create table kept as select 42 as answer")
            keeper, server = int(json.loads((data / "postgres.json").read_text())["keeper"]), pids(data)[-1]
            assert Path(f"/proc/{server}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
            os.kill(keeper, signal.SIGKILL)
            assert wait_until(lambda: not alive(server))

    with embedded.servers(data) as servers:  # the folder stays nobody's, whatever else would be possible now
        assert await run(servers.postgres_url, "select answer from kept") == 42
