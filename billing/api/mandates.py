"""A customer's mandate as JSON: for its partner, and for its own people, who give and withdraw it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody

from partner_portal.kernel.actor import ContactRight, Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth
from partner_portal.web.money import MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import from_contacts, from_members
from tenants.policy import Scope

from ..policy.money_in import Scheme, Signed
from ..service import mandate_links, own_mandates
from ..service.account_changes import masked
from ..service.debits import CreditorUnknown
from ..service.mandate_links import Given, NobodyToInvite
from ..service.mandates import MandateEnded, MandateInForce


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


class OwnMandateOut(MandateOut, frozen=True, kw_only=True):
    """A mandate in force, as its own debtor sees it. Before `rests_until`, where it is there, nothing is collected from the account."""

    id: UUID
    rests_until: date | None


class ComingOut(msgspec.Struct, frozen=True, kw_only=True):
    """A collection that was announced; `at_bank`: the bank has the file, and only the payer's own bank takes it back."""

    invoice_id: UUID
    number: str
    amount: MoneyOut
    on: date
    at_bank: bool


class OwnCollectingOut(msgspec.Struct, frozen=True, kw_only=True):
    """How your organisation's invoices are collected.

    Without a mandate `text` is what giving one means, to be read by whoever gives it, and `words` what to send with it; without `creditor_id` nobody
    collects.
    """

    mandate: OwnMandateOut | None
    creditor_id: str | None
    text: str
    words: str
    collections: list[ComingOut]


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
        mandate=MandateOut(**_said(stands.mandate)) if stands.mandate else None,
        invitation=InvitationOut(
            id=stands.invitation["id"],
            email=stands.invitation["email"],
            sent_at=stands.invitation["made_at"],
            expires_at=stands.invitation["expires_at"],
        )
        if stands.invitation
        else None,
    )


def _said(row: Any) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("reference", "holder", "signed_on", "announced_days", "last_used_on")},
        "account": masked(row["iban"]),
        "signed_how": Signed(row["signed_how"]),
        "scheme": Scheme(row["scheme"]),
    }


_DECIDES = [auth.requires(ContactRight.ADMINISTRATIVE, ContactRight.SIGNS)]


@get("/own/mandate")
async def show_own_mandate(actor: auth.Acting) -> OwnCollectingOut:
    """The mandate of your organisation, and what will be collected by it."""
    return await _own(actor)


@post("/own/mandate", guards=_DECIDES)
async def give_own_mandate(request: Request[Any, Any, Any], actor: auth.Acting, data: JSONBody[Given]) -> Response[OwnCollectingOut]:
    """Your organisation's invoices are collected from this account. `words` says which text was read; a copy goes to where the invoices go."""
    seen = {"from": request.client.host if request.client else "", "with": request.headers.get("user-agent", "")[:300]}
    await mandate_links.give_own(actor, data, seen)
    return Response(await _own(actor), status_code=201)


@post("/own/mandate/{mandate_id:uuid}/withdrawal", status_code=200, guards=_DECIDES)
async def withdraw_own_mandate(actor: auth.Acting, mandate_id: FromPath[UUID]) -> OwnCollectingOut:
    """Nothing is collected by the mandate any more but what the bank has the file of; a mail says so."""
    await own_mandates.withdraw(actor, mandate_id)
    return await _own(actor)


async def _own(actor: auth.Acting) -> OwnCollectingOut:
    own = await own_mandates.look(actor)
    one = own.mandate
    return OwnCollectingOut(
        mandate=OwnMandateOut(id=one["id"], rests_until=one["rests_until"], **_said(one)) if one else None,
        creditor_id=own.creditor.creditor_id if own.creditor else None,
        text=own.text,
        words=own.words if own.text else "",
        collections=[
            ComingOut(
                invoice_id=each.invoice, number=each.number, amount=MoneyOut(text(each.amount_cents)), on=each.on, at_bank=each.at_bank
            )
            for each in own.collections
        ],
    )


own_router = Router(
    "/",
    route_handlers=[
        *documented([show_own_mandate], NotAllowed),
        *documented([give_own_mandate], Invalid, NotAllowed, MandateInForce, CreditorUnknown, NobodyToInvite),
        *documented([withdraw_own_mandate], NotFound, NotAllowed, MandateEnded),
    ],
    before_request=from_contacts,
    tags=["own organisation"],
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
