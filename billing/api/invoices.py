"""Invoices, credit notes and notes of damage as JSON, as PDF and as UBL."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get
from litestar.openapi import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from partner_portal.infra import pdf, search
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import answers, lists
from partner_portal.web.answers import JsonAnswer
from partner_portal.web.money import MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import ONLY_READS, from_members

from ..policy.debit import Collection
from ..policy.ledger import Kind, Label, Layer, LineKind, Unit
from ..policy.money_in import RefundState
from ..policy.tax import VatCategory
from ..service import archive, documents, invoice_list, invoice_view
from ..service.archive import Named
from ..service.documents import DocumentLine
from ..service.invoice_view import Settled, View
from ..service.parties import Party


class InvoiceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A document in a list. `state` is null for what nobody has to pay; of a credit note `open` is what it has not settled yet.

    `layer`: `customer` for documents to customers, `partner` for those to the partner itself.
    """

    id: UUID
    number: str
    kind: Kind
    layer: Layer
    state: Label | None
    customer_id: UUID | None
    customer_number: str | None
    debtor: str
    issued_on: date
    due_on: date
    total: MoneyOut
    open: MoneyOut
    paid_on: date | None


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line. `net` and `unit_price` are without VAT, `amount` is as the price was told; `period_until` is the first day after the period."""

    position: int
    kind: LineKind
    description: str
    service_id: UUID | None
    service_number: str | None
    quantity: str
    unit: Unit
    unit_price: str
    net: MoneyOut
    amount: MoneyOut
    vat_category: VatCategory
    vat_rate: str
    vat_country: str
    period_from: date | None
    period_until: date | None
    why: dict[str, str | int]


class VatOut(msgspec.Struct, frozen=True, kw_only=True):
    """The VAT of one category, rate and country, on the sum of its lines."""

    category: VatCategory
    rate: str
    country: str
    base: MoneyOut
    vat: MoneyOut


class SettledOut(msgspec.Struct, frozen=True, kw_only=True):
    """What settled a part of it: a payment by its method, or another document; below zero it was taken back."""

    on: date
    amount: MoneyOut
    method: str | None
    invoice_id: UUID | None
    number: str | None


class CreditOut(msgspec.Struct, frozen=True, kw_only=True):
    """A credit note that corrects it."""

    id: UUID
    number: str
    issued_on: date
    total: MoneyOut
    reason: str | None


class CollectionOut(msgspec.Struct, frozen=True, kw_only=True):
    """How it will be collected, as its debtor was told; `account` is as much of the account as is needed to know it by."""

    on: date
    amount: MoneyOut
    mandate: str
    creditor_id: str
    account: str


class RefundOut(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back, or went, of the payments that settled it."""

    amount: MoneyOut
    state: RefundState
    changed_at: datetime


class InvoiceOut(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it was issued, and where it stands."""

    id: UUID
    number: str
    reference: str
    kind: Kind
    layer: Layer
    state: Label | None
    customer_id: UUID | None
    issued_on: date
    due_on: date
    language: str
    prices_include_vat: bool
    net: MoneyOut
    vat: MoneyOut
    total: MoneyOut
    open: MoneyOut
    credited: MoneyOut
    paid_on: date | None
    issuer: Party
    debtor: Party
    buyer_reference: str | None
    corrects: UUID | None
    reason: str | None
    lines: list[InvoiceLine]
    vat_lines: list[VatOut]
    settled_by: list[SettledOut]
    credit_notes: list[CreditOut]
    collection: CollectionOut | None
    refunds: list[RefundOut]
    pdf: str
    xml: str


def row_out(row: Any) -> InvoiceRow:
    """A row of the list."""
    return InvoiceRow(
        **{name: row[name] for name in ("id", "number", "customer_number", "issued_on", "due_on", "paid_on")},
        kind=Kind(row["kind"]),
        layer=Layer(row["layer"]),
        state=documents.label_of(row),
        customer_id=row["customer"],
        debtor=row["debtor_name"],
        total=MoneyOut(text(row["gross_cents"])),
        open=MoneyOut(text(row["open_cents"])),
    )


def out(view: View) -> InvoiceOut:
    """The whole document."""
    document, stands = view.document, view.stands
    assert document.id  # noqa: S101  # what is on record has one
    same = ("id", "number", "reference", "kind", "layer", "issued_on", "due_on", "language", "prices_include_vat", "issuer", "debtor",
            "buyer_reference", "reason")  # fmt: skip
    return InvoiceOut(
        **{name: getattr(document, name) for name in same},
        state=stands.label,
        customer_id=document.customer,
        net=MoneyOut.of(document.net),
        vat=MoneyOut.of(document.vat),
        total=MoneyOut.of(document.gross),
        open=MoneyOut.of(stands.open),
        credited=MoneyOut.of(stands.credited),
        paid_on=stands.paid_on,
        corrects=document.corrects.id if document.corrects else None,
        lines=[_line(line) for line in document.lines],
        vat_lines=[
            VatOut(
                category=one.vat.category,
                rate=str(one.vat.rate),
                country=one.vat.country,
                base=MoneyOut(text(one.base_cents)),
                vat=MoneyOut(text(one.vat_cents)),
            )
            for one in document.totals
        ],
        settled_by=[_settled(one) for one in view.settled],
        collection=_collection(view.stands.collects) if view.stands.collects else None,
        refunds=[
            RefundOut(amount=MoneyOut(text(row["amount_cents"])), state=RefundState(row["state"]), changed_at=row["changed_at"])
            for row in view.refunds
        ],
        credit_notes=[
            CreditOut(
                id=row["id"],
                number=row["number"],
                issued_on=row["issued_on"],
                total=MoneyOut(text(row["gross_cents"])),
                reason=row["reason"],
            )
            for row in view.credit_notes
        ],
        pdf=f"/api/v1/invoices/{document.id}.pdf",
        xml=f"/api/v1/invoices/{document.id}.xml",
    )


def _line(line: DocumentLine) -> InvoiceLine:
    start, until = line.period or (None, None)
    return InvoiceLine(
        **{name: getattr(line, name) for name in ("position", "kind", "description", "service_id", "unit", "why")},
        service_number=line.service,
        quantity=f"{line.quantity:f}",
        unit_price=f"{line.unit_price:f}",
        net=MoneyOut.of(line.net),
        amount=MoneyOut.of(line.amount),
        vat_category=line.vat.category,
        vat_rate=str(line.vat.rate),
        vat_country=line.vat.country,
        period_from=start,
        period_until=until,
    )


def _collection(told: Collection) -> CollectionOut:
    return CollectionOut(
        on=told.on, amount=MoneyOut(text(told.amount_cents)), mandate=told.mandate, creditor_id=told.creditor_id, account=told.account
    )


def _settled(one: Settled) -> SettledOut:
    return SettledOut(
        on=one.on, amount=MoneyOut.of(one.amount), method=one.method or None, invoice_id=one.document, number=one.number or None
    )


@get("/invoices")
async def list_invoices(
    request: Request[Any, Any, Any],
    q: Annotated[
        str, QueryParameter(max_length=search.LONGEST, description="Number, its last figures, reference, or words of the customer.")
    ] = "",
    status: Annotated[Label | None, QueryParameter(name="state", description="Only documents that stand so.")] = None,
    customer: Annotated[UUID | None, QueryParameter(description="Only documents of this customer.")] = None,
    after: lists.After = None,
    limit: lists.Limit = 50,
) -> Response[lists.ListOut[InvoiceRow]]:
    """Invoices, credit notes and notes of damage, the newest first."""
    wanted = invoice_list.Filter(q=q.strip(), state=status, customer=customer)
    window = invoice_list.LISTING.window(after=after, limit=limit, **wanted.asked)
    found = await invoice_list.page(window, wanted)
    return lists.answer(request, window.page(found.rows), row_out)


@get(
    "/invoices/{invoice_id:str}",
    opt={ONLY_READS: True},
    responses={200: ResponseSpec(InvoiceOut, generate_examples=False, description="The document.")},
)
async def show_invoice(
    invoice_id: Annotated[str, PathParameter(description="The id; with `.pdf` or `.xml` after it the file.")],
    copy: Annotated[  # noqa: FBT002  # a query parameter
        bool, QueryParameter(description="With `.pdf`: a copy that says how it stands today, instead of the original.")
    ] = False,
) -> Response[Any]:
    """The document as it was issued, where it stands, and what settled it.

    `/invoices/{id}.pdf` is the original as it was mailed, byte for byte: tagged PDF/A-3 with the e-invoice inside (Factur-X). `/invoices/{id}.xml` is
    the e-invoice: UBL 2.1, by Peppol BIS Billing 3 where the debtor has an address in Peppol.
    """
    wanted = archive.named(invoice_id)
    if wanted.form is None:
        return JsonAnswer(out(await invoice_view.one(wanted.id)))
    return await _file(wanted, is_copy=copy)


async def _file(wanted: Named, *, is_copy: bool) -> Response[bytes]:
    """The original, a copy of it made now, or the e-invoice."""
    if wanted.form == "xml":
        return answers.on_file(*await archive.einvoice(wanted.id))
    if not is_copy:
        return answers.on_file(*await archive.original(wanted.id))
    number, sheets = await archive.copy(wanted.id)
    return answers.fresh_pdf(number, await pdf.write(*sheets))


router = Router(
    "/",
    route_handlers=documented([list_invoices, show_invoice], NotFound, Invalid, NotAllowed, archive.InTheMaking),
    before_request=from_members,
    tags=["invoices"],
)
