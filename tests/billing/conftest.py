"""After every test of billing that had a world in it, the books of that world are in order."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from billing.policy.interest import TABLES, known_until
from billing.service import interest_rates
from billing.service.interest_rates import RateWanted
from partner_portal import invariants, invariants_billing
from partner_portal.infra import db
from partner_portal.kernel.dates import add_months
from tests.world import FINANCE, STAFF_DOOR


def pytest_configure(config: pytest.Config) -> None:
    """A test that breaks the books itself says so."""
    config.addinivalue_line("markers", "breaks_the_books: the test leaves behind what must never be")


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def books_in_order(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """No rule of billing is broken when the test is over."""
    yield
    if "world" in request.fixturenames and request.node.get_closest_marker("breaks_the_books") is None:
        async with db.unit_of_work(STAFF_DOOR):
            assert await invariants.breaches_of(invariants_billing.RULES) == []


@pytest_asyncio.fixture(loop_scope="session")
async def rates_go_on(world: object) -> None:
    """Finance entered the rates of some years to come: those of today, each half-year anew."""
    async with db.unit_of_work(STAFF_DOOR):
        for kind, rates in TABLES.items():
            for months in range(0, 48, 6):
                wanted = RateWanted(
                    kind=kind, since=add_months(known_until(rates), months), percentage=rates[-1].percentage, source="Staatscourant"
                )
                await interest_rates.enter(FINANCE, wanted)
