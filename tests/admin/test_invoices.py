"""Documents as staff read them: found over all partners, as they were sent."""

from __future__ import annotations

import httpx
import pytest

from partner_portal.infra import outbox
from tests.billing.money import issue
from tests.world import World

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")


async def test_finance_finds_a_document_of_any_partner_and_reads_it_as_it_was_sent(world: World, finance: httpx.AsyncClient) -> None:
    of_noord = await issue(world.noord.id, world.noord.customers["private"])
    of_zuid = await issue(world.zuid.id, world.zuid.customers["bakery"])
    await outbox.drain()

    everything = (await finance.get("/admin/invoices")).text
    found = (await finance.get("/admin/invoices?q=HUIS-F2026-000001")).text
    pdf, xml = [await finance.get(f"/admin/invoices/{of_zuid}.{form}") for form in ("pdf", "xml")]

    assert all(f"/admin/invoices/{one}.pdf" in everything for one in (of_noord, of_zuid))
    assert f"/admin/invoices/{of_noord}.pdf" in found
    assert f"/admin/invoices/{of_zuid}.pdf" not in found
    assert pdf.content.startswith(b"%PDF")
    assert b"urn:oasis:names:specification:ubl" in xml.content
    assert (await finance.get("/admin/invoices/nonsense.pdf")).status_code == 404


async def test_who_is_not_of_the_staff_sees_none(world: World, noord: httpx.AsyncClient) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await outbox.drain()

    for path in ("/admin/invoices", f"/admin/invoices/{invoice}.pdf"):
        answer = await noord.get(path)
        assert answer.status_code in {303, 403}
        assert b"%PDF" not in answer.content
