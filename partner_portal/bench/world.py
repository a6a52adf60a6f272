"""Databases of any size for measuring: partners that all look alike, written by set in a moment."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

_DATA = Path(__file__).with_name("data")
TENANT = 3
"""The partner that is looked at, counted from 0."""
_TENANT, _MEMBER, _CUSTOMER, _SERVICE, _INVOICE = 1, 2, 3, 5, 8
_GROUP = 6
"""Customers, of which the first has five services."""
_SERVICES_OF_GROUP = 10
_PLACES = 8
"""Ids kept free per customer for its services."""
_LONGEST = 900.0
"""Seconds for one statement that fills a table."""
_STRIDE = 7919
"""A prime: taking every so many-th group reaches all of them."""


class Size(msgspec.Struct, frozen=True):
    """How many partners, and how many services and invoices in all."""

    tenants: int
    services: int
    invoices: int = 0

    @property
    def customers(self) -> int:
        """How many customers in all."""
        return self.services * _GROUP // _SERVICES_OF_GROUP

    def tenant(self, nth: int) -> UUID:
        """A partner, counted from 0."""
        return _id(_TENANT, nth)

    def member(self, nth: int) -> UUID:
        """The owner at that partner."""
        return _id(_MEMBER, nth)

    def customer(self, tenant: int, nth: int) -> UUID:
        """A customer of the partner that has five services; they follow each other far apart."""
        return _id(_CUSTOMER, self._customer(tenant, nth))

    def service(self, tenant: int, nth: int, kind: int) -> UUID:
        """A service of that customer: 0 runs on, 1 is bound with a buyout, 2 besides with a discount and equipment to settle."""
        return _id(_SERVICE, self._customer(tenant, nth) * _PLACES + kind)

    def invoice(self, tenant: int, nth: int) -> UUID:
        """An invoice of the partner, the `nth` of one for each of its customers, as long as there are so many."""
        return _id(_INVOICE, (nth * self.tenants + tenant) % self.invoices)

    def _customer(self, tenant: int, nth: int) -> int:
        groups = self.customers // self.tenants // _GROUP
        return nth * _STRIDE % groups * _GROUP * self.tenants + tenant


def _id(kind: int, nth: int) -> UUID:
    return UUID(int=(kind << 96) | (0x7000 << 64) | (0x8000 << 48) | nth)


# Those that a constraint stands on, or refers to, stay.
_INDEXES = """
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS made_by FROM pg_index i
 WHERE i.indrelid = ANY ($1::text[]::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
_FILLED = re.compile(r"^INSERT INTO (\w+)", re.MULTILINE)


async def fill(url: str, size: Size, *, for_pages: bool = False) -> None:
    """The migrated, empty database at `url` (reached by a superuser) holds a world of this size, its statistics up to date.

    Its invoices are there where its size names any. For pages it holds as well what the database keeps for finding things and for deadlines, which no
    measured endpoint of the API reads.
    """
    sizes = {":tenants": size.tenants, ":customers": size.customers, ":invoices": size.invoices, ":looked_at": TENANT}
    parts = {"world.sql": True, "pages.sql": for_pages, "owed.sql": size.invoices > 0}
    written = "".join((_DATA / name).read_text() for name, is_wanted in parts.items() if is_wanted)
    statements = re.sub(r":[a-z_]+\b", lambda found: str(sizes.get(found[0], found[0])), written).split(";\n")
    line = await asyncpg.connect(url, command_timeout=_LONGEST)
    try:
        await line.execute("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'")
        # Built once at the end, an index costs a fraction of what it costs row by row.
        indexes = await line.fetch(_INDEXES, sorted(set(_FILLED.findall(written))))
        for statement in (
            *(f"DROP INDEX {index['name']}" for index in indexes),
            *filter(str.strip, statements),
            *(index["made_by"] for index in indexes),
            "VACUUM (ANALYZE)",
        ):
            await line.execute(statement)
    finally:
        await line.close()
