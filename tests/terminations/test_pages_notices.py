"""The public pages for giving notice: two steps, received at the click, the same for everybody, whatever is typed."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from partner_portal.infra import clock, settings
from tests.conftest import browser, work
from tests.journeys import partner as people
from tests.terminations.customer import baker
from tests.world import World

END, WITHDRAW = "/end-contract/NRD", "/withdraw-contract/NRD"
TYPED = {
    "step": "check",
    "kind": "ordinary",
    "name": "Bakkerij De Korst",
    "customer": "NRD-C-00001",
    "contract": "NRD-S-00001",
    "when": "soon",
    "email": "baas@korst.example.com",
    "language": "nl",
}
FIELDS = {"kind", "reason", "name", "customer", "contract", "when", "wished_on", "email"}


async def rows(sql: str, *args: Any) -> list[Any]:
    connection = await asyncpg.connect(settings.current().database_url)
    try:
        return list(await connection.fetch(sql, *args))
    finally:
        await connection.close()


def hidden(page: str) -> dict[str, str]:
    """What the second step sends along unseen."""
    import html  # noqa: PLC0415  # the only use

    return {name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}


async def check(client: httpx.AsyncClient, address: str = END, **typed: str) -> httpx.Response:
    return await client.post(address, data={**TYPED, **typed})


async def send(client: httpx.AsyncClient, address: str = END, **typed: str) -> httpx.Response:
    """Both steps, and the receipt behind them."""
    second = await check(client, address, **typed)
    assert second.status_code == 200, second.text
    answer = await client.post(address, data={**hidden(second.text), "step": "send"})
    assert answer.status_code == 303, answer.text
    return await client.get(answer.headers["location"])


async def notices() -> list[Any]:
    return await rows("SELECT * FROM received_notice ORDER BY received_at, id")


@pytest.mark.parametrize("address", ["/end-contract", "/end-contract/NRD", "/end-contract/nrd", "/end-contract/HUIS"])
async def test_anybody_opens_the_page_and_is_asked_exactly_what_the_law_lets_us_ask(stranger: httpx.AsyncClient, address: str) -> None:
    page = await stranger.get(address)

    assert page.status_code == 200
    asked = set(re.findall(r'<(?:input|textarea|select)[^>]* name="(\w+)"', page.text))
    assert asked - {"step", "language", "click"} == FIELDS | {"leave_empty"}
    assert "Contract hier opzeggen" in page.text
    assert not page.cookies
    assert "set-cookie" not in page.headers
    assert not re.findall(r'(?:src|href)="https?://', page.text), "no request leaves for another party"


async def test_giving_notice_is_one_click_away_from_every_page_that_a_customer_or_anybody_reads(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await people.filed(noord, world.noord.services["free"])
    link = people.link_in(people.newest(world.mailbox, "bakkerij@"))
    pages = {
        "/": "",
        "/portal/sign-in": "",
        "/portal/password": "",
        "/nowhere": "",
        "/confirm/x": "",
        link: "/NRD",
        END: "/NRD",
        WITHDRAW: "/NRD",
    }

    for path, partner in pages.items():
        page = (await stranger.get(path, headers={"accept": "text/html", "accept-language": "nl"})).text
        assert f'<a href="/end-contract{partner}">Contract hier opzeggen</a>' in page, path
        assert f'<a href="/withdraw-contract{partner}">Overeenkomst hier herroepen</a>' in page, path
    async with baker(world) as contact:
        assert '<a href="/end-contract/NRD">Contract hier opzeggen</a>' in (await contact.get("/portal/own/contacts")).text
    assert "/end-contract" not in (await noord.get("/portal", headers={"accept": "text/html"})).text, (
        "a partner's people end for customers in the wizard"
    )


async def test_the_page_bears_the_partners_name_and_speaks_the_readers_language(stranger: httpx.AsyncClient) -> None:
    assert "Noord ICT" in (await stranger.get(END)).text
    assert "Kadetel B.V." in (await stranger.get("/end-contract")).text
    english = await stranger.get(END, headers={"accept-language": "en-GB"})
    assert "End contract here" in english.text
    assert 'lang="en"' in english.text
    assert "End contract here" in (await stranger.get(f"{END}?language=en")).text


async def test_the_second_step_repeats_everything_and_only_its_button_is_the_notice(stranger: httpx.AsyncClient, world: World) -> None:
    page = await check(stranger, kind="extraordinary", reason="U levert al weken niet", when="day", wished_on="2027-03-31")

    assert page.status_code == 200
    for said in (
        "Bakkerij De Korst",
        "NRD-C-00001",
        "NRD-S-00001",
        "U levert al weken niet",
        "woensdag 31 maart 2027",
        "baas@korst.example.com",
    ):
        assert said in page.text
    assert "Nu opzeggen" in page.text
    assert "22 december 2026" in page.text, "what the law alone says"
    assert await notices() == []


async def test_at_the_click_it_is_received_shown_and_confirmed(stranger: httpx.AsyncClient, world: World) -> None:
    clock.set_to(datetime(2026, 11, 22, 22, 59, 30, tzinfo=UTC))

    receipt = await send(stranger)
    (notice,) = await notices()

    assert "Wij hebben uw opzegging ontvangen" in receipt.text
    assert "22 november 2026, 23:59" in receipt.text
    assert notice["number"] in receipt.text
    assert (notice["tenant"], notice["kind"], notice["name"]) == (world.noord.id, "ordinary", "Bakkerij De Korst")
    clock.set_to(datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    await work()
    mail = people.newest(world.mailbox, "baas@korst.example.com")
    assert "22 november 2026, 23:59" in mail.text
    assert mail.reply_to == "service@nrd.example.com"
    attached = world.mailbox.mailbox.attachment(mail.id, 0)
    assert attached
    assert attached[0].filename == f"{notice['number']}.pdf"
    again = await stranger.get(str(receipt.url))
    document = re.search(r'href="(/end-contract/[^"]+receipt\.pdf)"', again.text)
    assert document
    assert (await stranger.get(document[1])).content == attached[1]


async def test_notice_counts_from_the_day_of_the_click_in_amsterdam(
    stranger: httpx.AsyncClient, noord: httpx.AsyncClient, world: World
) -> None:
    clock.set_to(datetime(2026, 11, 22, 22, 59, tzinfo=UTC))
    await send(stranger)
    clock.set_to(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))

    await work()

    (case,) = (await noord.get("/api/v1/terminations")).json()["items"]
    seen = await people.case(noord, case["id"])
    assert (seen["state"], seen["received_on"], seen["ends_on"]) == ("waiting_for_customer", "2026-11-22", "2026-12-22")
    assert [step["action"] for step in seen["steps"]] == ["file_by_notice"]
    link = people.link_in(people.newest(world.mailbox, "bakkerij@"))
    clock.set_to(datetime(2026, 11, 28, 9, 0, tzinfo=UTC))
    await people.press(stranger, link, "approve")
    after = await people.case(noord, case["id"])
    assert (after["state"], after["received_on"], after["ends_on"]) == ("scheduled", "2026-11-22", "2026-12-22")


async def test_two_clicks_at_once_are_one_notice_and_one_mail(world: World) -> None:
    async with browser() as one, browser() as other:
        second = await check(one)
        sent = {**hidden(second.text), "step": "send"}

        answers = [*(await asyncio.gather(*(client.post(END, data=sent) for client in (one, other, one, other))))]
        await work()

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await notices()) == 1
    assert len(world.mailbox.mailbox.mails("baas@korst")) == 1


async def test_the_receipt_is_for_whoever_pressed_the_button_only(stranger: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    receipt = await send(stranger)
    path = receipt.url.path

    assert (await zuid.get(path.replace("/NRD/", "/ZUD/"))).status_code == 404
    assert (await zuid.get(path[:-1] + ("A" if path[-1] != "A" else "B"))).status_code == 404
    assert (await stranger.get(f"{path}/receipt.pdf")).status_code == 404, "not made yet"


@pytest.mark.parametrize("address", ["/end-contract/NIEMAND", "/withdraw-contract/NIEMAND", "/end-contract/NRD/" + "a" * 43])
async def test_what_is_not_there_is_not_there(stranger: httpx.AsyncClient, address: str) -> None:
    assert (await stranger.get(address)).status_code == 404


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": " "}, "name"),
        ({"contract": ""}, "contract"),
        ({"email": ""}, "email"),
        ({"email": "geen adres"}, "email"),
        ({"kind": "extraordinary", "reason": ""}, "reason"),
        ({"when": "day", "wished_on": ""}, "wished_on"),
        ({"when": "day", "wished_on": "2026-11-21"}, "wished_on"),
        ({"when": "day", "wished_on": "31-02-2027"}, "wished_on"),
        ({"name": "n" * 201}, "name"),
    ],
)
async def test_the_first_step_says_at_its_field_what_is_missing_and_loses_nothing(
    stranger: httpx.AsyncClient, typed: dict[str, str], field: str
) -> None:
    page = await check(stranger, **typed)

    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    kept = {name: value for name, value in {**TYPED, **typed}.items() if name in {"name", "customer", "contract", "email"}}
    for value in kept.values():
        assert not value.strip() or value in page.text
    assert await notices() == []


async def test_changing_something_brings_the_form_back_filled_in(stranger: httpx.AsyncClient) -> None:
    second = await check(stranger, kind="extraordinary", reason="Verhuizing", when="day", wished_on="31-03-2027")

    page = await stranger.post(END, data={**hidden(second.text), "step": "change"})

    assert page.status_code == 200
    for said in ("Bakkerij De Korst", "NRD-S-00001", "Verhuizing", "31-03-2027"):
        assert said in page.text
    assert await notices() == []


async def test_the_page_is_the_same_for_a_customers_number_and_for_a_strangers(stranger: httpx.AsyncClient) -> None:
    async def seen(**typed: str) -> list[str]:
        second = await check(stranger, **typed)
        receipt = await send(stranger, **typed)
        told = []
        for page in (second.text, receipt.text):
            plain = re.sub(r'value="[^"]*"|[A-Z]+-N-\d+|\d{2}:\d{2}', "", page)
            for value in typed.values():
                plain = plain.replace(value, "")
            told.append(plain)
        return told

    real = await seen(name="Bakkerij De Korst", customer="NRD-C-00001", contract="NRD-S-00001")
    made_up = await seen(name="Slagerij De Worst", customer="NRD-C-99999", contract="NRD-S-99999")

    assert real == made_up
    assert not any("Internet bakkerij" in page or "Webshop" in page for page in real)


async def test_a_signed_in_browser_is_nobody_here_and_needs_no_token(noord: httpx.AsyncClient) -> None:
    del noord.headers["x-csrf-token"]

    receipt = await send(noord)

    assert receipt.status_code == 200
    assert "set-cookie" not in receipt.headers


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}])
async def test_a_form_on_another_site_gives_no_notice(stranger: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await stranger.post(END, data={**TYPED, "step": "send", "click": "x"}, headers=headers)

    assert answer.status_code == 403
    assert await notices() == []


async def test_a_filled_in_trap_is_received_all_the_same_and_looked_at_before_anything_is_sent(
    stranger: httpx.AsyncClient, world: World
) -> None:
    receipt = await send(stranger, leave_empty="https://spam.example")
    await work()
    (notice,) = await notices()

    assert receipt.status_code == 200
    assert "Er gaat geen bevestiging per mail uit" in receipt.text
    assert (notice["state"], notice["why"], notice["is_confirmed"]) == ("open", "suspect", False)
    assert world.mailbox.mailbox.mails("baas@korst") == []
    assert world.mailbox.mailbox.mails("bakkerij@") == []


async def test_one_mailbox_gets_so_many_confirmations_a_day_and_no_notice_is_lost(world: World) -> None:
    async with browser() as client:
        with settings.use(receipts_per_day=2):
            receipts = [await send(client, contract=f"NRD-S-0000{nth}", name="x") for nth in range(4)]
            await work()

    assert len(await notices()) == 4
    assert [("onderweg" in receipt.text) for receipt in receipts] == [True, True, False, False]
    assert len(world.mailbox.mailbox.mails("baas@korst")) == 2


async def test_one_address_gives_so_many_notices_an_hour_then_waits_and_loses_nothing(stranger: httpx.AsyncClient, world: World) -> None:
    with settings.use(notices_per_hour=2):
        for _ in range(2):
            assert (await send(stranger)).status_code == 200
        second = await check(stranger)
        answer = await stranger.post(END, data={**hidden(second.text), "step": "send"})

    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 3600
    assert "nog niet ontvangen" in answer.text
    assert hidden(answer.text) == hidden(second.text)
    assert len(await notices()) == 2


HOSTILE = st.text(max_size=300) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "'; DROP TABLE customer; --",
        "{{ 7 * 7 }}",
        "\x00\x07",
        "\u202egnp.exe",
        "[[token:x:0]]",
        "A" * 5000,
        "%s%n",
        "é" * 300,
    ]
)


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.fixed_dictionaries({}, optional=dict.fromkeys((*sorted(FIELDS), "click", "language", "leave_empty"), HOSTILE)))
async def test_whatever_is_sent_one_notice_is_kept_with_the_time_of_the_click(world: World, sent: dict[str, str]) -> None:
    now = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
    clock.set_to(now)
    before = {row["id"] for row in await notices()}
    async with browser() as client:
        with settings.use(notices_per_hour=10**6):
            answer = await client.post(END, data={"name": "Iemand", **sent, "contract": "x" + sent.get("contract", ""), "step": "send"})
        assert answer.status_code == 303, answer.text
        receipt = await client.get(answer.headers["location"])
    after = await notices()

    assert receipt.status_code == 200
    assert "<script>alert" not in receipt.text
    known_click = len({row["press"] for row in after}) < len(before) + 1
    assert len(after) == len(before) + (0 if known_click else 1)
    (latest,) = [row for row in after if row["id"] not in before] or after[-1:]
    assert abs((latest["received_at"] - now).total_seconds()) < 5
    assert latest["state"] == "received"


async def test_an_empty_form_is_no_notice(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post(END, data={"step": "send", "name": " ", "contract": "\x00"})

    assert answer.status_code == 200
    assert "Contract hier opzeggen" in answer.text
    assert await notices() == []


async def test_when_nothing_can_be_counted_notices_are_still_received(stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from partner_portal.infra import redis  # noqa: PLC0415  # only this test takes it away

    second = await check(stranger)
    with monkeypatch.context() as patch:
        patch.setattr(redis._Pool, "client", None)
        answer = await stranger.post(END, data={**hidden(second.text), "step": "send"})

    assert answer.status_code == 303
    assert len(await notices()) == 1


async def test_what_was_said_cannot_be_changed_by_anybody(stranger: httpx.AsyncClient, world: World) -> None:
    from partner_portal.infra import db  # noqa: PLC0415  # only this test goes behind the scenes
    from tests.world import STAFF_DOOR  # noqa: PLC0415

    await send(stranger)
    for principal in (world.noord.principal(), STAFF_DOOR):
        for column in ("received_at = now()", "name = 'x'", "email = 'x'", "contract_text = 'x'", "tenant = tenant"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with db.unit_of_work(principal):
                    await db.execute(f"UPDATE received_notice SET {column}")  # noqa: S608  # our own columns
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.unit_of_work(principal):
                await db.execute("DELETE FROM received_notice")
