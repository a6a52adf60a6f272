"""Invoices in the browser: the partner's list with its sums and files, one document with its lines and why, and the same for a customer's own."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

import asyncpg
import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath

from partner_portal.infra import catalogue, mail, pdf
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.spreadsheets_out import Cell
from partner_portal.kernel.actor import ActorKind
from partner_portal.kernel.money import Money
from partner_portal.web import answers, auth, exports, lists, pages

from ..policy.ledger import Layer
from ..service import archive, documents, invoice_list, invoice_view, paper
from ..service.archive import Named
from ..service.invoice_list import LISTING, Filter

PATH, OWN = "/portal/invoices", "/portal/own/invoices"
SORTS: dict[str, str] = {
    "-issued": sentence("newest first"),
    "issued": sentence("oldest first"),
    "due": sentence("first due first"),
    "-due": sentence("last due first"),
}
_SAID: dict[str, dict[str, str]] = {
    "state": {
        "unpaid": sentence("not paid yet"),
        "overdue": sentence("overdue"),
        "paid": sentence("paid"),
        "credited": sentence("credited"),
    },
    "kind": {"invoice": sentence("invoices"), "credit note": sentence("credit notes"), "damages": sentence("notes of damage")},
    "layer": {"customer": sentence("to your customers"), "partner": sentence("to you")},
}
"""What each filter means in a sentence about the list; the choices of its form are the same words."""
_OPEN = {
    "q": sentence("with “%(value)s”"),
    "issued_from": sentence("of %(value)s or later"),
    "issued_until": sentence("of %(value)s or earlier"),
    "customer": sentence("of %(value)s"),
}


class Part(msgspec.Struct, frozen=True):
    """One part of the sentence that says what is shown, and the address of the list without it."""

    words: str
    without: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of the list asks for; what makes no sense in it is as if it had not been said."""

    filter: Filter
    sort: str
    after: str | None
    path: str = PATH

    @classmethod
    def of(cls, request: Request[Any, Any, Any], path: str = PATH) -> Wanted:
        """As this request asks."""
        asked = request.query_params
        sort = asked.get("sort", "")
        return cls(
            filter=lists.understood(Filter, {name: asked.get(name, "").strip() for name in Filter.__struct_fields__}),
            sort=sort if sort in SORTS else LISTING.usual,
            after=asked.get("after") or None,
            path=path,
        )

    @property
    def is_filtered(self) -> bool:
        """Whether more than words is asked for."""
        return self.filter.asked.keys() != {"q"} & self.filter.asked.keys()

    def address(self, path: str = "", **more: str) -> str:
        """The same list at `path`, with something else besides: nothing said twice, nothing said that goes without saying."""
        said = {**self.filter.asked, **({"sort": self.sort} if self.sort != LISTING.usual else {}), **more}
        said = {name: value for name, value in said.items() if value}
        return f"{path or self.path}?{urlencode(said)}" if said else path or self.path

    def sentence(self, rows: list[asyncpg.Record], language: str) -> list[Part]:
        """What is shown, filter by filter, each with the way to the list without it."""
        return [Part(self._said(name, value, rows, language), self.address(**{name: ""})) for name, value in self.filter.asked.items()]

    def _said(self, name: str, value: str, rows: list[asyncpg.Record], language: str) -> str:
        if name in _SAID:
            return catalogue.text(_SAID[name][value], language)
        shown: object = date.fromisoformat(value) if name.startswith("issued") else value
        if name == "customer":
            shown = rows[0]["debtor_name"] if rows else catalogue.text(sentence("one customer"), language)
        return catalogue.text(_OPEN[name], language, value=shown)


@get("/")
async def listed(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The partner's documents with their sums; for htmx only the rows."""
    wanted = Wanted.of(request)
    answer = await _list(request, wanted, actor.language)
    answer.headers["hx-replace-url"] = wanted.address()
    return answer


async def _list(request: Request[Any, Any, Any], wanted: Wanted, language: str) -> Response[bytes]:
    window = LISTING.window_or_first(sort=wanted.sort, after=wanted.after, **wanted.filter.asked)
    found = await invoice_list.page(window, wanted.filter)
    page = window.page(found.rows)
    return await pages.page(
        request,
        "billing/invoices/list.html",
        block="list",
        wanted=wanted,
        is_own=wanted.path == OWN,
        rows=[(row, documents.label_of(row)) for row in page.rows],
        parts=wanted.sentence(found.rows, language),
        sums=await invoice_list.sums(wanted.filter, found.sought) if page.rows else None,
        pager={"previous": wanted.address() if window.last else "", "next": wanted.address(after=page.next) if page.next else ""},
        sorts=SORTS,
        choices=_SAID,
        titles=invoice_view.TITLES,
        labels=invoice_view.LABELS,
    )


@get("/export.csv")
async def export_csv(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """Exactly the documents of the filter, for programs."""
    return await _export(request, actor.language, "csv")


@get("/export.xlsx")
async def export_xlsx(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The same as a workbook."""
    return await _export(request, actor.language, "xlsx")


_FILE = sentence("invoices")
_HEADINGS = (
    sentence("Number"),
    sentence("Document"),
    sentence("Customer number"),
    sentence("Customer"),
    sentence("Date"),
    sentence("Pay by"),
    sentence("Without VAT"),
    sentence("VAT"),
    sentence("With VAT"),
    sentence("Open"),
    sentence("State"),
    sentence("Paid on"),
    sentence("Reference"),
)


async def _export(request: Request[Any, Any, Any], language: str, kind: exports.Kind) -> Response[bytes]:
    wanted = Wanted.of(request)
    table = [_cells(row, language) for row in await invoice_list.export(wanted.sort, wanted.filter)]
    return await exports.table(kind, _FILE, _HEADINGS, table, language)


def _cells(row: asyncpg.Record, language: str) -> list[Cell]:
    label = documents.label_of(row)
    sign = -1 if row["kind"] == "credit note" else 1
    return [
        row["number"],
        catalogue.text(invoice_view.TITLES[row["kind"]], language),
        row["customer_number"],
        row["debtor_name"],
        row["issued_on"],
        row["due_on"],
        *(Money(sign * row[name]) for name in ("net_cents", "vat_cents", "gross_cents", "open_cents")),
        catalogue.text(invoice_view.LABELS[label][0], language) if label else "",
        row["paid_on"],
        row["reference"],
    ]


@get("/")
async def own_listed(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The organisation's own documents, the newest first."""
    return await _list(request, Wanted.of(request, OWN), actor.language)


@get("/{invoice_id:str}")
async def show(request: Request[Any, Any, Any], actor: auth.Acting, invoice_id: FromPath[str]) -> Response[Any]:
    """One document: lines with why, VAT, what settled it, what was sent; `.pdf` (with `copy=true` a copy) and `.xml` after its id are the files."""
    wanted = archive.named(invoice_id)
    if wanted.form:
        return await _file(wanted, is_copy=request.query_params.get("copy") == "true")
    view = await invoice_view.one(wanted.id)
    is_contact = actor.kind is ActorKind.CONTACT
    return await pages.page(
        request,
        "billing/invoices/one.html",
        view=view,
        document=view.document,
        stands=view.stands,
        home=OWN if is_contact else PATH,
        is_contact=is_contact,
        is_mine=not is_contact and view.document.layer is Layer.PARTNER,
        why={line.position: invoice_view.why(view.document, line, actor.language) for line in view.document.lines},
        sent=() if is_contact else await mail.about(wanted.id),
        methods=invoice_view.METHODS,
        titles=invoice_view.TITLES,
        labels=invoice_view.LABELS,
        refunds=invoice_view.REFUNDS,
        last_day=paper.last_day,
        in_fours=paper.in_fours,
    )


async def _file(wanted: Named, *, is_copy: bool) -> Response[bytes]:
    """The original, a copy of it made now, or the e-invoice."""
    if wanted.form == "xml":
        return answers.on_file(*await archive.einvoice(wanted.id))
    if not is_copy:
        return answers.on_file(*await archive.original(wanted.id))
    number, sheets = await archive.copy(wanted.id)
    return answers.fresh_pdf(number, await pdf.write(*sheets))


routers = [
    Router(PATH, route_handlers=[listed, export_csv, export_xlsx, show], before_request=pages.for_members, include_in_schema=False),
    Router(OWN, route_handlers=[own_listed, show], before_request=pages.for_contacts, include_in_schema=False),
]
