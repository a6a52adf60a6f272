"""Settings: everything wrong is named at once, the remedy with it, and no secret in any message."""

from __future__ import annotations

import re
import stat
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from partner_portal.infra import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(settings.__file__).parents[2]
SECRET = "0123456789abcdef0123456789abcdef"
PRODUCTION = {
    "PORTAL_ENV": "production",
    "DATABASE_URL": "postgresql://portal_owner:pw@db:5432/portal?sslmode=require",
    "REDIS_URL": "redis://cache",
    "SMTP_URL": "smtp://user:pw@mail:587?tls=starttls",
    "BASE_URL": "https://portal.example.com",
    "SECRET_KEY": SECRET,
}


def problems(environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(settings.SettingsProblem) as refusal:
        settings.load(environ)
    return [problem.split(":")[0] for problem in refusal.value.problems]


def test_nothing_need_be_set_for_a_demo(tmp_path: Path) -> None:
    loaded = settings.load({"DATA": str(tmp_path / "var")})
    assert loaded.env is settings.Env.DEMO
    assert loaded.public_url == "http://127.0.0.1:8000"


def test_a_demo_makes_its_secret_once_and_keeps_it_to_itself(tmp_path: Path) -> None:
    first, second = (settings.load({"DATA": str(tmp_path)}).secret_key for _ in range(2))
    assert first == second
    assert len(first) >= settings.SHORTEST_SECRET
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_all_that_is_wrong_is_named_at_once() -> None:
    wrong = {"PORT": "99999", "POOL_SIZE": "many", "DATABASE_URL": "mysql://db", "MAIL_FROM": "nobody", "LOG_FORMAT": "xml"}
    assert sorted(problems(wrong)) == sorted(wrong)


def test_a_wrong_value_is_one_fault_not_a_missing_one_too() -> None:
    assert problems(PRODUCTION | {"DATABASE_URL": "mysql://db"}) == ["DATABASE_URL"]


def test_a_problem_tells_the_remedy_and_never_the_value() -> None:
    with pytest.raises(settings.SettingsProblem) as refusal:
        settings.load(PRODUCTION | {"SMTP_URL": "smtp:/user:hunter2@mail", "SECRET_KEY": "hunter3"})
    said = str(refusal.value)
    assert "smtp://user:password@host:port" in said
    assert "secrets.token_urlsafe" in said
    assert "hunter" not in said


def test_production_needs_real_servers_and_a_secret() -> None:
    assert problems({"PORTAL_ENV": "production"}) == ["DATABASE_URL", "REDIS_URL", "SMTP_URL", "BASE_URL", "SECRET_KEY"]


def test_production_mails_no_links_in_the_clear() -> None:
    assert problems(PRODUCTION | {"BASE_URL": "http://portal.example.com"}) == ["BASE_URL"]


def test_a_given_database_is_not_taken_for_a_demo_silently() -> None:
    assert problems({"DATABASE_URL": "postgresql://db/portal", "SECRET_KEY": SECRET}) == ["PORTAL_ENV"]


def test_the_roles_use_the_same_server_with_passwords_of_their_own() -> None:
    loaded = settings.load(PRODUCTION)
    password = loaded.role_password("portal_app")
    assert loaded.app_dsn == f"postgresql://portal_app:{password}@db:5432/portal?sslmode=require"
    assert loaded.role_password("portal_staff") not in {password, ""}


def test_a_role_may_live_elsewhere() -> None:
    pooler = "postgresql://portal_app:pw@pooler/portal"
    assert settings.load(PRODUCTION | {"DATABASE_APP_URL": pooler}).app_dsn == pooler


def test_an_embedded_server_is_reached_by_its_socket() -> None:
    loaded = msgspec.structs.replace(settings.load(PRODUCTION), database_url="postgresql://portal_owner@/portal?host=/tmp/x")
    assert re.fullmatch(r"postgresql://portal_staff:[0-9a-f]{64}@/portal\?host=/tmp/x", loaded.staff_dsn)


def test_another_process_can_be_given_the_very_same_settings() -> None:
    loaded = settings.load(PRODUCTION | {"QUOTE_VALID_DAYS": "3", "LOG_FORMAT": "json"})
    assert settings.load(settings.environ(loaded)) == loaded


def test_settings_show_no_secret() -> None:
    assert SECRET not in f"{settings.load(PRODUCTION)} {settings.load(PRODUCTION)!r}"


def test_a_test_may_change_settings_for_a_while(tmp_path: Path) -> None:
    with settings.use(settings.load({"DATA": str(tmp_path)})):
        with settings.use(quote_valid_days=1):
            assert settings.current().quote_valid_days == 1
        assert settings.current().quote_valid_days == 14


def test_the_example_file_names_every_setting_with_its_meaning_and_would_start(tmp_path: Path) -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    told = {line.split("=")[0]: above.removeprefix("# ") for above, line in pairwise(lines) if "=" in line and line[0] != "#"}
    values = dict(line.replace('"', "").split("=", 1) for line in lines if "=" in line and line[0] != "#")

    assert told == settings.descriptions()
    assert settings.load(values | {"DATA": str(tmp_path)}).port == 8000
