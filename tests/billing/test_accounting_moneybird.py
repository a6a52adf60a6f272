"""The Moneybird adapter says and understands what Moneybird publishes, makes nothing twice, and never overlooks another cent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.policy.ledger import Kind
from billing.service.accounting import moneybird_words
from billing.service.accounting.moneybird import Moneybird
from billing.service.accounting.port import (
    AccountingRefuses,
    AccountingUnavailable,
    ChangedThere,
    CredentialRefused,
    What,
)
from tests.billing import moneybird as theirs
from tests.billing import moneybird_contract as contract
from tests.billing.at_moneybird import adapter, invoice
from tests.billing.to_books import BAKER, CONSUMER, booking, document, line


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[theirs.Moneybird]:
    async with theirs.running() as side:
        yield side


@pytest.fixture
def ours(there: theirs.Moneybird) -> Moneybird:
    return adapter(there)


# --- the look around


async def test_a_look_around_names_the_administration_and_its_codes_and_writes_nothing(there: theirs.Moneybird, ours: Moneybird) -> None:
    health = await ours.check()

    assert health.administration == "Voorbeeld Hosting B.V."
    assert health.ledgers == {"601": "8601 Omzet hosting", "602": "8602 Kruisposten"}
    assert health.vat_codes == {"501": "21% btw", "502": "Geen btw", "503": "Btw verlegd"}
    assert {one.method for one in there.asked} == {"GET"}


async def test_an_administration_that_the_token_does_not_open_is_none(there: theirs.Moneybird) -> None:
    with pytest.raises(CredentialRefused):
        await adapter(there, administration="999").check()


# --- contacts


async def test_a_company_goes_by_its_name_and_a_person_by_a_last_name(there: theirs.Moneybird, ours: Moneybird) -> None:
    company, person = await ours.create(BAKER), await ours.create(CONSUMER)

    assert there.contacts[company.id]["company_name"] == "Bakkerij Zoet & Zn. B.V."
    assert (there.contacts[person.id]["company_name"], there.contacts[person.id]["lastname"]) == ("", "Jan de Vries")
    assert (company.number, person.number) == ("NOORD-K000012", "NOORD-K000013")
    assert company.says == {
        "name": "Bakkerij Zoet & Zn. B.V.",
        "address": "Dorpsstraat 1, 1234 AB Zaandam, NL",
        "email": "boekhouding@zoet.example.com",
        "vat": "NL123456789B01",
    }


async def test_a_contact_is_found_by_exactly_our_number_among_those_that_look_like_it(there: theirs.Moneybird, ours: Moneybird) -> None:
    for number in range(120):
        await ours.create(msgspec.structs.replace(BAKER, number=f"NOORD-K000012{number:03d}"))
    made = await ours.create(BAKER)

    assert await ours.find(BAKER) == made
    assert await ours.find(msgspec.structs.replace(BAKER, number="NOORD-K00001")) is None
    assert [one.query["page"] for one in there.done("GET", "/contacts")] == ["1", "2", "1", "2"]


async def test_a_contact_follows_ours_unless_somebody_changed_it_there(there: theirs.Moneybird, ours: Moneybird) -> None:
    made = await ours.create(BAKER)
    moved = msgspec.structs.replace(BAKER, street="Nieuwe Gracht 9", email=None)

    changed = await ours.change(moved, made)
    assert there.contacts[made.id]["address1"] == "Nieuwe Gracht 9"

    there.contacts[made.id]["city"] = "Haarlem"
    with pytest.raises(ChangedThere) as conflict:
        await ours.change(BAKER, changed)
    assert conflict.value.theirs.says["address"] == "Nieuwe Gracht 9, 1234 AB Haarlem, NL"

    again = await ours.change(BAKER, changed, even_if_changed=True)
    assert (again.version, there.contacts[made.id]["city"]) == (made.version, "Zaandam")


async def test_a_change_whose_answer_got_lost_is_no_conflict_with_ourselves(there: theirs.Moneybird, ours: Moneybird) -> None:
    made = await ours.create(BAKER)
    moved = msgspec.structs.replace(BAKER, city="Haarlem")
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, within=timedelta(seconds=0.3)).change(moved, made)

    assert (await ours.change(moved, made)).says["address"].endswith("Haarlem, NL")
    assert len(there.done("PATCH", "/contacts")) == 1


async def test_what_does_not_belong_to_the_books_is_no_change(there: theirs.Moneybird, ours: Moneybird) -> None:
    made = await ours.create(BAKER)
    there.contacts[made.id] |= {"phone": "020-1234567", "version": made.version and 1}

    now = await ours.look(What.CONTACT, made.id)

    assert now == made


# --- documents


async def test_an_invoice_arrives_with_number_days_codes_and_its_papers(there: theirs.Moneybird, ours: Moneybird) -> None:
    contact = await ours.create(BAKER)
    wanted = document(
        line(30000, quantity="3", price="100", period=(date(2026, 12, 1), date(2027, 1, 1))),
        line(-1005, quantity="-1", price="10.05", position=2),
        line(333, quantity="0.333", price="10.0000", position=3),
        line(5000, rate="0", code="503", position=4),
        contact=contact.id,
    )
    made = await ours.create(wanted)

    stored = there.invoices[made.id]
    assert (stored["reference"], stored["date"], stored["due_date"]) == ("HUIS-F2026-000041", "2026-11-23", "2026-12-07")
    assert [(one["amount"], one["price"], one["tax_rate_id"], one["period"]) for one in stored["details"]] == [
        ("3", "100.0", "501", "20261201..20261231"),
        ("1", "-10.05", "501", None),
        ("1", "3.33", "501", None),
        ("1", "50.0", "503", None),
    ]
    assert made.gross_cents == wanted.gross_cents
    assert there.files == {"HUIS-F2026-000041.pdf": wanted.pdf, "HUIS-F2026-000041.xml": wanted.ubl}


async def test_a_credit_note_stands_below_zero_there_and_above_zero_here(there: theirs.Moneybird, ours: Moneybird) -> None:
    contact = await ours.create(BAKER)
    wanted = document(line(20000, quantity="2", price="100"), contact=contact.id, kind=Kind.CREDIT_NOTE)
    made = await ours.create(wanted)

    assert there.invoices[made.id]["total_price_incl_tax"] == "-242.0"
    assert (made.gross_cents, made.says["total"]) == (24200, "EUR -242.00")
    assert await ours.look(What.DOCUMENT, made.id) == made == await ours.find(wanted)


async def test_an_answer_that_got_lost_makes_no_second_invoice(there: theirs.Moneybird, ours: Moneybird) -> None:
    contact = await ours.create(BAKER)
    wanted = document(line(12110), contact=contact.id)
    assert await ours.find(wanted) is None
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, within=timedelta(seconds=0.3)).create(wanted)

    found = await ours.find(wanted)

    assert found
    assert (len(there.invoices), found.gross_cents) == (1, wanted.gross_cents)
    assert there.files == {"HUIS-F2026-000041.pdf": wanted.pdf, "HUIS-F2026-000041.xml": wanted.ubl}, "what was begun is finished"


async def test_an_invoice_is_found_behind_the_first_pages_of_its_debtor(there: theirs.Moneybird, ours: Moneybird) -> None:
    wanted, made = await invoice(ours)
    template = there.invoices.pop(made.id)
    for number in range(100):
        there.invoices[f"9{number:04d}"] = template | {"id": f"9{number:04d}", "reference": f"HUIS-F2026-{number + 100:06d}"}
    there.invoices[made.id] = template

    assert await ours.find(wanted) == made


async def test_a_number_that_stands_there_twice_is_for_a_person(there: theirs.Moneybird, ours: Moneybird) -> None:
    wanted, made = await invoice(ours)
    there.invoices["77"] = there.invoices[made.id] | {"id": "77"}

    with pytest.raises(AccountingRefuses) as refused:
        await ours.find(wanted)

    assert "2 times" in refused.value.facts["detail"]


async def test_another_total_is_told_as_theirs(there: theirs.Moneybird, ours: Moneybird) -> None:
    there.tax_off_by = Decimal("0.01")

    wanted, made = await invoice(ours)

    assert made.gross_cents == wanted.gross_cents + 1
    assert there.files == {}, "a document that differs is not dressed as ours"


async def test_the_same_total_with_another_vat_is_refused(there: theirs.Moneybird, ours: Moneybird) -> None:
    there.tax_off_by = Decimal("0.01")
    contact = await ours.create(BAKER)

    with pytest.raises(AccountingRefuses) as refused:
        await ours.create(document(line(12100), contact=contact.id, incl=True))

    assert refused.value.facts["detail"] == "HUIS-F2026-000041 stands there with EUR 21.01 of VAT, ours has EUR 21.00"


async def test_only_the_paper_that_lacks_is_sent_after_an_interruption(there: theirs.Moneybird, ours: Moneybird) -> None:
    wanted, made = await invoice(ours, pdf=b"")
    assert list(there.files) == ["HUIS-F2026-000041.xml"]

    await ours.find(msgspec.structs.replace(wanted, pdf=b"%PDF-1.7"))
    await ours.find(msgspec.structs.replace(wanted, pdf=b"%PDF-1.7"))

    assert [one["filename"] for one in there.invoices[made.id]["attachments"]] == ["HUIS-F2026-000041.xml", "HUIS-F2026-000041.pdf"]


async def test_a_refused_attachment_leaves_the_books_right(there: theirs.Moneybird, ours: Moneybird) -> None:
    there.no_files = True

    wanted, made = await invoice(ours)

    assert (made.gross_cents, there.files) == (wanted.gross_cents, {})


@given(
    prices=st.lists(st.tuples(st.integers(1, 99), st.integers(-500_000, 500_000), st.sampled_from(["21", "0"])), min_size=1, max_size=12),
    incl=st.booleans(),
    kind=st.sampled_from([Kind.INVOICE, Kind.CREDIT_NOTE]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cent_is_lost_on_the_way(prices: list[tuple[int, int, str]], *, incl: bool, kind: Kind) -> None:
    rows = [
        line(
            quantity * cents, quantity=str(quantity), price=str(Decimal(cents).scaleb(-2)), rate=rate, code="501" if rate == "21" else "503"
        )
        for quantity, cents, rate in prices
    ]
    wanted = document(*rows, contact="1", kind=kind, incl=incl)
    side = theirs.Moneybird()
    side.contacts["1"] = side._new_contact()
    told = msgspec.json.decode(moneybird_words.document_body(wanted))

    there = msgspec.convert(side._make(told["external_sales_invoice"]), moneybird_words.TheirInvoice)

    assert contract.faults(told, {"external_sales_invoice": contract.INVOICE_ASKED}, "asked", is_whole=False) == []
    assert moneybird_words.document_remote(there, kind).gross_cents == wanted.gross_cents
    moneybird_words.must_say_the_same_vat(wanted, there)


@pytest.mark.parametrize(
    ("change", "is_seen"),
    [
        ({"reference": "HUIS-F2026-000042"}, True),
        ({"date": "2026-11-24"}, True),
        ({"due_date": "2027-01-01"}, True),
        ({"total_price_incl_tax": "146.54"}, True),
        ({"contact_id": "5"}, True),
        ({"details": []}, True),
        ({"state": "late"}, False),
        ({"notes": [{}], "source_url": "https://example.com"}, False),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
async def test_what_somebody_changes_in_a_document_is_seen(
    there: theirs.Moneybird, ours: Moneybird, change: dict[str, object], *, is_seen: bool
) -> None:
    _wanted, made = await invoice(ours)
    there.edit(made.id, lambda stored: stored.update(change))

    now = await ours.look(What.DOCUMENT, made.id)

    assert now
    assert (now.version != made.version) is is_seen


async def test_what_is_gone_is_none(there: theirs.Moneybird, ours: Moneybird) -> None:
    _wanted, made = await invoice(ours)
    there.invoices.clear()

    assert await ours.look(What.DOCUMENT, made.id) is None
    assert await ours.look(What.CONTACT, "404") is None
    assert await ours.look(What.PAYMENT, "404") is None
    assert await ours.find(booking(made.id, 100)) is None
    with pytest.raises(AccountingRefuses):
        await ours.create(booking(made.id, 100))
