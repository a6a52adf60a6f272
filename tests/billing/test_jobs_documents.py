"""What follows a document: it is made, filed and mailed by itself, once; paid, it is mailed again as such."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from pypdf import PdfReader

from billing.events import InvoiceIssued, InvoicePaid
from billing.policy.crediting import Part
from billing.policy.ledger import Kind, Layer, LineKind
from billing.policy.tax import Vat, VatCategory
from billing.service import credit_notes, documents
from billing.service.credit_notes import Wanted
from billing.service.documents import Document
from partner_portal.infra import clock, db, files, outbox
from partner_portal.infra.db import Door, Principal
from tests.billing.money import issue, line, pay
from tests.conftest import sign_in
from tests.world import FINANCE, STAFF_DOOR, World

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")
OUTSIDE = Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0), country="NL")


async def read(invoice: UUID, tenant: UUID) -> tuple[Document, documents.Standing]:
    async with db.unit_of_work(Principal(Door.TENANT, tenant, "member:test")):
        return await documents.one(invoice), await documents.standing(invoice)


async def filed(tenant: UUID, document: UUID | None) -> bytes:
    assert document
    async with db.unit_of_work(Principal(Door.TENANT, tenant, "member:test")):
        return (await files.fetch(document))[1]


async def mails(invoice: UUID) -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch("SELECT * FROM infra_mail WHERE about = $1 ORDER BY queued_at, id", invoice)


def said(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


async def settle(invoice: UUID, tenant: UUID, cents: int) -> None:
    await pay(invoice, cents)
    async with db.unit_of_work(STAFF_DOOR):
        await outbox.publish(InvoicePaid(tenant_id=tenant, invoice_id=invoice))
    await outbox.drain()


async def test_an_invoice_is_filed_and_mailed_by_itself_with_its_e_invoice(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(8995)])
    await outbox.drain()

    document, stands = await read(invoice, world.noord.id)
    [sent] = await mails(invoice)
    assert (sent["name"], sent["recipient"], sent["reply_to"]) == (
        "billing/invoice",
        "bakkerij@klant.example.com",
        "facturen@kadetel.example.com",
    )
    assert [one["filename"] for one in msgspec.json.decode(sent["attachments"])] == [f"{document.number}.pdf", f"{document.number}.xml"]
    assert "/pay/[[token:" in sent["text"]
    assert stands.mailed_at
    original = await filed(world.noord.id, stands.document)
    assert "Origineel" in said(original)
    assert "EUR 108,84" in said(original)
    assert document.number.encode() in await filed(world.noord.id, stands.einvoice)


async def test_the_same_event_twice_is_one_mail_and_one_original(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await outbox.drain()
    _, before = await read(invoice, world.noord.id)
    async with db.unit_of_work(STAFF_DOOR):
        await outbox.publish(InvoiceIssued(tenant_id=world.noord.id, invoice_id=invoice))
    await outbox.drain()

    _, after = await read(invoice, world.noord.id)
    assert after.document == before.document
    assert len(await mails(invoice)) == 1


async def test_a_paid_invoice_is_mailed_again_as_paid_and_the_original_stays(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await outbox.drain()
    _, before = await read(invoice, world.noord.id)
    await settle(invoice, world.noord.id, 1210)

    _, stands = await read(invoice, world.noord.id)
    assert [sent["name"] for sent in await mails(invoice)] == ["billing/invoice", "billing/invoice_paid"]
    assert stands.document == before.document
    paid = await filed(world.noord.id, stands.paid_document)
    assert "Kopie" in said(paid)
    assert "Betaald op 22 november 2026" in said(paid)
    assert PdfReader(io.BytesIO(paid)).attachments == {}, "the invoice itself is the original's"


async def test_what_was_paid_in_parts_and_with_a_credit_is_told_part_by_part(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    invoice = await issue(world.noord.id, bakery, [line(10_000)])
    clock.set_to(datetime(2026, 11, 24, 11, tzinfo=UTC))
    await pay(invoice, 5000)
    async with db.unit_of_work(STAFF_DOOR):
        (only,) = await credit_notes.charged((await credit_notes.locked([invoice]))[invoice])
        await credit_notes.give_back(FINANCE, invoice, Wanted(reason="Te veel berekend", parts=(Part(line=only.id, amount_cents=1000),)))
    await outbox.drain()
    clock.set_to(datetime(2026, 12, 3, 11, tzinfo=UTC))
    await settle(invoice, world.noord.id, 5890)

    _, stands = await read(invoice, world.noord.id)
    told = " ".join((await mails(invoice))[-1]["text"].split())
    copy = said(await filed(world.noord.id, stands.paid_document))
    for where in (told, copy):
        assert "Ontvangen op 24 november 2026" in where
        assert "Creditnota HUIS-C2026-000001 van 24 november 2026" in where
        assert "Ontvangen op 3 december 2026" in where
    assert "50,00" in told
    assert "12,10" in told
    assert "58,90" in told
    assert "121,00 is betaald" in told


async def test_what_is_open_again_is_not_called_paid(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await outbox.drain()
    await settle(invoice, world.noord.id, 500)

    assert [sent["name"] for sent in await mails(invoice)] == ["billing/invoice"]


async def test_a_credit_note_is_mailed_as_one_and_leads_to_its_page(world: World) -> None:
    bakery = world.noord.customers["bakery"]
    billed = await issue(world.noord.id, bakery)
    credited = await issue(world.noord.id, bakery, [line(500)], kind=Kind.CREDIT_NOTE, refers_to=billed, reason="Te veel berekend")
    await outbox.drain()

    [sent] = await mails(credited)
    assert sent["name"] == "billing/credit_note"
    assert f"/portal/own/invoices/{credited}" in sent["text"]
    assert "/pay/" not in sent["text"]


async def test_a_partner_who_bills_in_its_own_name_does_so_under_its_own(world: World) -> None:
    invoice = await issue(world.zuid.id, world.zuid.customers["bakery"])
    await outbox.drain()

    document, stands = await read(invoice, world.zuid.id)
    assert document.issuer.name == "Zuid Telecom B.V."
    assert "Kadetel" not in said(await filed(world.zuid.id, stands.document))


async def test_wholesale_goes_to_the_partner_in_the_name_of_the_provider(world: World) -> None:
    invoice = await issue(world.zuid.id, None, layer=Layer.PARTNER)
    await outbox.drain()

    [sent] = await mails(invoice)
    document, stands = await read(invoice, world.zuid.id)
    assert document.issuer.name == "Kadetel B.V."
    assert sent["from_name"] == "Kadetel B.V."
    assert "Zuid Telecom" in said(await filed(world.zuid.id, stands.document))


async def test_damage_is_billed_on_a_note_without_vat(world: World) -> None:
    damage = line(15000, kind=LineKind.DAMAGES, vat=OUTSIDE)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [damage], kind=Kind.DAMAGES)
    await outbox.drain()

    _, stands = await read(invoice, world.noord.id)
    told = said(await filed(world.noord.id, stands.document))
    assert "Schadenota" in told
    assert "u betaalt niet voor iets wat is geleverd" in told


async def test_a_copy_says_how_it_stands_today(world: World, noord: httpx.AsyncClient) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    clock.set_to(clock.now().replace(year=2027))
    await sign_in(noord, world.noord.owner)

    told = said((await noord.get(f"/api/v1/invoices/{invoice}.pdf?copy=true")).content)

    assert "Kopie" in told
    assert "Vervallen op 22 december 2026" in told
