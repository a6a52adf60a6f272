"""The measurements are what they say: rows that can be read, and a floor that gives the portal's own answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from partner_portal.bench import rows
from partner_portal.bench.ground import BenchFailed, Ground, Loader, Served, World
from partner_portal.bench.load import Order
from partner_portal.bench.rows import Goal
from partner_portal.bench.throughput import ROWS
from partner_portal.bench.world import Size
from partner_portal.infra import redis, settings

ROOT = Path(__file__).parents[2]
TENANT = 3
FIELDS = {"name", "figure", "floor", "unit", "ratio", "target", "better"}
MEASURED = (
    "calendar of 24 months",
    "customer list (50 rows)",
    "services of a customer",
    "preview",
    "quote",
    "filing",
    "confirmation PDF",
    "memory of the web process",
    "memory of the worker",
    "deliveries",
    "invoices to the books",
)


@pytest.mark.timeout(300)
def test_a_quick_run_yields_rows_that_can_be_read() -> None:
    command = [sys.executable, "-m", "partner_portal.console.main", "bench", "--quick", "--json"]
    run = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=280, check=False)

    assert run.returncode == 0, run.stderr
    found: list[dict[str, Any]] = json.loads(run.stdout)
    for measured in MEASURED:
        assert any(row["name"].startswith(measured) for row in found), measured
    for row in found:
        assert row.keys() == FIELDS
        assert row["figure"] > 0 or (row["unit"] == "MB" and row["figure"] == 0), "what takes no memory at all is as it should be"
        assert row["better"] in ("higher", "lower")
        assert (row["floor"] is None) == (row["ratio"] is None)
        if row["floor"] is not None:
            assert row["ratio"] == pytest.approx(row["figure"] / row["floor"], rel=0.05)
            assert row["target"] > 0


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with Loader() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, Served, Served]]:
    """A small world with the portal and the floor on it."""
    before, client = settings._Current.value, redis._Pool.client
    async with Ground(tmp_path_factory.mktemp("bench")) as ground:
        world = await ground.world("small", Size(10, 1_000))
        portal = ground.server("web", "partner_portal.console.main", "web", settings=world.settings)
        floor = ground.server("floor", "partner_portal.bench.floor", settings=world.settings)
        redis.open_pool(world.settings.redis_url)
        yield world, await portal.ready(), await floor.ready()
        await redis.close_pool()
    settings._Current.value, redis._Pool.client = before, client


@pytest.mark.parametrize("name", ROWS)
async def test_floor_and_portal_give_the_same_answers(served: tuple[World, Served, Served], loader: Loader, name: str) -> None:
    world, portal, floor = served
    requests = ROWS[name](world, await world.member(TENANT), TENANT)

    ours, theirs = ([json.loads(body) for body in answers(loader, one, requests)] for one in (portal, floor))

    for answer in (*ours, *theirs):
        if name == "quote":  # these two are new each time; the hash over all the rest is not
            del answer["id"], answer["number"]
    assert ours == theirs
    assert len(json.dumps(ours[0])) > 500, "there is something in them"


async def test_an_answer_that_is_an_error_ends_the_measurement(served: tuple[World, Served, Served], loader: Loader) -> None:
    world, portal, _floor = served
    member = await world.member(TENANT)

    with pytest.raises(BenchFailed, match="404"):
        loader.send(Order(port=portal.port, requests=[member.get("/api/v1/nowhere")], seconds=0.05))


def answers(loader: Loader, served: Served, requests: list[str]) -> list[str]:
    return [body.encode("latin-1").decode() for body in loader.send(Order(port=served.port, requests=requests, keep=True)).bodies]


def test_ratios_are_held_against_the_target_from_the_better_side() -> None:
    more, less = Goal("a", "x", 0.75, "higher"), Goal("b", "x", 1.3, "lower")

    assert rows.compared(more, [80, 70, 90], [100, 100, 100]).row.is_met
    assert not rows.compared(more, [70, 70, 90], [100, 100, 100]).row.is_met
    assert rows.compared(less, [130], [100]).row.is_met
    assert not rows.compared(less, [131], [100]).row.is_met
    assert rows.told(less, 5).row.is_met


def test_figure_and_floor_are_measured_in_turn() -> None:
    order: list[str] = []

    def ours() -> float:
        order.append("ours")
        return 1.0

    def floor() -> float:
        order.append("floor")
        return 2.0

    measured = rows.beside(Goal("a", "x", 0.4, "higher"), ours, floor, slices=3)

    assert order == ["ours", "floor"] * 3
    assert measured.row.ratio == 0.5
