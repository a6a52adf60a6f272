"""Links in mails: made, found by their token, used once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, settings, tokens
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import NotFound

from ..tables import DecisionLink, Termination


class Purpose(StrEnum):
    """What a link asks."""

    CONSENT = "consent"  # the customer's yes or no to the end
    BUYOUT = "buyout"  # the payer's yes, no or other sum; the customer's yes is its consent too


class Link(msgspec.Struct, frozen=True):
    """A new link: its row, and the address with a placeholder for the secret, as a stored mail may hold it."""

    id: UUID
    address: str


async def make(case: Termination, purpose: Purpose, *, recipient: str, recipient_name: str, expires_at: datetime) -> Link:
    """A link for this case exists and replaces every earlier one: the case is decided by the newest link only."""
    await db.execute(
        "UPDATE termination_decision_link SET replaced_at = $2 WHERE termination = $1 AND replaced_at IS NULL AND decided_at IS NULL",
        case.id,
        clock.now(),
    )
    link = new_id()
    await db.execute(
        "INSERT INTO termination_decision_link"
        " (id, tenant, termination, purpose, token_sha256, recipient, recipient_name, expires_at, code_attempts, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)",
        *(link, case.tenant, case.id, purpose, tokens.sha256(tokens.token(link)), recipient, recipient_name, expires_at, clock.now()),
    )
    return Link(link, address(link))


def address(link: UUID) -> str:
    """The address of a link with a placeholder for its secret, as a stored mail may hold it."""
    return f"{settings.current().public_url}/confirm/{tokens.placeholder('token', link)}"


async def answered(case: UUID) -> str | None:
    """The address at which the customer sees what became of its answer, as a stored mail may hold it; None where it gave none by a link."""
    row = await db.fetch_one(
        "SELECT id FROM termination_decision_link WHERE termination = $1 AND decided_at IS NOT NULL AND decision <> 'not_me'"
        " ORDER BY decided_at DESC LIMIT 1",
        case,
    )
    return address(row["id"]) if row else None


async def bearer(token: str) -> Actor:
    """The customer's contact who holds this link, found before anything else is known; NotFound when it is nobody's."""
    async with db.apart(Principal(Door.STAFF, actor="system:link")):
        row = await db.fetch_one(
            "SELECT id, tenant, recipient_name FROM termination_decision_link WHERE token_sha256 = $1", tokens.sha256(token)
        )
    if row is None:
        raise NotFound(what="link")
    return Actor(kind=ActorKind.CUSTOMER, id=str(row["id"]), tenant=row["tenant"], label=row["recipient_name"], channel="link")


async def by_token(token: str, *, lock: bool = False) -> DecisionLink:
    """The link with this token, in its tenant's unit of work; locked when it is to be used. NotFound when it is not there."""
    query = DecisionLink.objects().where(DecisionLink.token_sha256 == tokens.sha256(token)).first()
    row: DecisionLink | None = await (query.lock_rows() if lock else query)
    if row is None:
        raise NotFound(what="link")
    return row
