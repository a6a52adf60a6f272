"""The demo's bills: every VAT case and kind of document, each of which keeps the official rules, and all of them as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing.policy.ledger import Kind, Layer
from billing.policy.tax import VatCategory
from billing.service import documents
from billing.service.documents import Document
from partner_portal.console.invoices import write_all
from partner_portal.demo import world
from partner_portal.infra import db
from tests.billing import validator
from tests.world import STAFF_DOOR


async def billed() -> list[Document]:
    """The demo's world with its bills."""
    await world.load()
    async with db.unit_of_work(STAFF_DOOR):
        return await documents.following(None, 1000)


@pytest.mark.usefixtures("mailbox")
async def test_there_are_at_least_forty_of_every_vat_case_and_kind() -> None:
    found = await billed()

    assert len(found) >= 40
    assert {one.kind for one in found} == set(Kind)
    assert {one.layer for one in found} == set(Layer)
    assert {category for one in found for category in one.categories} == set(VatCategory)
    assert {one.debtor.country for one in found} >= {"NL", "DE", "BE", "FR", "NO", "US"}
    assert {total.vat.country for one in found for total in one.totals if total.vat.rate} >= {"NL", "DE", "FR"}
    assert len({one.issuer.name for one in found}) == 2
    assert {one.prices_include_vat for one in found} == {True, False}


@pytest.mark.usefixtures("mailbox")
async def test_the_demo_shows_every_way_of_money() -> None:
    found = await billed()
    async with db.unit_of_work(STAFF_DOOR):

        async def seen(sql: str) -> set[str]:
            return {row["one"] for row in await db.fetch(sql)}

        debits = await seen("SELECT state AS one FROM billing_debit")
        refunds = await seen("SELECT state AS one FROM billing_refund")
        entries = await seen("SELECT state AS one FROM billing_statement_entry")
        statements = await seen("SELECT state AS one FROM billing_statement")
        methods = await seen("SELECT method AS one FROM billing_payment")
        labels = {str((await documents.standing(one.id)).label) for one in found if one.id}
        payouts = await db.fetch("SELECT entry FROM billing_payout")
        part = await db.fetch(
            "SELECT 1 FROM billing_standing s JOIN billing_invoice i ON i.id = s.invoice WHERE s.open_cents > 0 AND s.open_cents < i.gross_cents"
        )

    assert debits == {"paid", "returned"}
    assert refunds == {"done", "failed"}
    assert entries >= {"booked", "settled", "waiting", "out"}
    assert statements == {"accepted", "parked"}
    assert methods >= {"transfer", "ideal", "direct debit", "return", "chargeback", "refund"}
    assert labels >= {"paid", "unpaid", "overdue", "credited"}
    assert payouts
    assert all(row["entry"] for row in payouts)
    assert part
    assert any(one.collects for one in found)


@validator.needed
@pytest.mark.usefixtures("mailbox")
async def test_every_one_of_them_is_written_and_keeps_the_official_rules(tmp_path: Path) -> None:
    found = await billed()

    folder = tmp_path / "ubl"
    folder.mkdir()
    assert await write_all(folder) == len(found)
    files = sorted(folder.iterdir())
    assert {file.stem for file in files} == {one.number for one in found}
    assert {file.name: wrong for file in files if (wrong := validator.fatal(file.read_bytes()))} == {}
