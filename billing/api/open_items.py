"""What is open as JSON: item by item, by age, by debtor, and each debtor's account; for partners, their software, and a customer's own people."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, QueryParameter

from partner_portal.infra import clock, pdf, search
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import answers, auth, lists
from partner_portal.web.money import MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import ONLY_READS, from_contacts, from_members
from tenants.service import customers

from ..policy.ledger import Kind, Layer
from ..policy.reminding import Bucket, Held, bucket
from ..service import open_items, statement_letters
from ..service.open_items import DEBTORS, LISTING, Ageing, Filter, Owing


class OpenItem(msgspec.Struct, frozen=True, kw_only=True):
    """A document of which something is to be paid. `reminded` is the level reached so far: 0 the note before the due date, 3 the last reminder.

    `held` says why no reminders are sent; contacts are not told.
    """

    id: UUID
    number: str
    reference: str
    kind: Kind
    layer: Layer
    customer_id: UUID | None
    customer_number: str | None
    debtor: str
    issued_on: date
    due_on: date
    days_overdue: int
    age: Bucket
    total: MoneyOut
    open: MoneyOut
    reminded: int | None
    held: Held | None


class AgedOut(msgspec.Struct, frozen=True, kw_only=True):
    """What is open of one age, in days since the due date, and in how many items."""

    age: Bucket
    amount: MoneyOut
    items: int


class AgeingOut(msgspec.Struct, frozen=True, kw_only=True):
    """What is open on a day by age. `in_favour`: paid or credited and not settled with anything yet; `balance` is what is left to pay."""

    on: date
    total: MoneyOut
    overdue: MoneyOut
    in_favour: MoneyOut
    balance: MoneyOut
    ages: list[AgedOut]


class DebtorOut(msgspec.Struct, frozen=True, kw_only=True):
    """A customer that owes something, or (without `customer_id`) the partner itself."""

    customer_id: UUID | None
    customer_number: str | None
    debtor: str
    total: MoneyOut
    overdue: MoneyOut
    oldest_due_on: date
    ages: list[AgedOut]


class StatementOut(msgspec.Struct, frozen=True, kw_only=True):
    """A debtor's account as it stands: what is open, the oldest first (the oldest 500), by age, and what it has coming. `pdf` is the same as a letter."""

    on: date
    customer_id: UUID | None
    recipient: list[str]
    items: list[OpenItem]
    ageing: AgeingOut
    pdf: str


Q = Annotated[
    str,
    QueryParameter(max_length=search.LONGEST, description="Words in the number of the document, or the number or name of the customer."),
]
Age = Annotated[
    Literal["overdue", "not due", "1-30", "31-60", "61-90", "over 90"] | None,
    QueryParameter(description="Only items of this age, in days."),
]
Whose = Annotated[
    Literal["customers", "own"],
    QueryParameter(description="`customers`: what customers owe; `own`: what the partner itself owes the provider."),
]
Customer = Annotated[UUID | None, QueryParameter(description="Only what this customer owes.")]


@get("/open-items", opt={ONLY_READS: True})
async def list_open_items(  # noqa: PLR0913, PLR0917  # query parameters
    request: Request[Any, Any, Any],
    q: Q = "",
    age: Age = None,
    whose: Whose = "customers",
    customer: Customer = None,
    after: lists.After = None,
    limit: lists.Limit = 50,
) -> Response[lists.ListOut[OpenItem]]:
    """Every document of which something is to be paid, the one that was due first at the head."""
    return await _items(request, _wanted(q=q, age=age, whose=whose, customer=customer), after, limit)


@get("/open-items/ageing", opt={ONLY_READS: True})
async def show_ageing(q: Q = "", whose: Whose = "customers", customer: Customer = None) -> AgeingOut:
    """The same added up by age."""
    return await _ageing(_wanted(q=q, age=None, whose=whose, customer=customer))


@get("/open-items/debtors", opt={ONLY_READS: True})
async def list_debtors(
    request: Request[Any, Any, Any],
    whose: Whose = "customers",
    sort: lists.Sort = None,
    after: lists.After = None,
    limit: lists.Limit = 50,
) -> Response[lists.ListOut[DebtorOut]]:
    """Everybody who owes something, with what is open by age; whoever has most overdue first. Sorted by `overdue`, `open` or `oldest`."""
    window = DEBTORS.window(sort=sort, after=after, limit=limit, whose=whose)
    rows = await open_items.debtors(window, is_own=whose == "own")
    return lists.answer(request, window.page(rows), _debtor)


@get("/customers/{customer_id:uuid}/statement", opt={ONLY_READS: True})
async def show_statement(actor: auth.Acting, customer_id: FromPath[UUID]) -> StatementOut:
    """The customer's account as it stands today."""
    return await _statement(_tenant(actor), customer_id, f"/api/v1/customers/{customer_id}/statement.pdf")


_LETTER = {200: ResponseSpec(bytes, generate_examples=False, description="The letter.", media_type="application/pdf")}


@get("/customers/{customer_id:uuid}/statement.pdf", responses=_LETTER)
async def print_statement(actor: auth.Acting, customer_id: FromPath[UUID]) -> Response[bytes]:
    """The same as a letter, in the customer's language."""
    row = await customers.one(customer_id)
    return await _printed(_tenant(actor), customer_id, row["language"])


@get("/statement", opt={ONLY_READS: True})
async def show_partners_statement(actor: auth.Acting) -> StatementOut:
    """What the partner itself owes the provider, as it stands today."""
    return await _statement(_tenant(actor), None, "/api/v1/statement.pdf")


@get("/statement.pdf", responses=_LETTER)
async def print_partners_statement(actor: auth.Acting) -> Response[bytes]:
    """The same as a letter."""
    return await _printed(_tenant(actor), None, actor.language)


@get("/own/open-items")
async def list_own_open_items(
    request: Request[Any, Any, Any], actor: auth.Acting, age: Age = None, after: lists.After = None, limit: lists.Limit = 50
) -> Response[lists.ListOut[OpenItem]]:
    """What your organisation is still to pay, the one that was due first at the head."""
    return await _items(request, _wanted(q="", age=age, whose="customers", customer=_own(actor)), after, limit)


@get("/own/statement")
async def show_own_statement(actor: auth.Acting) -> StatementOut:
    """The account of your organisation as it stands today."""
    return await _statement(_tenant(actor), _own(actor), "/api/v1/own/statement.pdf")


@get("/own/statement.pdf", responses=_LETTER)
async def print_own_statement(actor: auth.Acting) -> Response[bytes]:
    """The same as a letter."""
    return await _printed(_tenant(actor), _own(actor), actor.language)


def _wanted(*, q: str, age: Any, whose: str, customer: UUID | None) -> Filter:
    return Filter(q=q.strip(), age=age or "", whose="own" if whose == "own" else "", customer=customer)


def _tenant(actor: auth.Acting) -> UUID:
    assert actor.tenant is not None  # noqa: S101  # whoever comes here has one
    return actor.tenant


def _own(actor: auth.Acting) -> UUID:
    assert actor.customer is not None  # noqa: S101  # contacts have one, and no others come here
    return actor.customer


async def _items(request: Request[Any, Any, Any], wanted: Filter, after: str | None, limit: int) -> Response[lists.ListOut[OpenItem]]:
    window = LISTING.window(after=after, limit=limit, **wanted.asked)
    return lists.answer(request, window.page(await open_items.page(window, wanted)), _item)


async def _ageing(wanted: Filter) -> AgeingOut:
    return _ageing_out(await open_items.ageing(wanted), await open_items.in_favour(wanted))


async def _statement(tenant: UUID, customer: UUID | None, letter: str) -> StatementOut:
    told = await open_items.statement(tenant, customer)
    return StatementOut(
        on=told.on,
        customer_id=customer,
        recipient=[line for line in told.recipient if line],
        items=[_item(row) for row in told.rows[: open_items.MOST_ON_A_STATEMENT]],
        ageing=_ageing_out(told.ageing, told.in_favour_cents),
        pdf=letter,
    )


async def _printed(tenant: UUID, customer: UUID | None, language: str) -> Response[bytes]:
    name, words = await statement_letters.words(tenant, customer, language)
    return answers.fresh_pdf(name, await pdf.render(statement_letters.LETTER, language=language, **words))


def _item(row: Any) -> OpenItem:
    today = clock.today()
    return OpenItem(
        **{name: row[name] for name in ("id", "number", "reference", "customer_number", "issued_on", "due_on", "reminded")},
        kind=Kind(row["kind"]),
        layer=Layer(row["layer"]),
        customer_id=row["customer"],
        debtor=row["customer_name"] or row["debtor"],
        days_overdue=max((today - row["due_on"]).days, 0),
        age=bucket(row["due_on"], today),
        total=MoneyOut(text(row["gross_cents"])),
        open=MoneyOut(text(row["open_cents"])),
        held=Held(row["held"]) if row["held"] else None,
    )


def _ages(ageing: Ageing) -> list[AgedOut]:
    return [AgedOut(age=one.bucket, amount=MoneyOut(text(one.cents)), items=one.count) for one in ageing.buckets]


def _ageing_out(ageing: Ageing, in_favour_cents: int) -> AgeingOut:
    return AgeingOut(
        on=clock.today(),
        total=MoneyOut(text(ageing.cents)),
        overdue=MoneyOut(text(ageing.overdue_cents)),
        in_favour=MoneyOut(text(in_favour_cents)),
        balance=MoneyOut(text(ageing.cents - in_favour_cents)),
        ages=_ages(ageing),
    )


def _debtor(row: Owing) -> DebtorOut:
    return DebtorOut(
        customer_id=row.customer,
        customer_number=row.number,
        debtor=row.name,
        total=MoneyOut(text(row.ageing.cents)),
        overdue=MoneyOut(text(row.ageing.overdue_cents)),
        oldest_due_on=row.oldest_on,
        ages=_ages(row.ageing),
    )


router = Router(
    "/",
    route_handlers=documented(
        [
            list_open_items,
            show_ageing,
            list_debtors,
            show_statement,
            print_statement,
            show_partners_statement,
            print_partners_statement,
        ],
        NotFound,
        Invalid,
        NotAllowed,
    ),
    before_request=from_members,
    tags=["open items"],
)
own_router = Router(
    "/",
    route_handlers=documented([list_own_open_items, show_own_statement, print_own_statement], NotFound, Invalid, NotAllowed),
    before_request=from_contacts,
    tags=["own organisation"],
)
