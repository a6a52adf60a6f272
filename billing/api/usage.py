"""Usage of services as JSON."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from litestar.params import FromPath, JSONBody

from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth
from partner_portal.web.money import MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import from_members
from tenants.policy import Scope

from ..service import usage
from ..service.usage import Usage, UsageDiffers


class UsageOut(msgspec.Struct, frozen=True, kw_only=True):
    """Usage that waits for an invoice, or stands on one; `amount` is what it costs as the customer's prices are given."""

    id: UUID
    description: str
    quantity: str
    unit_price: str
    amount: MoneyOut
    used_from: date
    used_to: date
    bill_from: date
    is_billed: bool

    @classmethod
    def of(cls, row: Any) -> UsageOut:
        """The usage as the database has it."""
        return cls(
            id=row["id"],
            description=row["description"],
            quantity=f"{row['quantity'].normalize():f}",
            unit_price=f"{row['unit_price'].normalize():f}",
            amount=MoneyOut(text(row["amount_cents"])),
            used_from=row["period_from"],
            used_to=row["period_until"] - timedelta(days=1),
            bill_from=row["bill_from"],
            is_billed=row["is_billed"],
        )


@post("/services/{service_id:uuid}/usage", guards=[auth.requires(Role.OWNER, Role.CLERK, Scope.CUSTOMERS)])
async def enter_usage(actor: auth.Acting, service_id: FromPath[UUID], data: JSONBody[Usage]) -> Response[UsageOut]:
    """Usage goes on the customer's next invoice. The same message under the same key again answers 200 and charges nothing more."""
    row, is_new = await usage.enter(actor, service_id, data)
    return Response(UsageOut.of(row), status_code=201 if is_new else 200)


router = Router(
    "/",
    route_handlers=documented([enter_usage], NotFound, Invalid, NotAllowed, UsageDiffers),
    before_request=from_members,
    tags=["services"],
)
