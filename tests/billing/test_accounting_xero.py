"""The Xero adapter says and understands what Xero publishes, makes nothing twice, and follows the VAT that stands on the document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.policy.ledger import Kind
from billing.policy.tax import VatCategory
from billing.service.accounting import xero_words
from billing.service.accounting.port import (
    AccountingRefuses,
    AccountingUnavailable,
    ChangedThere,
    CredentialRefused,
    What,
)
from billing.service.accounting.xero import Xero
from tests.billing import xero as theirs
from tests.billing import xero_contract as contract
from tests.billing.at_xero import adapter, invoice, line
from tests.billing.to_books import BAKER, document


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[theirs.FakeXero]:
    async with theirs.running() as side:
        yield side


@pytest.fixture
def ours(there: theirs.FakeXero) -> Xero:
    return adapter(there)


# --- the look around


async def test_a_look_around_names_the_organisation_and_its_codes_and_writes_nothing(there: theirs.FakeXero, ours: Xero) -> None:
    health = await ours.check()

    assert health.administration == "Voorbeeld Hosting B.V."
    assert health.ledgers == {theirs.SALES: "Omzet hosting", theirs.BETWEEN: "Kruisposten"}
    assert health.vat_codes
    assert set(health.vat_codes) == {theirs.HIGH, theirs.ZERO, theirs.REVERSED}
    assert {one.method for one in there.asked} == {"GET"}


async def test_an_organisation_that_the_grant_does_not_open_stops_everything(there: theirs.FakeXero) -> None:
    with pytest.raises(CredentialRefused, match="AuthenticationUnsuccessful"):
        await adapter(there, administration="00000000-0000-0000-0000-000000000000").check()


# --- contacts


async def test_a_contact_is_made_once_and_found_by_our_key(there: theirs.FakeXero, ours: Xero) -> None:
    assert await ours.find(BAKER) is None
    made = await ours.create(BAKER)

    assert await ours.find(BAKER) == made
    assert (made.key, made.number) == (BAKER.key, BAKER.number)
    assert there.stored(made.id)["Name"] == "Bakkerij Zoet & Zn. B.V. (NOORD-K000012)"
    assert made.says == {
        "name": "Bakkerij Zoet & Zn. B.V.",
        "address": "Dorpsstraat 1, 1234 AB Zaandam, NL",
        "email": "boekhouding@zoet.example.com",
        "vat": "NL123456789B01",
    }


async def test_two_debtors_of_one_name_are_two_contacts(there: theirs.FakeXero, ours: Xero) -> None:
    first = await ours.create(BAKER)
    second = await ours.create(msgspec.structs.replace(BAKER, key="0193a5b0-0000-7000-8000-0000000000ff", number="NOORD-K000099"))

    assert first.id != second.id


async def test_a_contact_follows_ours_unless_somebody_changed_it_there(there: theirs.FakeXero, ours: Xero) -> None:
    made = await ours.create(BAKER)
    moved = msgspec.structs.replace(BAKER, street="Nieuwe Gracht 9", email=None)

    changed = await ours.change(moved, made)
    assert changed.says["address"] == "Nieuwe Gracht 9, 1234 AB Zaandam, NL"
    assert await ours.change(moved, made) == changed, "again is no conflict with ourselves"

    there.edit(changed.id, lambda stored: stored.update(TaxNumber="NL000000000B99"))
    with pytest.raises(ChangedThere) as conflict:
        await ours.change(BAKER, changed)
    assert conflict.value.theirs.says["vat"] == "NL000000000B99"
    assert (await ours.change(BAKER, changed, even_if_changed=True)).version == made.version


async def test_an_archived_contact_is_another_version_and_says_so(there: theirs.FakeXero, ours: Xero) -> None:
    made = await ours.create(BAKER)
    there.edit(made.id, lambda stored: stored.update(ContactStatus="ARCHIVED"))

    now = await ours.look(What.CONTACT, made.id)

    assert now
    assert (now.version == made.version, now.says["status"]) == (False, "ARCHIVED")


# --- documents


async def test_an_invoice_is_booked_with_number_days_codes_and_its_papers(there: theirs.FakeXero, ours: Xero) -> None:
    contact = await ours.create(BAKER)
    wanted = document(
        line(30000, quantity="3", price="100"),
        line(-1005, quantity="-1", price="10.05", position=2),
        line(333, quantity="0.333", price="10.0000", position=3),
        line(61, quantity="1000", price="0.00061171", position=4),
        line(5000, rate="0", code=theirs.REVERSED, position=5),
        contact=contact.id,
    )
    made = await ours.create(wanted)

    stored = there.stored(made.id)
    assert (stored["InvoiceNumber"], stored["Status"], stored["Reference"]) == ("HUIS-F2026-000041", "AUTHORISED", wanted.reference)
    assert (stored["Date"], stored["DueDate"]) == ("/Date(1795392000000+0000)/", "/Date(1796601600000+0000)/")
    assert [(str(one["Quantity"]), str(one["UnitAmount"]), str(one["LineAmount"]), one["TaxType"]) for one in stored["LineItems"]] == [
        ("3", "100", "300.00", theirs.HIGH),
        ("1", "-10.05", "-10.05", theirs.HIGH),
        ("0.333", "10", "3.33", theirs.HIGH),
        ("1", "0.61", "0.61", theirs.HIGH),
        ("1", "50", "50.00", theirs.REVERSED),
    ]
    assert (stored["TotalTax"], made.gross_cents) == (Decimal(wanted.vat_cents) / 100, wanted.gross_cents)
    assert there.files == {"HUIS-F2026-000041.pdf": wanted.pdf, "HUIS-F2026-000041.xml": wanted.ubl}


async def test_lines_carry_the_vat_of_the_document_where_line_by_line_would_differ(there: theirs.FakeXero, ours: Xero) -> None:
    contact = await ours.create(BAKER)
    wanted = document(*(line(2, position=at) for at in range(1, 11)), contact=contact.id)

    made = await ours.create(wanted)

    stored = there.stored(made.id)
    assert (wanted.vat_cents, stored["TotalTax"], made.gross_cents) == (4, Decimal("0.04"), 24)
    assert sorted(one["TaxAmount"] for one in stored["LineItems"]) == [Decimal("0.00")] * 6 + [Decimal("0.01")] * 4


async def test_another_total_is_told_as_theirs(there: theirs.FakeXero, ours: Xero) -> None:
    there.own_vat = True
    contact = await ours.create(BAKER)
    wanted = document(*(line(2, position=at) for at in range(1, 11)), contact=contact.id)

    made = await ours.create(wanted)

    assert (made.gross_cents, wanted.gross_cents, there.files) == (20, 24, {})


async def test_the_same_total_with_another_vat_is_refused(there: theirs.FakeXero, ours: Xero) -> None:
    there.own_vat = True
    contact = await ours.create(BAKER)

    with pytest.raises(AccountingRefuses, match=r"EUR 0.00 of VAT, ours has EUR 0.03"):
        await ours.create(document(*(line(2, position=at) for at in range(1, 11)), contact=contact.id, incl=True))


async def test_a_credit_note_stands_above_zero_on_both_sides(there: theirs.FakeXero, ours: Xero) -> None:
    contact = await ours.create(BAKER)
    wanted = document(line(20000, quantity="2", price="100"), contact=contact.id, kind=Kind.CREDIT_NOTE)

    made = await ours.create(wanted)

    assert made.id.startswith("CreditNotes/")
    assert (there.stored(made.id)["Total"], made.gross_cents, made.says["total"]) == (Decimal("242.00"), 24200, "EUR -242.00")
    assert await ours.look(What.DOCUMENT, made.id) == made == await ours.find(wanted)


async def test_an_answer_that_got_lost_makes_no_second_invoice(there: theirs.FakeXero, ours: Xero) -> None:
    contact = await ours.create(BAKER)
    wanted = document(line(12110), contact=contact.id)
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, within=timedelta(seconds=0.3)).create(wanted)

    found = await ours.find(wanted)

    assert found
    assert (len(there.things["Invoices"]), found.gross_cents) == (1, wanted.gross_cents)
    assert there.files == {"HUIS-F2026-000041.pdf": wanted.pdf, "HUIS-F2026-000041.xml": wanted.ubl}, "what was begun is finished"


async def test_the_same_question_twice_is_one_invoice_there(there: theirs.FakeXero, ours: Xero) -> None:
    wanted, made = await invoice(ours)

    assert await ours.create(wanted) == made
    assert len(there.things["Invoices"]) == 1


async def test_a_purchase_of_our_number_is_not_our_invoice(there: theirs.FakeXero, ours: Xero) -> None:
    wanted, made = await invoice(ours)
    there.edit(made.id, lambda stored: stored.update(Type="ACCPAY"))

    assert await ours.find(wanted) is None


@pytest.mark.parametrize("status", ["VOIDED", "DELETED"])
async def test_what_is_voided_is_gone(there: theirs.FakeXero, ours: Xero, status: str) -> None:
    wanted, made = await invoice(ours)
    there.edit(made.id, lambda stored: stored.update(Status=status))
    there.later()

    assert await ours.look(What.DOCUMENT, made.id) is None
    assert await ours.find(wanted) is None
    heard = await ours.news("[[0],[0],[0],[0]]")
    assert [(one.id, one.now) for one in heard.altered if one.what is What.DOCUMENT] == [(made.id, None)]


async def test_only_the_paper_that_lacks_is_sent_after_an_interruption(there: theirs.FakeXero, ours: Xero) -> None:
    wanted, made = await invoice(ours, pdf=b"")
    assert list(there.files) == ["HUIS-F2026-000041.xml"]

    await ours.find(msgspec.structs.replace(wanted, pdf=b"%PDF-1.7"))
    await ours.find(msgspec.structs.replace(wanted, pdf=b"%PDF-1.7"))

    assert [one["FileName"] for one in there.hung[made.id.split("/")[1]]] == ["HUIS-F2026-000041.xml", "HUIS-F2026-000041.pdf"]


async def test_a_refused_attachment_leaves_the_books_right(there: theirs.FakeXero, ours: Xero) -> None:
    there.no_files = True

    wanted, made = await invoice(ours)

    assert (made.gross_cents, there.files) == (wanted.gross_cents, {})


@pytest.mark.parametrize(
    ("change", "is_seen"),
    [
        ({"Total": Decimal("146.54")}, True),
        ({"DueDate": "/Date(1798761600000+0000)/"}, True),
        ({"InvoiceNumber": "HUIS-F2026-000042"}, True),
        ({"LineItems": []}, True),
        ({"Status": "DRAFT"}, True),
        ({"Status": "PAID", "AmountDue": Decimal(0)}, False),
        ({"SentToContact": True}, False),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
async def test_what_somebody_changes_in_a_document_is_seen(
    there: theirs.FakeXero, ours: Xero, change: dict[str, object], *, is_seen: bool
) -> None:
    _wanted, made = await invoice(ours)
    there.edit(made.id, lambda stored: stored.update(change))

    now = await ours.look(What.DOCUMENT, made.id)

    assert now
    assert (now.version != made.version) is is_seen


_ROWS = st.lists(
    st.tuples(st.integers(1, 99), st.integers(-500_000, 500_000), st.sampled_from(["21", "0", "25.5"])), min_size=1, max_size=15
)


@given(prices=_ROWS, incl=st.booleans())
@settings(max_examples=100)
def test_the_vat_of_lines_adds_up_to_what_stands_on_the_document(prices: list[tuple[int, int, str]], *, incl: bool) -> None:
    rows = [
        line(times * cents, quantity=str(times), price=str(Decimal(cents).scaleb(-2)), rate=rate, code=f"V{rate}")
        for times, cents, rate in prices
    ]
    wanted = document(*rows, contact="Contacts/1", incl=incl)

    shares = xero_words.vat_of_lines(wanted)

    for total in wanted.totals:
        alike = [(share, row) for share, row in zip(shares, rows, strict=True) if row.vat_code == total.vat_code]
        assert sum(share for share, _row in alike) == total.vat_cents
        for share, row in alike:
            exact = row.amount_cents * row.vat_rate / (100 + row.vat_rate if incl else 100)
            assert abs(share - exact) < 1, "no line is more than a cent from its own"


@given(prices=_ROWS, incl=st.booleans(), kind=st.sampled_from([Kind.INVOICE, Kind.CREDIT_NOTE]))
@settings(max_examples=60)
def test_what_is_written_is_as_published_and_no_cent_is_lost(prices: list[tuple[int, int, str]], *, incl: bool, kind: Kind) -> None:
    codes = {"21": theirs.HIGH, "0": theirs.REVERSED, "25.5": theirs.HIGH}
    rows = [
        line(abs(times * cents), quantity=str(times), price=str(Decimal(abs(cents)).scaleb(-2)), rate=r, code=codes[r])
        for times, cents, r in prices
    ]
    side = theirs.FakeXero()
    side.things["Contacts"]["1"] = {"ContactID": "1", "Name": "x"}
    wanted = document(*rows, contact="Contacts/1", kind=kind, incl=incl)
    place = "CreditNotes" if kind is Kind.CREDIT_NOTE else "Invoices"
    told = msgspec.json.decode(xero_words.document_body(wanted))

    made = side._make(place, told[place][0])

    assert contract.faults(told, place, "asked") == []
    assert (made["Total"], made["TotalTax"]) == (Decimal(wanted.gross_cents) / 100, Decimal(wanted.vat_cents) / 100)


def test_lines_and_totals_that_do_not_belong_together_are_not_written() -> None:
    wanted = document(line(100), contact="Contacts/1")
    other = msgspec.structs.replace(wanted.lines[0], vat_category=VatCategory.OUTSIDE_SCOPE)

    with pytest.raises(AccountingRefuses, match="no total"):
        xero_words.vat_of_lines(msgspec.structs.replace(wanted, lines=(*wanted.lines, other)))
    with pytest.raises(AccountingRefuses, match="no line"):
        xero_words.vat_of_lines(msgspec.structs.replace(wanted, lines=()))
