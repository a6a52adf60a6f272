"""What a document says is what is on record: which invoices its lines correct, where its debtor is, and why there is no VAT."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from billing.policy.ledger import Kind, Layer, LineKind
from billing.policy.tax import Vat, VatCategory
from billing.service import credit_notes, damages, documents, einvoice, paper, parties, statement_letters, ubl
from billing.service.charges import ChargeWanted
from billing.service.credit_notes import Wanted
from billing.service.documents import Document, Earlier, Rendering
from partner_portal.infra import db
from tests import letters
from tests.billing import validator
from tests.billing.money import issue, line
from tests.world import FINANCE, STAFF_DOOR, World


async def read(invoice: UUID) -> Document:
    async with db.unit_of_work(STAFF_DOOR):
        return await documents.one(invoice)


async def first_line(invoice: UUID) -> UUID:
    found = (await read(invoice)).lines[0].id
    assert found
    return found


async def test_a_line_that_gives_back_knows_of_which_invoice(world: World) -> None:
    noord = world.noord
    bakery = noord.customers["bakery"]
    billed = await issue(noord.id, bakery, [line(8995)])
    final = await issue(noord.id, bakery, [line(40000), line(-4643, kind=LineKind.CREDIT, credits=await first_line(billed))])

    said = await read(final)

    number = (await read(billed)).number
    assert [one.corrects for one in said.lines] == [None, Earlier(billed, number, date(2026, 11, 22))]
    assert [one.number for one in said.earlier] == [number]
    assert said.corrects is None


async def test_a_credit_note_names_its_invoice_once(world: World) -> None:
    noord = world.noord
    billed = await issue(noord.id, noord.customers["bakery"], [line(8995), line(1000)])
    async with db.unit_of_work(STAFF_DOOR):
        note = await credit_notes.give_back(FINANCE, billed, Wanted(reason="Dubbel"))

    said = await read(note)

    assert said.earlier == (said.corrects,)


@pytest.mark.parametrize("country", ["NL", "US"])
async def test_what_takes_back_damages_says_that_they_were_no_supply(world: World, country: str) -> None:
    noord = world.noord
    bakery = noord.customers["bakery"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE customer SET country = $2 WHERE id = $1", bakery, country)
        wanted = ChargeWanted(tenant=noord.id, customer=bakery, description="Schade aan router", unit_price=Decimal(150))
        claimed = await damages.claim(FINANCE, wanted)
        note = await credit_notes.give_back(FINANCE, claimed, Wanted(reason="Toch niet stuk"))

    said = await read(note)

    assert said.corrects
    assert said.corrects.kind is Kind.DAMAGES
    why = "Hierover rekenen wij geen btw: u betaalt niet voor iets wat is geleverd, maar vergoedt schade of te late betaling."
    assert einvoice.reason(said, VatCategory.OUTSIDE_SCOPE) == ("VATEX-EU-O", why)


async def test_the_bill_goes_to_the_country_of_its_address_and_is_taxed_in_that_of_the_seat(world: World) -> None:
    noord = world.noord
    bakery = noord.customers["bakery"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "UPDATE location SET street = 'Hauptstraße 5', postcode = '50667', city = 'Köln', country = 'DE' WHERE customer = $1", bakery
        )

    said = await read(await issue(noord.id, bakery))

    assert (said.debtor.country, said.debtor.located_in) == ("NL", "DE")
    assert said.totals[0].vat == Vat()
    assert paper.words(said, letters.BRAND, Rendering.ORIGINAL)["recipient"][1:] == ["Hauptstraße 5", "50667 Köln", "Duitsland"]
    assert b"<cbc:IdentificationCode>DE</cbc:IdentificationCode>" in ubl.render(said)


async def test_a_partner_that_bills_in_its_own_name_is_where_its_own_invoices_say(world: World) -> None:
    said = await read(await issue(world.zuid.id, None, layer=Layer.PARTNER))

    assert (said.debtor.country, said.debtor.located_in) == ("NL", "NL")


@validator.needed
async def test_a_final_bill_of_several_invoices_keeps_the_official_rules(world: World) -> None:
    noord = world.noord
    bakery = noord.customers["bakery"]
    billed = [await issue(noord.id, bakery, [line(8995)]) for _ in range(3)]
    back = [line(-1000, kind=LineKind.CREDIT, credits=await first_line(one)) for one in billed]

    said = await read(await issue(noord.id, bakery, [line(40000), *back]))

    assert len(said.earlier) == 3
    assert validator.fatal(ubl.render(said)) == []


async def test_a_reminder_and_a_statement_on_paper_say_to_which_country_they_go(world: World) -> None:
    noord = world.noord
    private = noord.customers["private"]
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE location SET country = 'BE' WHERE customer = $1", private)
        debtor = await parties.debtor(noord.id, private, date(2026, 11, 22))
        _, statement = await statement_letters.words(noord.id, private, "nl")

    assert paper.recipient(debtor.party, "NL", "nl") == ["Pieter Particulier", "Dorpsstraat 1", "1234 AB Utrecht", "België"]
    assert statement["recipient"] == ["Pieter Particulier", "Dorpsstraat 1", "1234 AB Utrecht", "België"]
    async with db.unit_of_work(STAFF_DOOR):
        _, home = await statement_letters.words(noord.id, noord.customers["bakery"], "nl")
    assert [line for line in home["recipient"] if line] == ["Bakkerij De Korst", "Dorpsstraat 1", "1234 AB Utrecht"]
