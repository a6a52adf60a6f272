"""Numbers on their way to us: asked for with an order, moved step by step, everybody told."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid

from ..events import PortInMoved
from ..tables.orders import PortIn
from ..workflow import PortAction, PortState, after

_NUMBER = re.compile(r"^\+?[0-9]{8,15}$")


class PortWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which numbers come from whom; `accepts_fee` is the customer's express acceptance that the old provider may charge for leaving early."""

    numbers: Annotated[list[str], Meta(min_length=1, max_length=50)]
    donor: Annotated[str, Meta(min_length=2, max_length=100)]
    accepts_fee: bool
    donor_contract: Annotated[str, Meta(max_length=60)] | None = None
    wished_on: date | None = None


def faults(wanted: PortWanted, today: date) -> list[FieldError]:
    """What keeps these numbers from being asked for: one that is none, a wish that has passed, a missing acceptance."""
    no_number = next((number for number in tidy(wanted) if not _NUMBER.match(number)), None)
    rules = [
        (FieldError("/numbers", "not-a-number", {"value": no_number}), no_number is not None),
        (FieldError("/wished_on", "in-the-past"), wanted.wished_on is not None and wanted.wished_on < today),
        (FieldError("/accepts_fee", "acceptance-needed"), not wanted.accepts_fee),
    ]
    return [fault for fault, is_wrong in rules if is_wrong]


async def ask(actor: Actor, *, order: UUID, service: UUID, wanted: PortWanted) -> UUID:
    """The numbers are to come to this service; Invalid names what keeps them from it."""
    if wrong := faults(wanted, clock.today()):
        raise Invalid(*wrong)
    port = new_id()
    await db.execute(
        "INSERT INTO billing_port_in (id, tenant, of_order, service, numbers, donor, donor_contract, wished_on, state)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *(
            port,
            actor.tenant,
            order,
            service,
            ", ".join(tidy(wanted)),
            wanted.donor,
            wanted.donor_contract,
            wanted.wished_on,
            PortState.REQUESTED.value,
        ),
    )
    await _record(actor, await PortIn.find(port), PortAction.REQUEST, PortState.REQUESTED, "", None)
    return port


def tidy(wanted: PortWanted) -> list[str]:
    """The numbers without what people put between digits."""
    return ["".join(char for char in number if char not in " -().") for number in wanted.numbers]


async def move(actor: Actor, port: UUID, action: PortAction, *, note: str = "", planned_on: date | None = None) -> PortState:
    """The port-in has taken this step, on record and announced; returns where it stands. Staff, and the partner for trying again and withdrawing.

    Raises IllegalPortStep, and Invalid where a step lacks what it needs: the day that was planned, the reason of a rejection.
    """
    row = await PortIn.find(port)
    state = after(PortState(row.state), action)
    if action is PortAction.PLAN and (planned_on is None or planned_on < clock.today()):
        raise Invalid(FieldError("/planned_on", "no-day-ahead", {}))
    if action is PortAction.REJECT and len(note.strip()) < 3:  # noqa: PLR2004  # a word
        raise Invalid(FieldError("/note", "reason-needed", {}))
    day = planned_on if action is PortAction.PLAN else row.planned_on
    await db.execute("UPDATE billing_port_in SET state = $2, planned_on = $3 WHERE id = $1", port, state.value, day)
    await _record(actor, row, action, state, note.strip(), planned_on)
    return state


async def of_order(order: UUID) -> list[tuple[asyncpg.Record, list[asyncpg.Record]]]:
    """The order's port-ins, each with its steps, the newest first."""
    rows = await db.fetch(
        "SELECT p.*, s.label FROM billing_port_in p JOIN billing_service s ON s.id = p.service WHERE p.of_order = $1 ORDER BY p.id", order
    )
    steps = await db.fetch(
        "SELECT x.* FROM billing_port_in_step x JOIN billing_port_in p ON p.id = x.port_in WHERE p.of_order = $1 ORDER BY x.nth DESC", order
    )
    return [(row, [step for step in steps if step["port_in"] == row["id"]]) for row in rows]


async def waiting(limit: int = 200) -> list[asyncpg.Record]:
    """Port-ins of all partners that somebody of staff has to move, the longest waiting first; through the staff door."""
    return await db.fetch(
        "SELECT p.*, t.name AS partner, o.number AS order_number, c.name AS customer_name, x.at AS since FROM billing_port_in p"
        " JOIN tenant t ON t.id = p.tenant JOIN billing_order o ON o.id = p.of_order JOIN customer c ON c.id = o.customer"
        " JOIN LATERAL (SELECT max(at) AS at FROM billing_port_in_step x WHERE x.port_in = p.id) x ON true"
        " WHERE p.state IN ('requested', 'accepted', 'planned') ORDER BY x.at, p.id LIMIT $1",
        limit,
    )


async def _record(actor: Actor, port: PortIn, action: PortAction, state: PortState, note: str, planned_on: date | None) -> None:
    row = await db.fetch_one(
        "INSERT INTO billing_port_in_step (id, tenant, port_in, nth, action, state, note, planned_on, actor, actor_label, at)"
        " SELECT $1, $2, $3, coalesce(max(nth), 0) + 1, $4, $5, $6, $7, $8, $9, $10 FROM billing_port_in_step WHERE port_in = $3 RETURNING nth",
        *(new_id(), port.tenant, port.id, action.value, state.value, note, planned_on, actor.trail, actor.label, clock.now()),
    )
    assert row is not None  # noqa: S101  # the statement always returns its row
    await outbox.publish(PortInMoved(tenant_id=port.tenant, port_in_id=port.id, nth=row["nth"]))
