"""Signing in, customers and API keys as JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from partner_portal.infra import rates
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth, conditional, idempotency, identity, lists, requests
from partner_portal.web.openapi import documented
from partner_portal.web.problems import TooManyRequests
from partner_portal.web.requests import LARGEST_CSV, ONLY_READS, from_members

from . import policy
from .service import customers, imports, keys, sign_in
from .service.customers import Address, CustomerChange, MainContact, NewCustomer

Q = Annotated[str | None, QueryParameter(max_length=100, description="Words to look for.")]


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """E-mail and password of a member."""

    email: Annotated[str, Meta(max_length=320)]
    password: Annotated[str, Meta(max_length=1000)]


class SignedIn(msgspec.Struct, frozen=True):
    """Who is signed in, and the token that changes must send along as X-CSRF-Token."""

    name: str
    tenant_id: UUID
    roles: list[str]
    language: str
    csrf_token: str


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


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: frozenset[policy.Scope]
    expires_on: date | None = None


class KeyOut(msgspec.Struct, frozen=True):
    """A key without its secret."""

    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    expires_on: date | None
    used_at: datetime | None
    revoked_at: datetime | None


class KeyMade(msgspec.Struct, frozen=True):
    """A new key; `key` is shown this once."""

    id: UUID
    key: str


@post("/session", status_code=200)
async def open_session(request: Request[Any, Any, Any], data: JSONBody[SignIn]) -> Response[SignedIn]:
    """Sign in; the answer sets the session cookie."""
    address = identity.rate_address(request.client.host if request.client else "")
    if wait := await rates.attempt(data.email, address):
        raise TooManyRequests(retry_after=wait)
    actor = await sign_in.with_password(data.email, data.password)
    await rates.succeeded(data.email, address)
    response: Response[Any] = Response(None, status_code=200)
    token = await auth.sign_in(request, response, who=actor.trail, tenant=actor.tenant)
    assert actor.tenant is not None  # noqa: S101  # a member always has one
    response.content = SignedIn(actor.label, actor.tenant, sorted(actor.roles), actor.language, token)
    return response


@delete("/session", status_code=204)
async def close_session(request: Request[Any, Any, Any]) -> Response[None]:
    """Sign out."""
    response: Response[None] = Response(None, status_code=204)
    await auth.sign_out(request, response)
    return response


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


@get("/api-keys", guards=[auth.requires(Role.OWNER)])
async def list_keys() -> list[KeyOut]:
    """The partner's API keys, newest first."""
    return [
        KeyOut(key.id, key.name, key.prefix, key.scopes.split(), key.expires_on, key.used_at, key.revoked_at) for key in await keys.listed()
    ]


@post("/api-keys", guards=[auth.requires(Role.OWNER)], opt={idempotency.SECRET_ANSWER: True})
async def make_key(actor: auth.Acting, data: JSONBody[NewKey]) -> KeyMade:
    """A new API key; its secret is shown this once."""
    made = await keys.make(actor, name=data.name, scopes=data.scopes, expires_on=data.expires_on)
    return KeyMade(made.id, made.secret)


@delete("/api-keys/{key_id:uuid}", guards=[auth.requires(Role.OWNER)], status_code=204)
async def revoke_key(actor: auth.Acting, key_id: FromPath[UUID]) -> None:
    """The key is of no use any more."""
    await keys.revoke(actor, key_id)


session_router = Router("/", route_handlers=[open_session, close_session], tags=["session"])
router = Router(
    "/",
    route_handlers=documented(
        [list_customers, create_customer, import_customers, show_customer, change_customer, list_keys, make_key, revoke_key],
        NotFound,
        Invalid,
        NotAllowed,
    ),
    before_request=from_members,
    tags=["customers"],
)
