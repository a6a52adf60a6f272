"""What is paid, taken back and settled at Xero is so once, and what happens there is heard of once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
import pytest_asyncio

from billing.policy.accounting import TakenBack
from billing.policy.ledger import Kind
from billing.service.accounting.port import AccountingRefuses, AccountingUnavailable, Remote, What
from billing.service.accounting.xero import Xero
from partner_portal.infra import clock
from tests.billing import xero as theirs
from tests.billing.at_xero import adapter, booking, invoice, line
from tests.billing.to_books import BAKER, document, settlement


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[theirs.FakeXero]:
    async with theirs.running() as side:
        yield side


@pytest.fixture
def ours(there: theirs.FakeXero) -> Xero:
    return adapter(there)


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


async def test_what_is_taken_back_wholly_is_removed_there_and_found_so(there: theirs.FakeXero, ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    first, second = booking(made.id, 10005), booking(made.id, 4648, number=2)
    paid = await ours.create(first)
    await ours.create(second)
    back = booking(made.id, -10005, number=3, takes=TakenBack((first.key,)))
    assert await ours.find(back) is None

    gone = await ours.create(back)

    assert there.stored(made.id)["AmountDue"] == Decimal("100.05")
    assert await ours.find(back) == gone == await ours.create(back)
    assert [one.is_gone for one in (await ours.news("[[0],[0],[0],[0]]")).payments if one.id == paid.id] == [True]
    assert await ours.look(What.PAYMENT, gone.id) is None


async def test_of_what_is_taken_back_in_part_the_rest_is_paid_anew_and_can_be_taken_back_again(there: theirs.FakeXero, ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    first = booking(made.id, 14653)
    await ours.create(first)
    part = booking(made.id, -4653, number=2, takes=TakenBack((first.key,), 10000))

    rest = await ours.create(part)

    assert (there.stored(made.id)["AmountDue"], rest.key) == (Decimal("46.53"), part.key)
    assert await ours.find(part) == rest
    await ours.create(booking(made.id, -10000, number=3, takes=TakenBack((part.key,))))
    assert there.stored(made.id)["AmountDue"] == Decimal("146.53")


async def test_what_is_taken_back_is_finished_wherever_it_was_cut_off(there: theirs.FakeXero, ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    first = booking(made.id, 14653)
    await ours.create(first)
    part = booking(made.id, -4653, number=2, takes=TakenBack((first.key,), 10000))
    there.lost = 2
    impatient = adapter(there, within=timedelta(seconds=0.3))
    for _attempt in ("removed, and we never heard of it", "the rest paid, and we never heard of it"):
        assert await ours.find(part) is None
        with pytest.raises(AccountingUnavailable):
            await impatient.create(part)

    assert await ours.find(part) is not None
    assert (there.stored(made.id)["AmountDue"], len(there.things["Payments"])) == (Decimal("46.53"), 2)


async def test_what_cannot_be_removed_there_is_for_a_person_with_words_what_to_do(there: theirs.FakeXero, ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    first = booking(made.id, 10005)
    paid = await ours.create(first)
    there.edit(paid.id, lambda stored: stored.update(IsReconciled=True))

    with pytest.raises(AccountingRefuses, match=r"EUR 100.05 of HUIS-F2026-000041 .* removed there by hand, .* reconciled"):
        await ours.create(booking(made.id, -10005, number=2, takes=TakenBack((first.key,))))
    with pytest.raises(AccountingRefuses, match="none of ours"):
        await ours.create(booking(made.id, -10005, number=2))


async def test_a_payment_whose_answer_got_lost_is_booked_once(there: theirs.FakeXero, ours: Xero) -> None:
    _wanted, made = await invoice(ours)
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, within=timedelta(seconds=0.3)).create(booking(made.id, 100))

    assert await ours.find(booking(made.id, 100)) is not None
    assert len(there.things["Payments"]) == 1


# --- settlements


async def notes(ours: Xero, cents: int = 12110) -> tuple[Remote, Remote]:
    """An invoice of EUR 146.53 and a credit note, both there."""
    wanted, made = await invoice(ours)
    credited = document(line(cents), contact=wanted.contact, kind=Kind.CREDIT_NOTE)
    return made, await ours.create(credited)


@pytest.mark.parametrize("without_id", [False, True])
async def test_a_credit_note_settles_its_invoice_and_changes_neither(there: theirs.FakeXero, ours: Xero, *, without_id: bool) -> None:
    there.allocations_without_id = without_id
    made, credit = await notes(ours, 10000)
    wanted = settlement(credit.id, made.id, 12100)
    assert await ours.find(wanted) is None

    settled = await ours.create(wanted)

    assert (there.stored(made.id)["AmountDue"], there.stored(credit.id)["RemainingCredit"]) == (Decimal("25.53"), Decimal(0))
    assert [(one["Amount"], one["Date"]) for one in there.stored(credit.id)["Allocations"]] == [
        (Decimal("121.00"), "/Date(1795996800000+0000)/")
    ]
    assert await ours.find(wanted) == settled == await ours.look(What.SETTLEMENT, settled.id)
    assert [await ours.look(What.DOCUMENT, one.id) for one in (made, credit)] == [made, credit]
    assert (await ours.news("[[0],[0],[0],[0]]")).payments == ()


async def test_a_settlement_whose_answer_got_lost_is_made_once(there: theirs.FakeXero, ours: Xero) -> None:
    made, credit = await notes(ours)
    there.lost = 1
    with pytest.raises(AccountingUnavailable):
        await adapter(there, within=timedelta(seconds=0.3)).create(settlement(credit.id, made.id, 500))

    assert await ours.find(settlement(credit.id, made.id, 500)) is not None
    assert len(there.allocations) == 1


async def test_two_settlements_alike_are_two(there: theirs.FakeXero, ours: Xero) -> None:
    made, credit = await notes(ours)
    first = await ours.create(settlement(credit.id, made.id, 500))
    second = settlement(credit.id, made.id, 500, number=2, known=(first.id,))
    assert await ours.find(second) is None

    again = await ours.create(second)

    assert (await ours.find(second), len(there.allocations)) == (again, 2)
    assert again.id != first.id


async def test_a_settlement_that_somebody_removed_is_gone(there: theirs.FakeXero, ours: Xero) -> None:
    made, credit = await notes(ours)
    settled = await ours.create(settlement(credit.id, made.id, 500))
    there.allocations.clear()

    assert await ours.look(What.SETTLEMENT, settled.id) is None
    assert await ours.look(What.SETTLEMENT, "CreditNotes/1") is None


async def test_no_more_is_settled_than_both_leave_open(ours: Xero) -> None:
    made, credit = await notes(ours, 100)

    with pytest.raises(AccountingRefuses, match="exceeds what is outstanding"):
        await ours.create(settlement(credit.id, made.id, 122))
    with pytest.raises(AccountingRefuses, match="could not be found"):
        await ours.create(settlement(credit.id, "Invoices/1", 1))


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
