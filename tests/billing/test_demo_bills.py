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
