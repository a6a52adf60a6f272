"""The link in a mail against scanners, twins, thieves and forgers: it decides what its reader pressed, once, or nothing."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter
from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from partner_portal.infra import clock, db, outbox, settings, tokens
from terminations.service import scheduling
from terminations.service.buyouts import Decision, case_by_number, decide
from tests.conftest import browser
from tests.journeys import partner as people
from tests.world import FINANCE, STAFF_DOOR, World

CUSTOMER = "bakkerij@"
SCANNERS: list[dict[str, str]] = [
    {},
    {"purpose": "prefetch"},
    {"sec-purpose": "prefetch;prerender"},
    {"x-moz": "prefetch"},
    {"x-purpose": "preview"},
    {"user-agent": "Mozilla/5.0 (compatible; Microsoft Safe Links)"},
    {"range": "bytes=0-100"},
    {"if-none-match": "*"},
    {"x-http-method-override": "POST"},
]


async def asked(world: World, client: httpx.AsyncClient, service: str = "free", **how: Any) -> tuple[dict[str, Any], str]:
    """A case that waits for the customer, and the link in the mail."""
    case = await people.filed(client, world.noord.services[service], **how)
    return case, people.link_in(people.newest(world.mailbox, CUSTOMER))


async def proposed(world: World, client: httpx.AsyncClient) -> tuple[dict[str, Any], str]:
    """A buyout that finance agreed to, and the link by which the customer accepts it."""
    case = await people.filed(client, world.noord.services["bound"], early=True, wished_on="2026-12-31")
    async with db.unit_of_work(STAFF_DOOR):
        assert await decide(FINANCE, await case_by_number(case["number"]), Decision.APPROVE)
    await outbox.drain()
    return case, people.link_in(people.newest(world.mailbox, CUSTOMER))


async def rows(sql: str, *args: Any) -> list[Any]:
    connection = await asyncpg.connect(settings.current().database_url)
    try:
        return list(await connection.fetch(sql, *args))
    finally:
        await connection.close()


async def actions(case: dict[str, Any]) -> list[str]:
    found = await rows("SELECT action FROM termination_step WHERE termination = $1::text::uuid ORDER BY nth", case["id"])
    return [row["action"] for row in found]


async def mails() -> Counter[str]:
    return Counter(row["name"].partition("/")[2] for row in await rows("SELECT name FROM infra_mail"))


def version_on(page: httpx.Response) -> str:
    found = re.search(r'name="text_version" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found[1]


async def scan(client: httpx.AsyncClient, link: str) -> None:
    for headers in SCANNERS:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = await client.request(method, link, headers=headers)
            assert answer.status_code < 500, (method, headers, answer.text)
    for address in (
        f"{link}/",
        f"{link}?utm_source=mail",
        f"{link}#yes",
        f"{link}?decision=approve&text_version=x",
        f"{link}/confirmation.pdf",
    ):
        assert (await client.get(address)).status_code < 500


async def test_a_scanner_that_opens_every_link_in_every_way_decides_nothing(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    first, link = await asked(world, noord)
    second, other = await proposed(world, noord)
    before = await rows("SELECT * FROM termination_decision_link ORDER BY id"), await mails()

    for order in itertools.permutations([link, other]):
        for address in [*order, *reversed(order)]:
            await scan(stranger, address)
    await outbox.drain()

    assert (await rows("SELECT * FROM termination_decision_link ORDER BY id"), await mails()) == before
    assert await actions(first) == ["file"]
    assert await actions(second) == ["file_buyout", "propose"]
    await people.press(stranger, link, "approve")
    assert (await people.case(noord, first["id"]))["state"] == "scheduled"
    for address in (other, link):
        await scan(stranger, address)
    assert await actions(first) == ["file", "approve"]
    assert "decided" not in (await stranger.get(other)).url.path
    assert await actions(second) == ["file_buyout", "propose"]


async def test_a_form_that_no_page_of_ours_made_decides_nothing(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case, link = await asked(world, noord)
    forms: list[Any] = [
        {},
        {"decision": "approve"},
        {"decision": "approve", "text_version": ""},
        {"decision": "approve", "text_version": "0" * 64},
        {"decision": "accept", "text_version": "0" * 64},
        {"decision": "take_effect"},
        {"decision": ["approve", "refuse"], "text_version": "0" * 64},
        {"resend": "approve"},
        {"decision": "approve" * 1000},
    ]

    answers = [await stranger.post(link, data=form) for form in forms]
    answers.append(await stranger.post(link, json={"decision": "approve"}))
    answers.append(await stranger.post(link, content=b"\xff\xfe%00", headers={"content-type": "application/x-www-form-urlencoded"}))
    answers.append(await stranger.post(link, files={"decision": b"approve"}))

    assert [answer.text for answer in answers if answer.status_code >= 500] == []
    assert await actions(case) == ["file"]


@pytest.mark.parametrize("choices", [("approve",), ("approve", "refuse"), ("approve", "refuse", "not_me")], ids="+".join)
async def test_of_twenty_presses_at_once_one_decides_and_all_others_are_told(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, choices: tuple[str, ...]
) -> None:
    case, link = await asked(world, noord)
    version = version_on(await stranger.get(link))

    async def press(nth: int) -> httpx.Response:
        async with browser() as somebody:
            return await somebody.post(link, data={"decision": choices[nth % len(choices)], "text_version": version})

    answers = await asyncio.gather(*(press(nth) for nth in range(20)))
    await outbox.drain()

    assert {answer.status_code for answer in answers} == {200}
    taken = await actions(case)
    assert len(taken) == 2
    assert taken[1] in choices
    link_rows = await rows("SELECT decision FROM termination_decision_link")
    assert [row["decision"] for row in link_rows] == [taken[1]]
    expected = {"approve": {"scheduled": 3}, "refuse": {"case_refused": 1}, "not_me": {"not_me_reported": 2}}[taken[1]]
    assert await mails() == {"approval_requested": 1} | expected
    assert all('name="decision"' not in answer.text for answer in answers), "nobody is asked again"
    assert len({re.sub(r"\s+", " ", answer.text) for answer in answers}) <= 2  # before and after the confirmation was made
    assert len(await rows("SELECT 1 FROM infra_document WHERE kind = 'page'")) == 1


async def test_a_replaced_link_decides_nothing_and_says_so(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case, old = await asked(world, noord)
    version = version_on(await stranger.get(old))
    assert (await noord.post(f"/api/v1/terminations/{case['id']}/reminder", json={})).status_code == 201
    await outbox.drain()
    new = people.link_in(people.newest(world.mailbox, CUSTOMER))

    late = await stranger.post(old, data={"decision": "approve", "text_version": version})

    assert old != new
    assert late.status_code == 410
    assert 'name="decision"' not in late.text
    assert await actions(case) == ["file", "send_again"]
    await people.press(stranger, new, "refuse")
    assert await actions(case) == ["file", "send_again", "refuse"]


async def test_an_expired_link_decides_nothing_even_before_the_daily_round(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case, link = await asked(world, noord)
    version = version_on(await stranger.get(link))
    clock.move(timedelta(days=15))

    late = await stranger.post(link, data={"decision": "approve", "text_version": version})

    assert late.status_code == 410
    assert 'name="decision"' not in late.text
    assert await actions(case) == ["file"]
    await scheduling.expire()
    assert await actions(case) == ["file", "expire"]


async def test_forged_and_damaged_tokens_are_tokens_of_nothing(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case, link = await asked(world, noord)
    token = link.rpartition("/")[2]
    stored = await rows("SELECT id, token_sha256 FROM termination_decision_link")
    swapped = token[:10] + ("A" if token[10] != "A" else "B") + token[11:]
    forged = [
        token[:-1], token + "A", token.lower(), token[::-1], swapped, "A" * 43, "-" * 43, stored[0]["token_sha256"].hex(),
        str(stored[0]["id"]), f"[[token:{stored[0]['id']}:0]]", "%00", "..%2f..%2fapi", "' OR 1=1 --", "\u202e" * 4,
    ]  # fmt: skip

    answers = [await client.request(method, f"/confirm/{wrong}", data={"decision": "approve"} if method == "POST" else None)
               for wrong in forged for method in ("GET", "POST") for client in (stranger,)]  # fmt: skip

    assert {answer.status_code for answer in answers} <= {400, 404}, [
        (a.url, a.status_code) for a in answers if a.status_code not in {400, 404}
    ]
    assert await actions(case) == ["file"]


async def test_what_was_read_is_what_is_agreed_to(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case, link = await asked(world, noord)
    version = version_on(await stranger.get(link))
    connection = await asyncpg.connect(settings.current().database_url)
    await connection.execute("UPDATE tenant SET name = 'Anders BV' WHERE id = $1", world.noord.id)
    await connection.close()

    answer = await stranger.post(link, data={"decision": "approve", "text_version": version})

    assert await actions(case) == ["file"]
    assert answer.status_code == 409
    assert version_on(answer) != version, "the new text is shown, to be read"
    decided = await stranger.post(link, data={"decision": "approve", "text_version": version_on(answer)})
    assert decided.status_code == 200
    assert await actions(case) == ["file", "approve"]


async def test_no_table_and_no_log_of_mails_holds_a_secret(world: World, noord: httpx.AsyncClient) -> None:
    _case, link = await asked(world, noord)
    token = link.rpartition("/")[2]

    for table in ("infra_mail", "infra_outbox", "termination_decision_link", "infra_audit", "termination_step"):
        kept = " ".join(row["said"] for row in await rows(f"SELECT t::text AS said FROM {table} t"))  # noqa: S608  # names of ours
        assert token not in kept, table


async def code_of(world: World, nth: int = 1) -> str:
    found = await rows("SELECT id FROM termination_decision_link WHERE code_sha256 IS NOT NULL ORDER BY created_at DESC")
    code = tokens.code(found[0]["id"], nth)
    assert code in people.newest(world.mailbox, CUSTOMER).text
    return code


async def asked_for_code(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> tuple[dict[str, Any], str, dict[str, str]]:
    """A proposal above the money limit whose accept button was pressed: a code is in the mail."""
    case, link = await proposed(world, noord)
    version = version_on(await stranger.get(link))
    form = {"decision": "accept", "text_version": version}
    answer = await stranger.post(link, data=form)
    await outbox.drain()
    assert answer.status_code == 200
    assert await actions(case) == ["file_buyout", "propose"], "a form alone decides nothing above the limit"
    return case, link, form


async def test_above_the_limit_the_right_code_decides_and_no_other(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    with settings.use(code_limit_cents=100):
        case, link, form = await asked_for_code(world, noord, stranger)
        code = await code_of(world)
        wrong = f"{(int(code) + 1) % 10**6:06}"

        refused = await stranger.post(link, data=form | {"code": wrong})
        assert refused.status_code == 422
        assert await actions(case) == ["file_buyout", "propose"]

        await stranger.post(link, data=form | {"code": code})
        assert await actions(case) == ["file_buyout", "propose", "accept_with_consent"]


async def test_a_crowd_of_wrong_codes_gets_five_attempts_together(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    with settings.use(code_limit_cents=100):
        case, link, form = await asked_for_code(world, noord, stranger)
        code = await code_of(world)

        async def guess(nth: int) -> httpx.Response:
            async with browser() as somebody:
                return await somebody.post(link, data=form | {"code": f"{(int(code) + 1 + nth) % 10**6:06}"})

        answers = await asyncio.gather(*(guess(nth) for nth in range(20)))
        late = await stranger.post(link, data=form | {"code": code})

    assert Counter(answer.status_code for answer in answers) == {422: 5, 409: 15}, "looked at, and not looked at"
    assert late.status_code == 409
    assert await actions(case) == ["file_buyout", "propose"], "the sixth attempt is not looked at, even if it is right"
    assert [row["code_attempts"] for row in await rows("SELECT code_attempts FROM termination_decision_link WHERE code_attempts > 0")] == [
        5
    ]


async def test_an_old_code_and_a_code_of_another_link_decide_nothing(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    with settings.use(code_limit_cents=100):
        case, link, form = await asked_for_code(world, noord, stranger)
        code = await code_of(world)
        foreign = tokens.code(world.noord.services["free"], 1)
        await stranger.post(link, data=form | {"code": foreign})
        for choice in ("refuse", "counter"):
            await stranger.post(link, data=form | {"decision": choice, "text_version": "0" * 64, "code": code})
        clock.move(timedelta(minutes=31))

        await stranger.post(link, data=form | {"code": code})

    assert await actions(case) == ["file_buyout", "propose"]


async def test_not_me_keeps_the_case_and_takes_the_link_away(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    case, link = await asked(world, noord)

    said = await people.press(stranger, link, "not_me")

    assert said.status_code == 200
    assert await actions(case) == ["file", "not_me"]
    again = await stranger.post(link, data={"decision": "approve", "text_version": "0" * 64})
    assert again.status_code == 200
    assert await actions(case) == ["file", "not_me"]
    assert (await people.case(noord, case["id"]))["state"] == "waiting_for_customer"


async def test_a_link_is_its_own_proof_whoever_is_signed_in(world: World, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    case, link = await asked(world, noord)
    page = await zuid.get(link)

    answer = await zuid.post(link, data={"decision": "refuse", "text_version": version_on(page)}, headers={"authorization": "Bearer pp_x"})

    assert answer.status_code == 200
    steps = await rows("SELECT actor, tenant FROM termination_step WHERE action = 'refuse'")
    assert [row["actor"].partition(":")[0] for row in steps] == ["customer"]
    assert steps[0]["tenant"] == world.noord.id
    assert (await zuid.get(f"/api/v1/terminations/{case['id']}")).status_code == 404


async def test_the_confirmation_behind_a_link_is_its_own_case_only(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case, link = await asked(world, noord)
    assert (await stranger.get(f"{link}/confirmation.pdf")).status_code == 404
    await people.press(stranger, link, "approve")
    _second, other = await proposed(world, noord)

    mine = await stranger.get(f"{link}/confirmation.pdf")

    assert mine.content.startswith(b"%PDF-")
    assert mine.content == (await noord.get(f"/api/v1/terminations/{case['id']}/confirmation.pdf")).content
    assert (await stranger.get(f"{other}/confirmation.pdf")).status_code == 404
    assert date(2026, 11, 22) == clock.today()
