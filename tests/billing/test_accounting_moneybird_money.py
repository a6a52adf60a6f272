"""What is paid, taken back and settled at Moneybird is so once, and what happens there is heard of once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import msgspec
import pytest
import pytest_asyncio

from billing.policy.ledger import Kind
from billing.service.accounting.moneybird import Moneybird
from billing.service.accounting.port import AccountingRefuses, AccountingUnavailable, What
from partner_portal.infra import clock
from tests.billing import moneybird as theirs
from tests.billing.at_moneybird import adapter, invoice
from tests.billing.to_books import BAKER, booking, document, line, settlement


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[theirs.Moneybird]:
    async with theirs.running() as side:
        yield side


@pytest.fixture
def ours(there: theirs.Moneybird) -> Moneybird:
    return adapter(there)


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


# --- settlements


async def test_a_credit_note_and_its_invoice_settle_each_other_and_no_money_is_heard_of(there: theirs.Moneybird, ours: Moneybird) -> None:
    wanted, made = await invoice(ours)
    credit = await ours.create(document(line(10000), contact=wanted.contact, kind=Kind.CREDIT_NOTE))
    asked = settlement(credit.id, made.id, 12100)
    assert await ours.find(asked) is None

    settled = await ours.create(asked)

    ((paid,), (given,)) = (there.invoices[one.id]["payments"] for one in (made, credit))
    assert (paid["price"], paid["payment_date"], paid["manual_payment_action"]) == ("121.0", "2026-11-30", "invoices_settlement")
    assert (given["price"], given["linked_payment_id"], paid["linked_payment_id"]) == ("-121.0", paid["id"], given["id"])
    assert (there.invoices[made.id]["total_unpaid"], there.invoices[credit.id]["total_unpaid"]) == ("25.53", "0.0")
    assert await ours.find(asked) == settled == await ours.look(What.SETTLEMENT, settled.id)
    heard = await ours.news("[0,0]")
    assert heard.payments == ()
    assert [one.now for one in heard.altered if one.what is What.DOCUMENT] == [made, credit]


async def test_a_settlement_whose_answer_got_lost_is_made_once(there: theirs.Moneybird, ours: Moneybird) -> None:
    wanted, made = await invoice(ours)
    credit = await ours.create(document(line(10000), contact=wanted.contact, kind=Kind.CREDIT_NOTE))
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, within=timedelta(seconds=0.3)).create(settlement(credit.id, made.id, 500))

    assert await ours.find(settlement(credit.id, made.id, 500)) is not None
    assert len(there.invoices[made.id]["payments"]) == 1


async def test_no_more_is_settled_than_both_leave_open(there: theirs.Moneybird, ours: Moneybird) -> None:
    wanted, made = await invoice(ours)
    credit = await ours.create(document(line(100), contact=wanted.contact, kind=Kind.CREDIT_NOTE))

    with pytest.raises(AccountingRefuses, match="more than is open"):
        await ours.create(settlement(credit.id, made.id, 122))
    assert there.invoices[made.id]["payments"] == []


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
