"""What was made of a document and is on file for ever: its original, its e-invoice, and, once it is paid, a copy that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, files, settings
from partner_portal.infra.press import Enclosed
from partner_portal.infra.tables import Document as Filed
from partner_portal.kernel.errors import NotFound, Unavailable
from partner_portal.kernel.money import Money

from ..policy.debit import Collection
from ..policy.ledger import Kind, Layer
from . import documents, faces, paper, ubl
from .documents import Document, Rendering, Settlement

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
    settled: Sequence[Settlement] = ()
    """What it was paid with, where it was."""
    collects: Collection | None = None
    """How it will be collected, where nobody has to pay it."""


class Named(msgspec.Struct, frozen=True):
    """A document by its id, and in which form it is asked for."""

    id: UUID
    form: Literal["pdf", "xml"] | None


def named(said: str) -> Named:
    """What the last part of an address asks for: an id, with `.pdf` or `.xml` after it for the files; NotFound where it is none of these."""
    identifier, dot, form = said.partition(".")
    wanted = form if dot else None
    if _ID.fullmatch(identifier) is None or wanted not in {None, "pdf", "xml"}:
        raise NotFound(what="invoice", id=said)
    return msgspec.convert({"id": identifier, "form": wanted}, Named)


_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def told_about(document: Document) -> Told:
    """What its mail says about a document; what is given back is told as an amount above zero."""
    is_owed = document.kind is not Kind.CREDIT_NOTE and document.gross.cents > 0
    return Told(
        title=paper.title(document),
        number=document.number,
        debtor=document.debtor.name,
        document=document,
        amount=document.gross if document.gross.cents >= 0 else -document.gross,
        is_owed=is_owed,
        collects=document.collects if is_owed else None,
    )


def page_of(document: Document) -> str:
    """Where its debtor finds it, signed in."""
    own = "own/" if document.layer is Layer.CUSTOMER else ""
    return f"{settings.current().public_url}/portal/{own}invoices/{document.id}"


async def kept(invoice: UUID) -> tuple[Filed, Filed] | None:
    """The original and the e-invoice, if they were made."""
    stands = await documents.standing(invoice)
    if stands.document is None or stands.einvoice is None:
        return None
    return await files.about(stands.document), await files.about(stands.einvoice)


async def keep(document: Document, content: bytes) -> tuple[Filed, Filed]:
    """The original (a PDF) and the e-invoice are on file, and the document's standing names them. Through the staff door, as its tenant."""
    original = await files.store(ORIGINAL, f"{document.number}.pdf", content, _PDF)
    einvoice = await files.store(EINVOICE, f"{document.number}.xml", ubl.render(document), _XML)
    await db.execute(_KEPT, document.id, original.id, einvoice.id)
    return original, einvoice


async def keep_paid(document: Document, content: bytes) -> Filed:
    """A copy that says it is paid is on file, and the document's standing names it. Through the staff door, as its tenant."""
    copy = await files.store(COPY, f"{document.number}.pdf", content, _PDF)
    await db.execute(_KEPT_COPY, document.id, copy.id)
    return copy


async def mailed(document: Document) -> None:
    """It is on record that the document went out. Through the staff door."""
    await db.execute(_MAILED, document.id, clock.now())


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


async def copy(invoice: UUID) -> tuple[str, tuple[str, Enclosed | None]]:
    """The number, and what `infra.pdf.write` makes a copy of that says how the document stands today; NotFound outside the asking side of the wall."""
    document, stands = await documents.one(invoice), await documents.standing(invoice)
    stands = msgspec.structs.replace(stands, settled=await documents.settled_by(invoice))
    return document.number, paper.sheets(document, await faces.on_paper(document), Rendering.COPY, stands, page=page_of(document))
