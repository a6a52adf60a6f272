"""Endpoints: where a partner's software is told what happens; entered, changed, switched on and off, given new secrets, taken away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Meta, UnsetType

from partner_portal.infra import clock, db, outgoing
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, Role
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Refused

from ... import policy
from ...tables import WebhookEndpoint
from ...workflow import OffBecause
from . import kinds, signing

OVERLAP = timedelta(hours=24)
"""For so long the secret of before signs beside a new one."""
MOST_ENDPOINTS = 10
MOST_SECRETS = 3

Url = Annotated[str, Meta(min_length=1, max_length=outgoing.LONGEST_URL)]
Description = Annotated[str, Meta(max_length=200)]
Types = frozenset[Annotated[str, Meta(max_length=80)]]


class NewEndpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An endpoint as a partner enters it; without `types` it is told of everything, and of what is yet to come."""

    url: Url
    description: Description = ""
    types: Types | None = None


class EndpointChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays. `types` null: everything. `on` false: nothing is sent any more."""

    url: Url | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    types: Types | UnsetType | None = UNSET
    on: bool | UnsetType = UNSET


class Made(msgspec.Struct, frozen=True):
    """A new endpoint; `secret` is shown this once."""

    id: UUID
    secret: str


class TooManyEndpoints(Refused):
    """A partner has at most MOST_ENDPOINTS."""


class TooManySecrets(Refused):
    """So many secrets were made lately that the earlier ones are still in use; the facts say until when."""


_SHOWN = """
SELECT e.id, e.url, e.description, e.types, e.off_since, e.off_because, e.failing_since, e.delivered_at, e.version, e.created_at,
       (SELECT max(s.ends_at) FROM webhook_secret s WHERE s.tenant = e.tenant AND s.endpoint = e.id AND s.ends_at > $1) AS old_secret_until,
       (SELECT count(*) FROM webhook_delivery d WHERE d.tenant = e.tenant AND d.endpoint = e.id AND d.state = 'waiting') AS waiting
  FROM webhook_endpoint e WHERE e.removed_at IS NULL
"""


async def listed() -> list[asyncpg.Record]:
    """The acting tenant's endpoints, oldest first."""
    return await db.fetch(_SHOWN + " ORDER BY e.id", clock.now())


async def one(endpoint: UUID) -> asyncpg.Record:
    """The endpoint; NotFound when it is not the acting tenant's, or was taken away."""
    row = await db.fetch_one(_SHOWN + " AND e.id = $2", clock.now(), endpoint)
    if row is None:
        raise NotFound(what="webhook endpoint", id=str(endpoint))
    return row


async def find(endpoint: UUID) -> WebhookEndpoint:
    """The endpoint, locked until the unit of work ends; NotFound as in `one`."""
    row = await WebhookEndpoint.find(endpoint)
    if row.removed_at is not None:
        raise NotFound(what="webhook endpoint", id=str(endpoint))
    return row


async def add(actor: Actor, new: NewEndpoint) -> Made:
    """The endpoint exists, is on, and has a secret; Invalid for an address that is never asked or is there already, TooManyEndpoints."""
    guard(actor)
    url, types, endpoint = address(new.url), kinds.chosen(new.types), new_id()
    # Two at once are counted one after the other.
    await db.execute("SELECT 1 FROM tenant WHERE id = $1 FOR NO KEY UPDATE", actor.tenant)
    if len(await listed()) >= MOST_ENDPOINTS:
        raise TooManyEndpoints(most=MOST_ENDPOINTS)
    await _at_its_own_address(
        "INSERT INTO webhook_endpoint (id, tenant, url, description, types, failures, version, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, 0, 1, $6, $7)",
        *(endpoint, actor.tenant, url, new.description, types, actor.trail, clock.now()),
    )
    return Made(endpoint, await _new_secret(actor, endpoint))


async def change(actor: Actor, endpoint: WebhookEndpoint, wanted: EndpointChange) -> None:
    """The locked endpoint is as `wanted`, its version one higher; what was still on its way to one that is switched off has failed."""
    guard(actor)
    changes: dict[str, Any] = {}
    if wanted.url is not UNSET:
        changes["url"] = address(wanted.url)
    if wanted.description is not UNSET:
        changes["description"] = wanted.description
    if wanted.types is not UNSET:
        changes["types"] = kinds.chosen(wanted.types)
    columns = "".join(f", {name} = ${place}" for place, name in enumerate(changes, 2))
    await _at_its_own_address(f"UPDATE webhook_endpoint SET version = version + 1{columns} WHERE id = $1", endpoint.id, *changes.values())  # noqa: S608  # names of our own columns
    if wanted.on is True and endpoint.off_since is not None:
        await _switch_on(endpoint)
    if wanted.on is False and endpoint.off_since is None:
        await switch_off(endpoint, OffBecause.OWNER)


async def remove(actor: Actor, endpoint: WebhookEndpoint) -> None:
    """The locked endpoint is gone for its partner; what was sent to it stays on record for its time."""
    guard(actor)
    if endpoint.off_since is None:
        await switch_off(endpoint, OffBecause.OWNER)
    await db.execute("UPDATE webhook_endpoint SET removed_at = $2, version = version + 1 WHERE id = $1", endpoint.id, clock.now())


async def rotate(actor: Actor, endpoint: WebhookEndpoint, *, at_once: bool) -> str:
    """The locked endpoint has a new secret, returned this once; the earlier ones sign beside it for OVERLAP, or end now. TooManySecrets."""
    guard(actor)
    now = clock.now()
    in_force = await secrets_in_force(endpoint.id)
    if len(in_force) >= MOST_SECRETS and not at_once:
        raise TooManySecrets(until=min(row["ends_at"] for row in in_force if row["ends_at"]).isoformat())
    await db.execute(
        "UPDATE webhook_secret SET ends_at = $2 WHERE endpoint = $1 AND (ends_at IS NULL OR ends_at > $2)",
        *(endpoint.id, now if at_once else now + OVERLAP),
    )
    await db.execute("UPDATE webhook_endpoint SET version = version + 1 WHERE id = $1", endpoint.id)
    return await _new_secret(actor, endpoint.id)


async def secrets_in_force(endpoint: UUID) -> list[asyncpg.Record]:
    """The rows of the secrets that sign for this endpoint now, newest first."""
    return await db.fetch(
        "SELECT id, ends_at FROM webhook_secret WHERE endpoint = $1 AND (ends_at IS NULL OR ends_at > $2) ORDER BY id DESC",
        *(endpoint, clock.now()),
    )


async def switch_off(endpoint: WebhookEndpoint, because: OffBecause) -> datetime:
    """Nothing is sent to the locked endpoint from now on, and what was on its way has failed; it can be sent again later. Returns the moment."""
    now = clock.now()
    await db.execute(
        "UPDATE webhook_endpoint SET off_since = $2, off_because = $3, resting_until = NULL, version = version + 1 WHERE id = $1",
        *(endpoint.id, now, because.value),
    )
    await db.execute("UPDATE webhook_delivery SET state = 'failed', due_at = NULL WHERE endpoint = $1 AND state = 'waiting'", endpoint.id)
    return now


async def owners() -> list[asyncpg.Record]:
    """Who hears of an endpoint that the portal switched off: every owner of the acting tenant that can come in."""
    return await db.fetch(
        "SELECT id, email, language FROM member WHERE role = 'owner' AND disabled_at IS NULL AND lower(accepted_as) = lower(email) ORDER BY id"
    )


async def _switch_on(endpoint: WebhookEndpoint) -> None:
    await db.execute(
        "UPDATE webhook_endpoint SET off_since = NULL, off_because = NULL, failing_since = NULL, failures = 0, resting_until = NULL WHERE id = $1",
        endpoint.id,
    )


async def _new_secret(actor: Actor, endpoint: UUID) -> str:
    row = new_id()
    await db.execute(
        "INSERT INTO webhook_secret (id, tenant, endpoint, created_at) VALUES ($1, $2, $3, $4)", row, actor.tenant, endpoint, clock.now()
    )
    return signing.secret(row)


def address(url: str) -> str:
    """The address in its plain form; Invalid, at its field, for one that is never asked."""
    try:
        plain = outgoing.target(url.strip()).url
    except outgoing.UnfitAddress as error:
        raise Invalid(FieldError("/url", error.why.value)) from error
    if len(plain) > outgoing.LONGEST_URL:
        raise Invalid(FieldError("/url", outgoing.Why.NOT_AN_ADDRESS.value))
    return plain


async def _at_its_own_address(statement: str, *values: Any) -> None:
    try:
        async with db.savepoint():
            await db.execute(statement, *values)
    except asyncpg.UniqueViolationError as error:
        raise Invalid(FieldError("/url", "taken")) from error


def guard(actor: Actor) -> None:
    """Webhooks are an owner's, and of software that was given their scope; NotAllowed for anybody else."""
    if not actor.has_any(Role.OWNER, policy.Scope.WEBHOOKS):
        raise NotAllowed(needs=Role.OWNER.value)
