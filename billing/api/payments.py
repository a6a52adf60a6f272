"""Payment links as JSON."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from litestar.params import JSONBody
from msgspec import Meta

from partner_portal.infra import settings
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth
from partner_portal.web.money import MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import from_members
from tenants.policy import Scope

from ..service import pay_links


class PaymentWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The invoices to be paid together, all of one customer and one sender."""

    invoice_ids: Annotated[list[UUID], Meta(min_length=1, max_length=pay_links.MOST)]


class PaymentLinkOut(msgspec.Struct, frozen=True, kw_only=True):
    """Where the invoices are paid without signing in, and what is open of them now. The same invoices have the same link."""

    id: UUID
    url: str
    amount: MoneyOut
    can_be_paid_online: bool
    invoice_ids: list[UUID]


@post("/payments", guards=[auth.requires(Role.OWNER, Role.CLERK, Scope.CUSTOMERS)])
async def create_payment_link(actor: auth.Acting, data: JSONBody[PaymentWanted]) -> Response[PaymentLinkOut]:
    """A link with which anybody pays these invoices together; nothing is paid by asking for it."""
    link = await pay_links.make(actor, data.invoice_ids)
    view = await pay_links.look(link)
    out = PaymentLinkOut(
        id=link,
        url=f"{settings.current().public_url}{pay_links.path(link)}",
        amount=MoneyOut(text(view.open_cents)),
        can_be_paid_online=view.online,
        invoice_ids=[one.id for one in view.owed],
    )
    return Response(out, status_code=201)


router = Router(
    "/", route_handlers=documented([create_payment_link], NotFound, Invalid, NotAllowed), before_request=from_members, tags=["payments"]
)
