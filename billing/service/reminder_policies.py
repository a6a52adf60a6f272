"""By which policy a tenant's debtors are reminded: the provider's, unless the partner has one of its own. Staff decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from tenants.policy import TenantKind

from ..policy.ledger import Layer
from ..policy.reminding import Policy

_COLUMNS = (
    "note_days",
    "first_days",
    "second_days",
    "third_days",
    "suspend_days",
    "consumer_suspend_days",
    "threshold_cents",
    "charge_days",
    "partner_agrees",
    "lead_days",
)
_SET = ", ".join(f"{name} = {{source}}.{name}" for name in _COLUMNS)
_SPREAD = f"""
WITH house AS (SELECT p.* FROM billing_reminder_policy p JOIN tenant t ON t.id = p.tenant AND t.kind = $1)
INSERT INTO billing_reminder_policy (id, tenant, follows_provider, {", ".join(_COLUMNS)})
SELECT gen_random_uuid(), t.id, t.kind <> $1, {", ".join(f"coalesce(h.{name}, d.{name})" for name in _COLUMNS)}
  FROM tenant t LEFT JOIN house h ON true,
       (SELECT 3::smallint AS note_days, 3::smallint AS first_days, 14::smallint AS second_days, 21::smallint AS third_days, 7::smallint AS suspend_days,
               21::smallint AS consumer_suspend_days, 500::bigint AS threshold_cents, 5::smallint AS charge_days,
               false AS partner_agrees, '{{}}'::jsonb AS lead_days) d
 WHERE NOT EXISTS (SELECT FROM billing_reminder_policy p WHERE p.tenant = t.id)
ON CONFLICT (tenant) DO NOTHING
"""  # noqa: S608  # our own columns
_FOLLOW = f"""
UPDATE billing_reminder_policy f SET version = f.version + 1, {_SET.format(source="h")}
  FROM billing_reminder_policy h JOIN tenant t ON t.id = h.tenant AND t.kind = $1 WHERE f.follows_provider AND f.tenant <> h.tenant
"""  # noqa: S608
_READ = "SELECT p.*, t.name AS tenant_name, t.code, t.kind FROM billing_reminder_policy p JOIN tenant t ON t.id = p.tenant"


class PolicyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy as staff types it; `lead_days` says per product code how many days more, and nothing for a product that is never stopped;
    `charge_days` nothing where interest and costs are never charged.
    """

    follows_provider: bool = False
    note_days: Annotated[int, Meta(ge=0, le=30)] = 3
    first_days: Annotated[int, Meta(ge=1, le=90)] = 3
    second_days: Annotated[int, Meta(ge=2, le=120)] = 14
    third_days: Annotated[int, Meta(ge=3, le=180)] = 21
    suspend_days: Annotated[int, Meta(ge=1, le=180)] = 7
    consumer_suspend_days: Annotated[int, Meta(ge=1, le=180)] = 21
    threshold_cents: Annotated[int, Meta(ge=0, le=1_000_000)] = 500
    lead_days: dict[str, Annotated[int, Meta(ge=0, le=180)] | None] = {}
    charge_days: Annotated[int, Meta(ge=0, le=90)] | None = 5
    partner_agrees: bool = False


def of_row(row: Mapping[str, Any] | asyncpg.Record) -> Policy:
    """The policy of a row that has its columns."""
    lead = row["lead_days"]
    return Policy(
        note_days=row["note_days"],
        reminder_days=(row["first_days"], row["second_days"], row["third_days"]),
        suspend_days=row["suspend_days"],
        consumer_suspend_days=row["consumer_suspend_days"],
        threshold_cents=row["threshold_cents"],
        lead_days=msgspec.json.decode(lead) if isinstance(lead, str) else lead,
        charge_days=row["charge_days"],
        partner_agrees=row["partner_agrees"],
    )


async def spread() -> None:
    """Every tenant has a policy: whoever had none follows the provider from now on. Through the staff door."""
    await db.execute(_SPREAD, TenantKind.HOUSE)


async def everybodys() -> list[asyncpg.Record]:
    """All policies with their partners, the provider's first. Through the staff door."""
    await spread()
    return await db.fetch(_READ + " ORDER BY t.kind <> $1, t.name", TenantKind.HOUSE)


async def row_of(tenant: UUID) -> asyncpg.Record | None:
    """The tenant's policy, as far as it has one yet."""
    return await db.fetch_one(_READ + " WHERE p.tenant = $1", tenant)


async def of_tenant(tenant: UUID) -> Policy:
    """By which policy the tenant's debtors are reminded."""
    row = await row_of(tenant)
    return Policy() if row is None else of_row(row)


class Policies(msgspec.Struct, frozen=True):
    """The policy of each tenant, and the provider's for what partners owe themselves."""

    by_tenant: Mapping[UUID, Policy]
    house: UUID | None

    def of(self, tenant: UUID, layer: str) -> Policy:
        """By which policy a debt of the tenant's in this layer is reminded."""
        return self.by_tenant.get(self.house if layer == Layer.PARTNER and self.house else tenant, Policy())


async def of_all() -> Policies:
    """By which policies debts are reminded, read at once. Through the staff door."""
    rows = await db.fetch("SELECT p.*, t.kind FROM billing_reminder_policy p JOIN tenant t ON t.id = p.tenant")
    house = next((row["tenant"] for row in rows if row["kind"] == TenantKind.HOUSE), None)
    return Policies({row["tenant"]: of_row(row) for row in rows}, house)


async def decide(actor: Actor, tenant: UUID, wanted: PolicyWanted) -> None:  # noqa: ARG001  # the audit trail has the actor of the unit of work
    """The tenant's debtors are reminded so from now on, and those of every partner that follows the provider where it is the provider's own.

    Reminders that went out stay, and keep what they said. Invalid for an order that cannot be. Through the staff door.
    """
    await spread()
    row = await row_of(tenant)
    if row is None:
        raise NotFound(what="tenant", id=str(tenant))
    is_house = row["kind"] == TenantKind.HOUSE
    await _check(wanted)
    if wanted.follows_provider and not is_house:
        await db.execute("UPDATE billing_reminder_policy SET follows_provider = true WHERE tenant = $1", tenant)
    else:
        places = ", ".join(f"{name} = ${place}" for place, name in enumerate(_COLUMNS, 2))
        values = [getattr(wanted, name) for name in _COLUMNS[:-1]]
        await db.execute(
            f"UPDATE billing_reminder_policy SET follows_provider = false, version = version + 1, {places} WHERE tenant = $1",  # noqa: S608
            *(tenant, *values, msgspec.json.encode(wanted.lead_days).decode()),
        )
    await db.execute(_FOLLOW, TenantKind.HOUSE)


async def _check(wanted: PolicyWanted) -> None:
    faults = []
    if wanted.second_days <= wanted.first_days:
        faults.append(FieldError("/second_days", "not-after-the-first"))
    if wanted.third_days <= wanted.second_days:
        faults.append(FieldError("/third_days", "not-after-the-second"))
    known = {row["code"] for row in await db.fetch("SELECT code FROM billing_product")}
    faults += [FieldError("/lead_days", "unknown-product", {"value": code}) for code in sorted(set(wanted.lead_days) - known)]
    if faults:
        raise Invalid(*faults)
