"""Documents kept by the hash of their bytes: what was sent is what is on file, byte for byte."""

from __future__ import annotations

import hashlib
from uuid import UUID

from partner_portal.kernel.errors import NotFound

from . import clock, db
from .tables import Document


class NoSuchDocument(NotFound):
    """There is no document with this id here."""


class NobodysDocument(RuntimeError):
    """A document belongs to a tenant; this unit of work has none."""


class DamagedDocument(RuntimeError):
    """The bytes on file are not those whose hash was written down."""


async def store(kind: str, filename: str, content: bytes, media_type: str) -> Document:
    """The document is on file for the current tenant; equal bytes under the same kind and name are the same document."""
    tenant = db.current().principal.tenant
    if tenant is None:
        raise NobodysDocument(kind)
    digest = hashlib.sha256(content).digest()
    await db.execute(
        "INSERT INTO infra_document_content (tenant, sha256, content) VALUES ($1, $2, $3) ON CONFLICT (tenant, sha256) DO NOTHING",
        *(tenant, digest, content),
    )
    # Two jobs may store the same at once: whoever holds the lock makes the document, the other finds it.
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"document {tenant} {digest.hex()}")
    same = (Document.tenant == tenant) & (Document.sha256 == digest) & (Document.kind == kind) & (Document.filename == filename)
    found = await Document.objects().where(same).first()
    if found is not None:
        return found
    made = Document(
        tenant=tenant, kind=kind, filename=filename, media_type=media_type, sha256=digest, size=len(content), created_at=clock.now()
    )
    await made.save()
    return made


async def about(document_id: UUID) -> Document:
    """What is known of the document; NoSuchDocument, also where it is another tenant's."""
    document = await Document.objects().where(Document.id == document_id).first()
    if document is None:
        raise NoSuchDocument(id=document_id)
    return document


async def named(kind: str, filename: str) -> Document | None:
    """The newest document of this kind and name that the current tenant has, if any."""
    same = (Document.kind == kind) & (Document.filename == filename)
    found: Document | None = await Document.objects().where(same).order_by(Document.created_at, ascending=False).first()
    return found


async def fetch(document_id: UUID) -> tuple[Document, bytes]:
    """The document and its bytes, checked against their hash; NoSuchDocument, also where it is another tenant's."""
    document = await about(document_id)
    row = await db.fetch_one(
        "SELECT content FROM infra_document_content WHERE tenant = $1 AND sha256 = $2", document.tenant, document.sha256
    )
    if row is None or hashlib.sha256(row["content"]).digest() != document.sha256:
        raise DamagedDocument(str(document_id))
    content: bytes = row["content"]
    return document, content
