"""How many statements the portal sends to the database."""

from __future__ import annotations

from typing import Any

import pytest

from partner_portal.infra import db


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that a unit of work sends from now on; beginning, ending and savepoints are none."""
    sent: list[str] = []
    for name in ("fetch", "fetchrow", "execute"):
        original = getattr(db._Connection, name)

        async def noted(self: Any, sql: str, *args: Any, original: Any = original) -> Any:
            if "SAVEPOINT" not in sql.upper():
                sent.append(" ".join(sql.split())[:200])
            return await original(self, sql, *args)

        monkeypatch.setattr(db._Connection, name, noted)
    return sent
