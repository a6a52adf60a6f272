"""The Xero adapter says and understands what Xero publishes, makes nothing twice, and follows the VAT that stands on the document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.policy.ledger import Kind
from billing.policy.tax import VatCategory
from billing.service.accounting import speaking, xero_words
from billing.service.accounting.port import (
    AccountingRefuses,
    AccountingUnavailable,
    ChangedThere,
    CredentialRefused,
    Remote,
    SalesDocument,
    SalesLine,
    Setup,
    What,
)
from billing.service.accounting.xero import Xero
from partner_portal.infra import clock
from tests.billing import to_books
from tests.billing import xero as theirs
from tests.billing import xero_contract as contract
from tests.billing.to_books import BAKER, document

GRANT = {"client_id": "portal", "client_secret": "hush", "refresh_token": "first", "access_token": "good", "until": "2099-01-01T00:00:00Z"}


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[theirs.FakeXero]:
    async with theirs.running() as side:
        yield side


def adapter(there: theirs.FakeXero, grant: dict[str, str] | None = None, **more: object) -> Xero:
    credential = msgspec.json.encode(grant or GRANT).decode()
    options = {"token_url": there.url.replace(contract.BASE, "/connect/token")}
    plain = Setup(
        connection="huis", url=there.url, administration=theirs.TENANT, credential=credential, options=options, within=timedelta(seconds=2)
    )
    return Xero(msgspec.structs.replace(plain, **more))


@pytest.fixture
def ours(there: theirs.FakeXero) -> Xero:
    return adapter(there)


def line(cents: int, **more: Any) -> SalesLine:
    return to_books.line(cents, **({"code": theirs.HIGH, "ledger": theirs.SALES} | more))


def booking(paid: str, cents: int, *, number: int = 1) -> Any:
    return msgspec.structs.replace(to_books.booking(paid, cents, number=number), ledger=theirs.BETWEEN)


async def invoice(ours: Xero, **more: Any) -> tuple[SalesDocument, Remote]:
    contact = await ours.create(BAKER)
    wanted = document(line(12110), contact=contact.id, **more)
    return wanted, await ours.create(wanted)


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


# --- payments


async def test_a_payment_is_booked_and_found_by_our_key_and_changes_no_document(there: theirs.FakeXero, ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    assert await ours.find(booking(made.id, 10005)) is None

    paid = await ours.create(booking(made.id, 10005))

    assert there.stored(made.id)["AmountDue"] == Decimal("46.48")
    assert await ours.find(booking(made.id, 10005)) == paid == await ours.look(What.PAYMENT, paid.id)
    assert paid.key == booking(made.id, 10005).key
    assert await ours.look(What.DOCUMENT, made.id) == made


async def test_what_settles_a_credit_note_is_paid_on_it(there: theirs.FakeXero, ours: Xero) -> None:
    contact = await ours.create(BAKER)
    credit = await ours.create(document(line(10000), contact=contact.id, kind=Kind.CREDIT_NOTE))

    await ours.create(booking(credit.id, 12100))

    heard = await ours.news("[[0],[0],[0],[0]]")
    assert [(one.document, one.amount_cents) for one in heard.payments] == [(credit.id, 12100)]


async def test_what_is_taken_back_is_for_a_person_as_nothing_is_paid_below_zero_there(ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    with pytest.raises(
        AccountingRefuses, match=r"EUR 100.05 of HUIS-F2026-000041 was taken back: the payment has to be removed there by hand"
    ):
        await ours.create(booking(made.id, -10005))


async def test_a_payment_whose_answer_got_lost_is_booked_once(there: theirs.FakeXero, ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, within=timedelta(seconds=0.3)).create(booking(made.id, 100))

    assert await ours.find(booking(made.id, 100)) is not None
    assert len(there.things["Payments"]) == 1


# --- news


async def test_news_begin_now_and_tell_what_happened_since(there: theirs.FakeXero, ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    start = (await ours.news(None)).cursor
    assert msgspec.json.decode(start)[0][0] == pytest.approx(clock.now().timestamp(), abs=120)

    moment = int(there.now.timestamp()) + 2
    there.later()
    paid = there.pay(made.id, "20.50", Date="/Date(1796083200000+0000)/")
    heard = await ours.news(f"[[{moment}],[{moment}],[{moment}],[{moment}]]")

    assert [(one.document, one.amount_cents, one.on, one.key, one.is_gone) for one in heard.payments] == [
        (made.id, 2050, date(2026, 12, 1), None, False)
    ]
    assert [(one.id, one.now) for one in heard.altered] == [(made.id, made)]

    there.later()
    there.edit(f"Payments/{paid['PaymentID']}", lambda stored: stored.update(Status="DELETED"))
    gone = await ours.news(heard.cursor)
    assert [(one.id, one.is_gone) for one in gone.payments if one.is_gone] == [(f"Payments/{paid['PaymentID']}", True)]
    assert await ours.look(What.PAYMENT, f"Payments/{paid['PaymentID']}") is None


@pytest.mark.parametrize("in_one_second", [1, 18, 20, 34, 70])
async def test_news_of_many_come_in_parts_and_leave_none_out(there: theirs.FakeXero, ours: Xero, in_one_second: int) -> None:
    _wanted, made = await invoice(ours)
    template = there.things["Invoices"].pop(made.id.split("/")[1])
    moment = int(there.now.timestamp())
    for number in range(70):
        guid = f"00000000-0000-0000-0000-{number:012d}"
        changed = f"/Date({(moment + number // in_one_second) * 1000}+0000)/"
        there.things["Invoices"][guid] = template | {"InvoiceID": guid, "UpdatedDateUTC": changed}

    told: set[str] = set()
    cursor, rounds, is_more = f"[[{moment}],[{moment}],[{moment}],[{moment}]]", 0, True
    while is_more:
        heard = await ours.news(cursor)
        told |= {one.id.split("/")[1] for one in heard.altered if one.what is What.DOCUMENT}
        cursor, is_more, rounds = heard.cursor, heard.is_more, rounds + 1
        assert rounds < 12

    assert told == set(there.things["Invoices"])


async def test_payments_of_purchases_are_none_of_ours(there: theirs.FakeXero, ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    paid = there.pay(made.id, "1")
    there.edit(f"Payments/{paid['PaymentID']}", lambda stored: stored.update(PaymentType="ACCPAYPAYMENT"))

    assert (await ours.news("[[0],[0],[0],[0]]")).payments == ()


# --- when it does not go well


@pytest.mark.parametrize("status", [302, 402, 408, 500, 502, 503])
async def test_what_may_pass_is_asked_again_later(there: theirs.FakeXero, ours: Xero, status: int) -> None:
    there.fails(status, b"{}")

    with pytest.raises(AccountingUnavailable):
        await ours.create(BAKER)


async def test_too_many_questions_wait_as_long_as_they_are_told(there: theirs.FakeXero, ours: Xero) -> None:
    there.fails(429, retry_after="42", x_rate_limit_problem="minute")

    with pytest.raises(AccountingUnavailable) as later:
        await ours.find(BAKER)

    assert later.value.pause == timedelta(seconds=42)


async def test_what_is_wrong_with_an_object_is_told_in_their_words(there: theirs.FakeXero, ours: Xero) -> None:
    contact = await ours.create(BAKER)
    with pytest.raises(AccountingRefuses, match="must be unique across all active contacts"):
        await ours.create(msgspec.structs.replace(BAKER, key="0193a5b0-0000-7000-8000-0000000000ff"))
    with pytest.raises(AccountingRefuses, match="TaxType code 'WRONG' does not exist"):
        await ours.create(document(line(100, code="WRONG"), contact=contact.id))
    with pytest.raises(AccountingRefuses, match="Account code '8000' is not a valid code"):
        await ours.create(document(line(100, ledger="8000"), contact=contact.id, key="0193a5b0-0000-7000-8000-0000000000fe"))
    assert there.things["Invoices"] == {}


async def test_more_than_is_open_is_refused(ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    with pytest.raises(AccountingRefuses, match="exceeds the amount outstanding"):
        await ours.create(booking(made.id, 99999))


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b'{"Invoices":[]}', b'{"Invoices":[{}]}', b"\xff\xfe", b"x" * (5 * 1024 * 1024)],
    ids=["empty", "html", "list", "object", "none", "nothing", "bytes", "huge"],
)
async def test_an_answer_that_cannot_be_read_is_none(there: theirs.FakeXero, ours: Xero, content: bytes) -> None:
    there.fails(200, content)

    with pytest.raises(AccountingUnavailable):
        await ours.look(What.DOCUMENT, "Invoices/1")


@pytest.mark.parametrize("told", ["", "/Date(x)/", "/Date(99999999999999999999)/", "/Date(999999999999999)/"])
def test_a_day_that_cannot_be_read_is_no_answer(told: str) -> None:
    with pytest.raises(AccountingUnavailable):
        xero_words.instant(told)


@pytest.mark.parametrize("told", ["2026-11-23", "2026-11-23T00:00:00", "/Date(1795392000000)/", "/Date(1795392000000+0000)/"])
def test_a_day_is_read_in_each_way_they_write_it(told: str) -> None:
    assert xero_words.instant(told) == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("remote", ["../Contacts", "Invoices/1?x=", "1", "", "Users/1"])
async def test_an_id_that_is_none_of_theirs_is_never_asked_for(there: theirs.FakeXero, ours: Xero, remote: str) -> None:
    assert [await ours.look(what, remote) for what in What] == [None, None, None]
    assert there.asked == []


async def test_a_number_that_would_change_the_question_is_not_asked(there: theirs.FakeXero, ours: Xero) -> None:
    with pytest.raises(AccountingRefuses):
        await ours.find(document(line(1), contact="Contacts/1", number='X" OR Type=="ACCPAY'))
    assert there.asked == []


# --- tokens


async def test_a_grant_is_renewed_before_it_ends_and_what_comes_instead_is_kept_first(there: theirs.FakeXero) -> None:
    kept: list[str] = []

    async def keep(secret: str) -> None:
        assert there.done("GET", contract.BASE) == [], "kept before anything is asked"
        kept.append(secret)

    ours = adapter(there, GRANT | {"until": "2020-01-01T00:00:00Z"}, keep=keep)
    await ours.find(BAKER)
    await ours.find(BAKER)

    grant = msgspec.json.decode(kept[0], type=speaking.Grant)
    assert (len(kept), grant.refresh_token, grant.access_token) == (1, "refresh-1", "token-1")
    assert grant.until
    assert timedelta(minutes=29) < grant.until - clock.now() <= timedelta(minutes=30)


async def test_a_token_that_is_refused_is_renewed_and_the_question_asked_once_more(there: theirs.FakeXero, ours: Xero) -> None:
    there.tokens = set()

    await ours.create(BAKER)

    assert (there.refreshed, len(there.things["Contacts"])) == (1, 1)


async def test_a_renewal_whose_answer_got_lost_is_asked_for_again_within_half_an_hour(there: theirs.FakeXero) -> None:
    stale = GRANT | {"access_token": ""}
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, stale, within=timedelta(seconds=0.3)).find(BAKER)

    assert await adapter(there, stale).find(BAKER) is None

    there.later(31 * 60)
    with pytest.raises(CredentialRefused):
        await adapter(there, stale).find(BAKER)


async def test_a_renewal_that_is_refused_stops_everything_and_tells_no_secret(there: theirs.FakeXero) -> None:
    with pytest.raises(CredentialRefused) as refused:
        await adapter(there, GRANT | {"refresh_token": "used", "access_token": ""}).find(BAKER)

    assert "invalid_grant" in refused.value.facts["detail"]
    assert not {"hush", "used"} & set(refused.value.facts["detail"].split())


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_renewal_that_may_pass_is_tried_again_later(there: theirs.FakeXero, status: int) -> None:
    there.fails(status)

    with pytest.raises(AccountingUnavailable):
        await adapter(there, GRANT | {"access_token": ""}).find(BAKER)
