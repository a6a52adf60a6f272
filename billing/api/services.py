"""Services of a customer as JSON."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from partner_portal.kernel.actor import ActorKind, Role
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound
from partner_portal.web import auth, conditional, requests
from partner_portal.web.money import MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import LARGEST_CSV, ONLY_READS, from_members
from tenants.policy import LocationKind, Scope
from tenants.service import customers

from ..service import imports, services, suspensions
from ..service.services import AgreedTerms, Number
from ..service.suspensions import Suspended


class NoticeOut(msgspec.Struct, frozen=True):
    """How notice is given: so many days (D), weeks (W), months (M) or working days (WD)."""

    n: int
    unit: str
    count_from: str


class TermsOut(msgspec.Struct, frozen=True, kw_only=True):
    """When the service can end, as the contract has it."""

    starts_on: date
    signed_on: date
    minimum_months: int
    explicit_end: date | None
    renewal: str
    renewal_months: int
    notice: NoticeOut
    align: str
    billing_months: int
    paid_until: date
    buyout_rule: str | None


class ServiceOut(msgspec.Struct, frozen=True, kw_only=True):
    """A running service with its terms; `ends_on` is its last day once an end is planned, `suspended_since` the day it stopped for an unpaid invoice."""

    id: UUID
    number: str
    label: str
    product: str
    kind: str
    quantity: int
    monthly_fee: MoneyOut
    wholesale_fee: MoneyOut | None
    location: str | None
    bundle: str | None
    ends_on: date | None
    billing_ends_on: date | None
    suspended_since: date | None
    terms: TermsOut

    @classmethod
    def of(cls, row: Any, suspended: Suspended | None = None) -> ServiceOut:
        """The service as the database has it."""
        terms = TermsOut(
            starts_on=row["starts_on"],
            signed_on=row["signed_on"],
            minimum_months=row["minimum_months"],
            explicit_end=row["explicit_end"],
            renewal=row["renewal"],
            renewal_months=row["renewal_months"],
            notice=NoticeOut(row["notice_n"], row["notice_unit"], row["notice_from"]),
            align=row["align"],
            billing_months=row["billing_months"],
            paid_until=row["paid_until"],
            buyout_rule=row["rule_name"],
        )
        wholesale = row["wholesale_cents"]
        return cls(
            id=row["id"],
            number=row["number"],
            label=row["label"],
            product=row["product_code"],
            kind=row["product_kind"],
            quantity=row["quantity"],
            monthly_fee=MoneyOut(text(row["fee_cents"])),
            wholesale_fee=None if wholesale is None else MoneyOut(text(wholesale)),
            location=f"{row['location_street']}, {row['location_city']}" if row["location_street"] else None,
            bundle=row["bundle"],
            ends_on=row["ends_on"],
            billing_ends_on=row["billing_ends_on"],
            suspended_since=suspended.since if suspended else None,
            terms=terms,
        )


class Imported(msgspec.Struct, frozen=True):
    """How many rows were imported."""

    rows: int


class NewService(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service as a partner enters it; without a number it gets one."""

    product: Annotated[str, Meta(min_length=1, max_length=40)]
    terms: AgreedTerms
    number: Number | None = None
    location: LocationKind | None = None


@get("/customers/{customer_id:uuid}/services", opt={ONLY_READS: True})
async def list_services(customer_id: FromPath[UUID]) -> list[ServiceOut]:
    """The customer's running services with their terms."""
    rows = await services.of_customer(customer_id)
    if not rows:
        await customers.one(customer_id)
    stopped = await suspensions.of_services([row["id"] for row in rows])
    return [ServiceOut.of(row, stopped.get(row["id"])) for row in rows]


@post("/customers/{customer_id:uuid}/services", guards=[auth.requires(Role.OWNER, Role.CLERK, Scope.CUSTOMERS)])
async def enter_service(actor: auth.Acting, customer_id: FromPath[UUID], data: JSONBody[NewService]) -> Response[ServiceOut]:
    """A service the customer has, with the terms of its contract. The wholesale price is the provider's to set."""
    if data.terms.wholesale_cents is not None and actor.kind is not ActorKind.STAFF:
        raise Invalid(FieldError("/terms/wholesale_cents", "set-by-provider"))
    service = await services.enter(
        actor, customer=customer_id, product=data.product, terms=data.terms, number=data.number, location=data.location
    )
    row = (await services.by_id([service]))[0]
    return Response(ServiceOut.of(row), status_code=201, headers={"etag": conditional.etag(row["version"])})


@post("/services/import", guards=[auth.requires(Role.OWNER, Role.CLERK, Scope.CUSTOMERS)], request_max_body_size=LARGEST_CSV)
async def import_services(request: Request[Any, Any, Any], actor: auth.Acting) -> Imported:
    """Services of customers that exist, from a CSV (text/csv): all of them, or none and every wrong cell named by row and column."""
    return Imported(await imports.of_services(actor, await requests.csv_text(request)))


router = Router(
    "/",
    route_handlers=documented([list_services, enter_service, import_services], NotFound, Invalid, NotAllowed),
    before_request=from_members,
    tags=["services"],
)
