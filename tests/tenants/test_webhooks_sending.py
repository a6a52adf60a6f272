"""Webhooks arrive signed, at least once, and as long as it takes; one receiver's trouble is nobody else's."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from partner_portal.infra import clock, db, outbox, outgoing
from partner_portal.infra.settings import Settings
from tenants.service.webhooks import deliveries, endpoints
from tenants.workflow import WAITS
from tests.infra.receiver import Said
from tests.tenants import hooks
from tests.tenants.hooks import Hook, announce, later, listening
from tests.world import STAFF_DOOR, World

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
JUST_OVER = 1.25  # a wait may be a fifth longer than planned


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def outside(world: World, running: Settings) -> AsyncIterator[None]:
    async with hooks.on_this_machine(running):
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def hook(world: World) -> AsyncIterator[Hook]:
    """Noord's software listens."""
    async with listening(world.noord) as listens:
        yield listens


# --- What arrives


async def test_an_event_arrives_in_its_envelope_and_signed_as_the_specification_has_it(world: World, hook: Hook) -> None:
    async with db.unit_of_work(world.noord.principal()):
        at = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
        await deliveries.announce(world.noord.id, hooks.KIND, {"naam": "Café"}, key="case:1", at=at)
    await outbox.drain()

    [came] = hook.at.received
    verified = Webhook(hook.secret).verify(came.body, came.headers)
    assert verified == {"type": hooks.KIND, "timestamp": "2026-11-22T10:30:00Z", "data": {"naam": "Café"}}
    assert came.line.startswith("POST /hook ")
    assert came.headers["content-type"] == "application/json"
    assert abs(int(came.headers["webhook-timestamp"]) - time.time()) < 60
    [row] = await hook.sent()
    assert (row["state"], row["attempts"], row["status"], row["why"]) == ("delivered", 1, 204, "")


async def test_another_secret_or_another_word_does_not_verify(world: World, hook: Hook) -> None:
    await announce(world.noord, "one")
    await outbox.drain()
    [came] = hook.at.received

    for secret, body in ((f"whsec_{'A' * 43}=", came.body), (hook.secret, came.body.replace(b"one", b"two"))):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, came.headers)


async def test_the_secret_stands_in_no_table(world: World, hook: Hook) -> None:
    from tests.attack.intruder import dump  # noqa: PLC0415  # the whole partner, as text

    kept = json.dumps(await dump(world.noord.id))

    assert len(hook.secret) == len("whsec_") + 44
    assert hook.secret.removeprefix("whsec_") not in kept


async def test_who_chose_kinds_hears_of_those_only(world: World, hook: Hook) -> None:
    await hook.change(types=frozenset({hooks.KIND}))
    await announce(world.noord, "wanted")
    await announce(world.noord, "other", kind="termination.ended")
    await outbox.drain()

    assert hook.bodies() == [{"key": "wanted"}]


async def test_the_same_event_announced_twice_is_sent_once(world: World, hook: Hook) -> None:
    await announce(world.noord, "once", "once")
    await outbox.drain()
    await announce(world.noord, "once")
    await outbox.drain()

    assert len(hook.at.received) == 1


async def test_two_endpoints_get_the_same_message_each_with_its_own_secret(world: World, hook: Hook) -> None:
    async with listening(world.noord) as other:
        await announce(world.noord, "both")
        await outbox.drain()

        [one], [two] = hook.at.received, other.at.received
        assert one.headers["webhook-id"] == two.headers["webhook-id"]
        assert one.headers["webhook-signature"] != two.headers["webhook-signature"]
        Webhook(other.secret).verify(two.body, two.headers)


async def test_nothing_of_one_partner_is_told_to_another(world: World, hook: Hook) -> None:
    async with listening(world.zuid) as other:
        await announce(world.noord, "ours")
        await outbox.drain()

        assert (len(hook.at.received), len(other.at.received)) == (1, 0)


async def test_whoever_is_not_there_yet_costs_nothing(world: World) -> None:
    await announce(world.noord, "unheard")

    async with db.unit_of_work(STAFF_DOOR):
        assert (
            await db.fetch("SELECT 1 FROM webhook_delivery"),
            await db.fetch("SELECT 1 FROM infra_outbox WHERE topic = 'WebhookDue'"),
        ) == ([], [])


async def test_an_event_that_is_rolled_back_is_not_sent(world: World, hook: Hook) -> None:
    async with db.unit_of_work(world.noord.principal()) as work:
        await deliveries.announce(world.noord.id, hooks.KIND, {}, key="never", at=clock.now())
        work.doom()
    await outbox.drain()

    assert hook.at.received == []


# --- Again, and again


async def test_what_fails_is_tried_again_for_over_a_day_under_the_same_name_and_then_given_up(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(500, body=b"not now")]
    await announce(world.noord, "stubborn")
    await outbox.drain()

    for nth, wait in enumerate(WAITS, start=2):
        await later(wait * 0.7)
        assert len(hook.at.received) == nth - 1, "not before its time"
        await later(wait * (JUST_OVER - 0.7))
        assert len(hook.at.received) == nth
    await later(30 * DAY)

    assert len(hook.at.received) == 8
    assert len({came.headers["webhook-id"] for came in hook.at.received}) == 1
    assert len({came.body for came in hook.at.received}) == 1
    [row] = await hook.sent()
    assert (row["state"], row["attempts"], row["due_at"]) == ("failed", 8, None)


async def test_each_try_is_signed_afresh(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(500), Said(204)]
    await announce(world.noord, "fresh")
    await outbox.drain()
    await asyncio.sleep(1.1)
    await later(10 * SECOND)

    first, second = hook.at.received
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    for came in (first, second):
        Webhook(hook.secret).verify(came.body, came.headers)


async def test_every_try_is_on_record_with_what_came_back(world: World, hook: Hook) -> None:
    hook.at.answers = [
        Said(500, body=b"<h1>Fout\x00 \xff</h1>" + b"x" * 5000),
        Said(302, headers=[("Location", "/")]),
        Said(200, body=b"dank"),
    ]
    await announce(world.noord, "told")
    await outbox.drain()
    await later(10 * SECOND)
    await later(7 * MINUTE)

    [row] = await hook.sent()
    async with db.unit_of_work(world.noord.principal()):
        _delivery, attempts = await deliveries.one(hook.id, row["id"])
    assert [(made["nth"], made["status"]) for made in attempts] == [(3, 200), (2, 302), (1, 500)]
    assert attempts[0]["excerpt"] == "dank"
    assert attempts[2]["excerpt"].startswith("<h1>Fout  \ufffd</h1>xxx")
    assert len(attempts[2]["excerpt"]) == 1000
    assert row["state"] == "delivered"


@pytest.mark.parametrize(
    ("said", "why"),
    [(Said(after=3), "too-slow"), (Said(raw=b"hello\r\n\r\n"), "broken-answer")],
)
async def test_no_answer_is_a_failure_like_any_other(world: World, hook: Hook, said: Said, why: str) -> None:
    hook.at.answers = [said, Said(204)]
    await announce(world.noord, "slow")
    await outbox.drain()
    [failed] = await hook.sent()
    await later(10 * SECOND)

    [row] = await hook.sent()
    assert (failed["state"], failed["status"], failed["why"]) == ("waiting", None, why)
    assert (row["state"], row["attempts"]) == ("delivered", 2)


async def test_a_receiver_that_asks_for_a_pause_gets_it(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(429, headers=[("Retry-After", "1800")]), Said(204)]
    await announce(world.noord, "busy", "behind")
    await outbox.drain()

    await later(29 * MINUTE)
    assert len(hook.at.received) == 1, "what waits behind it pauses too"
    await announce(world.noord, "new")
    await outbox.drain()
    assert len(hook.at.received) == 1, "and so does what is new"
    await later(8 * MINUTE)

    assert sorted(body["key"] for body in hook.bodies()) == ["behind", "busy", "busy", "new"]


async def test_an_endpoint_that_leads_to_a_private_address_by_now_gets_nothing(
    world: World, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look_up(_host: str, _port: int) -> list[str]:
        return ["10.0.0.7"]

    await hook.change(url=f"http://hooks.example.com:{hook.at.port}/hook")
    monkeypatch.setattr(outgoing, "look_up", look_up)
    await announce(world.noord, "rebound")
    await outbox.drain()

    [row] = await hook.sent()
    assert (row["state"], row["why"], hook.at.connections) == ("waiting", "private-network", 0)


# --- By hand


async def test_a_delivery_is_sent_again_by_hand_whatever_became_of_it(world: World, hook: Hook) -> None:
    await announce(world.noord, "again")
    await outbox.drain()
    [row] = await hook.sent()

    await hook.resend(row["id"])
    await hook.resend(row["id"])
    await outbox.drain()

    assert len(hook.at.received) == 2, "pressed twice at once is sent once"
    assert len({came.headers["webhook-id"] for came in hook.at.received}) == 1
    assert await hook.states() == ["delivered"]


async def test_sent_again_by_hand_a_failed_delivery_has_all_its_tries_again(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(500)]
    await announce(world.noord, "given up")
    for wait in (timedelta(), *WAITS):
        await later(wait * JUST_OVER)
    assert await hook.states() == ["failed"]
    [row] = await hook.sent()

    await hook.resend(row["id"])
    await outbox.drain()
    assert await hook.states() == ["waiting"]
    hook.at.answers = [Said(204)]
    await later(10 * SECOND)

    assert await hook.states() == ["delivered"]
    assert len(hook.at.received) == 10


async def test_a_delivery_that_waits_is_not_sent_twice_for_being_sent_by_hand(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(500), Said(204)]
    await announce(world.noord, "impatient")
    await outbox.drain()
    [row] = await hook.sent()
    await hook.resend(row["id"])
    await outbox.drain()
    await later(DAY)

    assert len(hook.at.received) == 2
    assert await hook.states() == ["delivered"]


async def test_all_that_failed_since_a_moment_is_sent_again_and_nothing_else(world: World, hook: Hook) -> None:
    await announce(world.noord, "old")
    await outbox.drain()
    clock.move(HOUR)
    since = clock.now()
    await announce(world.noord, "fine")
    await outbox.drain()
    hook.at.received.clear()
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE webhook_delivery SET state = 'failed' WHERE key <> 'fine'")
    await announce(world.noord, "lost 1", "lost 2")
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE webhook_delivery SET state = 'failed', due_at = NULL WHERE key LIKE 'lost%'")
        count = await deliveries.resend_failed(world.noord.actor, await endpoints.find(hook.id), since)
    await outbox.drain()

    assert count == 2
    assert sorted(body["key"] for body in hook.bodies()) == ["lost 1", "lost 2"]


async def test_a_test_event_is_tried_once_and_says_nothing_about_the_endpoint(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(404)]
    async with db.unit_of_work(world.noord.principal()):
        await deliveries.send_test(world.noord.actor, await endpoints.find(hook.id))
    await outbox.drain()
    await later(DAY)

    [came] = hook.at.received
    assert Webhook(hook.secret).verify(came.body, came.headers)["type"] == "webhook.test"
    assert await hook.states() == ["failed"]
    assert (await hook.row())["failing_since"] is None


# --- Secrets


async def test_both_secrets_sign_for_a_day_after_one_was_replaced(world: World, hook: Hook) -> None:
    async with db.unit_of_work(world.noord.principal()):
        new = await endpoints.rotate(world.noord.actor, await endpoints.find(hook.id), at_once=False)
    await announce(world.noord, "during")
    await outbox.drain()
    await later(24 * HOUR + SECOND)
    await announce(world.noord, "after")
    await outbox.drain()

    during, after = hook.at.received
    assert new != hook.secret
    for secret in (hook.secret, new):
        Webhook(secret).verify(during.body, during.headers)
    assert during.headers["webhook-signature"].count("v1,") == 2
    Webhook(new).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(hook.secret).verify(after.body, after.headers)


async def test_a_secret_that_leaked_ends_at_once(world: World, hook: Hook) -> None:
    async with db.unit_of_work(world.noord.principal()):
        new = await endpoints.rotate(world.noord.actor, await endpoints.find(hook.id), at_once=True)
    await announce(world.noord, "after")
    await outbox.drain()

    [came] = hook.at.received
    Webhook(new).verify(came.body, came.headers)
    assert came.headers["webhook-signature"].count("v1,") == 1


async def test_secrets_do_not_pile_up(world: World, hook: Hook) -> None:
    async def rotate(*, at_once: bool = False) -> None:
        async with db.unit_of_work(world.noord.principal()):
            await endpoints.rotate(world.noord.actor, await endpoints.find(hook.id), at_once=at_once)

    await rotate()
    await rotate()
    with pytest.raises(endpoints.TooManySecrets):
        await rotate()
    await rotate(at_once=True)
    await rotate()


# --- Off and on


async def test_who_says_gone_is_switched_off_at_once_and_the_owners_hear_of_it(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(410)]
    await announce(world.noord, "first", "second")
    await outbox.drain()
    await announce(world.noord, "third")
    await outbox.drain()

    assert len(hook.at.received) == 1
    assert await hook.states() == ["failed", "failed", "failed"], "what is missed is kept, to be sent again"
    row = await hook.row()
    assert (row["off_because"], row["off_since"] is not None) == ("gone", True)
    [mail] = world.mailbox.mailbox.mails(world.noord.owner)
    assert "127.0.0.1" in mail.subject
    assert "410" in mail.text
    assert f"/portal/settings/webhooks/{hook.id}" in mail.text
    assert world.mailbox.mailbox.mails(world.noord.clerk) == []


async def test_days_of_nothing_but_failures_switch_an_endpoint_off(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(500)]
    for day in range(5):
        await announce(world.noord, f"day {day}")
        for wait in (timedelta(), *WAITS[:5]):
            await later(wait * JUST_OVER)
        assert (await hook.row())["off_because"] is None
        await later(DAY - sum(WAITS[:5], timedelta()) * JUST_OVER)
    await announce(world.noord, "the last straw")
    await outbox.drain()

    assert (await hook.row())["off_because"] == "failing"
    assert set(await hook.states()) == {"failed"}
    [mail] = world.mailbox.mailbox.mails(world.noord.owner)
    assert "410" not in mail.text


async def test_one_success_between_failures_keeps_an_endpoint_on(world: World, hook: Hook) -> None:
    for day in range(8):
        hook.at.answers = [Said(204 if day == 4 else 500)]
        await announce(world.noord, f"day {day}")
        for wait in (timedelta(), *WAITS[:5]):
            await later(wait * JUST_OVER)
        await later(DAY - sum(WAITS[:5], timedelta()) * JUST_OVER)

    assert (await hook.row())["off_because"] is None


async def test_switched_on_again_what_was_missed_can_be_sent(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(410), Said(204)]
    await announce(world.noord, "lost")
    await outbox.drain()
    await announce(world.noord, "missed")
    since = (await hook.row())["off_since"] - MINUTE

    with pytest.raises(deliveries.EndpointIsOff):
        await hook.resend((await hook.sent())[0]["id"])
    await hook.change(on=True)
    async with db.unit_of_work(world.noord.principal()):
        await deliveries.resend_failed(world.noord.actor, await endpoints.find(hook.id), since)
    await outbox.drain()

    assert [body["key"] for body in hook.bodies()] == ["lost", "lost", "missed"]
    assert await hook.states() == ["delivered", "delivered"]


async def test_who_switches_off_by_hand_wants_nothing_kept(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(500)]
    await announce(world.noord, "under way")
    await outbox.drain()
    await hook.change(on=False)
    await announce(world.noord, "unwanted")
    await later(2 * DAY)

    assert len(hook.at.received) == 1
    assert await hook.states() == ["failed"]
    assert world.mailbox.mailbox.mails(world.noord.owner) == []


async def test_an_endpoint_that_is_taken_away_gets_nothing_more(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(500)]
    await announce(world.noord, "under way")
    await outbox.drain()
    async with db.unit_of_work(world.noord.principal()):
        await endpoints.remove(world.noord.actor, await endpoints.find(hook.id))
    await announce(world.noord, "too late")
    await later(2 * DAY)

    assert len(hook.at.received) == 1
    async with db.unit_of_work(STAFF_DOOR):
        assert await outbox.dead() == []


async def test_switched_off_while_an_attempt_is_under_way_it_stays_off_for_that_reason(world: World, hook: Hook) -> None:
    hook.at.answers = [Said(410, after=0.5)]
    await announce(world.noord, "slow goodbye")
    sending = asyncio.create_task(outbox.drain())
    while not hook.at.received:
        await asyncio.sleep(0.01)
    await hook.change(on=False)
    await sending

    assert (await hook.row())["off_because"] == "owner"
    assert await hook.states() == ["failed"]


# --- For how long


async def test_old_deliveries_are_forgotten_with_their_attempts_and_those_under_way_are_not(world: World, hook: Hook) -> None:
    await announce(world.noord, "old")
    await outbox.drain()
    hook.at.answers = [Said(500)]
    await announce(world.noord, "under way")
    await outbox.drain()
    async with db.unit_of_work(world.noord.principal()):
        await db.execute("UPDATE webhook_delivery SET created_at = created_at - interval '31 days'")
    await announce(world.noord, "new")

    await _daily()

    assert sorted([row["state"] for row in await hook.sent()]) == ["waiting", "waiting"]
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT d.key FROM webhook_attempt a JOIN webhook_delivery d ON d.id = a.delivery")
    assert [row["key"] for row in rows] == ["under way"]


async def test_an_endpoint_that_was_taken_away_is_forgotten_when_its_deliveries_are(world: World, hook: Hook) -> None:
    await announce(world.noord, "old")
    await outbox.drain()
    async with db.unit_of_work(world.noord.principal()):
        await endpoints.remove(world.noord.actor, await endpoints.find(hook.id))
    clock.move(29 * DAY)
    await _daily()
    async with db.unit_of_work(STAFF_DOOR):
        kept: Any = await db.fetch_one("SELECT count(*) AS n FROM webhook_endpoint")
    clock.move(2 * DAY)
    await _daily()

    async with db.unit_of_work(STAFF_DOOR):
        left: Any = await db.fetch_one(
            "SELECT (SELECT count(*) FROM webhook_endpoint) + (SELECT count(*) FROM webhook_secret) + (SELECT count(*) FROM webhook_delivery) AS n"
        )
    assert (kept["n"], left["n"]) == (1, 0)


async def _daily() -> None:
    from tenants.jobs import webhooks  # noqa: PLC0415  # beside the service

    for job in webhooks.DAILY:
        await job()
