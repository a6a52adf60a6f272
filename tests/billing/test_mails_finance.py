"""What finance is told by mail: at once of what two decide and of money that did not go back, once a working day of all that waits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from admin import waiting
from admin.waiting import Task
from billing.events import RefundFailed, SecondPersonWanted
from billing.jobs import finance as jobs
from billing.policy.interest import RateKind
from billing.policy.late import Uncollectable
from billing.policy.money_in import ByTwo, Source
from billing.service import credit_requests, interest_rates, payments, refunds, write_offs
from billing.service.credit_notes import Wanted
from billing.service.finance_told import Asked, Failed
from billing.service.interest_rates import RateWanted
from billing.service.payments import Debtor, Receipt
from billing.service.what_waits import Work
from billing.service.write_offs import WriteOffWanted
from partner_portal.infra import clock, db, formats, mail, outbox, settings
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.mail import Rendered
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import NotFound
from tests import letters
from tests.approved import assert_approved
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, line
from tests.infra.test_mail_looks import AMOUNT, DAY, seen
from tests.journeys import partner
from tests.world import FINANCE, STAFF_DOOR, World

NIGHT = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
MORNING = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
TO = "finance@kadetel.example.com"
LINK = "https://portal.example.com/admin/refunds"
ASKED: dict[str, Any] = {
    "number": "HUIS-F2026-000117",
    "debtor": "Bakkerij De Korst & Zonen",
    "partner": "Noord ICT",
    "cents": 312_345,
    "reason": "Dubbel in rekening gebracht <b>",
    "at": NIGHT,
    "waits": True,
}
FAILED: dict[str, Any] = {"debtor": "Bakkerij De Korst & Zonen", "partner": "Noord ICT", "cents": 2_000, "at": NIGHT, "waits": True}


def asked(what: ByTwo, by: str = "Fien van Kadetel", **other: Any) -> dict[str, Any]:
    return {"told": Asked(what=what, **{**ASKED, **other}), "by": by, "limit": 250_000, "link": LINK}


def failed(**other: Any) -> dict[str, Any]:
    return {"told": Failed(**{**FAILED, **other}), "reasons": refunds.REASONS, "link": LINK}


def task(work: str, count: int, days: int) -> Task:
    by = date(2027, 1, 1) if work == Work.RATES_SOON else None
    return Task(work=work, link=waiting.PAGES[work], count=count, since=NIGHT, days=days, by=by)


ALL = [task(work, nth % 3 + 1, nth) for nth, work in enumerate(waiting.PAGES)]
MAILS: dict[str, tuple[str, dict[str, Any]]] = {
    "second_person_credit_note": ("billing/second_person", asked(ByTwo.CREDIT_NOTE)),
    "second_person_refund": ("billing/second_person", asked(ByTwo.REFUND, SYSTEM.label, number=None, reason="", debtor="Noord ICT")),
    "second_person_write_off": ("billing/second_person", asked(ByTwo.WRITE_OFF)),
    "refund_failed": ("billing/refund_failed", failed(account="NL20 •••• 4567", because="returned by the bank")),
    "refund_failed_gateway": ("billing/refund_failed", failed(account=None, because="Card expired", debtor="Noord ICT")),
    "what_waits": ("admin/what_waits", {"tasks": ALL, "many": sum(one.count for one in ALL), "portal": "https://portal.example.com", "link": "https://portal.example.com/admin/waiting"}),
    "what_waits_one": ("admin/what_waits", {"tasks": [task("entries", 1, 0)], "many": 1, "portal": "https://portal.example.com", "link": LINK}),
}  # fmt: skip


def said(name: str, language: str) -> Rendered:
    """The mail in words."""
    template, words = MAILS[name]
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        return mail.render(template, language=language, brand=letters.BRAND, **words)


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("name", sorted(MAILS))
class TestEachMail:
    """All of them, in each language."""

    def test_reads_as_it_was_approved(self, name: str, language: str) -> None:
        made = said(name, language)

        assert_approved(f"mail/{name}.{language}.txt", f"{made.subject}\n\n{made.text}")
        assert_approved(f"mail/{name}.{language}.html", made.html)

    def test_tells_the_same_with_and_without_html(self, name: str, language: str) -> None:
        made = said(name, language)
        plain, html = re.sub(r"\s+", " ", made.text), seen(made.html)

        assert set(AMOUNT.findall(html)) == set(AMOUNT.findall(plain))
        assert set(DAY.findall(html)) == set(DAY.findall(plain))
        assert len(made.subject) <= 120
        assert all(len(one) <= 76 or "://" in one for one in made.text.splitlines())
        assert "system:" not in made.text


@pytest.fixture
def two() -> Iterator[None]:
    """Nearly everything is decided by two."""
    with settings.use(four_eyes_limit_cents=1000):
        yield


def told(world: World) -> list[str]:
    """The subjects of what finance got, the oldest first."""
    return [one.subject for one in reversed(world.mailbox.mailbox.mails(TO))]


async def paid_too_much(world: World) -> UUID:
    debtor = Debtor(world.noord.id, world.noord.customers["bakery"], world.house)
    receipt = Receipt(debtor=debtor, source=Source.MANUAL, source_key="k", amount_cents=5000, received_on=clock.today(), invoices=())
    return await payments.book(FINANCE, receipt)


@pytest.mark.usefixtures("two")
async def test_each_request_for_a_second_person_is_told_once(world: World) -> None:
    first = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    second = await issue(world.noord.id, world.noord.customers["bakery"], [line(20_000)])
    async with db.unit_of_work(STAFF_DOOR):
        await credit_requests.credit(FINANCE, first, Wanted(reason="Dubbel"))
        await write_offs.write_off(FINANCE, second, WriteOffWanted(reason=Uncollectable.BANKRUPT, note="Curator"))
        await refunds.order(FINANCE, await paid_too_much(world), iban=PAYER_IBAN, reason="Dubbel betaald")
    await outbox.drain()

    assert sorted(told(world)) == [
        "Tweede persoon nodig: afboeking van EUR 242,00, Bakkerij De Korst",
        "Tweede persoon nodig: creditnota van EUR 121,00, Bakkerij De Korst",
        "Tweede persoon nodig: terugbetaling van EUR 50,00, Bakkerij De Korst",
    ]
    async with db.unit_of_work(Principal(Door.STAFF, world.noord.id, "system:again")):
        (request,) = await credit_requests.waiting()
        await jobs.ask_second_person(
            SecondPersonWanted(tenant_id=world.noord.id, what="credit note", about_id=request["id"], by=FINANCE.label)
        )
    await outbox.drain()
    assert len(told(world)) == 3, "a job that runs again tells nobody twice"


@pytest.mark.usefixtures("two")
async def test_what_was_decided_meanwhile_is_not_told(world: World) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    async with db.unit_of_work(STAFF_DOOR):
        await credit_requests.credit(FINANCE, invoice, Wanted(reason="Dubbel"))
        (request,) = await credit_requests.waiting()
        await credit_requests.decline(FINANCE, request["id"], "Toch niet")
    await outbox.drain()

    assert told(world) == []


async def test_a_refund_that_failed_is_told_at_once_unless_somebody_took_it_up(world: World) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        made = await refunds.order(FINANCE, await paid_too_much(world), iban=PAYER_IBAN)
        row = await db.fetch_one("UPDATE billing_refund SET state = 'sent' WHERE payment = $1 RETURNING id", made)
        assert row
        await refunds.came_back(row["id"], 5000, "AC04")
    await outbox.drain()

    assert told(world) == ["Terugbetaling van EUR 50,00 aan Bakkerij De Korst mislukt"]
    async with db.unit_of_work(STAFF_DOOR):
        await refunds.take_up(FINANCE, row["id"])
        await db.execute("DELETE FROM infra_mail WHERE about = $1", row["id"])
    async with db.unit_of_work(Principal(Door.STAFF, world.noord.id, "system:again")):
        await jobs.tell_of_failed_refund(RefundFailed(tenant_id=world.noord.id, refund_id=row["id"]))
    await outbox.drain()
    assert len(told(world)) == 1


async def test_another_tenants_request_is_not_found(world: World) -> None:
    async with db.unit_of_work(Principal(Door.STAFF, world.zuid.id, "system:test")):
        for what in ByTwo:
            with pytest.raises(NotFound):
                await jobs.ask_second_person(SecondPersonWanted(tenant_id=world.zuid.id, what=what, about_id=UUID(int=7), by="x"))
        with pytest.raises(NotFound):
            await jobs.tell_of_failed_refund(RefundFailed(tenant_id=world.zuid.id, refund_id=UUID(int=7)))


async def test_what_waits_is_told_once_a_working_day_from_seven_on(world: World, noord: Any) -> None:
    await partner.filed(noord, world.noord.services["bound"], wished_on="2027-01-31", early=True)
    before = len(told(world))

    clock.set_to(MORNING - timedelta(hours=1))
    assert await waiting.tell() is False, "too early"
    clock.set_to(MORNING)
    assert [await waiting.tell(), await waiting.tell()] == [True, False], "once"
    await outbox.drain()

    assert told(world)[before:] == ["Wacht op u: 1 afkoop of intrekking om over te beslissen"]
    clock.set_to(datetime(2026, 11, 28, 9, tzinfo=UTC))
    assert await waiting.tell() is False, "nobody works on Saturdays"
    clock.set_to(datetime(2026, 11, 30, 9, tzinfo=UTC))
    assert await waiting.tell() is True


async def test_nothing_is_told_where_nothing_waits_or_nobody_wants_it(world: World, noord: Any) -> None:
    clock.set_to(MORNING)
    assert await waiting.tell() is False
    clock.set_to(MORNING - timedelta(days=1))
    await partner.filed(noord, world.noord.services["bound"], wished_on="2027-01-31", early=True)
    async with db.unit_of_work(STAFF_DOOR):
        await waiting.want(FINANCE, is_wanted=False)
    clock.set_to(MORNING + timedelta(days=1))

    assert await waiting.tell() is False
    async with db.unit_of_work(STAFF_DOOR):
        await waiting.want(FINANCE, is_wanted=True)
    clock.set_to(MORNING + timedelta(days=2))
    assert await waiting.tell() is True


async def test_every_kind_of_work_is_counted_with_its_age(world: World) -> None:
    clock.set_to(MORNING)
    invoice = await issue(world.noord.id, world.noord.customers["bakery"], [line(10_000)])
    with settings.use(four_eyes_limit_cents=1000):
        async with db.unit_of_work(STAFF_DOOR):
            await credit_requests.credit(FINANCE, invoice, Wanted(reason="Dubbel"))
            await refunds.order(FINANCE, await paid_too_much(world), iban=PAYER_IBAN)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_payout (id, gateway, gateway_id, reference, day, gross_cents, fee_cents, paid_cents, payments)"
            " VALUES (gen_random_uuid(), 'mollie', 'stl_1', 'REF1', $1, 1000, 29, 970, 1)",
            date(2026, 11, 14),
        )
        found = {one.work: one for one in await waiting.tasks(MORNING + timedelta(days=6))}

    assert {work: one.count for work, one in found.items()} == {"credit notes": 1, "refunds": 1, "payouts": 1}
    assert [one.is_late for one in found.values()] == [True, True, True]
    assert found["payouts"].days == 16


async def test_a_rate_of_interest_waits_from_a_fortnight_before_its_half_year_on(world: World) -> None:
    async def rates(on: date) -> dict[str, tuple[int, int, date | None, bool]]:
        clock.set_to(datetime(on.year, on.month, on.day, 11, tzinfo=UTC))
        async with db.unit_of_work(STAFF_DOOR):
            return {one.work: (one.count, one.days, one.by, one.is_late) for one in await waiting.tasks(clock.now())}

    new_year, july = date(2027, 1, 1), date(2027, 7, 1)
    assert await rates(new_year - timedelta(days=15)) == {}
    assert await rates(new_year - timedelta(days=14)) == {Work.RATES_SOON: (2, 0, new_year, False)}
    assert await rates(new_year - timedelta(days=1)) == {Work.RATES_SOON: (2, 13, new_year, False)}
    assert await rates(new_year) == {Work.RATES: (2, 0, None, False)}
    assert await rates(new_year + timedelta(days=5)) == {Work.RATES: (2, 5, None, True)}

    async with db.unit_of_work(STAFF_DOOR):
        await interest_rates.enter(
            FINANCE, RateWanted(kind=RateKind.TRADE, since=new_year, percentage=Decimal("10.40"), source="rijksoverheid.nl")
        )
    assert await rates(new_year) == {Work.RATES: (1, 0, None, False)}
    # Whoever forgets a consumer's rate for half a year is asked for it and for the next.
    assert await rates(july - timedelta(days=14)) == {Work.RATES: (1, 167, None, True), Work.RATES_SOON: (2, 0, july, False)}
