"""A customer's mandate as JSON."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath

from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import NotAllowed, NotFound
from partner_portal.web import auth
from partner_portal.web.openapi import documented
from partner_portal.web.requests import from_members
from tenants.policy import Scope

from ..policy.money_in import Scheme, Signed
from ..service import mandate_links
from ..service.account_changes import masked
from ..service.debits import CreditorUnknown
from ..service.mandate_links import NobodyToInvite
from ..service.mandates import MandateInForce


class MandateOut(msgspec.Struct, frozen=True, kw_only=True):
    """A mandate in force; of the account as much as is needed to know it by."""

    reference: str
    account: str
    holder: str
    signed_on: date
    signed_how: Signed
    scheme: Scheme
    announced_days: int
    last_used_on: date | None


class InvitationOut(msgspec.Struct, frozen=True, kw_only=True):
    """A link that is out: to whom, since when, and until when it works."""

    id: UUID
    email: str
    sent_at: datetime
    expires_at: datetime


class CollectingOut(msgspec.Struct, frozen=True, kw_only=True):
    """How a customer's invoices are collected: by the mandate in force, if there is one; else the invitation that is open, if there is one."""

    mandate: MandateOut | None
    invitation: InvitationOut | None


@get("/customers/{customer_id:uuid}/mandate")
async def show_mandate(customer_id: FromPath[UUID]) -> CollectingOut:
    """The customer's mandate, or the invitation to give one."""
    return await _out(customer_id)


@post("/customers/{customer_id:uuid}/mandate-invitation", guards=[auth.requires(Role.OWNER, Role.CLERK, Scope.CUSTOMERS)])
async def invite_to_mandate(actor: auth.Acting, customer_id: FromPath[UUID]) -> Response[CollectingOut]:
    """The customer gets a link by mail, at the address for its invoices, with which it gives a mandate itself. An earlier link no longer works."""
    await mandate_links.invite(actor, customer_id)
    return Response(await _out(customer_id), status_code=201)


async def _out(customer: UUID) -> CollectingOut:
    stands = await mandate_links.of_customer(customer)
    return CollectingOut(
        mandate=MandateOut(
            **{name: stands.mandate[name] for name in ("reference", "holder", "signed_on", "announced_days", "last_used_on")},
            account=masked(stands.mandate["iban"]),
            signed_how=Signed(stands.mandate["signed_how"]),
            scheme=Scheme(stands.mandate["scheme"]),
        )
        if stands.mandate
        else None,
        invitation=InvitationOut(
            id=stands.invitation["id"],
            email=stands.invitation["email"],
            sent_at=stands.invitation["made_at"],
            expires_at=stands.invitation["expires_at"],
        )
        if stands.invitation
        else None,
    )


router = Router(
    "/",
    route_handlers=[
        *documented([show_mandate], NotFound),
        *documented([invite_to_mandate], NotFound, NotAllowed, MandateInForce, CreditorUnknown, NobodyToInvite),
    ],
    before_request=from_members,
    tags=["payments"],
)
