"""One timeline of a customer across all domains: whoever has something to tell is a source, and one statement asks them all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import db
from partner_portal.web.lists import Column, Listing, Window

LISTING = Listing("timeline", {"at": Column("at", "timestamptz", "at")}, usual="-at")


class Source(msgspec.Struct, frozen=True):
    """Something that happens to customers: the SQL of its happenings for the customer $1, with the columns at, id and facts (jsonb)."""

    name: str
    sql: str


_AUDIT = "jsonb_build_object('action', a.action, 'who', a.actor, 'changes', a.changes"
# The customer's rows of a table, with those that are there no more: the trail of their removal still names what they were.
_ALSO_REMOVED = """
(SELECT id, {called} FROM {table} WHERE customer = $1 UNION ALL
 SELECT g."row", g.changes -> '{called}' ->> 0 FROM infra_audit g
  WHERE g.relation = '{table}' AND g.action = 'delete' AND g.changes -> 'customer' ->> 0 = $1::text)
"""
_SOURCES: dict[str, Source] = {}


def register(*sources: Source) -> None:
    """The timeline tells of these too; a source of the same name is replaced. Called where the application is put together."""
    _SOURCES.update({source.name: source for source in sources})


register(
    Source(
        "step",
        "SELECT s.at, s.id, jsonb_build_object('action', s.action, 'state', s.state, 'label', s.actor_label, 'for', s.on_behalf_of, 'channel', s.channel,"
        " 'note', s.note, 'case', t.id, 'number', t.number) AS facts"
        " FROM termination t JOIN termination_step s ON s.termination = t.id WHERE t.customer = $1",
    ),
    Source(
        "customer",
        f"SELECT a.at, a.id, {_AUDIT}) AS facts FROM infra_audit a WHERE a.relation = 'customer' AND a.\"row\" = $1",  # noqa: S608  # our own words
    ),
    Source(
        "contact",
        f"SELECT a.at, a.id, {_AUDIT}, 'name', k.name) AS facts"  # noqa: S608  # our own words
        f" FROM {_ALSO_REMOVED.format(table='contact', called='name')} k JOIN infra_audit a ON a.relation = 'contact' AND a.\"row\" = k.id",
    ),
    Source(
        "location",
        f"SELECT a.at, a.id, {_AUDIT}, 'kind', l.kind) AS facts"  # noqa: S608  # our own words
        f" FROM {_ALSO_REMOVED.format(table='location', called='kind')} l JOIN infra_audit a ON a.relation = 'location' AND a.\"row\" = l.id",
    ),
    # Imported services come by the thousand: what came in the same minute is told once.
    Source(
        "added",
        "SELECT max(s.created_at) AS at, (array_agg(s.id ORDER BY s.number))[1] AS id, jsonb_build_object('count', count(*),"
        " 'service', (array_agg(s.id ORDER BY s.number))[1], 'label', (array_agg(s.label ORDER BY s.number))[1]) AS facts"
        " FROM billing_service s WHERE s.customer = $1 GROUP BY date_trunc('minute', s.created_at)",
    ),
    Source(
        "terms",
        "SELECT h.decided_at AS at, h.id, jsonb_build_object('who', h.decided_by, 'reason', h.reason, 'service', s.id, 'label', s.label) AS facts"
        " FROM billing_service s JOIN billing_terms_change h ON h.service = s.id WHERE s.customer = $1",
    ),
    Source(
        "ended",
        "SELECT s.ended_at AS at, s.id, jsonb_build_object('service', s.id, 'label', s.label, 'ends_on', s.ends_on) AS facts"
        " FROM billing_service s WHERE s.customer = $1 AND s.ended_at IS NOT NULL",
    ),
    Source(
        "mail",
        "SELECT m.queued_at AS at, m.id, jsonb_build_object('subject', m.subject, 'to', m.recipient, 'sent', m.sent_at IS NOT NULL, 'case', t.id,"
        " 'number', t.number) AS facts FROM termination t JOIN infra_mail m ON m.about = t.id"
        # The key of a mail about a case ends with who reads it (terminations/jobs): what the provider's own people got is theirs.
        " WHERE t.customer = $1 AND split_part(m.key, ':', 4) IN ('customer', 'partner')",
    ),
)


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline: when, told by which source, its facts, and who did it.

    `who` is a name where the tenant knows one, else the kind of actor (staff, system, ...); nothing where the source names nobody.
    """

    at: datetime
    id: UUID
    source: str
    facts: dict[str, Any]
    who: str


async def page(window: Window, customer: UUID) -> list[Happening]:
    """What happened to the customer, in the window, the newest first: of all sources; one more than shown."""
    unseen, values = window.where(2)
    # Each source gives no more than a page: the whole of them is never put in order.
    parts = [
        f"(SELECT '{source.name}' AS source, x.at, x.id, x.facts FROM ({source.sql}) x WHERE {unseen} ORDER BY {window.order})"  # noqa: S608  # registered by us, values are bound
        for source in _SOURCES.values()
    ]
    rows = await db.fetch(f"{' UNION ALL '.join(parts)} ORDER BY {window.order}", customer, *values)
    told = [(row, msgspec.json.decode(row["facts"])) for row in rows]
    names = await _names({facts["who"] for _row, facts in told if "who" in facts})
    return [
        Happening(at=row["at"], id=row["id"], source=row["source"], facts=facts, who=_who(facts.get("who", ""), names))
        for row, facts in told
    ]


_NAMES = """
SELECT 'member:' || id AS trail, name FROM member WHERE id = ANY($1::uuid[])
UNION ALL SELECT 'key:' || id, name FROM api_key WHERE id = ANY($1::uuid[])
UNION ALL SELECT 'contact:' || id, name FROM contact WHERE id = ANY($1::uuid[])
"""


async def _names(trails: set[str]) -> dict[str, str]:
    ids = [found for trail in trails if (found := _id(trail))]
    return {row["trail"]: row["name"] for row in await db.fetch(_NAMES, ids)} if ids else {}


def _id(trail: str) -> UUID | None:
    try:
        return UUID(trail.partition(":")[2])
    except ValueError:
        return None


def _who(trail: str, names: Mapping[str, str]) -> str:
    return names.get(trail, trail.partition(":")[0])
