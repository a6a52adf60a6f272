"""Deadlines outside the portal: the calendar at its secret address, and the weekly mail."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from icalendar import Calendar

from partner_portal.infra import clock, db
from terminations.jobs import deadlines as jobs
from terminations.service import deadline_keeping, deadline_readers
from tests.conftest import browser, sign_in, work
from tests.journeys import partner
from tests.terminations.test_service_deadlines import yearly
from tests.world import STAFF_DOOR, World

SETTINGS = "/portal/deadlines/calendar"
MONDAY = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)  # half past eight in Amsterdam


async def address(client: httpx.AsyncClient, *, anew: bool = True) -> str:
    """The path of the calendar of whoever is signed in."""
    if anew:
        made = await client.post(f"{SETTINGS}/address")
        assert made.status_code == 303, made.text
    page = await client.get(SETTINGS)
    found = re.search(r'value="http://portal\.test(/calendar/[A-Za-z0-9_-]{43}\.ics)"', page.text)
    assert found, page.text
    return found[1]


def events(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return list(Calendar.from_ical(answer.content).walk("VEVENT"))


async def test_a_calendar_shows_each_deadline_as_a_day_with_a_warning_and_the_way_to_the_service(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    service = await yearly(world.noord, "bakery", date(2027, 1, 31), label="Glasvezel, snel; én goed")
    await yearly(world.zuid, "bakery", date(2027, 1, 31))
    await deadline_keeping.refresh_all()

    answer = await stranger.get(await address(noord))

    (event,) = events(answer)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2026, 12, 31), date(2027, 1, 1))
    assert event["UID"] == f"deadline-{service}@portal.test"
    assert event["SUMMARY"] == "Uiterste opzegdag: Glasvezel, snel; én goed, Bakkerij De Korst"
    assert "31 januari 2027" in event["DESCRIPTION"]
    assert "12 maanden verlengd; die kosten EUR 600,00" in event["DESCRIPTION"]
    assert event["URL"] == f"http://portal.test/portal/services/{service}"
    (alarm,) = event.walk("VALARM")
    assert alarm["TRIGGER"].dt == timedelta(hours=9) - timedelta(days=7)
    assert (event["SEQUENCE"], event["TRANSP"]) == (1, "TRANSPARENT")
    assert max(len(line) for line in answer.content.split(b"\r\n")) <= 75


async def test_a_deadline_that_moves_keeps_its_name_and_counts_on(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    service = await yearly(world.noord, "bakery", date(2027, 1, 31))
    await deadline_keeping.refresh_all()
    path = await address(noord)
    (before,) = events(await stranger.get(path))

    clock.move(timedelta(minutes=1))
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE billing_service SET notice_n = 2, version = version + 1 WHERE id = $1", service)
    await deadline_keeping.refresh_all()

    (after,) = events(await stranger.get(path))
    assert (after["UID"], after["DTSTART"].dt) == (before["UID"], date(2026, 11, 30))
    assert after["SEQUENCE"] == before["SEQUENCE"] + 1
    assert after["LAST-MODIFIED"].dt > before["LAST-MODIFIED"].dt


async def test_what_was_filed_for_is_no_longer_in_the_calendar(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    service = await yearly(world.noord, "bakery", date(2027, 1, 31))
    await deadline_keeping.refresh_all()
    path = await address(noord)
    await partner.filed(noord, service)

    assert events(await stranger.get(path)) == []


async def test_what_a_calendar_has_already_is_not_sent_again_until_it_is_another(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await yearly(world.noord, "bakery", date(2027, 1, 31))
    await deadline_keeping.refresh_all()
    path = await address(noord)
    first = await stranger.get(path)

    again = await stranger.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await stranger.get(path)).content == first.content

    await noord.post(SETTINGS, data={"alarm_days": "14", "digest": "yes"})
    changed = await stranger.get(path, headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert b"TRIGGER:-P13DT15H" in changed.content


async def test_a_new_address_replaces_the_old_one_and_a_removed_one_shows_nothing(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    first = await address(noord)
    second = await address(noord)
    assert first != second
    assert [(await stranger.get(path)).status_code for path in (first, second)] == [404, 200]

    removed = await noord.post(f"{SETTINGS}/address/removal")

    assert removed.status_code == 303
    assert (await stranger.get(second)).status_code == 404
    assert second not in (await noord.get(SETTINGS)).text


async def test_the_address_is_kept_as_a_hash_only(world: World, noord: httpx.AsyncClient) -> None:
    token = (await address(noord)).removeprefix("/calendar/").removesuffix(".ics")

    async with db.unit_of_work(STAFF_DOOR):
        kept = await db.fetch("SELECT t::text AS said FROM termination_deadline_reader t")
        trail = await db.fetch("SELECT changes::text AS said FROM infra_audit")

    assert [row for row in (*kept, *trail) if token in row["said"]] == []


@pytest.mark.parametrize(
    "shut", ["UPDATE member SET disabled_at = now() WHERE tenant = $1", "UPDATE tenant SET suspended_at = now() WHERE id = $1"]
)
async def test_nothing_is_shown_once_the_member_is_disabled_or_the_partner_suspended(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, shut: str
) -> None:
    await yearly(world.noord, "bakery", date(2027, 1, 31))
    await deadline_keeping.refresh_all()
    path = await address(noord)
    assert len(events(await stranger.get(path))) == 1

    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(shut, world.noord.id)

    # Empty rather than gone, so that calendars forget what they have shown.
    assert events(await stranger.get(path)) == []


async def test_an_address_that_is_nobodys_and_one_without_its_ending_are_not_there(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    path = await address(noord)

    answers = [await stranger.get(one) for one in (f"/calendar/{'x' * 43}.ics", path.removesuffix(".ics"), f"{path}.ics", "/calendar/.ics")]

    assert [answer.status_code for answer in answers] == [404] * 4


async def test_an_address_is_asked_so_often_only(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    path = await address(noord)

    answers = [await stranger.get(path) for _ in range(61)]

    assert {answer.status_code for answer in answers[:60]} == {200}
    assert answers[60].status_code == 429
    assert 0 < int(answers[60].headers["retry-after"]) <= 3600


async def test_each_member_has_an_address_of_its_own_and_sees_nobody_elses(world: World, noord: httpx.AsyncClient) -> None:
    owners = await address(noord)
    async with browser() as clerk:
        await sign_in(clerk, world.noord.clerk)
        assert owners not in (await clerk.get(SETTINGS)).text
        assert await address(clerk) != owners
    assert await address(noord, anew=False) == owners


async def test_a_choice_that_is_not_offered_is_told_at_its_field(world: World, noord: httpx.AsyncClient) -> None:
    for days in ("5", "-1", "x", "", "9" * 50):
        answer = await noord.post(SETTINGS, data={"alarm_days": days})
        assert answer.status_code == 422
        assert 'id="alarm_days-error"' in answer.text
    assert 'name="digest" value="yes" checked' in (await noord.get(SETTINGS)).text


async def digests(world: World) -> list[str]:
    """Who got the weekly mail so far, in order."""
    async with db.unit_of_work(world.noord.principal()):
        rows = await db.fetch("SELECT recipient FROM infra_mail WHERE name = 'terminations/deadline_digest' ORDER BY recipient, key")
    return [row["recipient"] for row in rows]


async def told() -> None:
    await jobs.keep_deadlines()
    await jobs.tell_members()
    await work()


async def test_on_monday_each_member_is_told_once_however_often_the_job_runs(world: World) -> None:
    await yearly(world.noord, "bakery", date(2026, 12, 31), label="Nu beslissen")
    await yearly(world.noord, "bakery", date(2026, 12, 20), label="Gemist")
    clock.set_to(MONDAY)

    for _ in range(3):
        await told()
    clock.move(timedelta(days=1))
    await told()

    assert await digests(world) == [world.noord.clerk, world.noord.owner, world.noord.reader]
    mail = partner.newest(world.mailbox, world.noord.owner)
    assert mail.subject == "Nu beslissen: beslis uiterlijk 30 november 2026"
    assert "Nu beslissen" in mail.text
    assert "Gemist" in mail.text
    assert mail.text.count("http://portal.test/portal/deadlines?window=30") == 1


async def test_the_next_week_it_is_told_again(world: World) -> None:
    await yearly(world.noord, "bakery", date(2027, 1, 15))
    clock.set_to(MONDAY)
    await told()
    clock.move(timedelta(days=7))
    await told()

    assert (await digests(world)).count(world.noord.owner) == 2


@pytest.mark.parametrize(
    ("instant", "mails"),
    [
        (datetime(2026, 11, 22, 22, 59, tzinfo=UTC), 0),  # the last minute of Sunday in Amsterdam
        (datetime(2026, 11, 23, 5, 59, tzinfo=UTC), 0),  # a minute to seven
        (datetime(2026, 11, 23, 6, 0, tzinfo=UTC), 3),
        (datetime(2026, 11, 24, 1, 0, tzinfo=UTC), 3),  # the job did not run on Monday
        (datetime(2026, 11, 25, 22, 59, tzinfo=UTC), 3),  # the last minute of Wednesday
        (datetime(2026, 11, 25, 23, 0, tzinfo=UTC), 0),  # Thursday: next Monday is near
    ],
)
async def test_it_is_told_on_monday_morning_or_a_little_later(world: World, instant: datetime, mails: int) -> None:
    await yearly(world.noord, "bakery", date(2026, 12, 31))
    clock.set_to(instant)

    await told()

    assert len(await digests(world)) == mails


async def test_a_week_with_nothing_to_tell_has_no_mail(world: World) -> None:
    await yearly(world.noord, "bakery", date(2027, 6, 30))
    clock.set_to(MONDAY)

    await told()
    await yearly(world.noord, "bakery", date(2026, 12, 31))  # comes up on the same day: next Monday is for that
    await told()

    assert await digests(world) == []


async def test_who_does_not_want_it_who_is_disabled_and_whose_partner_is_suspended_get_none(world: World, noord: httpx.AsyncClient) -> None:
    await yearly(world.noord, "bakery", date(2026, 12, 31))
    await yearly(world.zuid, "bakery", date(2026, 12, 31))
    await noord.post(SETTINGS, data={"alarm_days": "7"})
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE member SET disabled_at = now() WHERE email = $1", world.noord.reader)
        await db.execute("UPDATE tenant SET suspended_at = now() WHERE id = $1", world.zuid.id)
    clock.set_to(MONDAY)

    await told()

    assert await digests(world) == [world.noord.clerk]
    assert world.mailbox.mailbox.mails(world.zuid.owner) == []


async def test_a_mail_that_was_stopped_meanwhile_is_not_sent(world: World, noord: httpx.AsyncClient) -> None:
    await yearly(world.noord, "bakery", date(2026, 12, 31))
    clock.set_to(MONDAY)
    await jobs.keep_deadlines()
    await jobs.tell_members()
    await noord.post(SETTINGS, data={"alarm_days": "7"})

    await work()

    assert world.noord.owner not in await digests(world)


async def test_the_mail_is_stopped_by_one_click_of_the_mail_program_and_not_by_opening_the_address(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await yearly(world.noord, "bakery", date(2026, 12, 31))
    clock.set_to(MONDAY)
    await told()
    raw = world.mailbox.mailbox.raw(partner.newest(world.mailbox, world.noord.owner).id).decode()
    found = re.search(r"List-Unsubscribe: <http://portal\.test(/calendar/[A-Za-z0-9_-]{43}/digest)>", raw)
    assert found, raw[:2000]
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in raw

    opened = await stranger.get(found[1])
    assert "Mail stoppen" in opened.text
    assert "checked" in (await noord.get(SETTINGS)).text

    clicked = await stranger.post(found[1], data={"List-Unsubscribe": "One-Click"})

    assert clicked.status_code == 200
    assert "De wekelijkse mail is gestopt" in clicked.text
    assert "checked" not in (await noord.get(SETTINGS)).text
    assert (await stranger.get(found[1].replace("/digest", ".ics"))).status_code == 404, "it opens no calendar"
    assert (await stranger.post(f"/calendar/{'x' * 43}/digest")).status_code == 404


async def test_the_calendar_holds_the_nearest_and_no_more_than_it_says(world: World) -> None:
    for nth in range(4):
        await yearly(world.noord, "bakery", date(2027, 1, 28 - nth))
    await deadline_keeping.refresh_all()

    async with db.unit_of_work(world.noord.principal()):
        found = await deadline_readers.entries(most=3)

    assert [entry.notice_by for entry in found] == [date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 27)]
