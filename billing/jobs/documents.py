"""What follows a document: its original is made, filed and mailed; paid, it is mailed again as such."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import mail, outbox, pdf
from partner_portal.infra.mail import Attachment, Envelope
from partner_portal.infra.tables import Document as Filed
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.events import Event

from ..events import CollectionAnnounced, InvoiceIssued, InvoicePaid, PaymentTakenOff
from ..policy.ledger import Kind, Label
from ..service import announcing, archive, documents, faces, issuing, paper, pay_links, reminder_letters, taking_off, transfers
from ..service.archive import Told
from ..service.documents import Document, Rendering, Standing


@outbox.through_staff_door
async def send(event: InvoiceIssued) -> None:
    """The original is on file with its e-invoice, and the debtor has it by mail, with one button; what nobody has to pay leads to its page.

    Without an address nothing is mailed, and the standing's `mailed_at` stays empty.
    """
    await issuing.must_be_of(event.tenant_id, event.invoice_id)
    document = await documents.one(event.invoice_id)
    original, einvoice = await archive.kept(event.invoice_id) or await archive.keep(document, await _printed(document, Rendering.ORIGINAL))
    told = archive.told_about(document)
    attach = [original] if document.prices_include_vat else [original, einvoice]
    name = _MAILS.get(document.kind, "invoice")
    await _post(told, name, attach, key=f"{document.id}:{name}", link=await _way(told, event.invoice_id))


_MAILS = {Kind.CREDIT_NOTE: "credit_note", Kind.COSTS: "late_costs"}


async def _way(told: Told, invoice: UUID) -> str:
    return pay_links.address(await pay_links.make(SYSTEM, [invoice])) if told.is_owed else archive.page_of(told.document)


@outbox.through_staff_door
async def send_paid(event: InvoicePaid) -> None:
    """The debtor has a copy that says the invoice is paid, once for each time it is; not where it was credited instead, or is open again."""
    await issuing.must_be_of(event.tenant_id, event.invoice_id)
    document, stands = await documents.one(event.invoice_id), await documents.standing(event.invoice_id)
    if stands.label is not Label.PAID or stands.paid_on is None:
        return
    settled = await documents.settled_by(event.invoice_id)
    copy = await archive.keep_paid(document, await _printed(document, Rendering.COPY, msgspec.structs.replace(stands, settled=settled)))
    told = msgspec.structs.replace(archive.told_about(document), paid_on=stands.paid_on, settled=settled)
    key = f"{document.id}:paid:{await documents.settled_last(event.invoice_id)}"
    await _post(told, "invoice_paid", [copy], key=key, link=archive.page_of(document))


async def _printed(document: Document, rendering: Rendering, stands: Standing | None = None) -> bytes:
    brand = await faces.on_paper(document)
    return await pdf.write(*paper.sheets(document, brand, rendering, stands, page=archive.page_of(document)))


async def _post(told: Told, name: str, attach: Sequence[Filed], *, key: str, link: str) -> None:
    if await _mail(told, name, attach, key=key, link=link):
        await archive.mailed(told.document)


async def _mail(told: Told, name: str, attach: Sequence[Filed], *, key: str, link: str, **words: Any) -> bool:
    document = told.document
    if not document.debtor.email:
        return False
    await mail.queue(
        key,
        f"billing/{name}",
        to=document.debtor.email,
        language=document.language,
        brand=await faces.in_mail(document),
        envelope=Envelope(
            attach=[Attachment(one.id, one.filename) for one in attach], about=document.id, reply_to=document.issuer.email or ""
        ),
        told=told,
        link=link,
        **words,
    )
    return True


@outbox.through_staff_door
async def tell_of_collection(event: CollectionAnnounced) -> None:
    """The debtor knows by mail when and how much will be collected; nothing of what was announced anew since, or paid."""
    notices = [
        notice for notice in await announcing.notices(event.tenant_id, [event.announcement_id, *event.together]) if notice.is_current
    ]
    if not notices:
        return
    first, key = notices[0], f"{event.announcement_id}:announced"
    told = archive.told_about(await documents.one(first.invoice))
    if len(notices) == 1:
        told = msgspec.structs.replace(told, collects=first.collection)
        await _mail(told, "collection_announced", [], key=key, link=await _way(told, first.invoice))
        return
    total = sum(notice.collection.amount_cents for notice in notices)
    told = msgspec.structs.replace(told, collects=msgspec.structs.replace(first.collection, amount_cents=total))
    link = await reminder_letters.pay_at([notice.invoice for notice in notices], first.customer)
    await _mail(told, "collections_announced", [], key=key, link=link, notices=notices)


@outbox.through_staff_door
async def tell_of_mistake(event: PaymentTakenOff) -> None:
    """The debtor who read that the invoice is paid knows that it is not, and where its money went; nothing where it was settled again meanwhile."""
    again = await taking_off.told(event.tenant_id, event.invoice_id, event.allocation_id)
    if again is None:
        return
    document = await documents.one(event.invoice_id)
    accounts = [] if again.is_collected else await transfers.of([event.invoice_id])
    link = archive.page_of(document) if again.is_collected else pay_links.address(await pay_links.make(SYSTEM, [event.invoice_id]))
    key = f"{event.allocation_id}:open again"
    await _mail(archive.told_about(document), "invoice_open_again", [], key=key, link=link, again=again, accounts=accounts)


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    InvoiceIssued: [send],
    InvoicePaid: [send_paid],
    PaymentTakenOff: [tell_of_mistake],
    CollectionAnnounced: [tell_of_collection],
}
