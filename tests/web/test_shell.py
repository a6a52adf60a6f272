"""What holds for every request: a name, an actor, limits, one transaction, headers, and a line in the log."""

from __future__ import annotations

import httpx

from tests.web import thing_app


async def test_a_member_makes_and_sees_a_thing(noord: httpx.AsyncClient) -> None:
    made = await noord.post("/things", json={"name": "bell"})
    assert made.status_code == 201, made.text
    assert made.json() == {"id": made.json()["id"], "name": "bell", "version": 1, "price": None}
    assert (await noord.get(made.headers["location"])).json()["name"] == "bell"
