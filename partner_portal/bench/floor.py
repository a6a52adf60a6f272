"""What the same answers cost without tenancy, ORM, services and shell: bare Litestar handlers, in a process of their own.

Each does the portal's own session look-up, its SQL by asyncpg on an equal pool (the tenant named in the statement, as no row-level security names
it), the same pure computation into the same Structs, and leaves the encoding to Litestar and msgspec. Nothing else: no guards, no limits, no CSRF
proof, no log line, no security headers. The answers equal the portal's (a test compares them), or the comparison would be worth nothing.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvicorn
from litestar import Litestar, Request, get, post
from litestar.params import FromPath, JSONBody

from billing.api.services import ServiceOut
from billing.policy.ledger import Layer
from billing.service.services import READ
from partner_portal.infra import clock, log, redis, sessions, settings
from partner_portal.infra.ids import new_id
from partner_portal.web.auth import session_cookie
from partner_portal.web.lists import ListOut
from partner_portal.web.problems import NotSignedIn
from tenants.api.customers import CustomerRow
from tenants.service.customers import LIST, LISTING
from terminations.api.cases import Ask, AskPreview, QuoteOut
from terminations.policy.calendar import what_if
from terminations.policy.preview import preview as rules
from terminations.service import facts, quotes, shown
from terminations.service.shown import CalendarDetail, PreviewOut

_CUSTOMERS = f"{LIST} WHERE c.tenant = $1 ORDER BY c.name, c.id LIMIT 51"
_SERVICES = f"{READ} WHERE s.tenant = $1 AND s.customer = $2 AND s.ended_at IS NULL ORDER BY s.number, s.id"
_BY_ID = f"{READ} WHERE s.tenant = $1 AND s.id = ANY($2::uuid[]) ORDER BY s.number, s.id"
_PARTIES = f"{facts.PARTIES} AND c.tenant = $2"
_NUMBER = """
INSERT INTO infra_counter (id, tenant, series, last) SELECT gen_random_uuid(), id, 'Q', 1 FROM tenant WHERE id = $1
    ON CONFLICT (tenant, series) DO UPDATE SET last = infra_counter.last + 1
    RETURNING last, (SELECT code FROM tenant WHERE tenant.id = infra_counter.tenant) AS code
"""
_KEEP = """
INSERT INTO termination_quote (id, tenant, customer, number, asked, facts, preview, sha256, valid_until, rules_version, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

_held: dict[str, asyncpg.Pool] = {}


async def _session(request: Request[Any, Any, Any]) -> sessions.Session:
    found = await sessions.look_up(session=request.cookies.get(session_cookie(), ""), otherwise="nobody", window_ms=60_000)
    if found.session is None:
        raise NotSignedIn
    return found.session


@get("/api/v1/customers")
async def list_customers(request: Request[Any, Any, Any]) -> ListOut[CustomerRow]:
    """Fifty customers."""
    session = await _session(request)
    page = LISTING.window(q="").page(await _held["pool"].fetch(_CUSTOMERS, session.tenant))
    return ListOut([CustomerRow(*row) for row in page.rows], page.next)


@get("/api/v1/customers/{customer_id:uuid}/services")
async def list_services(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> list[ServiceOut]:
    """The services of a customer."""
    session = await _session(request)
    return [ServiceOut.of(row) for row in await _held["pool"].fetch(_SERVICES, session.tenant, customer_id)]


@post("/api/v1/terminations/preview", status_code=200)
async def preview(request: Request[Any, Any, Any], data: JSONBody[AskPreview]) -> PreviewOut:
    """What ending would cost."""
    session = await _session(request)
    async with _held["pool"].acquire() as line:
        seen = await _shown(line, session, data, with_calendar=data.calendar is not CalendarDetail.NONE)
    return shown.out(seen, data.calendar)


@post("/api/v1/quotes")
async def quote(request: Request[Any, Any, Any], data: JSONBody[Ask]) -> QuoteOut:
    """The same, kept."""
    session = await _session(request)
    async with _held["pool"].acquire() as line, line.transaction():
        seen = await _shown(line, session, data, with_calendar=False)
        given = await line.fetchrow(_NUMBER, session.tenant)
        quote_id, number = new_id(), f"{given['code']}-Q-{given['last']:05d}"
        valid_until = clock.today() + timedelta(days=settings.current().quote_valid_days)
        parts = [
            msgspec.json.encode(part, order="sorted").decode() for part in (seen.request, seen.facts, quotes.Kept(previews=seen.previews))
        ]
        sealed = quotes.seal(*parts)
        who = (seen.parties.customer_id, number, *parts, sealed, valid_until, quotes.RULES_VERSION, session.who, clock.now())
        await line.execute(_KEEP, quote_id, session.tenant, *who)
    return QuoteOut(id=quote_id, number=number, valid_until=valid_until, sha256=sealed.hex(), preview=shown.out(seen, CalendarDetail.NONE))


async def _shown(line: asyncpg.Connection, session: sessions.Session, data: Ask, *, with_calendar: bool) -> quotes.Shown:
    request, today = data.request(), clock.today()
    rows = await line.fetch(_BY_ID, session.tenant, list(data.service_ids))
    who = facts.parties_of(await line.fetchrow(_PARTIES, rows[0]["customer"], session.tenant))
    layers = [Layer.CUSTOMER] if who.payer_layer is Layer.CUSTOMER else [Layer.CUSTOMER, Layer.PARTNER]
    looked_at = {layer: tuple(facts.in_layer(row, who, layer, today) for row in rows) for layer in layers}
    asked = quotes.asked_of(request)
    return quotes.Shown(
        request=request,
        parties=who,
        rows=rows,
        facts=looked_at,
        previews={layer: rules(services, asked) for layer, services in looked_at.items()},
        calendar=what_if(looked_at[Layer.CUSTOMER], asked) if with_calendar else None,
    )


async def _as_it_is(_line: asyncpg.Connection) -> None:
    """As in the portal, a connection goes back to the pool without a round trip."""


@asynccontextmanager
async def _running(_app: Litestar) -> AsyncIterator[None]:
    chosen = settings.current()
    redis.open_pool(chosen.redis_url)
    _held["pool"] = await asyncpg.create_pool(
        chosen.database_url,
        min_size=1,
        max_size=chosen.pool_size,
        reset=_as_it_is,
        command_timeout=30,
        server_settings={"application_name": "floor", "timezone": "UTC"},
    )
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        await _held.pop("pool").close()
        await redis.close_pool()


app = Litestar([list_customers, list_services, preview, quote], openapi_config=None, logging_config=None, lifespan=[_running])


def main() -> None:
    """Serves on the port of the settings, until told to stop, as `portal web` would."""
    chosen = settings.load()
    log.configure(chosen)
    settings.adopt(chosen)
    uvicorn.run(
        app,
        host=chosen.host,
        port=chosen.port,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=chosen.trusted_proxies,
    )


if __name__ == "__main__":
    main()
