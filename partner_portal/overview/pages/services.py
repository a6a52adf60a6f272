"""The page of one service: what was agreed, in plain words, when it can end, and what is happening to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath

from billing.policy import terms as contract
from billing.policy.terms import Terms
from billing.service import pauses, suspensions
from billing.service import services as contracts
from partner_portal.infra import catalogue, clock
from partner_portal.web import auth, pages
from tenants.policy import Segment
from tenants.service import customers
from terminations.service import explain

from ..service import services
from . import words


@get("/{service_id:uuid}")
async def shown(request: Request[Any, Any, Any], service_id: FromPath[UUID], actor: auth.Acting) -> Response[bytes]:
    """The service with its terms, prices, changes and end."""
    [row] = await contracts.by_id([service_id])
    customer = await customers.one(row["customer"])
    [seen] = await services.seen(row["customer"], [row])
    changes = [(change, _values(change["changes"], actor.language)) for change in await contracts.changes_of(service_id)]
    return await pages.page(
        request,
        "overview/service.html",
        service=row,
        customer=customer,
        seen=seen,
        minimum_end=contract.minimum_end(
            Terms(start=row["starts_on"], minimum_months=row["minimum_months"], explicit_end=row["explicit_end"])
        ),
        paid_to=row["paid_until"] - timedelta(days=1),
        rules=[explain.applied(rule, actor.language) for rule in seen.outlook.applied] if seen.outlook else [],
        is_consumer=customer["segment"] == Segment.CONSUMER,
        changes=changes,
        persons=words.PERSONS,
        pauses=[row for row in await pauses.of_service(service_id) if row["resumes_on"] > clock.today()],
        suspended=(await suspensions.of_services([service_id])).get(service_id),
    )


def _values(changes: str, language: str) -> list[tuple[str, str]]:
    """The new values of a decision, as people read them."""
    said: dict[str, Any] = msgspec.json.decode(changes)
    return [(catalogue.text(words.COLUMNS.get(name, name), language), words.value(name, given, language)) for name, given in said.items()]


router = Router("/portal/services", route_handlers=[shown], before_request=pages.for_members, include_in_schema=False)
