"""The Mollie adapter speaks the API as it is documented, and knows which failures may pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
import pytest_asyncio

from billing.policy.money_in import IntentState, PartKind
from billing.service.gateways.mollie import Mollie
from billing.service.gateways.port import BackKind, BackState, ForeignMoney, GatewayRefuses, GatewayUnavailable, PaidOut, Wanted
from tests.billing import mollie as theirs

WANTED = Wanted(
    key="01a1",
    amount_cents=12105,
    description="HUIS-F2026-000001",
    back_to="https://p.example.com/pay/x",
    tell_at="https://p.example.com/gateway/news",
)


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[theirs.Mollie]:
    async with theirs.serving() as server:
        yield server


@pytest.fixture
def ours(there: theirs.Mollie) -> Mollie:
    return Mollie(api_key=theirs.KEY, url=there.url, within=timedelta(seconds=1.0))


async def test_a_payment_is_created_once_per_key_and_says_where_to_pay(there: theirs.Mollie, ours: Mollie) -> None:
    first = await ours.create(WANTED)
    again = await ours.create(WANTED)

    method, path, headers, body = there.asked[0]
    assert (method, path, headers["idempotency-key"], headers["authorization"]) == ("POST", "/v2/payments", "01a1", f"Bearer {theirs.KEY}")
    assert body == {
        "amount": {"currency": "EUR", "value": "121.05"},
        "description": "HUIS-F2026-000001",
        "redirectUrl": "https://p.example.com/pay/x",
        "webhookUrl": "https://p.example.com/gateway/news",
        "locale": "nl_NL",
        "metadata": {"key": "01a1"},
    }
    assert (first.id, first.key, first.state, first.amount_cents) == (again.id, "01a1", IntentState.OPEN, 12105)
    assert first.checkout_url == f"https://pay.example.com/{first.id}"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("open", IntentState.OPEN),
        ("pending", IntentState.OPEN),
        ("authorized", IntentState.OPEN),
        ("paid", IntentState.PAID),
        ("failed", IntentState.FAILED),
        ("canceled", IntentState.ABANDONED),
        ("expired", IntentState.EXPIRED),
    ],
)
async def test_each_status_is_known(there: theirs.Mollie, ours: Mollie, status: str, state: IntentState) -> None:
    made = await ours.create(WANTED)
    there.payments[made.id]["status"] = status

    found = await ours.fetch(made.id)

    assert found
    assert found.state is state


async def test_a_status_that_nobody_knows_is_no_reason_to_book(there: theirs.Mollie, ours: Mollie) -> None:
    made = await ours.create(WANTED)
    there.payments[made.id]["status"] = "teleported"

    with pytest.raises(GatewayUnavailable):
        await ours.fetch(made.id)


async def test_what_was_paid_and_what_went_back_is_told_with_days_and_keys(there: theirs.Mollie, ours: Mollie) -> None:
    made = await ours.create(WANTED)
    there.paid(made.id)
    back = await ours.refund(made.id, key="refund:1", cents=105, description="Terug")
    again = await ours.refund(made.id, key="refund:1", cents=105, description="Terug")
    there.refunds[made.id].append(dict(there.refunds[made.id][0], id="re_failed", status="failed", metadata=None))
    charge = {
        "id": "chb_1",
        "amount": {"currency": "EUR", "value": "-121.05"},
        "createdAt": "2026-12-01T10:00:00+00:00",
        "reversedAt": None,
    }
    there.chargebacks[made.id] = [charge, charge | {"id": "chb_2", "reversedAt": "2026-12-02T10:00:00+00:00"}]

    found = await ours.fetch(made.id)

    assert found
    assert (found.paid_on, found.method, found.checkout_url) == (date(2026, 11, 23), "ideal", None)
    assert (back.id, back.cents, again) == ("re_1", 105, back)
    assert [(one.id, one.kind, one.cents, one.key, one.state) for one in found.backs] == [
        ("re_1", BackKind.REFUND, 105, "refund:1", BackState.PENDING),
        ("re_failed", BackKind.REFUND, 105, None, BackState.FAILED),
        ("chb_1", BackKind.CHARGEBACK, 12105, None, BackState.DONE),
        ("chb_2", BackKind.CHARGEBACK, 12105, None, BackState.FAILED),
    ]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", BackState.PENDING),
        ("pending", BackState.PENDING),
        ("processing", BackState.PENDING),
        ("refunded", BackState.DONE),
        ("failed", BackState.FAILED),
        ("canceled", BackState.FAILED),
    ],
)
async def test_each_status_of_a_refund_is_known(there: theirs.Mollie, ours: Mollie, status: str, state: BackState) -> None:
    made = await ours.create(WANTED)
    there.paid(made.id)
    await ours.refund(made.id, key="refund:1", cents=105, description="Terug")
    there.refunds[made.id][0]["status"] = status

    found = await ours.fetch(made.id)

    assert found
    assert [back.state for back in found.backs] == [state]


async def test_what_was_paid_out_is_told_with_all_pages_of_its_parts_and_the_fee(there: theirs.Mollie) -> None:
    ours = Mollie(api_key=theirs.KEY, url=there.url, within=timedelta(seconds=1.0), token=theirs.TOKEN)
    there.settle(
        "stl_1",
        "1234567.2611.01",
        "2026-11-24T06:00:00+00:00",
        payments={"tr_1": "121.00", "tr_2": "60.50"},
        refunds={"re_1": "-21.00"},
        fee="0.70",
    )

    (paid_out,) = await ours.settlements(date(2026, 11, 1))
    told = await ours.settlement("stl_1")

    assert paid_out == PaidOut(id="stl_1", reference="1234567.2611.01", day=date(2026, 11, 24))
    assert (told.paid_cents, told.fee_cents, told.foreign) == (15980, 70, ())
    assert [(part.id, part.kind, part.cents) for part in told.parts] == [
        ("tr_1", PartKind.PAYMENT, 12100),
        ("tr_2", PartKind.PAYMENT, 6050),
        ("re_1", PartKind.REFUND, -2100),
    ]
    assert await ours.settlements(date(2026, 12, 1)) == []
    asked = len(there.asked)
    assert await ours.settlements(date(2026, 11, 1), {"stl_1"}) == []
    assert len(there.asked) == asked + 1, "what was in those that are known is not asked for again"
    assert await Mollie(api_key=theirs.KEY, url=there.url, within=timedelta(seconds=1.0)).settlements(date(2026, 1, 1)) == []


async def test_a_refund_whose_answer_got_lost_is_found_also_when_the_key_is_forgotten_there(there: theirs.Mollie, ours: Mollie) -> None:
    made = await ours.create(WANTED)
    there.paid(made.id)
    first = await ours.refund(made.id, key="refund:1", cents=105, description="Terug")
    there.by_key.clear()  # an hour later
    again = await ours.refund(made.id, key="refund:1", cents=105, description="Terug")
    other = await ours.refund(made.id, key="refund:2", cents=105, description="Terug")

    assert (again, other.id != first.id) == (first, True)
    assert len(there.refunds[made.id]) == 2


async def test_costs_in_parts_of_a_cent_are_one_fee_in_whole_cents(there: theirs.Mollie) -> None:
    ours = Mollie(api_key=theirs.KEY, url=there.url, within=timedelta(seconds=1.0), token=theirs.TOKEN)
    there.settle("stl_1", "1234567.2611.01", "2026-11-24T06:00:00+00:00", payments={"tr_1": "42.90"}, fee="3.15")
    costs = [{"amountGross": theirs.euro(cost)} for cost in ("2.5410", "0.6050")]
    there.settlements[0]["periods"] = {"2026": {"11": {"costs": costs[:1]}, "12": {"costs": costs[1:]}}}

    told = await ours.settlement("stl_1")

    assert (told.paid_cents, told.fee_cents) == (3975, 315)


async def test_what_is_no_euros_in_a_payout_is_told_by_itself_and_counts_for_nothing(there: theirs.Mollie) -> None:
    ours = Mollie(api_key=theirs.KEY, url=there.url, within=timedelta(seconds=1.0), token=theirs.TOKEN)
    there.settle(
        "stl_1",
        "1234567.2611.01",
        "2026-11-24T06:00:00+00:00",
        payments={"tr_1": "121.00", "tr_2": "60.50"},
        refunds={"re_1": "-21.00"},
        fee="0.70",
    )
    for kind, nth in (("payments", 1), ("refunds", 0)):
        there.parts["stl_1", kind][nth]["amount"]["currency"] = "USD"
    there.parts["stl_1", "chargebacks"] = [{"id": "chb_1", "amount": {"currency": "GBP", "value": "-5.00"}}]
    there.settlements[0]["amount"]["currency"] = "CHF"
    there.settlements[0]["periods"]["2026"]["11"]["costs"].append({"amountGross": {"currency": "JPY", "value": "30"}})

    told = await ours.settlement("stl_1")

    assert [(part.id, part.cents) for part in told.parts] == [("tr_1", 12100)]
    assert (told.paid_cents, told.fee_cents) == (0, 70)
    assert told.foreign == ("stl_1 159.80 CHF", "stl_1 30 JPY", "tr_2 60.50 USD", "re_1 -21.00 USD", "chb_1 -5.00 GBP")


async def test_a_payment_in_another_currency_is_none_of_ours(there: theirs.Mollie, ours: Mollie) -> None:
    made = await ours.create(WANTED)
    there.paid(made.id)
    there.payments[made.id]["amount"]["currency"] = "USD"

    with pytest.raises(ForeignMoney) as refused:
        await ours.fetch(made.id)

    assert refused.value.facts == {"of": made.id, "amount": "121.05 USD"}


@pytest.mark.parametrize("kind", ["refunds", "chargebacks"])
async def test_what_went_back_in_another_currency_is_not_read_as_euros(there: theirs.Mollie, ours: Mollie, kind: str) -> None:
    made = await ours.create(WANTED)
    there.paid(made.id)
    back = {"id": "back_1", "amount": {"currency": "USD", "value": "-121.05"}, "createdAt": "2026-12-01T10:00:00+00:00"}
    getattr(there, kind)[made.id] = [back]

    with pytest.raises(ForeignMoney) as refused:
        await ours.fetch(made.id)

    assert refused.value.facts == {"of": "back_1", "amount": "-121.05 USD"}


async def test_nothing_of_that_id_is_none(ours: Mollie) -> None:
    assert await ours.fetch("tr_unknown") is None
    assert await ours.fetch("../payments") is None


@pytest.mark.parametrize("status", [409, 429, 500, 502, 503, 504, 302])
async def test_what_may_pass_is_asked_again_later(there: theirs.Mollie, ours: Mollie, status: int) -> None:
    there.failure = (status, b'{"status": 0, "title": "x", "detail": "y"}')

    with pytest.raises(GatewayUnavailable):
        await ours.create(WANTED)


@pytest.mark.parametrize("status", [400, 401, 403, 422])
async def test_a_no_is_a_no(there: theirs.Mollie, ours: Mollie, status: int) -> None:
    there.failure = (
        status,
        b'{"status": 422, "title": "Unprocessable Entity", "detail": "The amount is higher than the maximum", "field": "amount"}',
    )

    with pytest.raises(GatewayRefuses) as refused:
        await ours.create(WANTED)

    assert "The amount is higher than the maximum" in refused.value.facts["detail"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"id":1}',
        b'{"id":"tr_1","status":"paid","amount":{"value":"1.005","currency":"EUR"}}',
        b"\xff\xfe",
        b"x" * (5 * 1024 * 1024),
    ],
    ids=["empty", "html", "list", "object", "number", "parts of a cent", "bytes", "huge"],
)
async def test_an_answer_that_cannot_be_read_is_none(there: theirs.Mollie, ours: Mollie, content: bytes) -> None:
    there.failure = (200, content)

    with pytest.raises(GatewayUnavailable):
        await ours.fetch("tr_1")


async def test_an_answer_that_takes_too_long_is_none(there: theirs.Mollie) -> None:
    there.slow = 0.5
    with pytest.raises(GatewayUnavailable):
        await Mollie(api_key=theirs.KEY, url=there.url, within=timedelta(seconds=0.1)).create(WANTED)


async def test_nobody_at_home_is_none() -> None:
    with pytest.raises(GatewayUnavailable):
        await Mollie(api_key=theirs.KEY, url="http://127.0.0.1:9/v2", within=timedelta(seconds=1.0)).create(WANTED)


async def test_a_refund_of_what_was_not_paid_is_refused(ours: Mollie) -> None:
    made = await ours.create(WANTED)

    with pytest.raises(GatewayRefuses):
        await ours.refund(made.id, key="refund:2", cents=1, description="Terug")
