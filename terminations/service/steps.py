"""The one place where a case moves: its state, the row that says who moved it, and the event that follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import Refused

from ..events import CaseEvent, CaseMoved
from ..tables import Termination
from ..workflow import CLOSED, TAKEN_BY, Action, Party, State, after

# What is still possible when the time to answer has passed: it only closes the case, as time itself is about to.
_NEVER_TOO_LATE = {Action.WITHDRAW, Action.DECLINE_BUYOUT}


class TooLate(Refused):
    """The time to answer has passed; the case is about to expire."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on record with a step beside who and when."""

    text: str = ""
    facts: Mapping[str, Any] = {}
    text_version: str | None = None
    on_behalf_of: str | None = None


NO_NOTE = Note()


async def take(
    actor: Actor, case: Termination, action: Action, event: type[CaseEvent] | None, *, note: Note = NO_NOTE, **changes: Any
) -> int:
    """The locked `case` has moved by `action`, the step is on record, and `event` will be delivered; returns the step's number.

    Raises IllegalStep, naming the legal ones, when the case stands elsewhere, and TooLate for an answer after the time to
    answer, expired or not yet. `changes` are columns of the case.
    """
    state = after(State(case.state) if case.state else None, action)
    if TAKEN_BY[action] is not Party.TIME and action not in _NEVER_TOO_LATE and case.waits_until and case.waits_until <= clock.now():
        raise TooLate(until=case.waits_until.isoformat())
    row = await db.fetch_one("SELECT coalesce(max(nth), 0) + 1 AS nth FROM termination_step WHERE termination = $1", case.id)
    nth: int = row["nth"] if row else 1
    moved = case.state != state
    await _put(case, state, changes)
    await db.execute(
        "INSERT INTO termination_step (id, tenant, termination, nth, action, state, actor, actor_label, on_behalf_of, channel, text_version, note, facts, at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        *(new_id(), case.tenant, case.id, nth, action, state, actor.trail, actor.label, note.on_behalf_of, actor.channel),
        *(note.text_version, note.text, msgspec.json.encode(note.facts).decode(), clock.now()),
    )
    if state in CLOSED:
        await db.execute("UPDATE termination_line SET is_open = false WHERE termination = $1 AND is_open", case.id)
    for fact in (CaseMoved if moved else None, event):
        if fact is not None:
            await outbox.publish(fact(tenant_id=case.tenant, termination_id=case.id, nth=nth))
    return nth


async def _put(case: Termination, state: State, changes: dict[str, Any]) -> None:
    if state != case.state:
        # Whoever was waited for before is waited for no longer; who comes next is among the changes.
        changes = {"state": state.value, "waits_until": None, "remind_at": None} | changes
    for name, value in changes.items():
        setattr(case, name, value)
    assigned = "".join(f", {name} = ${place}" for place, name in enumerate(changes, 2))
    await db.execute(f"UPDATE termination SET version = version + 1{assigned} WHERE id = $1", case.id, *changes.values())  # noqa: S608  # names of our own columns
    case.version += 1
