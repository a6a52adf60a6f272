"""One question asked of everything a partner has: customers, contacts, services, cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import db, search
from partner_portal.infra.search import Sought

KINDS = ("customer", "contact", "service", "case")
MOST = 8
"""Of each kind so many are shown."""

_PEEK = 4 * (MOST + 1)  # a thing with several such words is found by each of them


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of each kind, and of which kinds there is more."""

    sought: Sought
    customers: list[asyncpg.Record] = []
    contacts: list[asyncpg.Record] = []
    services: list[asyncpg.Record] = []
    cases: list[asyncpg.Record] = []
    more: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """How many things are shown."""
        return len(self.customers) + len(self.contacts) + len(self.services) + len(self.cases)


_CUSTOMERS = """
SELECT c.id, c.number, c.name, l.city FROM customer c LEFT JOIN location l ON l.customer = c.id AND l.kind = 'billing'
 WHERE c.id = ANY($1::uuid[]) ORDER BY c.name, c.id
"""
_CONTACTS = """
SELECT k.id, k.name, k.email, k.customer, c.name AS customer_name FROM contact k JOIN customer c ON c.id = k.customer
 WHERE k.id = ANY($1::uuid[]) ORDER BY k.name, k.id
"""
_SERVICES = """
SELECT s.id, s.number, s.label, s.ends_on, s.ended_at, c.name AS customer_name FROM billing_service s JOIN customer c ON c.id = s.customer
 WHERE s.id = ANY($1::uuid[]) ORDER BY s.ended_at IS NOT NULL, s.label, s.id
"""
# Also those of the customers that were found: who asks for a customer often means what is going on there.
_CASES = """
SELECT t.id, t.number, t.state, t.ends_on, c.name AS customer_name FROM termination t JOIN customer c ON c.id = t.customer
 WHERE t.id = ANY($1::uuid[]) OR t.customer = ANY($2::uuid[]) ORDER BY t.filed_at DESC, t.id LIMIT $3
"""


async def everything(question: str) -> Hits:
    """What answers every word of the question, by the beginnings of words, a few of each kind."""
    sought = await search.understand(question, KINDS)
    if sought.is_hopeless:
        return Hits(sought=sought)
    ids = await _ids(sought)
    shown = {kind: found[:MOST] for kind, found in ids.items()}
    cases = await db.fetch(_CASES, shown["case"], shown["customer"], MOST + 1) if shown["case"] or shown["customer"] else []
    return Hits(
        sought=sought,
        customers=await _rows(_CUSTOMERS, shown["customer"]),
        contacts=await _rows(_CONTACTS, shown["contact"]),
        services=await _rows(_SERVICES, shown["service"]),
        cases=cases[:MOST],
        more=frozenset(kind for kind, found in ids.items() if len(found) > MOST) | ({"case"} if len(cases) > MOST else frozenset()),
    )


async def _ids(sought: Sought) -> dict[str, list[UUID]]:
    values: list[Any] = []
    parts = [f"(SELECT '{kind}' AS kind, x.\"row\" FROM ({search.rows(sought, kind, values)}) x LIMIT {_PEEK})" for kind in KINDS]  # noqa: S608  # our own words
    found: dict[str, list[UUID]] = {kind: [] for kind in KINDS}
    for row in await db.fetch(" UNION ALL ".join(parts), *values):
        if row["row"] not in found[row["kind"]]:
            found[row["kind"]].append(row["row"])
    return found


async def _rows(select: str, ids: list[UUID]) -> list[asyncpg.Record]:
    return await db.fetch(select, ids) if ids else []
