"""What is open: a partner's customers and its own debts, by age, as a picture, a list and a file; a contact's own; and each debtor's statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath
from markupsafe import Markup

from partner_portal.infra import catalogue, clock, pdf
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.spreadsheets_out import Cell
from partner_portal.kernel.money import Money
from partner_portal.web import auth, charts, exports, lists, pages
from partner_portal.web.charts import Bar
from tenants.service import customers

from ..policy.reminding import Bucket, Held, Level
from ..service import open_items, paper, reminder_policies, statement_letters, transfers
from ..service.open_items import LISTING, Ageing, Filter
from ..service.statement_letters import AGES

PATH, OWN = "/portal/open-items", "/portal/own/open-items"
HOLDS: dict[str, str] = {
    Held.DISPUTED: sentence("disputed"),
    Held.PLAN: sentence("payment plan"),
    Held.BANKRUPT: sentence("bankrupt"),
    Held.DECEASED: sentence("deceased"),
    Held.BOUNCED: sentence("mail came back"),
}
_BELOW: dict[str, str] = {
    Bucket.NOT_DUE: sentence("Not due yet"),
    Bucket.TO_30: sentence("1–30 days"),
    Bucket.TO_60: sentence("31–60 days"),
    Bucket.TO_90: sentence("61–90 days"),
    Bucket.OLDER: sentence("90+ days"),
}
"""The same below a column, where a telephone has little room."""
LEVELS: dict[int, str] = {
    Level.NOTE: sentence("note before the due date"),
    Level.FIRST: sentence("first reminder"),
    Level.SECOND: sentence("second reminder"),
    Level.THIRD: sentence("last reminder"),
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of the list asks for; what makes no sense in it is as if it had not been said."""

    filter: Filter
    path: str = PATH
    after: str | None = None

    @classmethod
    def of(cls, asked: Mapping[str, str], path: str = PATH) -> Wanted:
        """As these values of an address ask."""
        known = {name: asked.get(name, "").strip()[:100] for name in Filter.__struct_fields__}
        return cls(filter=lists.understood(Filter, known), path=path, after=asked.get("after") or None)

    def address(self, path: str = "", **more: str) -> str:
        """The same list, or the same items at `path`, with something else besides."""
        said = {name: value for name, value in {**self.filter.asked, **more}.items() if value}
        return f"{path or self.path}?{urlencode(said)}" if said else path or self.path

    def with_age(self, age: str) -> str:
        """The address of the items of another age."""
        return Wanted(filter=msgspec.structs.replace(self.filter, age=age), path=self.path).address()

    @property
    def is_narrowed(self) -> bool:
        """Whether more was asked for than whose."""
        return bool(set(self.filter.asked) - {"whose"})


@get("/")
async def listed(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """What the partner's customers owe, the oldest first, and how old all of it is; for htmx only the list."""
    wanted = Wanted.of(request.query_params)
    chosen = wanted.filter.customer
    return await _list(
        request,
        wanted,
        actor.language,
        customer=None if chosen is None else await customers.one(chosen),
        owes_itself=bool((await open_items.ageing(Filter(whose="own"))).cents) if wanted.filter.whose == "" else True,
        policy=await reminder_policies.of_tenant(_tenant(actor.tenant)),
    )


@get("/")
async def own(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """What the contact's organisation still has to pay."""
    wanted = Wanted.of({name: value for name, value in request.query_params.items() if name in {"age", "after"}}, OWN)
    return await _list(request, wanted, actor.language, customer=None, owes_itself=False, policy=None)


async def _list(request: Request[Any, Any, Any], wanted: Wanted, language: str, **more: Any) -> Response[bytes]:
    window = LISTING.window_or_first(after=wanted.after, **wanted.filter.asked, path=wanted.path)
    found = window.page(await open_items.page(window, wanted.filter))
    ageing = await open_items.ageing(wanted.filter)
    answer = await pages.page(
        request,
        "billing/open_items/list.html",
        block="list",
        wanted=wanted,
        is_own=wanted.path == OWN,
        rows=found.rows,
        pager={"previous": wanted.address() if window.last else "", "next": wanted.address(after=found.next) if found.next else ""},
        ageing=ageing,
        in_favour=await open_items.in_favour(wanted.filter),
        picture=picture(ageing, language),
        ages=AGES,
        holds=HOLDS,
        levels=LEVELS,
        today=clock.today(),
        accounts=await transfers.of([row["id"] for row in found.rows]) if wanted.path == OWN or wanted.filter.whose == "own" else [],
        in_fours=paper.in_fours,
        **more,
    )
    answer.headers["hx-replace-url"] = wanted.address()
    return answer


def picture(ageing: Ageing, language: str) -> Markup:
    """What is open by age, as columns."""
    said = catalogue.text(
        sentence("%(all)s is open, of which %(overdue)s is overdue"),
        language,
        all=Money(ageing.cents),
        overdue=Money(ageing.overdue_cents),
    )
    columns = [Bar(catalogue.text(_BELOW[one.bucket], language), one.cents) for one in ageing.buckets]
    return charts.bars(columns, language=language, words=said, money=True)


def _tenant(tenant: UUID | None) -> UUID:
    assert tenant is not None  # noqa: S101  # whoever sees these pages has one
    return tenant


@get("/export.csv")
async def export_csv(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """Exactly the items of the filter, for programs."""
    return await _export(Wanted.of(request.query_params), actor.language, "csv")


@get("/export.xlsx")
async def export_xlsx(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The same as a workbook."""
    return await _export(Wanted.of(request.query_params), actor.language, "xlsx")


_FILE = sentence("open-items")
_HEADINGS = (
    sentence("Invoice"),
    sentence("Customer number"),
    sentence("Customer"),
    sentence("Issued on"),
    sentence("Due date"),
    sentence("Days overdue"),
    sentence("Amount"),
    sentence("Open"),
    sentence("Reminded"),
    sentence("Waits because"),
    sentence("Reference"),
)


async def _export(wanted: Wanted, language: str, kind: exports.Kind) -> Response[bytes]:
    table = [_cells(row, language) for row in await open_items.export(wanted.filter)]
    return await exports.table(kind, _FILE, _HEADINGS, table, language)


def _cells(row: asyncpg.Record, language: str) -> list[Cell]:
    level, reason = row["reminded"], row["held"]
    return [
        row["number"],
        row["customer_number"],
        row["customer_name"] or row["debtor"],
        row["issued_on"],
        row["due_on"],
        max((clock.today() - row["due_on"]).days, 0),
        Money(row["gross_cents"]),
        Money(row["open_cents"]),
        None if level is None else catalogue.text(LEVELS[level], language),
        catalogue.text(HOLDS[reason], language) if reason else None,
        row["reference"],
    ]


@get("/customers/{customer_id:uuid}/statement.pdf")
async def statement(actor: auth.Acting, customer_id: FromPath[UUID]) -> Response[bytes]:
    """The customer's account as a letter, in the customer's language."""
    row = await customers.one(customer_id)
    return await _statement(_tenant(actor.tenant), customer_id, row["language"])


@get("/statement.pdf")
async def statement_of_partner(actor: auth.Acting) -> Response[bytes]:
    """What the partner itself owes the provider, as a letter."""
    return await _statement(_tenant(actor.tenant), None, actor.language)


@get("/statement.pdf")
async def own_statement(actor: auth.Acting) -> Response[bytes]:
    """The organisation's account as a letter."""
    assert actor.customer is not None  # noqa: S101  # a contact has one
    return await _statement(_tenant(actor.tenant), actor.customer, actor.language)


async def _statement(tenant: UUID, customer: UUID | None, language: str) -> Response[bytes]:
    name, words = await statement_letters.words(tenant, customer, language)
    content = await pdf.render(statement_letters.LETTER, language=language, **words)
    return exports.attached(content, f"{name}.pdf", "application/pdf")


routers = [
    Router(
        PATH,
        route_handlers=[listed, export_csv, export_xlsx, statement, statement_of_partner],
        before_request=pages.for_members,
        include_in_schema=False,
    ),
    Router(OWN, route_handlers=[own, own_statement], before_request=pages.for_contacts, include_in_schema=False),
]
