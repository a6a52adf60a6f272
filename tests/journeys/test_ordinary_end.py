"""A partner ends a customer's service: preview, quote, case, the customer's yes, the proof to all three."""

from __future__ import annotations

import re
from datetime import date

import httpx

from partner_portal.infra import clock
from terminations import jobs
from tests.conftest import work
from tests.world import World


async def test_an_ordinary_end_from_preview_to_proof(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    clock.move_to(clock.date_of("2026-11-22"))
    service = str(world.noord.services["free"])

    seen = await noord.post("/api/v1/terminations/preview", json={"service_ids": [service]})
    assert seen.status_code == 200, seen.text
    print(seen.text)
