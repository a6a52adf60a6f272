"""Payments as JSON, and the links by which they are made."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from partner_portal.infra import settings
from partner_portal.kernel.actor import Role
from partner_portal.kernel.dates import local_date
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth, lists
from partner_portal.web.money import MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import ONLY_READS, from_members
from tenants.policy import Scope

from ..policy.money_in import Source
from ..service import pay_links, payment_list
from ..service.payment_list import LISTING, Filter, Seen


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


class PaymentRow(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came in, or went back (below zero; `reverses` is the payment it went back of, null where a document below zero was paid back).

    `on_account` is what has not settled anything yet. `source`: where it was seen; without `customer_id` the partner itself paid.
    """

    id: UUID
    customer_id: UUID | None
    customer_number: str | None
    debtor: str
    source: Source
    method: str
    amount: MoneyOut
    received_on: date
    on_account: MoneyOut
    reverses: UUID | None


class AllocationOut(msgspec.Struct, frozen=True, kw_only=True):
    """So much of the payment settled so much of a document, since `on`; below zero it was taken back."""

    invoice_id: UUID
    number: str
    amount: MoneyOut
    on: date


class BackOut(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the payment that went back, as a payment of its own, below zero."""

    id: UUID
    amount: MoneyOut
    on: date
    source: Source
    method: str


class PaymentOut(PaymentRow, frozen=True, kw_only=True):
    """A payment with everything it settled and what went back of it, the first first."""

    allocations: list[AllocationOut]
    went_back: list[BackOut]


@get("/payments", opt={ONLY_READS: True})
async def list_payments(  # noqa: PLR0913, PLR0917  # query parameters
    request: Request[Any, Any, Any],
    customer: Annotated[UUID | None, QueryParameter(description="Only what this customer paid.")] = None,
    invoice: Annotated[UUID | None, QueryParameter(description="Only what settled something of this document.")] = None,
    source: Annotated[Source | None, QueryParameter(description="Only what was seen there.")] = None,
    received_from: Annotated[date | None, QueryParameter(description="Only what came in on this day or later.")] = None,
    received_until: Annotated[date | None, QueryParameter(description="Only what came in on this day or earlier.")] = None,
    own: Annotated[bool, QueryParameter(description="Only what the partner itself paid.")] = False,  # noqa: FBT002  # a query parameter
    on_account: Annotated[bool, QueryParameter(description="Only of what something is on account.")] = False,  # noqa: FBT002
    sort: lists.Sort = None,
    after: lists.After = None,
    limit: lists.Limit = 50,
) -> Response[lists.ListOut[PaymentRow]]:
    """Payments of customers and of the partner itself, the newest first (`sort=received`: the oldest first)."""
    wanted = Filter(
        customer=customer,
        invoice=invoice,
        source=source,
        received_from=received_from,
        received_until=received_until,
        own=own,
        on_account=on_account,
    )
    window = LISTING.window(sort=sort, after=after, limit=limit, **wanted.asked)
    return lists.answer(request, window.page(await payment_list.page(window, wanted)), lambda row: PaymentRow(**_row(row)))


@get("/payments/{payment_id:uuid}", opt={ONLY_READS: True})
async def show_payment(payment_id: FromPath[UUID]) -> PaymentOut:
    """One payment with what it settled."""
    return _out(await payment_list.one(payment_id))


def _out(seen: Seen) -> PaymentOut:
    return PaymentOut(
        **_row(seen.row),
        allocations=[
            AllocationOut(
                invoice_id=row["invoice"], number=row["number"], amount=MoneyOut(text(row["amount_cents"])), on=local_date(row["made_at"])
            )
            for row in seen.allocations
        ],
        went_back=[
            BackOut(
                id=row["id"],
                amount=MoneyOut(text(row["amount_cents"])),
                on=row["received_on"],
                source=Source(row["source"]),
                method=row["method"],
            )
            for row in seen.backs
        ],
    )


def _row(row: Any) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "customer_number", "debtor", "method", "received_on", "reverses")},
        "customer_id": row["customer"],
        "source": Source(row["source"]),
        "amount": MoneyOut(text(row["amount_cents"])),
        "on_account": MoneyOut(text(row["left_cents"])),
    }


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
    "/",
    route_handlers=documented([list_payments, show_payment, create_payment_link], NotFound, Invalid, NotAllowed),
    before_request=from_members,
    tags=["payments"],
)
