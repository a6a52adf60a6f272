"""Numbers people say: short, per tenant, never given twice."""

from __future__ import annotations

from . import db


async def next_in(series: str) -> str:
    """The next number of the acting tenant's series, such as NRD-T-00042; gapless, because it waits for whoever numbers at the same time."""
    return (await several_in(series, 1))[0]


async def several_in(series: str, count: int) -> list[str]:
    """The next so many numbers of the series, in order, by one statement."""
    row = await db.fetch_one(
        "INSERT INTO infra_counter (id, tenant, series, last) SELECT gen_random_uuid(), id, $1, $2 FROM tenant"
        " WHERE id = nullif(current_setting('app.tenant', true), '')::uuid"
        " ON CONFLICT (tenant, series) DO UPDATE SET last = infra_counter.last + $2"
        " RETURNING last, (SELECT code FROM tenant WHERE tenant.id = infra_counter.tenant) AS code",
        *(series, count),
    )
    if row is None:
        raise NoTenant
    return [f"{row['code']}-{series}-{nth:05d}" for nth in range(row["last"] - count + 1, row["last"] + 1)]


class NoTenant(RuntimeError):
    """A number was asked for outside any tenant."""
