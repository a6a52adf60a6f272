"""Customers as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth, conditional, lists, requests
from partner_portal.web.openapi import documented
from partner_portal.web.requests import LARGEST_CSV, ONLY_READS, from_members

from .. import policy
from ..service import customers, imports
from ..service.customers import Address, CustomerChange, MainContact, NewCustomer

Q = Annotated[
    str | None,
    QueryParameter(
        max_length=100, description="Beginnings of words of the customer or a contact; capitals, accents and one mistake do not matter."
    ),
]


class CustomerRow(msgspec.Struct, frozen=True):
    """A customer as a list shows it."""

    id: UUID
    number: str
    name: str
    segment: str
    language: str
    country: str
    contact_name: str | None
    contact_email: str | None


class CustomerOut(msgspec.Struct, frozen=True):
    """A customer with its main contact and addresses."""

    id: UUID
    number: str
    name: str
    segment: str
    language: str
    country: str
    vat_id: str | None
    chamber_number: str | None
    staff_count: int | None
    main_contact: MainContact | None
    billing_address: Address | None
    visit_address: Address | None
    created_at: datetime

    @classmethod
    def of(cls, row: Any) -> CustomerOut:
        """The customer as the database has it."""
        addresses = msgspec.json.decode(row["addresses"], type=dict[str, Address]) if row["addresses"] else {}
        contact = MainContact(row["contact_name"], row["contact_email"], row["contact_phone"]) if row["contact_name"] else None
        same = {
            name: row[name]
            for name in ("id", "number", "name", "segment", "language", "country", "vat_id", "chamber_number", "staff_count")
        }
        return cls(
            **same,
            main_contact=contact,
            billing_address=addresses.get(policy.LocationKind.BILLING),
            visit_address=addresses.get(policy.LocationKind.VISIT),
            created_at=row["created_at"],
        )


class Imported(msgspec.Struct, frozen=True):
    """How many rows were imported."""

    rows: int


@get("/customers", opt={ONLY_READS: True})
async def list_customers(
    request: Request[Any, Any, Any], q: Q = None, after: lists.After = None, sort: lists.Sort = None, limit: lists.Limit = 50
) -> Response[lists.ListOut[CustomerRow]]:
    """The partner's customers."""
    window = customers.LISTING.window(sort=sort, after=after, limit=limit, q=q or "")
    page = window.page(await customers.page(window, q=q or ""))
    return lists.answer(request, page, _row)


def _row(row: Any) -> CustomerRow:
    return CustomerRow(*row)


@post("/customers", guards=[auth.requires(Role.OWNER, Role.CLERK, policy.Scope.CUSTOMERS)])
async def create_customer(actor: auth.Acting, data: JSONBody[NewCustomer]) -> Response[CustomerOut]:
    """A new customer."""
    row = await customers.one(await customers.create(actor, data))
    return Response(
        CustomerOut.of(row),
        status_code=201,
        headers={"location": f"/api/v1/customers/{row['id']}", "etag": conditional.etag(row["version"])},
    )


@post("/customers/import", guards=[auth.requires(Role.OWNER, Role.CLERK, policy.Scope.CUSTOMERS)], request_max_body_size=LARGEST_CSV)
async def import_customers(request: Request[Any, Any, Any], actor: auth.Acting) -> Imported:
    """Customers from a CSV (text/csv): all of them, or none and every wrong cell named by row and column."""
    return Imported(await imports.of_customers(actor, await requests.csv_text(request)))


@get("/customers/{customer_id:uuid}")
async def show_customer(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[CustomerOut | None]:
    """One customer; its ETag names the version that a change must name."""
    row = await customers.one(customer_id)
    return conditional.answer(request, CustomerOut.of(row), row["version"])


@patch("/customers/{customer_id:uuid}", guards=[auth.requires(Role.OWNER, Role.CLERK, policy.Scope.CUSTOMERS)])
async def change_customer(
    request: Request[Any, Any, Any], actor: auth.Acting, customer_id: FromPath[UUID], data: JSONBody[CustomerChange]
) -> Response[CustomerOut]:
    """Change what is given; If-Match names the version that was read."""
    conditional.require_match(request, await customers.version_of(customer_id))
    await customers.change(actor, customer_id, data)
    row = await customers.one(customer_id)
    return Response(CustomerOut.of(row), headers={"etag": conditional.etag(row["version"])})


router = Router(
    "/",
    route_handlers=documented(
        [list_customers, create_customer, import_customers, show_customer, change_customer], NotFound, Invalid, NotAllowed
    ),
    before_request=from_members,
    tags=["customers"],
)
