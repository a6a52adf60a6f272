"""Many services ended in one go: what would happen to each is shown first, and each customer's case stands or falls alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from billing.policy.terms import Renewal
from billing.service import services
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.dates import add_months
from partner_portal.kernel.errors import FieldError, Invalid, Problem
from tenants.policy import WhoBills

from ..events import BulkConfirmed
from ..policy.facts import Asked
from ..policy.preview import EndKind, ServicePreview, preview
from ..tables import BulkRound
from . import cases, quotes
from .beside import Looked
from .cases import Filing, ServiceAlreadyEnding
from .quotes import Request
from .sending import NobodyToAsk

MOST = 200
"""Services in one round: as many as a person can look over."""
AT_ONCE = 20
"""Customers whose cases are filed in one unit of work: what it locks, others wait for."""
_FARTHEST_MONTHS = 120
KEPT_DAYS = 7
"""How long a round that nobody confirmed can still be confirmed."""


class Skip(StrEnum):
    """Why a service of a round is left alone."""

    ENDED = "ended"
    ENDING = "ending"
    ENDS_BY_ITSELF = "ends_by_itself"
    NEEDS_BUYOUT = "needs_buyout"
    TOO_LATE = "too_late"
    NOBODY = "nobody"
    NO_PRICE = "no_price"
    CHANGED = "changed"
    REFUSED = "refused"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How a service would end, or why it is skipped; `cost_cents` is all that is still to pay until then, as the customer's prices are given.

    `answer_by` is the last day on which the customer's yes, where it is the notice, keeps that end. `first_possible_end` says for a skipped one
    from when it could end without a buyout; `case` which case holds it.
    """

    ends_on: date | None = None
    billing_ends_on: date | None = None
    cost_cents: int | None = None
    answer_by: date | None = None
    skipped: Skip | None = None
    first_possible_end: date | None = None
    case: str | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One service of a round as it is shown."""

    service: UUID
    number: str
    label: str
    customer: UUID
    customer_name: str
    includes_vat: bool
    verdict: Verdict
    case_id: UUID | None
    case_number: str | None


async def begin(actor: Actor, chosen: Sequence[UUID]) -> UUID:
    """A round of these services is prepared, to end on their first free dates; nothing is filed. Raises Invalid for none or too many, NotFound."""
    if not chosen or len(chosen) > MOST:
        raise Invalid(FieldError("/service", "too-many-services" if chosen else "choose-a-service", {"most": MOST}))
    await _forget_unconfirmed()
    made = new_id()
    await db.execute(
        "INSERT INTO termination_bulk (id, tenant, created_by, created_by_label, created_at, prepared_at) VALUES ($1, $2, $3, $4, $5, $5)",
        *(made, actor.tenant, actor.trail, actor.label, clock.now()),
    )
    rows = await services.by_id(chosen)
    await db.execute(
        "INSERT INTO termination_bulk_item (id, tenant, round, service, customer)"
        " SELECT * FROM unnest($1::uuid[], array_fill($2::uuid, ARRAY[$6::int]), array_fill($3::uuid, ARRAY[$6::int]), $4::uuid[], $5::uuid[])",
        *([new_id() for _ in rows], actor.tenant, made, [row["id"] for row in rows], [row["customer"] for row in rows], len(rows)),
    )
    await _prepare(made, rows, None)
    return made


async def _forget_unconfirmed() -> None:
    """Rounds of the acting tenant that nobody confirmed within KEPT_DAYS are gone."""
    before = clock.now() - timedelta(days=KEPT_DAYS)
    old = [row["id"] for row in await db.fetch("SELECT id FROM termination_bulk WHERE confirmed_at IS NULL AND created_at < $1", before)]
    await db.execute("DELETE FROM termination_bulk_item WHERE round = ANY($1::uuid[])", old)
    await db.execute("DELETE FROM termination_bulk WHERE id = ANY($1::uuid[])", old)


async def wish(round_id: UUID, wished_on: date | None) -> None:
    """The round, unless it was confirmed, is to end on a wished day or else on the first free dates. Raises Invalid for a day behind or far ahead."""
    held: BulkRound = await BulkRound.find(round_id)
    today = clock.today()
    if wished_on is not None and not today <= wished_on <= add_months(today, _FARTHEST_MONTHS):
        raise Invalid(FieldError("/wished_on", "no-day-ahead"))
    if held.confirmed_at is None:
        await _prepare(held.id, await _rows(held.id), wished_on)


async def _prepare(round_id: UUID, rows: Sequence[asyncpg.Record], wished_on: date | None) -> None:
    found = await judge(rows, wished_on)
    await db.execute("UPDATE termination_bulk SET wished_on = $2, prepared_at = $3 WHERE id = $1", round_id, wished_on, clock.now())
    await _note(round_id, found)


async def _rows(round_id: UUID) -> list[asyncpg.Record]:
    chosen = await db.fetch("SELECT service FROM termination_bulk_item WHERE round = $1", round_id)
    return await services.by_id([row["service"] for row in chosen])


async def _note(round_id: UUID, found: dict[UUID, Verdict]) -> None:
    """The items of the round bear these verdicts."""
    columns = [
        (service, one.ends_on, one.billing_ends_on, one.cost_cents, one.skipped, msgspec.json.encode(one).decode())
        for service, one in found.items()
    ]
    await db.execute(
        "UPDATE termination_bulk_item i SET ends_on = n.ends_on, billing_ends_on = n.billing_ends_on, cost_cents = n.cost, skipped = n.skipped,"
        " facts = n.facts::jsonb FROM unnest($2::uuid[], $3::date[], $4::date[], $5::bigint[], $6::text[], $7::text[])"
        " AS n(service, ends_on, billing_ends_on, cost, skipped, facts) WHERE i.round = $1 AND i.service = n.service",
        *(round_id, *(list(column) for column in zip(*columns, strict=True))),
    )


async def judge(rows: Sequence[asyncpg.Record], wished_on: date | None) -> dict[UUID, Verdict]:
    """What ending each of these services together with the others of its customer would mean today, by the functions that a quote uses."""
    today = clock.today()
    looked = await Looked.at(rows, today)
    found = await _hindered(rows, looked)
    groups: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        if row["id"] not in found:
            groups[row["customer"]].append(row)
    asked = Asked(received_on=today, today=today, wished_on=wished_on)
    for group in groups.values():
        together = {row["id"] for row in group}
        facts = [looked.facts(row, together) for row in group]
        for row, seen in zip(group, preview(facts, asked).services, strict=True):
            found[row["id"]] = _verdict(row, seen)
    return found


async def _hindered(rows: Sequence[asyncpg.Record], looked: Looked) -> dict[UUID, Verdict]:
    """The services that cannot be filed for whatever day is wished."""
    chosen, customers = [row["id"] for row in rows], {row["customer"] for row in rows}
    held = await db.fetch(
        "SELECT l.service, l.ends_on, t.number FROM termination_line l JOIN termination t ON t.id = l.termination"
        " WHERE l.service = ANY($1::uuid[]) AND l.is_open",
        chosen,
    )
    reachable = await db.fetch("SELECT customer FROM contact WHERE customer = ANY($1::uuid[]) AND is_main AND email <> ''", list(customers))
    nobody = customers - {row["customer"] for row in reachable}
    found = {row["service"]: Verdict(skipped=Skip.ENDING, ends_on=row["ends_on"], case=row["number"]) for row in held}
    for row in rows:
        unpriced = looked.parties[row["customer"]].bills is WhoBills.OWN_NAME and row["wholesale_cents"] is None
        if row["ended_at"] is not None:
            found[row["id"]] = Verdict(skipped=Skip.ENDED)
        elif row["id"] not in found and (row["customer"] in nobody or unpriced):
            found[row["id"]] = Verdict(skipped=Skip.NOBODY if row["customer"] in nobody else Skip.NO_PRICE)
    return found


def _verdict(row: asyncpg.Record, seen: ServicePreview) -> Verdict:
    first = seen.first_possible_end
    if seen.already_ended:
        return Verdict(skipped=Skip.ENDED)
    if row["renewal"] == Renewal.NONE and seen.ending.ends_on == seen.minimum_end:
        return Verdict(skipped=Skip.ENDS_BY_ITSELF, ends_on=seen.ending.ends_on)
    if seen.offer is not None:
        return Verdict(skipped=Skip.NEEDS_BUYOUT if seen.offer.kind is EndKind.BUYOUT else Skip.TOO_LATE, first_possible_end=first)
    sheet = seen.ending.sheet
    cost = sum(line.amount_cents for line in (*sheet.lines, *sheet.fees))
    return Verdict(
        ends_on=seen.ending.ends_on,
        billing_ends_on=seen.ending.billing_ends_on,
        cost_cents=cost,
        answer_by=seen.last_notice_day or clock.today(),  # without such a day, every day later moves the end
        first_possible_end=first,
    )


async def confirm(actor: Actor, round_id: UUID, filing: Filing) -> bool:
    """The locked round is filed from here on, once, however often this is asked; False when it was prepared on an earlier day: then anew, to be looked at."""
    held: BulkRound = await BulkRound.find(round_id)
    if held.confirmed_at is not None:
        return True
    if clock.civil_day(held.prepared_at) != clock.today():
        await _prepare(held.id, await _rows(held.id), held.wished_on)
        return False
    await db.execute(
        "UPDATE termination_bulk SET reason = $2, comment = $3, has_mandate = $4, confirmed_at = $5, created_by = $6, created_by_label = $7"
        " WHERE id = $1",
        *(held.id, filing.reason, filing.comment, filing.has_mandate, clock.now(), actor.trail, actor.label),
    )
    # A few customers are filed for at once; for more, whoever waits sees how far it is.
    await file_some(actor, held.id, filing)
    return True


async def file_some(actor: Actor, round_id: UUID, filing: Filing, *, part: int = 0) -> None:
    """The next AT_ONCE customers of the confirmed round, which is locked, have their cases, or the reason why not; the rest follows by an event."""
    held: BulkRound = await BulkRound.find(round_id)
    waiting = await db.fetch(
        "SELECT service, customer, ends_on, cost_cents FROM termination_bulk_item"
        " WHERE round = $1 AND skipped IS NULL AND termination IS NULL ORDER BY customer, service",
        round_id,
    )
    groups: dict[UUID, dict[UUID, asyncpg.Record]] = defaultdict(dict)
    for row in waiting:
        groups[row["customer"]][row["service"]] = row
    for group in list(groups.values())[:AT_ONCE]:
        await _file_one(actor, held, group, filing)
    if len(groups) > AT_ONCE:
        await outbox.publish(BulkConfirmed(tenant_id=held.tenant, round_id=round_id, part=part + 1))
    else:
        await db.execute("UPDATE termination_bulk SET done_at = $2 WHERE id = $1", round_id, clock.now())


async def _file_one(actor: Actor, held: BulkRound, group: dict[UUID, asyncpg.Record], filing: Filing) -> None:
    """One customer's services are filed as one case; those that are not any more what was shown are left alone, the others not for that."""
    now = await judge(await services.by_id(list(group)), held.wished_on)
    skipped = {service: one for service, one in now.items() if one.skipped is not None}
    for service, one in now.items():
        if service not in skipped and (one.ends_on, one.cost_cents) != (group[service]["ends_on"], group[service]["cost_cents"]):
            skipped[service] = msgspec.structs.replace(one, skipped=Skip.CHANGED)
    going = [service for service in now if service not in skipped]
    if skipped:
        await _note(held.id, skipped)
    if not going:
        return
    try:
        async with db.savepoint():
            request = Request(services=tuple(going), received_on=clock.today(), wished_on=held.wished_on)
            kept = await quotes.keep(actor, request)
            case = await cases.file(actor, kept.id, filing)
    except Problem as problem:
        await _note(held.id, dict.fromkeys(going, Verdict(skipped=_HINDRANCES.get(type(problem), Skip.REFUSED))))
        return
    await db.execute(
        "UPDATE termination_bulk_item SET termination = $3 WHERE round = $1 AND service = ANY($2::uuid[])", held.id, going, case.id
    )


_HINDRANCES: dict[type[Problem], Skip] = {ServiceAlreadyEnding: Skip.ENDING, NobodyToAsk: Skip.NOBODY}


async def one(round_id: UUID) -> BulkRound:
    """The round, to be looked at; NotFound when it is not the acting tenant's."""
    found: BulkRound = await BulkRound.get(round_id)
    return found


_ITEMS = """
SELECT i.service, s.number, s.label, i.customer, c.name AS customer_name, c.segment = 'CONSUMER' AS includes_vat, i.facts,
       i.termination AS case_id, t.number AS case_number
  FROM termination_bulk_item i JOIN billing_service s ON s.tenant = i.tenant AND s.id = i.service
  JOIN customer c ON c.tenant = i.tenant AND c.id = i.customer LEFT JOIN termination t ON t.tenant = i.tenant AND t.id = i.termination
 WHERE i.round = $1 ORDER BY c.name, c.id, s.number
"""


async def items(round_id: UUID) -> list[Item]:
    """The services of the round by customer, each with what is to happen or has happened to it."""
    return [
        Item(
            **{name: row[name] for name in Item.__struct_fields__ if name != "verdict"},
            verdict=msgspec.json.decode(row["facts"], type=Verdict),
        )
        for row in await db.fetch(_ITEMS, round_id)
    ]


def counted(found: Collection[Item]) -> dict[str, int]:
    """How many services of a round were filed, wait, or were skipped, and in how many cases."""
    filed = [one for one in found if one.case_id is not None]
    skipped = [one for one in found if one.case_id is None and one.verdict.skipped is not None]
    return {
        "filed": len(filed),
        "cases": len({one.case_id for one in filed}),
        "skipped": len(skipped),
        "waiting": len(found) - len(filed) - len(skipped),
    }
