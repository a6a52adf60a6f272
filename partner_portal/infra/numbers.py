"""Numbers people say: short, per tenant, never given twice."""

from __future__ import annotations

from . import db


async def next_in(series: str) -> str:
    """The next number of the acting tenant's series, such as NRD-T-00042; gapless, because it waits for whoever numbers at the same time."""
    row = await db.fetch_one(
        "INSERT INTO infra_counter (id, tenant, series, last) SELECT gen_random_uuid(), id, $1, 1 FROM tenant"
        " WHERE id = nullif(current_setting('app.tenant', true), '')::uuid"
        " ON CONFLICT (tenant, series) DO UPDATE SET last = infra_counter.last + 1"
        " RETURNING last, (SELECT code FROM tenant WHERE tenant.id = infra_counter.tenant) AS code",
        series,
    )
    if row is None:
        raise NoTenant
    return f"{row['code']}-{series}-{row['last']:05d}"


class NoTenant(RuntimeError):
    """A number was asked for outside any tenant."""
