"""Services by their last day to give notice, as JSON."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import QueryParameter

from partner_portal.kernel.errors import Invalid, NotAllowed
from partner_portal.web import lists
from partner_portal.web.money import MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import from_members

from ..service import deadlines
from ..service.deadlines import Filter, Watched, Within
from ..workflow import State


class HeldBy(msgspec.Struct, frozen=True, kw_only=True):
    """The open case that holds the service, and the service's last day by it."""

    id: UUID
    number: str
    state: State
    ends_on: date


class DeadlineOut(msgspec.Struct, frozen=True, kw_only=True):
    """A service with the last day to give notice for `ends_on`.

    Where that day has passed, `free_end_on` is the next end that notice reaches; null: any, on notice. `renewal` is what `renewal_months` more
    cost, for which missing the day binds. Prices as the customer's are given: a consumer's include VAT.
    """

    service_id: UUID
    service_number: str
    label: str
    customer_id: UUID
    customer_number: str
    customer_name: str
    notice_by: date
    ends_on: date
    free_end_on: date | None
    monthly: MoneyOut
    includes_vat: bool
    renewal_months: int
    renewal: MoneyOut
    termination: HeldBy | None


@get("/deadlines")
async def list_deadlines(  # noqa: PLR0913  # each a parameter of the address
    request: Request[Any, Any, Any],
    *,
    window: Annotated[
        Within, QueryParameter(description="Days from today; or `overdue`: passed while the term still runs.")
    ] = Within.DAYS_90,
    status: Annotated[
        Literal["open", "ending"], QueryParameter(name="state", description="Nothing filed yet, or held by an open case.")
    ] = "open",
    renews: Annotated[bool, QueryParameter(description="Only where missing the day binds for another term.")] = False,
    customer_id: Annotated[UUID | None, QueryParameter(description="Only services of this customer.")] = None,
    product: Annotated[str, QueryParameter(max_length=40, description="Only this product, by its code.")] = "",
    fee_from: Annotated[
        int | None, QueryParameter(ge=1, le=100_000_000, description="Only fees of so many whole euros a month or more.")
    ] = None,
    q: Annotated[str, QueryParameter(max_length=200, description="Words of the service or its customer, by their beginnings.")] = "",
    after: lists.After = None,
    limit: lists.Limit = 50,
) -> Response[lists.ListOut[DeadlineOut]]:
    """Services by their last day to give notice, the nearest first; services without one are left out."""
    wanted = Filter(
        window=window,
        state="ending" if status == "ending" else "",
        renews="yes" if renews else "",
        customer=customer_id,
        product=product,
        fee_from=fee_from,
        q=q,
    )
    asked = deadlines.listing(wanted).window(after=after, limit=limit, filter=wanted.asked)
    return lists.answer(request, asked.page((await deadlines.page(asked, wanted)).rows), _shown)


def _shown(row: Watched) -> DeadlineOut:
    held = row.held
    return DeadlineOut(
        service_id=row.service,
        service_number=row.number,
        label=row.label,
        customer_id=row.customer,
        customer_number=row.customer_number,
        customer_name=row.customer_name,
        notice_by=row.notice_by,
        ends_on=row.ends_on,
        free_end_on=row.free_end_on,
        monthly=MoneyOut(text(row.fee_cents)),
        includes_vat=row.includes_vat,
        renewal_months=row.renewal_months,
        renewal=MoneyOut(text(row.renewal_cents)),
        termination=None if held is None else HeldBy(id=held.id, number=held.number, state=held.state, ends_on=held.ends_on),
    )


router = Router("/", route_handlers=documented([list_deadlines], Invalid, NotAllowed), before_request=from_members, tags=["deadlines"])
