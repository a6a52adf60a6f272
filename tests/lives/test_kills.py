"""The web process and the worker are killed at any moment, again and again: nothing is lost, and nothing happens twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any
from uuid import UUID

import msgspec
import pytest

from partner_portal import invariants
from partner_portal.infra import clock, db
from partner_portal.mailcatcher.receiving import Failure
from terminations.service import scheduling
from terminations.service.buyouts import Decision, case_by_number, decide
from tests.attack.test_links import rows
from tests.lives.portal import Processes, Stubborn, link_for
from tests.world import FINANCE, STAFF_DOOR, Partner, World, make_customer, make_service

LEASE_SECONDS = 6
ENDS = ("approve", "refuse", "withdraw", "buyout", "approve", "decline", "approve")
"""How the stories end, by turns."""
STEPS = {
    "approve": ["file", "approve"],
    "refuse": ["file", "refuse"],
    "withdraw": ["file", "withdraw"],
    "buyout": ["file_buyout", "propose", "accept_with_consent"],
    "decline": ["file_buyout", "decline_buyout"],
}
MAILS: dict[str, dict[str, int]] = {
    "approve": {"approval_requested": 1, "scheduled": 3},
    "refuse": {"approval_requested": 1, "case_refused": 1},
    "withdraw": {"approval_requested": 1, "withdrawn": 3},
    "buyout": {"buyout_requested": 1, "buyout_proposed": 1, "scheduled": 3},
    "decline": {"buyout_requested": 1, "buyout_refused_by_finance": 1},
}


class Story(msgspec.Struct):
    """One service of one customer, how its case is to end, and the case once it is filed."""

    end: str
    service: UUID
    customer: str
    case: str = ""
    number: str = ""


async def written(partner: Partner, count: int) -> list[Story]:
    """So many services, each of a customer of its own."""
    stories = []
    async with db.unit_of_work(partner.principal()):
        for nth in range(count):
            end, email = ENDS[nth % len(ENDS)], f"klant{nth}@klant.example.com"
            customer = await make_customer(partner, f"Klant {nth}", email=email)
            bound: dict[str, Any] = {
                "minimum_months": 24,
                "renewal": "FIXED",
                "renewal_months": 12,
                "buyout_rule": "75 %",
                "starts_on": "2026-03-01",
            }
            terms: dict[str, Any] = bound if end in {"buyout", "decline"} else {}
            stories.append(Story(end, await make_service(partner, customer, label=f"Dienst {nth}", fee_cents=1000, **terms), email))
    return stories


async def live(story: Story, world: World, client: Stubborn) -> None:
    """The story is played to its end, by people who try again until they are answered."""
    early = {"early": True, "wished_on": "2026-12-31"} if story.end in {"buyout", "decline"} else {}
    quote = await client.ask("POST", "/api/v1/quotes", json={"service_ids": [str(story.service)], **early})
    assert quote.status_code == 201, quote.text
    filing = {"quote_id": quote.json()["id"], "reason": "price", "mandate": True}
    filed = await client.ask("POST", "/api/v1/terminations", json=filing, headers={"idempotency-key": f"file-{story.service}"})
    assert filed.status_code == 201, filed.text
    story.case, story.number = filed.json()["id"], filed.json()["number"]
    if early:
        async with db.unit_of_work(STAFF_DOOR):
            decision = Decision.APPROVE if story.end == "buyout" else Decision.REFUSE
            await decide(FINANCE, await case_by_number(story.number), decision, reason="daarom")
    if story.end == "decline":
        return
    link = await link_for(world.mailbox, story.number, "/confirm/", seconds=150)
    if story.end == "withdraw":
        sent: dict[str, Any] = {"json": {}, "headers": {"idempotency-key": f"withdraw-{story.service}"}}
        withdrawn = await client.ask("POST", f"/api/v1/terminations/{story.case}/withdrawal", **sent)
        assert withdrawn.status_code == 201, withdrawn.text
    else:
        await client.press(link, "accept" if story.end == "buyout" else story.end)


async def kill(processes: Processes, world: World, times: int, pause: float, chance: random.Random) -> None:
    """So many times, with `pause` seconds between on average, a process ends amid its work; some mails lose the server's answer, too."""
    for nth in range(times):
        await asyncio.sleep(chance.uniform(0.3 * pause, 1.7 * pause))
        if nth % 3 == 0:
            world.mailbox.receiver.fail(Failure.HANG_UP)
        processes.kill("web" if nth % 3 == 1 else "worker")


async def all_done(seconds: float) -> None:
    """No work is left."""
    async with asyncio.timeout(seconds):
        while await rows("SELECT 1 FROM infra_outbox WHERE done_at IS NULL LIMIT 1"):  # another process works
            await asyncio.sleep(0.2)


async def survive(world: World, folder: Any, *, kills: int, stories: int, pause: float, seed: int) -> None:
    chance = random.Random(seed)
    told = await written(world.noord, stories)

    async def play(story: Story, client: Stubborn) -> None:
        await asyncio.sleep(chance.uniform(0, kills * pause))  # somebody is always in the middle of something
        await live(story, world, client)

    with Processes(folder, job_lease_seconds=LEASE_SECONDS, daily_every_seconds=2, pool_size=4) as processes:
        await processes.ready()
        async with Stubborn(processes.url) as client:
            await client.sign_in(world.noord.clerk)
            async with asyncio.TaskGroup() as group:
                group.create_task(kill(processes, world, kills, pause, chance))
                for story in told:
                    group.create_task(play(story, client))
            await all_done(60)
            assert len(processes.left_behind()) >= 2, "those that run are seen"
            assert client.again > 0, "the kills were felt"
        assert client.failures == []
        assert not any(" 500" in line or '"status":500' in line for line in processes.said("web").splitlines())
    await whole(world, told)
    left = processes.left_behind()
    for _ in range(50):
        if not (left := processes.left_behind()):
            break
        await asyncio.sleep(0.1)
    assert left == [], "a killed process leaves no children behind"


async def whole(world: World, told: list[Story]) -> None:
    """Every case went its way once, with its mails, each shown once."""
    async with db.unit_of_work(STAFF_DOOR):
        assert await invariants.breaches() == []
    for story in told:
        steps = await rows("SELECT action FROM termination_step WHERE termination = $1::text::uuid ORDER BY nth", story.case)
        assert [row["action"] for row in steps] == STEPS[story.end], story
        sent = await rows("SELECT name FROM infra_mail WHERE key LIKE $1 || ':%'", story.case)
        assert Counter(row["name"].partition("/")[2] for row in sent) == MAILS[story.end], story
    assert len(await rows("SELECT 1 FROM termination")) == len(told)
    assert await rows("SELECT 1 FROM infra_outbox WHERE done_at IS NULL") == []
    queued = Counter(row["message_id"] for row in await rows("SELECT message_id FROM infra_mail WHERE sent_at IS NOT NULL"))
    shown = Counter(mail.message_id for mail in world.mailbox.mailbox.mails())
    assert shown == queued
    assert set(shown.values()) == {1}
    documents = await rows("SELECT filename FROM infra_document WHERE kind = 'confirmation'")
    assert Counter(row["filename"] for row in documents) == {f"{s.number}.pdf": 1 for s in told if "scheduled" in MAILS[s.end]}
    numbers = sorted(story.number for story in told)
    assert numbers == [f"NRD-T-{nth + 1:05}" for nth in range(len(told))], "none is skipped, none is given twice"


@pytest.mark.timeout(180)
async def test_twelve_kills_lose_nothing_and_double_nothing(world: World, tmp_path: Any) -> None:
    await survive(world, tmp_path, kills=12, stories=14, pause=1.3, seed=random.randrange(10**6))


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_fifty_kills_lose_nothing_and_double_nothing(world: World, tmp_path: Any) -> None:
    await survive(world, tmp_path, kills=50, stories=63, pause=3, seed=random.randrange(10**6))


async def test_a_worker_killed_while_services_end_ends_each_of_them_once(world: World, tmp_path: Any) -> None:
    told = [story for story in await written(world.noord, 8) if story.end == "approve"]
    with Processes(tmp_path, job_lease_seconds=LEASE_SECONDS, daily_every_seconds=1) as processes:
        await processes.ready()
        async with Stubborn(processes.url) as client:
            await client.sign_in(world.noord.clerk)
            for story in told:
                await live(story, world, client)
            await all_done(60)
        before = clock.today()
        clock.move_to(before.replace(year=before.year + 1))
        for _ in range(3):
            await asyncio.sleep(1.2)
            processes.kill("worker")
        async with asyncio.timeout(40):
            while await rows("SELECT 1 FROM termination WHERE state <> 'ended'"):  # another process works
                await asyncio.sleep(0.2)
        await all_done(60)

    assert await scheduling.take_effect() == 0
    for story in told:
        steps = await rows("SELECT action FROM termination_step WHERE termination = $1::text::uuid ORDER BY nth", story.case)
        assert [row["action"] for row in steps] == ["file", "approve", "take_effect"]
    ended = await rows("SELECT count(*) AS n FROM infra_mail WHERE name = 'terminations/ended'")
    assert ended[0]["n"] == 3 * len(told)
    async with db.unit_of_work(STAFF_DOOR):
        assert await invariants.breaches() == []
