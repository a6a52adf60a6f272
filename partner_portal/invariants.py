"""What must never be: queries that return nothing as long as the portal is in order.

Run every quarter of an hour by whoever watches the portal (`portal invariants`); docs/operations.md says what each alarm means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from terminations.service import quotes
from terminations.workflow import CLOSED, OPEN, STEPS, State

from . import invariants_billing
from .infra import clock, db

PATIENCE = timedelta(minutes=10)
"""How long what follows by itself may take."""
MOST_ROWS = 50


class Breach(msgspec.Struct, frozen=True):
    """A rule that does not hold, and the rows (at most MOST_ROWS) that show it."""

    rule: str
    rows: tuple[str, ...]


def _among(states: Iterable[State]) -> str:
    return "(" + ", ".join(f"'{state.value}'" for state in sorted(states)) + ")"


def _said(state: State | None) -> str:
    return f"'{state.value}'" if state else "NULL::text"


_LEGAL = ", ".join(f"({_said(was)}, '{action.value}', '{becomes.value}')" for (was, action), becomes in STEPS.items())

# Each query gets $1, the instant before which what follows by itself must have happened, and names the offending rows.
# ruff: noqa: S608  # only our own states and steps are put into them
RULES: dict[str, str] = {
    "a scheduled case has its ends planned on its services": """
        SELECT t.number AS what FROM termination t WHERE t.state = 'scheduled' AND (
            NOT EXISTS (SELECT 1 FROM termination_line l WHERE l.termination = t.id)
            OR EXISTS (SELECT 1 FROM termination_line l JOIN billing_service s ON s.id = l.service WHERE l.termination = t.id
                       AND (s.ends_on, s.billing_ends_on) IS DISTINCT FROM (l.ends_on, l.billing_ends_on)))
        AND $1::timestamptz IS NOT NULL""",
    "a planned end belongs to a case": """
        SELECT s.number AS what FROM billing_service s WHERE s.ends_on IS NOT NULL AND s.ended_at IS NULL AND $1::timestamptz IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM termination_line l JOIN termination t ON t.id = l.termination WHERE l.service = s.id AND t.state IN ('scheduled', 'ended'))""",
    "a scheduled case has its confirmation": """
        SELECT t.number AS what FROM termination t WHERE t.state IN ('scheduled', 'ended') AND t.document IS NULL
           AND (SELECT min(at) FROM termination_step s WHERE s.termination = t.id AND s.state = 'scheduled') < $1""",
    "an ended case has ended services": """
        SELECT t.number || ' ' || s.number AS what FROM termination t JOIN termination_line l ON l.termination = t.id
          JOIN billing_service s ON s.id = l.service WHERE t.state = 'ended' AND s.ended_at IS NULL AND $1::timestamptz IS NOT NULL""",
    "what has reached its last day has ended": """
        SELECT t.number AS what FROM termination t JOIN termination_line l ON l.termination = t.id
         WHERE t.state = 'scheduled' AND l.is_open AND l.ends_on < ($1::timestamptz AT TIME ZONE 'Europe/Amsterdam')::date - 1""",
    "what an end costs is charged": """
        SELECT DISTINCT t.number || ' ' || s.number || ' ' || (costs.said ->> 'code') AS what FROM termination t JOIN termination_quote q ON q.id = t.quote
         CROSS JOIN LATERAL jsonb_each(q.preview -> 'previews') AS seen(layer, made)
         CROSS JOIN LATERAL jsonb_array_elements(seen.made -> 'services') AS ends(told)
         CROSS JOIN LATERAL jsonb_array_elements(ends.told -> 'ending' -> 'sheet' -> 'lines') AS costs(said)
          JOIN billing_service s ON s.tenant = t.tenant AND s.id = (ends.told ->> 'ref')::uuid
         WHERE t.state = 'ended' AND s.ended_at < $1::timestamptz - interval '1 day' AND costs.said ->> 'code' NOT LIKE 'CREDIT%' AND NOT EXISTS (
               SELECT 1 FROM billing_charge c WHERE c.tenant = t.tenant AND c.service = s.id AND c.layer = seen.layer
                  AND starts_with(c.key, 'termination:' || t.id || ':' || s.id || ':' || (costs.said ->> 'code')))""",
    "one open line per service": """
        SELECT s.number AS what FROM termination_line l JOIN billing_service s ON s.id = l.service
         WHERE l.is_open AND $1::timestamptz IS NOT NULL GROUP BY s.id, s.number HAVING count(*) > 1""",
    "open cases hold their services, closed ones none": f"""
        SELECT t.number AS what FROM termination t WHERE $1::timestamptz IS NOT NULL AND
               (t.state IN {_among(OPEN)}) IS DISTINCT FROM EXISTS (SELECT 1 FROM termination_line l WHERE l.termination = t.id AND l.is_open)""",
    "every step follows from the one before": f"""
        WITH legal (was, action, becomes) AS (VALUES {_LEGAL}),
             told AS (SELECT s.termination, s.nth, s.action, s.state, lag(s.state) OVER one AS was, row_number() OVER one AS place
                        FROM termination_step s WINDOW one AS (PARTITION BY s.termination ORDER BY s.nth))
        SELECT t.number || ' step ' || told.nth || ' ' || told.action AS what FROM told JOIN termination t ON t.id = told.termination
          LEFT JOIN legal ON legal.action = told.action AND legal.becomes = told.state AND legal.was IS NOT DISTINCT FROM told.was
         WHERE (legal.action IS NULL OR told.place <> told.nth) AND $1::timestamptz IS NOT NULL""",
    "a case stands where its last step left it": """
        SELECT t.number AS what FROM termination t WHERE $1::timestamptz IS NOT NULL AND t.state IS DISTINCT FROM
               (SELECT s.state FROM termination_step s WHERE s.termination = t.id ORDER BY s.nth DESC LIMIT 1)""",
    "a proposed or accepted buyout has an agreed amount": """
        SELECT t.number AS what FROM termination t WHERE $1::timestamptz IS NOT NULL AND t.is_buyout AND t.agreed_cents IS NULL
           AND t.state IN ('proposed', 'accepted', 'scheduled', 'ended')""",
    "an agreed amount was decided by finance": """
        SELECT t.number AS what FROM termination t WHERE $1::timestamptz IS NOT NULL AND t.agreed_cents IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM termination_buyout_decision d WHERE d.termination = t.id AND d.is_final AND d.amount_cents = t.agreed_cents)""",
    "whoever is waited for is not waited for in vain": f"""
        SELECT t.number AS what FROM termination t WHERE (t.state IN {_among(OPEN)} AND t.state <> 'scheduled' AND t.waits_until IS NULL)
            OR (t.waits_until < $1::timestamptz - interval '1 hour' AND t.state NOT IN {_among(CLOSED)})""",
    "one decision per link": """
        SELECT t.number AS what FROM termination_decision_link k JOIN termination t ON t.id = k.termination WHERE $1::timestamptz IS NOT NULL
           AND k.replaced_at IS NULL AND k.decided_at IS NULL GROUP BY t.id, t.number HAVING count(*) > 1""",
    "no job waits": """
        SELECT o.topic || ' -> ' || o.handler || ' ' || o.id || coalesce(': ' || o.last_error, '') AS what FROM infra_outbox o
         WHERE o.done_at IS NULL AND o.dead_at IS NULL AND o.turn IS NULL AND o.occurred_at < $1""",  # what takes turns waits for others' machines
    "a webhook that waits is on its way": """
        SELECT d.type || ' ' || d.id AS what FROM webhook_delivery d WHERE d.state = 'waiting' AND d.due_at < $1 AND NOT EXISTS (
            SELECT 1 FROM infra_outbox o WHERE o.turn = 'webhook:' || d.endpoint AND o.done_at IS NULL AND o.dead_at IS NULL
               AND o.payload ->> 'delivery_id' = d.id::text)""",
    "no mail waits": """
        SELECT m.name || ' ' || m.id AS what FROM infra_mail m WHERE m.sent_at IS NULL AND m.queued_at < $1 AND NOT EXISTS (
            SELECT 1 FROM infra_outbox o WHERE o.dead_at IS NOT NULL AND o.done_at IS NULL AND o.payload ->> 'mail_id' = m.id::text)""",
    "a document on file is the one that was stored": """
        SELECT d.kind || ' ' || d.id AS what FROM infra_document d LEFT JOIN infra_document_content c ON c.tenant = d.tenant AND c.sha256 = d.sha256
         WHERE (c.id IS NULL OR sha256(c.content) <> d.sha256 OR length(c.content) <> d.size) AND $1::timestamptz IS NOT NULL""",
    **invariants_billing.RULES,
}
_QUOTES = """
SELECT id, number, asked, facts, preview, sha256, rules_version FROM termination_quote WHERE id > $1 ORDER BY id LIMIT 500
"""
INTACT = "a quote is the one that was sealed"


async def breaches() -> list[Breach]:
    """Every rule that does not hold, with the rows that show it; runs in the caller's unit of work, through the staff door."""
    found = await breaches_of(RULES)
    if broken := await _broken_quotes():
        found.append(Breach(INTACT, broken))
    return found


async def breaches_of(rules: Mapping[str, str]) -> list[Breach]:
    """Those of `rules` that do not hold, with the rows that show it."""
    due = clock.now() - PATIENCE
    found = []
    for rule, query in rules.items():
        if rows := await db.fetch(f"{query} LIMIT {MOST_ROWS}", due):
            found.append(Breach(rule, tuple(row["what"] for row in rows)))
    return found


async def _broken_quotes() -> tuple[str, ...]:
    broken: list[str] = []
    last: Any = "00000000-0000-0000-0000-000000000000"
    while len(broken) < MOST_ROWS and (rows := await db.fetch(_QUOTES, last)):
        broken += [row["number"] for row in rows if not quotes.is_intact(dict(row))]
        last = rows[-1]["id"]
    return tuple(broken[:MOST_ROWS])
