"""In whose name a document comes: the partner's brand for its customers, the sender's plain name for what a partner owes itself."""

from __future__ import annotations

from partner_portal.infra import db
from partner_portal.infra.brand import Brand
from tenants.service import brands

from ..policy.ledger import Layer
from .documents import Document


async def in_mail(document: Document) -> Brand:
    """The brand for a mail about the document."""
    return await brands.of_tenant(document.tenant) if document.layer is Layer.CUSTOMER else _sender(document)


async def on_paper(document: Document) -> Brand:
    """The brand for the document itself, with its logo in it; with its name instead for a contact, who sees no file but its own."""
    if document.layer is Layer.PARTNER:
        return _sender(document)
    is_contact = db.current().principal.customer is not None
    return await (brands.of_tenant(document.tenant) if is_contact else brands.for_letter(document.tenant))


def _sender(document: Document) -> Brand:
    return Brand(name=document.issuer.name, email=document.issuer.email or "")
