"""The command `portal`: what it refuses, and how it says so."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from partner_portal.console import system_libraries
from partner_portal.console.main import COMMANDS

ROOT = Path(__file__).parents[2]


def portal(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "partner_portal.console.main", *args]
    return subprocess.run(command, cwd=ROOT, env=dict(os.environ) | environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("place", COMMANDS.values(), ids=COMMANDS)
def test_every_command_is_where_the_list_says(place: str) -> None:
    assert importlib.util.find_spec(place.partition(":")[0])


def test_wrong_settings_end_in_status_2_all_named() -> None:
    refused = portal("migrate", PORT="x", POOL_SIZE="0")
    assert refused.returncode == 2
    assert "PORT: " in refused.stderr
    assert "POOL_SIZE: " in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_demo_refuses_production(tmp_path: Path) -> None:
    urls = {"DATABASE_URL": "postgresql://db/portal", "REDIS_URL": "redis://cache", "SMTP_URL": "smtp://mail"}
    rest = {"PORTAL_ENV": "production", "BASE_URL": "https://portal.example.com", "SECRET_KEY": "x" * 40, "DATA": str(tmp_path)}
    refused = portal("demo", **urls, **rest)
    assert refused.returncode == 2
    assert "never runs in production" in refused.stderr


def test_servers_that_cannot_start_end_in_one_message(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    refused = portal("migrate", DATA=str(tmp_path), PORTAL_ENV="demo", DATABASE_URL="", REDIS_URL="redis://127.0.0.1:1")
    assert refused.returncode == 1
    assert "The embedded postgres did not start" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(("installer", "says"), [("apt-get", "libpango-1.0-0"), ("dnf", "dnf install pango"), ("apk", "apk add pango")])
def test_missing_libraries_name_the_command_of_this_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installer: str, says: str
) -> None:
    (tmp_path / installer).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert says in system_libraries.remedy()
    assert "\n" not in system_libraries.remedy()


def test_on_an_unknown_system_every_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: "Plan 9")
    assert all(name in system_libraries.remedy() for name in ("Debian/Ubuntu", "Fedora", "Alpine", "macOS"))
