"""The Moneybird adapter says and understands what Moneybird publishes, makes nothing twice, and never overlooks another cent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.policy.ledger import Kind
from billing.service.accounting import moneybird_words, speaking
from billing.service.accounting.moneybird import Moneybird
from billing.service.accounting.port import (
    AccountingRefuses,
    AccountingUnavailable,
    ChangedThere,
    CredentialRefused,
    Remote,
    SalesDocument,
    Setup,
    What,
)
from partner_portal.infra import clock
from tests.billing import moneybird as theirs
from tests.billing import moneybird_contract as contract
from tests.billing.to_books import BAKER, CONSUMER, booking, document, line

GRANT = msgspec.json.encode({"client_id": "portal", "client_secret": "hush", "refresh_token": "first"}).decode()


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[theirs.Moneybird]:
    async with theirs.running() as side:
        yield side


def adapter(there: theirs.Moneybird, credential: str = theirs.TOKEN, **more: object) -> Moneybird:
    plain = Setup(
        connection="huis", url=there.url, administration=theirs.ADMINISTRATION, credential=credential, within=timedelta(seconds=2)
    )
    return Moneybird(msgspec.structs.replace(plain, **more))


@pytest.fixture
def ours(there: theirs.Moneybird) -> Moneybird:
    return adapter(there)


async def invoice(ours: Moneybird, **more: Any) -> tuple[SalesDocument, Remote]:
    contact = await ours.create(BAKER)
    wanted = document(line(12110), contact=contact.id, **more)
    return wanted, await ours.create(wanted)


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


# --- payments


async def test_a_payment_is_booked_on_the_account_in_between_and_found_by_our_key(there: theirs.Moneybird, ours: Moneybird) -> None:
    _wanted, made = await invoice(ours)
    assert await ours.find(booking(made.id, 10005)) is None

    paid = await ours.create(booking(made.id, 10005))

    stored = there.invoices[made.id]["payments"][0]
    assert (stored["price"], stored["payment_date"], stored["ledger_account_id"], stored["manual_payment_action"]) == (
        *("100.05", "2026-11-30", "602"),
        "balance_settlement",
    )
    assert await ours.find(booking(made.id, 10005)) == paid == await ours.look(What.PAYMENT, paid.id)
    assert paid.key == booking(made.id, 10005).key
    document_now = await ours.look(What.DOCUMENT, made.id)
    assert document_now == made, "being paid is no change of a document"


async def test_a_payment_taken_back_stands_below_zero_and_the_debtors_favour_is_turned(there: theirs.Moneybird, ours: Moneybird) -> None:
    contact = await ours.create(BAKER)
    bill = await ours.create(document(line(10000), contact=contact.id))
    credit = await ours.create(document(line(10000), contact=contact.id, kind=Kind.CREDIT_NOTE))
    await ours.create(booking(bill.id, 12100))
    await ours.create(booking(bill.id, -12100, number=2))
    await ours.create(booking(credit.id, 12100, number=3))

    prices = [one["price"] for stored in there.invoices.values() for one in stored["payments"]]
    heard = await ours.news("[0,0]")

    assert prices == ["121.0", "-121.0", "-121.0"]
    assert [(one.document, one.amount_cents) for one in heard.payments] == [(bill.id, 12100), (bill.id, -12100), (credit.id, 12100)]


async def test_a_payment_whose_answer_got_lost_is_booked_once(there: theirs.Moneybird, ours: Moneybird) -> None:
    _wanted, made = await invoice(ours)
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, within=timedelta(seconds=0.3)).create(booking(made.id, 100))

    assert await ours.find(booking(made.id, 100)) is not None
    assert len(there.invoices[made.id]["payments"]) == 1


# --- news


async def test_news_begin_now_and_tell_what_happened_since(there: theirs.Moneybird, ours: Moneybird) -> None:
    _wanted, made = await invoice(ours)
    start = (await ours.news(None)).cursor
    assert msgspec.json.decode(start)[0] == pytest.approx(clock.now().timestamp(), abs=120)
    first = await ours.news(f"[{int(there.now.timestamp()) + 1},{int(there.now.timestamp()) + 1}]")
    assert (first.payments, first.altered, first.is_more) == ((), (), False)

    there.later()
    there.pay(made.id, payment_date="2026-12-01", price="20.5")
    heard = await ours.news(first.cursor)

    assert [(one.document, one.amount_cents, one.on, one.key) for one in heard.payments] == [(made.id, 2050, date(2026, 12, 1), None)]
    assert [(one.id, one.now) for one in heard.altered if one.what is What.DOCUMENT] == [(made.id, made)]


async def test_news_of_many_come_in_parts_and_leave_none_out(there: theirs.Moneybird, ours: Moneybird) -> None:
    _wanted, made = await invoice(ours)
    template = there.invoices.pop(made.id)
    moment = int(there.now.timestamp())
    for number in range(350):
        there.invoices[f"9{number:04d}"] = template | {"id": f"9{number:04d}", "version": moment + (number // 170)}

    told: list[str] = []
    cursor, rounds, is_more = f"[{moment - 1},{moment + 999}]", 0, True
    while is_more:
        heard = await ours.news(cursor)
        told += [one.id for one in heard.altered if one.what is What.DOCUMENT]
        cursor, is_more, rounds = heard.cursor, heard.is_more, rounds + 1
        assert rounds < 10

    assert sorted(set(told)) == sorted(there.invoices)
    assert max(len(msgspec.json.decode(one.body)["ids"]) for one in there.done("POST", "synchronization")) == 20


async def test_a_document_of_last_year_is_heard_of(there: theirs.Moneybird, ours: Moneybird) -> None:
    _wanted, made = await invoice(ours, issued_on=date(2025, 12, 31))

    heard = await ours.news("[0,0]")

    assert [one.id for one in heard.altered if one.what is What.DOCUMENT] == [made.id]


# --- when it does not go well


@pytest.mark.parametrize("status", [302, 402, 408, 423, 425, 500, 502, 503, 504])
async def test_what_may_pass_is_asked_again_later(there: theirs.Moneybird, ours: Moneybird, status: int) -> None:
    there.fails(status, b"{}")

    with pytest.raises(AccountingUnavailable):
        await ours.create(BAKER)


async def test_too_many_questions_wait_until_the_instant_they_are_told(there: theirs.Moneybird, ours: Moneybird) -> None:
    reset = int(clock.now().timestamp()) + 250
    there.fails(429, b'"Retry later"', retry_after=str(reset))

    with pytest.raises(AccountingUnavailable) as later:
        await ours.find(BAKER)

    assert later.value.pause
    assert timedelta(seconds=200) < later.value.pause <= timedelta(seconds=251)
    assert later.value.facts["detail"] == "429 Retry later"


@pytest.mark.parametrize(
    ("told", "pause"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta(0)),
        ("1795424500", timedelta(seconds=100)),
        ("1795424300", timedelta(0)),
        ("Mon, 23 Nov 2026 09:01:40 GMT", timedelta(seconds=100)),
        ("999999", timedelta(days=1)),
        ("9" * 40, None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_pause_is_read_as_seconds_as_an_instant_or_as_a_date(told: str, pause: timedelta | None) -> None:
    assert speaking.pause_of(told, datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) == pause


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"error": {"reference": ["can\'t be blank"], "date": ["is invalid", "is locked"]}}',
            "reference: can't be blank; date: is invalid, is locked",
        ),
        (b'{"error": "Contact ID is invalid", "symbolic": {}}', "Contact ID is invalid"),
        (b"<html>", ""),
    ],
)
async def test_a_no_says_why_in_their_words(there: theirs.Moneybird, ours: Moneybird, body: bytes, said: str) -> None:
    there.fails(422, body)

    with pytest.raises(AccountingRefuses) as refused:
        await ours.create(BAKER)

    assert refused.value.facts["detail"] == f"422 {said}".strip()


async def test_what_is_wrong_with_an_object_is_told_in_their_words(there: theirs.Moneybird, ours: Moneybird) -> None:
    await ours.create(BAKER)
    with pytest.raises(AccountingRefuses, match="customer_id: has already been taken"):
        await ours.create(BAKER)
    with pytest.raises(AccountingRefuses, match="Contact ID is invalid"):
        await ours.create(document(line(100), contact="404"))
    contact = await ours.find(BAKER)
    assert contact
    with pytest.raises(AccountingRefuses, match="tax_rate: is invalid"):
        await ours.create(document(line(100, code="9"), contact=contact.id))
    assert there.invoices == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b'{"id":{}}', b'{"id":"1","currency":"EUR","date":"x"}', b"\xff\xfe", b"x" * (5 * 1024 * 1024)],
    ids=["empty", "html", "list", "object", "id", "date", "bytes", "huge"],
)
async def test_an_answer_that_cannot_be_read_is_none(there: theirs.Moneybird, ours: Moneybird, content: bytes) -> None:
    there.fails(200, content)

    with pytest.raises(AccountingUnavailable):
        await ours.look(What.DOCUMENT, "1")


async def test_parts_of_a_cent_are_no_amount(there: theirs.Moneybird, ours: Moneybird) -> None:
    _wanted, made = await invoice(ours)
    there.edit(made.id, lambda stored: stored.update(total_price_incl_tax="146.531"))

    with pytest.raises(AccountingUnavailable):
        await ours.look(What.DOCUMENT, made.id)


async def test_nobody_at_home_is_none() -> None:
    plain = Setup(connection="huis", url="http://127.0.0.1:9/api/v2", administration="123", credential="x", within=timedelta(seconds=1))

    with pytest.raises(AccountingUnavailable):
        await Moneybird(plain).find(BAKER)


# --- tokens


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_not_known_stops_everything(there: theirs.Moneybird, ours: Moneybird, status: int) -> None:
    there.fails(status, b'{"error": "The access token is invalid"}')

    with pytest.raises(CredentialRefused) as refused:
        await ours.find(BAKER)

    assert theirs.TOKEN not in str(refused.value)


async def test_a_grant_is_renewed_once_and_what_comes_instead_is_kept(there: theirs.Moneybird) -> None:
    kept: list[str] = []

    async def keep(secret: str) -> None:
        kept.append(secret)

    tokens = {"token_url": there.url.replace("/api/v2", "/oauth/token")}
    ours = adapter(there, GRANT, keep=keep, options=tokens)
    await ours.create(BAKER)
    await ours.find(BAKER)
    there.tokens.clear()
    await ours.find(BAKER)

    grants = [msgspec.json.decode(one, type=speaking.Grant) for one in kept]
    assert [(one.refresh_token, one.access_token) for one in grants] == [("refresh-1", "token-1"), ("refresh-2", "token-2")]
    assert await adapter(there, kept[-1], keep=keep, options=tokens).find(BAKER) is not None
    assert there.refreshed == 2, "a token that is good is used on"
    with pytest.raises(CredentialRefused, match="invalid_grant"):
        await adapter(there, GRANT, keep=keep, options=tokens).find(BAKER)


@pytest.mark.parametrize("credential", ['{"client_id": "x"}', "{"])
def test_a_grant_that_lacks_something_says_so_and_not_what_it_holds(credential: str) -> None:
    with pytest.raises(CredentialRefused, match="client_secret"):
        Moneybird(Setup(connection="huis", url="", administration="1", credential=credential))
