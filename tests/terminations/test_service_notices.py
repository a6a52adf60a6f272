"""What becomes of a notice: found and verified, looked at by a person in time, another partner's, or a contract taken back; never silence."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from partner_portal.infra import clock, db
from partner_portal.kernel.errors import Invalid, NotFound
from partner_portal.mailcatcher.mailbox import Mail
from tenants.policy import Segment
from terminations.policy.facts import Ground
from terminations.policy.notices import NoticeKind, NoticeState, WhyOpen
from terminations.service import notices, placing, scheduling
from terminations.service.buyouts import Decision, case_by_number, decide
from terminations.service.notices import DealtWithBefore, Sent
from terminations.service.placing import Attach
from terminations.tables import ReceivedNotice
from tests.conftest import browser, work
from tests.journeys import partner as people
from tests.world import FINANCE, STAFF_DOOR, Partner, World, make_customer, make_service

SENDER = "baas@elders.example.com"
ON_FILE = "bakkerij@klant.example.com"
GOOD: dict[str, Any] = {"name": "Bakkerij De Korst", "contract": "NRD-S-00001", "email": SENDER}


async def give(partner: Partner, *, code: str = "", **said: Any) -> UUID:
    """The notice is received at the partner's page, and all that follows by itself has happened."""
    sent = Sent(**{**GOOD, **said})
    actor = await notices.addressee(code or ("NRD" if partner.customers else "HUIS"), "nl")
    async with db.unit_of_work(db.Principal(db.Door.TENANT, actor.tenant, actor.trail)):
        notice = await notices.receive(actor, sent)
    await work()
    return notice.id


async def now_of(notice: UUID) -> ReceivedNotice:
    async with db.unit_of_work(STAFF_DOOR):
        row: ReceivedNotice = await ReceivedNotice.get(notice)
        return row


async def cases_of(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    listed = (await client.get("/api/v1/terminations")).json()["items"]
    return [await people.case(client, case["id"]) for case in listed]


def mails(world: World, to: str) -> list[Mail]:
    return list(world.mailbox.mailbox.mails(to))


async def test_a_verified_notice_is_carried_out_and_its_sender_hears_so_without_a_word_of_the_customer(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    notice = await give(world.noord)
    assert (await now_of(notice)).state == NoticeState.FILED
    asked = people.newest(world.mailbox, ON_FILE)
    assert "hebt u dit opgezegd?" in asked.subject
    assert SENDER not in asked.text
    (told,) = [mail for mail in mails(world, "service@nrd") if "bevestigen" in mail.subject]
    assert "Korst" not in told.text + told.subject, "no mail repeats what was typed"

    await people.press(stranger, people.link_in(asked), "approve")

    assert (await now_of(notice)).state == NoticeState.CARRIED_OUT
    (case,) = await cases_of(noord)
    assert case["state"] == "scheduled"
    said = people.newest(world.mailbox, SENDER)
    assert "is bevestigd en wordt uitgevoerd" in said.subject
    for secret in ("Korst", "Internet", "NRD-S", "22 december", "EUR"):
        assert secret not in said.text + said.subject
    confirmation = people.newest(world.mailbox, ON_FILE)
    assert "22 november 2026, 12:00" in confirmation.text, "received at the click, not at the yes"


async def test_a_sender_who_is_the_contact_on_file_gets_the_cases_own_mails_only(world: World, stranger: httpx.AsyncClient) -> None:
    await give(world.noord, email=ON_FILE)
    await people.press(stranger, people.link_in(people.newest(world.mailbox, ON_FILE)), "approve")

    subjects = [mail.subject for mail in mails(world, ON_FILE)]
    assert len([subject for subject in subjects if "NRD-N-" in subject]) == 1, "the receipt"


async def test_a_customer_who_says_no_keeps_everything_and_the_sender_learns_nothing(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    notice = await give(world.noord)
    await people.press(stranger, people.link_in(people.newest(world.mailbox, ON_FILE)), "refuse")

    after = await now_of(notice)
    assert (after.state, after.why) == (NoticeState.ANSWERED, WhyOpen.DENIED)
    (case,) = await cases_of(noord)
    assert case["state"] == "refused"
    said = people.newest(world.mailbox, SENDER)
    assert "niet nagaan" in said.subject
    assert "Korst" not in said.text


async def test_a_notice_that_nobody_verifies_never_just_lapses(world: World, noord: httpx.AsyncClient) -> None:
    notice = await give(world.noord)
    clock.move(timedelta(days=15))

    await scheduling.expire()
    await work()

    after = await now_of(notice)
    assert (after.state, after.why, after.look_by) == (NoticeState.OPEN, WhyOpen.UNVERIFIED, date(2026, 12, 9))
    assert "bekijk het uiterlijk 9 december 2026" in people.newest(world.mailbox, "service@nrd").subject
    async with db.unit_of_work(world.noord.principal()):
        case = await placing.attach(world.noord.actor, await ReceivedNotice.find(notice), Attach(services=(world.noord.services["free"],)))
    await work()
    seen = await people.case(noord, str(case.id))
    assert (seen["received_on"], seen["ends_on"], seen["state"]) == ("2026-11-22", "2026-12-22", "waiting_for_customer")


async def test_who_should_have_looked_is_reminded_and_so_is_the_provider_once_a_day(world: World) -> None:
    await give(world.noord, contract="NRD-S-99999", name="Onbekend")
    told = len(mails(world, "service@nrd"))
    await placing.watch()
    await work()
    assert len(mails(world, "service@nrd")) == told, "there is time until the day is over"

    clock.move_to(date(2026, 11, 25))
    for _ in range(3):
        await placing.watch()
    await work()

    assert len(mails(world, "service@nrd")) == told + 1
    assert "wacht nog" in people.newest(world.mailbox, "finance@").subject
    clock.move(timedelta(days=1, minutes=1))
    await placing.watch()
    await work()
    assert len(mails(world, "service@nrd")) == told + 2


async def test_what_the_portal_could_not_place_within_the_hour_is_a_persons(world: World) -> None:
    actor = await notices.addressee("NRD", "nl")
    async with db.unit_of_work(world.noord.principal()):
        notice = await notices.receive(actor, Sent(**GOOD))
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("DELETE FROM infra_outbox")  # whoever carries the jobs has lost them
    clock.move(timedelta(minutes=61))

    await placing.watch()

    after = await now_of(notice.id)
    assert (after.state, after.why) == (NoticeState.OPEN, WhyOpen.NOT_LOOKED_AT)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"contract": "iets", "name": "Onbekend"}, WhyOpen.NO_MATCH),
        ({"name": "Iemand Anders"}, WhyOpen.UNCERTAIN),
        ({"contract": "internet en hosting", "customer": "NRD-C-00001"}, WhyOpen.SEVERAL),
        ({"customer": "NRD-C-00002"}, WhyOpen.CONTRADICTION),
        ({"kind": NoticeKind.EXTRAORDINARY, "reason": "Al weken storing"}, WhyOpen.NEEDS_JUDGEMENT),
        ({"kind": NoticeKind.COOLING_OFF}, WhyOpen.COOLING_OFF_OVER),
        ({"is_suspect": True}, WhyOpen.SUSPECT),
    ],
)
async def test_whatever_is_not_certain_waits_for_a_person_and_nothing_is_filed(
    world: World, noord: httpx.AsyncClient, said: dict[str, Any], why: WhyOpen
) -> None:
    notice = await give(world.noord, **said)

    after = await now_of(notice)
    assert (after.state, after.why, after.look_by) == (NoticeState.OPEN, why, date(2026, 11, 24))
    assert await cases_of(noord) == []
    assert mails(world, ON_FILE) == []
    assert "NRD-N-00001" in people.newest(world.mailbox, "service@nrd").subject


async def test_a_service_that_is_ending_already_and_a_customer_without_a_contact_are_for_a_person_too(
    world: World, noord: httpx.AsyncClient
) -> None:
    await people.filed(noord, world.noord.services["free"])
    assert (await now_of(await give(world.noord))).why == WhyOpen.ALREADY_ENDING

    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE contact SET email = '' WHERE customer = $1", world.noord.customers["bakery"])
    left = await give(world.noord, contract="NRD-S-00002", customer="NRD-C-00001")
    assert (await now_of(left)).why == WhyOpen.COULD_NOT_FILE


async def test_a_notice_that_came_in_elsewhere_goes_to_the_one_partner_it_belongs_to(world: World, noord: httpx.AsyncClient) -> None:
    house = Partner(id=world.house, owner="", clerk="", reader="")

    notice = await give(house)

    there = await now_of(notice)
    assert (there.state, there.tenant, there.termination) == (NoticeState.HANDED_OVER, world.house, None)
    (case,) = await cases_of(noord)
    assert (case["state"], case["received_on"]) == ("waiting_for_customer", "2026-11-22")
    async with db.unit_of_work(world.noord.principal()):
        rows = await db.fetch("SELECT number, handed_from, state FROM received_notice")
    assert [(row["number"], row["handed_from"], row["state"]) for row in rows] == [(there.number, notice, NoticeState.FILED)]
    assert len(mails(world, SENDER)) == 1, "it was confirmed once, where it came in"


async def test_no_partner_learns_of_anothers_customer(world: World, zuid: httpx.AsyncClient) -> None:
    notice = await give(world.zuid, code="ZUD", name="Iemand Anders")

    after = await now_of(notice)
    assert (after.state, after.why, after.customer) == (NoticeState.OPEN, WhyOpen.NO_MATCH, None)
    assert (await zuid.get(f"/portal/notices/{notice}")).status_code == 200
    async with db.unit_of_work(world.zuid.principal()):
        assert await placing.suggestions(await ReceivedNotice.get(notice)) == ()


async def test_two_people_cannot_deal_with_the_same_notice(world: World) -> None:
    notice = await give(world.noord, name="Onbekend", contract="NRD-S-99999")
    free = Attach(services=(world.noord.services["free"],))
    async with db.unit_of_work(world.noord.principal()):
        await placing.attach(world.noord.actor, await ReceivedNotice.find(notice), free)

    for again in (
        placing.attach(world.noord.actor, await now_of(notice), free),
        notices.answer(world.noord.actor, await now_of(notice), "Nee"),
    ):
        with pytest.raises(DealtWithBefore):
            async with db.unit_of_work(world.noord.principal()):
                await again


async def test_a_person_attaches_to_the_partners_own_services_only(world: World) -> None:
    notice = await give(world.noord, name="Onbekend", contract="NRD-S-99999")

    for principal in (world.noord.principal(), STAFF_DOOR):
        with pytest.raises(NotFound):
            async with db.unit_of_work(principal):
                await placing.attach(world.noord.actor, await ReceivedNotice.find(notice), Attach(services=(world.zuid.services["free"],)))
    with pytest.raises(Invalid):
        async with db.unit_of_work(world.noord.principal()):
            await placing.attach(world.noord.actor, await ReceivedNotice.find(notice), Attach(services=()))


async def test_an_end_for_a_reason_that_a_person_accepts_goes_to_finance_from_the_day_of_the_notice(
    world: World, noord: httpx.AsyncClient
) -> None:
    notice = await give(
        world.noord, kind=NoticeKind.EXTRAORDINARY, reason="Al weken storing", contract="NRD-S-00002", customer="NRD-C-00001"
    )
    clock.move(timedelta(days=1))
    async with db.unit_of_work(world.noord.principal()):
        how = Attach(services=(world.noord.services["bound"],), ground=Ground.NON_CONFORMITY)
        case = await placing.attach(world.noord.actor, await ReceivedNotice.find(notice), how)
    await work()

    seen = await people.case(noord, str(case.id))
    assert (seen["state"], seen["received_on"], seen["steps"][0]["action"]) == (
        "waiting_for_finance",
        "2026-11-22",
        "file_buyout_by_notice",
    )


async def test_somebody_who_was_not_looked_after_in_time_ends_today_not_in_the_past(world: World, noord: httpx.AsyncClient) -> None:
    notice = await give(world.noord, name="Onbekend")
    clock.move_to(date(2027, 1, 12))
    async with db.unit_of_work(world.noord.principal()):
        how = Attach(services=(world.noord.services["free"],))
        case = await placing.attach(world.noord.actor, await ReceivedNotice.find(notice), how)

    assert (case.received_on, case.ends_on) == (date(2026, 11, 22), date(2027, 1, 12))


async def test_an_answer_goes_to_the_sender_and_closes_the_notice(world: World) -> None:
    notice = await give(world.noord, name="Onbekend", contract="NRD-S-99999")
    with pytest.raises(Invalid):
        async with db.unit_of_work(world.noord.principal()):
            await notices.answer(world.noord.actor, await ReceivedNotice.find(notice), "  \n ")
    async with db.unit_of_work(world.noord.principal()):
        await notices.answer(world.noord.actor, await ReceivedNotice.find(notice), "Stuurt u ons <b>een factuur</b>?")
    await work()

    after = await now_of(notice)
    assert (after.state, after.answered_by_label) == (NoticeState.ANSWERED, "Olga Owner")
    said = people.newest(world.mailbox, SENDER)
    assert "Stuurt u ons <b>een factuur</b>?" in said.text
    assert "&lt;b&gt;een factuur" in said.html
    async with db.unit_of_work(world.noord.principal()):
        found = Attach(services=(world.noord.services["free"],))
        case = await placing.attach(world.noord.actor, await ReceivedNotice.find(notice), found)
    assert case.received_on == date(2026, 11, 22), "who proves afterwards who it is, gave notice on the day of the click"


async def test_without_an_address_there_is_a_note_instead_of_a_mail(world: World) -> None:
    notice = await give(world.noord, name="Onbekend", email="geen adres")
    with pytest.raises(notices.NothingToAnswer):
        async with db.unit_of_work(world.noord.principal()):
            await notices.answer(world.noord.actor, await ReceivedNotice.find(notice), "Nee")
    async with db.unit_of_work(world.noord.principal()):
        await notices.close_without_mail(world.noord.actor, await ReceivedNotice.find(notice), "Gebeld: verkeerd verbonden.")

    assert (await now_of(notice)).state == NoticeState.ANSWERED
    assert mails(world, "geen") == []


async def wished_earlier(world: World) -> UUID:
    return await give(world.noord, contract="NRD-S-00002", customer="NRD-C-00001", wished="2026-12-31")


async def test_an_earlier_day_than_possible_is_the_first_possible_one_with_the_price_of_the_earlier_beside_it(
    world: World, noord: httpx.AsyncClient
) -> None:
    await wished_earlier(world)

    (case,) = await cases_of(noord)
    assert (case["state"], case["buyout"], case["ends_on"]) == ("waiting_for_customer", False, "2028-02-29")
    asked = people.newest(world.mailbox, ON_FILE)
    assert "U vroeg om 31 december 2026" in asked.text
    assert "EUR" in asked.text


async def test_choosing_the_earlier_day_asks_finance_and_a_no_leaves_the_ordinary_end(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    notice = await wished_earlier(world)
    answered = await people.press(stranger, people.link_in(people.newest(world.mailbox, ON_FILE)), "earlier")
    assert "U vroeg om de eerdere dag" in answered.text

    first, early = sorted(await cases_of(noord), key=lambda case: str(case["number"]))
    assert (first["state"], [step["action"] for step in first["steps"]]) == ("withdrawn", ["file_by_notice", "choose_earlier"])
    assert (early["state"], early["buyout"], early["ends_on"], early["received_on"]) == (
        "waiting_for_finance",
        True,
        "2026-12-31",
        "2026-11-22",
    )
    assert (await now_of(notice)).termination == UUID(early["id"])

    async with db.unit_of_work(STAFF_DOOR):
        await decide(FINANCE, await case_by_number(early["number"]), Decision.REFUSE, reason="Niet mogelijk")
    await work()

    ordinary = max(await cases_of(noord), key=lambda case: str(case["number"]))
    assert (ordinary["state"], ordinary["ends_on"], ordinary["received_on"]) == ("waiting_for_customer", "2028-02-29", "2026-11-22")
    after = await now_of(notice)
    assert (after.state, after.termination) == (NoticeState.FILED, UUID(ordinary["id"]))


async def test_an_accepted_earlier_day_carries_the_notice_out(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    notice = await wished_earlier(world)
    await people.press(stranger, people.link_in(people.newest(world.mailbox, ON_FILE)), "earlier")
    early = max(await cases_of(noord), key=lambda case: str(case["number"]))
    async with db.unit_of_work(STAFF_DOOR):
        await decide(FINANCE, await case_by_number(early["number"]), Decision.APPROVE)
    await work()

    page = await people.press(stranger, people.link_in(people.newest(world.mailbox, ON_FILE)), "accept")
    if 'name="code"' in page.text:
        code = people.code_in(people.newest(world.mailbox, ON_FILE))
        form = people.form_of(page.text)
        await stranger.post(page.url.path, data={**form, "decision": "accept", "code": code})
        await work()

    assert (await now_of(notice)).state == NoticeState.CARRIED_OUT
    assert (await people.case(noord, early["id"]))["state"] == "scheduled"


async def fresh_consumer(world: World) -> UUID:
    """A consumer who bought online a week ago and paid two months."""
    async with db.unit_of_work(world.noord.principal()):
        customer = await make_customer(world.noord, "Petra Bedenktijd", segment=Segment.CONSUMER)
        return await make_service(
            world.noord, customer, label="Internet thuis", starts_on=date(2026, 11, 15), signed_on=date(2026, 11, 15),
            paid_until=date(2027, 1, 15), minimum_months=12, channel="ONLINE",
        )  # fmt: skip


async def test_a_withdrawal_in_time_is_prepared_and_pays_everything_back(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    service = await fresh_consumer(world)
    async with db.unit_of_work(world.noord.principal()):
        row = await db.fetch_one("SELECT number FROM billing_service WHERE id = $1", service)
    assert row
    notice = await give(
        world.noord, kind=NoticeKind.COOLING_OFF, name="Petra Bedenktijd", contract=row["number"], email="petra@klant.example.com"
    )

    (case,) = await cases_of(noord)
    assert (case["state"], case["buyout"], case["ends_on"], case["received_on"]) == (
        "waiting_for_customer",
        False,
        "2026-11-29",
        "2026-11-22",
    )
    asked = people.newest(world.mailbox, "petra@")
    assert "EUR 100,00" in asked.text
    await people.press(stranger, people.link_in(asked), "approve")
    assert (await people.case(noord, case["id"]))["state"] == "scheduled"
    assert (await now_of(notice)).state == NoticeState.CARRIED_OUT
    confirmation = people.newest(world.mailbox, "petra@")
    assert "herroeping binnen de bedenktijd" in confirmation.text


async def test_a_clicks_moment_decides_the_day_also_at_midnight_and_when_clocks_change(world: World) -> None:
    for instant, day in (
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 0, 1, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2027, 3, 28, 21, 59, 59, tzinfo=UTC), date(2027, 3, 28)),
        (datetime(2027, 3, 28, 22, 0, 1, tzinfo=UTC), date(2027, 3, 29)),
    ):
        clock.set_to(instant)
        actor = await notices.addressee("NRD", "nl")
        async with db.unit_of_work(world.noord.principal()):
            notice = await notices.receive(actor, Sent(**GOOD))
        assert clock.civil_day(notice.received_at) == day


async def test_a_suspended_partners_customers_can_still_give_notice(world: World) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE tenant SET suspended_at = now() WHERE id = $1", world.noord.id)
    async with browser() as client:
        assert (await client.get("/end-contract/NRD")).status_code == 200
    assert (await now_of(await give(world.noord))).state == NoticeState.FILED
