"""What is made of a document: its original and e-invoice, on file for ever; copies of it, made anew; and who gets it by mail."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, files, mail, settings
from partner_portal.infra.brand import Brand
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.mail import Attachment, Envelope
from partner_portal.infra.tables import Document as Filed
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import NotFound, Unavailable
from partner_portal.kernel.money import Money

from ..policy.ledger import Kind, Label, Layer
from . import documents, faces, paper, pay_links, ubl
from .documents import Document, Rendering, Standing

ORIGINAL, COPY, EINVOICE = "invoice", "copy of an invoice", "e-invoice"
"""The kinds of documents under which they are on file."""
_PDF, _XML = "application/pdf", "application/xml"
_KEPT = "UPDATE billing_standing SET document = $2, einvoice = $3 WHERE invoice = $1"
_KEPT_COPY = "UPDATE billing_standing SET paid_document = $2 WHERE invoice = $1"
_MAILED = "UPDATE billing_standing SET mailed_at = $2 WHERE invoice = $1"


class InTheMaking(Unavailable):
    """The original is being made; it is there within a minute."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail says about a document."""

    title: str
    number: str
    debtor: str
    document: Document
    amount: Money
    is_owed: bool
    paid_on: date | None = None


def page_of(document: Document) -> str:
    """Where its debtor finds it, signed in."""
    own = "own/" if document.layer is Layer.CUSTOMER else ""
    return f"{settings.current().public_url}/portal/{own}invoices/{document.id}"


async def keep(document: Document) -> tuple[Filed, Filed]:
    """The original and the e-invoice are on file, and the document's standing names them; those that are, stay. Through the staff door, as its tenant."""
    stands = await documents.standing(_id(document))
    if stands.document is not None and stands.einvoice is not None:
        return await files.about(stands.document), await files.about(stands.einvoice)
    brand = await faces.on_paper(document.tenant, document.layer)
    content = await paper.made(document, brand, Rendering.ORIGINAL, page=page_of(document))
    original = await files.store(ORIGINAL, f"{document.number}.pdf", content, _PDF)
    einvoice = await files.store(EINVOICE, f"{document.number}.xml", ubl.render(document), _XML)
    await db.execute(_KEPT, document.id, original.id, einvoice.id)
    return original, einvoice


async def keep_paid(document: Document, stands: Standing) -> Filed:
    """A copy that says it is paid is on file, and the document's standing names it. Through the staff door, as its tenant."""
    brand = await faces.on_paper(document.tenant, document.layer)
    content = await paper.made(document, brand, Rendering.COPY, stands, page=page_of(document))
    copy = await files.store(COPY, f"{document.number}.pdf", content, _PDF)
    await db.execute(_KEPT_COPY, document.id, copy.id)
    return copy


async def send(document: Document) -> None:
    """The debtor gets the document by mail, once, with one button; what nobody has to pay leads to its page. Through the staff door, as its tenant.

    Without an address nothing is sent: the standing's `mailed_at` stays empty.
    """
    original, einvoice = await keep(document)
    attach = [Attachment(original.id, original.filename)]
    if not document.prices_include_vat:
        attach.append(Attachment(einvoice.id, einvoice.filename))
    owed = document.kind is not Kind.CREDIT_NOTE and document.gross.cents > 0
    link = pay_links.address(await pay_links.make(SYSTEM, [_id(document)])) if owed else page_of(document)
    name = "credit_note" if document.kind is Kind.CREDIT_NOTE else "invoice"
    await _post(document, name, attach, told=told_about(document), key=f"{document.id}:{name}", link=link)


async def send_paid(document: Document) -> None:
    """The debtor gets the invoice again, as paid, once for each time it is; not where it was credited instead. Through the staff door, as its tenant."""
    stands = await documents.standing(_id(document))
    if stands.label is not Label.PAID or stands.paid_on is None:
        return
    copy = await keep_paid(document, stands)
    told = msgspec.structs.replace(told_about(document), paid_on=stands.paid_on)
    key = f"{document.id}:paid:{stands.paid_on.isoformat()}"
    await _post(document, "invoice_paid", [Attachment(copy.id, copy.filename)], told=told, key=key, link=page_of(document))


async def _post(document: Document, name: str, attach: list[Attachment], *, told: Told, key: str, link: str) -> None:
    if not document.debtor.email:
        return
    brand = await faces.in_mail(document.tenant, document.layer)
    answers = document.issuer.email or ""
    await mail.queue(
        key,
        f"billing/{name}",
        to=document.debtor.email,
        language=document.language,
        brand=brand,
        envelope=Envelope(attach=attach, about=document.id, reply_to=answers),
        told=told,
        link=link,
    )
    await db.execute(_MAILED, document.id, clock.now())


def told_about(document: Document) -> Told:
    """What its mail says about a document."""
    back = document.kind is not Kind.CREDIT_NOTE and document.gross.cents < 0
    return Told(
        title=paper.title(document),
        number=document.number,
        debtor=document.debtor.name,
        document=document,
        amount=-document.gross if back else document.gross,
        is_owed=document.kind is not Kind.CREDIT_NOTE and document.gross.cents > 0,
    )


async def original(invoice: UUID) -> tuple[Filed, bytes]:
    """The original as it was sent, byte for byte; NotFound outside the asking side of the wall, InTheMaking for a moment after it was issued."""
    stands = await documents.standing(invoice)
    if stands.document is None:
        raise InTheMaking
    return await files.fetch(stands.document)


async def einvoice(invoice: UUID) -> tuple[Filed, bytes]:
    """The e-invoice as it was sent; raises as `original`."""
    stands = await documents.standing(invoice)
    if stands.einvoice is None:
        raise InTheMaking
    return await files.fetch(stands.einvoice)


async def copy(invoice: UUID) -> bytes:
    """The document as a copy that says how it stands today; NotFound outside the asking side of the wall."""
    document, stands = await documents.one(invoice), await documents.standing(invoice)
    return await paper.made(document, await _face(document), Rendering.COPY, stands, page=page_of(document))


async def _face(document: Document) -> Brand:
    if document.layer is Layer.CUSTOMER:
        return await faces.on_paper(document.tenant, document.layer)
    async with db.apart(Principal(Door.STAFF, document.tenant, "system:copy")):
        return await faces.on_paper(document.tenant, document.layer)


def _id(document: Document) -> UUID:
    if document.id is None:
        raise NotFound(what="invoice")
    return document.id
