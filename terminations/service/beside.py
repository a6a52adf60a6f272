"""Many services at once as the rules see them: of whatever customers, each with its bundle beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

import asyncpg

from billing.policy.ledger import Layer
from billing.service import services
from partner_portal.infra import db

from ..policy.facts import ServiceFacts
from . import facts
from .facts import Parties

_BUNDLED = (
    services.READ + " WHERE s.customer = ANY($1::uuid[]) AND s.bundle = ANY($2::varchar[]) AND s.ended_at IS NULL ORDER BY s.number, s.id"
)


class Looked:
    """Services of an acting tenant, fetched together with all that the rules look at."""

    def __init__(self, parties: dict[UUID, Parties], bundles: dict[tuple[UUID, str], list[asyncpg.Record]], today: date) -> None:
        self.parties, self._bundles, self._today = parties, bundles, today

    @classmethod
    async def at(cls, rows: Sequence[asyncpg.Record], today: date) -> Looked:
        """These services (rows as billing reads them), looked at on a day."""
        return cls(await facts.parties_of_all({row["customer"] for row in rows}), await _bundles(rows), today)

    def facts(self, row: asyncpg.Record, together: Collection[UUID] = ()) -> ServiceFacts:
        """The service in the customer's layer; `together` end with it, so they do not stand beside it."""
        mates = self._bundles.get((row["customer"], row["bundle"]), []) if row["bundle"] else []
        others = [other for other in mates if other["id"] != row["id"] and other["id"] not in together]
        return facts.in_layer(row, self.parties[row["customer"]], Layer.CUSTOMER, self._today, others)


async def _bundles(rows: Sequence[asyncpg.Record]) -> dict[tuple[UUID, str], list[asyncpg.Record]]:
    """The running services of every bundle that one of `rows` belongs to."""
    found: dict[tuple[UUID, str], list[asyncpg.Record]] = defaultdict(list)
    bundled = [row for row in rows if row["bundle"]]
    if bundled:
        for row in await db.fetch(_BUNDLED, list({row["customer"] for row in bundled}), list({row["bundle"] for row in bundled})):
            found[row["customer"], row["bundle"]].append(row)
    return found
