"""How members follow deadlines outside the portal: a calendar at a secret address, and a weekly mail that can be stopped."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog

from partner_portal.infra import clock, db, outbox, settings, tokens
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotFound

from ..events import DigestDue
from . import figures

log = structlog.get_logger()

ALARMS = (0, 1, 3, 7, 14, 30)
"""Days before a deadline on which a calendar may warn."""
MOST_EVENTS = 500
DAYS_AHEAD = 365
_TOLD_FROM, _TOLD_UNTIL = 7, 3
"""From this hour on Monday in Amsterdam, and no later than this day of the week (Wednesday is the third): after that, next Monday is soon."""


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """What a member has chosen; `address` is that of the calendar, secret, None while there is none."""

    wants_digest: bool = True
    alarm_days: int = 7
    address: str | None = None
    made_at: datetime | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a calendar's address; `is_open` is False where the member was disabled or the partner suspended."""

    actor: Actor
    alarm_days: int
    is_open: bool


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One deadline as a calendar shows it; `sequence` counts how often it was another."""

    service: UUID
    number: str
    label: str
    customer_name: str
    notice_by: date
    ends_on: date
    renewal_cents: int
    renewal_months: int
    sequence: int
    changed_at: datetime


async def of(actor: Actor) -> Following:
    """What the member has chosen."""
    row = await db.fetch_one("SELECT * FROM termination_deadline_reader WHERE member = $1", UUID(actor.id))
    if row is None:
        return Following()
    address = None
    # After a change of SECRET_KEY the address that was given out still works, but nobody can tell it any more: then a new one is made.
    if row["feed_sha256"] is not None and tokens.sha256(tokens.token(row["id"], row["feed_nth"])) == row["feed_sha256"]:
        address = _address(row["id"], row["feed_nth"])
    return Following(wants_digest=row["wants_digest"], alarm_days=row["alarm_days"], address=address, made_at=row["feed_made_at"])


async def choose(actor: Actor, *, wants_digest: bool, alarm_days: int) -> None:
    """The member gets the weekly mail, or not, and calendars warn so many days before. Raises Invalid for days that are not offered."""
    if alarm_days not in ALARMS:
        raise Invalid(FieldError("/alarm_days", "choose-one"))
    reader = await _reader(UUID(actor.id))
    await db.execute(
        "UPDATE termination_deadline_reader SET wants_digest = $2, alarm_days = $3 WHERE id = $1", reader, wants_digest, alarm_days
    )


async def make_address(actor: Actor) -> None:
    """The member's calendar has a new address; the one before shows nothing any more."""
    reader = await _reader(UUID(actor.id))
    row = await db.fetch_one("UPDATE termination_deadline_reader SET feed_nth = feed_nth + 1 WHERE id = $1 RETURNING feed_nth", reader)
    assert row is not None  # noqa: S101  # it is there, and locked
    await db.execute(
        "UPDATE termination_deadline_reader SET feed_sha256 = $2, feed_made_at = $3 WHERE id = $1",
        *(reader, tokens.sha256(tokens.token(reader, row["feed_nth"])), clock.now()),
    )


async def drop_address(actor: Actor) -> None:
    """The member's calendar has no address; the one before shows nothing any more."""
    await db.execute("UPDATE termination_deadline_reader SET feed_sha256 = NULL, feed_made_at = NULL WHERE member = $1", UUID(actor.id))


async def _reader(member: UUID) -> UUID:
    """The member's row, made when it is not there yet."""
    made = new_id()
    await db.execute(
        "INSERT INTO termination_deadline_reader (id, tenant, member, stop_sha256) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, member) DO NOTHING",
        *(made, db.current().principal.tenant, member, tokens.sha256(tokens.token(made))),
    )
    row = await db.fetch_one("SELECT id FROM termination_deadline_reader WHERE member = $1 FOR UPDATE", member)
    if row is None:
        raise NotFound(what="member", id=str(member))
    found: UUID = row["id"]
    return found


def _address(reader: UUID, nth: int) -> str:
    return f"{settings.current().public_url}/calendar/{tokens.token(reader, nth)}.ics"


_HOLDER = """
SELECT r.tenant, r.member, r.alarm_days, m.name, m.language, m.disabled_at IS NULL AND t.suspended_at IS NULL AS is_open
  FROM termination_deadline_reader r JOIN member m ON m.tenant = r.tenant AND m.id = r.member JOIN tenant t ON t.id = r.tenant
"""


async def holder(token: str) -> Reading:
    """Whose calendar has this address, found before anything else is known; NotFound when it is nobody's (any more)."""
    return await _holder("r.feed_sha256 = $1", token)


async def stopper(token: str) -> Reading:
    """Whose weekly mail is stopped by this address; NotFound when it is nobody's."""
    return await _holder("r.stop_sha256 = $1", token)


async def _holder(condition: str, token: str) -> Reading:
    async with db.apart(Principal(Door.STAFF, actor="system:link")):
        row = await db.fetch_one(f"{_HOLDER} WHERE {condition}", tokens.sha256(token))  # one of two conditions of ours
    if row is None:
        raise NotFound(what="link")
    # Without a role: the address lets nobody do anything.
    actor = Actor(
        kind=ActorKind.MEMBER, id=str(row["member"]), tenant=row["tenant"], label=row["name"], language=row["language"], channel="link"
    )
    return Reading(actor=actor, alarm_days=row["alarm_days"], is_open=row["is_open"])


async def stop_digest(actor: Actor) -> None:
    """The member gets no weekly mail any more."""
    await db.execute("UPDATE termination_deadline_reader SET wants_digest = false WHERE member = $1", UUID(actor.id))


_ENTRIES = """
WITH nearest AS (SELECT d.id FROM termination_deadline d WHERE NOT d.is_held AND d.last_notice_on BETWEEN $1::date AND $2::date
                  ORDER BY d.last_notice_on, d.id LIMIT $3)
SELECT d.service, s.number, s.label, c.name AS customer_name, d.last_notice_on AS notice_by, d.free_end_on AS ends_on,
       d.fee_cents * d.renewal_months AS renewal_cents, d.renewal_months, d.sequence, d.changed_at
  FROM nearest JOIN termination_deadline d ON d.id = nearest.id JOIN billing_service s ON s.tenant = d.tenant AND s.id = d.service
  JOIN customer c ON c.tenant = d.tenant AND c.id = d.customer ORDER BY d.last_notice_on, d.id
"""


async def entries(most: int = MOST_EVENTS, days: int = DAYS_AHEAD) -> list[Entry]:
    """The acting tenant's nearest deadlines that nothing was filed for, from today on, the first of them."""
    today = clock.today()
    return [Entry(**dict(row)) for row in await db.fetch(_ENTRIES, today, today + timedelta(days=days), most)]


async def decide_digests() -> int:
    """Every member who is to hear of this week has a mail on its way, once; returns how many. A week that began without anything to tell has none."""
    now = clock.now().astimezone(clock.AMSTERDAM)
    monday = now.date() - timedelta(days=now.weekday())
    if now.weekday() >= _TOLD_UNTIL or (now.weekday() == 0 and now.hour < _TOLD_FROM):
        return 0
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        tenants = await db.fetch(_UNTOLD, monday)
    return sum([await _decide_for(row["tenant"], monday) for row in tenants])


# Partners with a member of whom this week was not decided yet.
_UNTOLD = """
SELECT DISTINCT m.tenant FROM member m JOIN tenant t ON t.id = m.tenant LEFT JOIN termination_deadline_reader r ON r.tenant = m.tenant AND r.member = m.id
 WHERE m.disabled_at IS NULL AND lower(m.accepted_as) = lower(m.email) AND t.suspended_at IS NULL AND coalesce(r.told_on < $1, true)
"""


async def _decide_for(tenant: UUID, monday: date) -> int:
    try:
        async with db.unit_of_work(Principal(Door.TENANT, tenant, "system:daily")):
            return await _decide(tenant, monday)
    except Exception as error:  # tried again at the next round; the others must not wait for it
        log.exception("digest.failed", tenant=str(tenant), error=type(error).__name__)
        return 0


async def _decide(tenant: UUID, monday: date) -> int:
    due = await figures.notices_due()
    told = 0
    for row in await db.fetch("SELECT id FROM member WHERE disabled_at IS NULL AND lower(accepted_as) = lower(email) ORDER BY id"):
        reader = await _reader(row["id"])
        decided = await db.fetch_one(
            "UPDATE termination_deadline_reader SET told_on = $2 WHERE id = $1 AND coalesce(told_on < $2, true) RETURNING wants_digest",
            reader,
            monday,
        )
        if decided is not None and decided["wants_digest"] and (due.overdue or due.within_30):
            await outbox.publish(DigestDue(tenant_id=tenant, member_id=row["id"], monday=monday))
            told += 1
    return told


async def member(member_id: UUID) -> asyncpg.Record | None:
    """The member as the weekly mail is sent to it, with its row here; None where it is to get none after all. NotFound when it is not there."""
    row = await db.fetch_one(
        "SELECT m.email, m.language, r.id AS reader, m.disabled_at IS NULL AND r.wants_digest AS is_told"
        " FROM member m JOIN termination_deadline_reader r ON r.tenant = m.tenant AND r.member = m.id WHERE m.id = $1",
        member_id,
    )
    if row is None:
        raise NotFound(what="member", id=str(member_id))
    return row if row["is_told"] else None
