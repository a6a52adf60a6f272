"""Webhook endpoints on pages: made, tried, looked after, and owners' business only."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from partner_portal.infra import outbox, settings
from partner_portal.infra.settings import Settings
from tests.infra.receiver import Receiver, Said, receiver
from tests.tenants import hooks
from tests.tenants.people import PAGE, csrf, open_page, read, rows, send, signed_in
from tests.world import World

HOOKS = "/portal/settings/webhooks"
PUBLIC = "https://hooks.example.com/portal"


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def outside(world: World, running: Settings) -> AsyncIterator[None]:
    async with hooks.on_this_machine(running):
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def owner(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(world.noord.owner) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def listener() -> AsyncIterator[Receiver]:
    async with receiver() as running:
        yield running


def secret(page: httpx.Response) -> str:
    found = re.search(r'id="secret" value="(whsec_[^"]+)" readonly', page.text)
    assert found, read(page)
    return found[1]


async def added(client: httpx.AsyncClient, url: str = PUBLIC, **typed: Any) -> tuple[UUID, str]:
    """The endpoint that the form made, and its secret."""
    answer = await send(client, f"{HOOKS}/new", url=url, **({"description": "Boekhouding", "which": "all"} | typed))
    assert answer.status_code == 200, read(answer)
    [row] = await rows("SELECT id FROM webhook_endpoint ORDER BY id DESC LIMIT 1")
    return row["id"], secret(answer)


async def press(client: httpx.AsyncClient, path: str, shown_at: str, **typed: str) -> httpx.Response:
    """The button that sends to `path` on the page `shown_at` is pressed."""
    page = await open_page(client, shown_at)
    assert f'action="{path}"' in page.text, "there is such a button"
    return await client.post(path, data={"csrf_token": csrf(page)} | typed, headers=PAGE)


async def test_an_endpoint_is_made_and_its_secret_shown_once(owner: httpx.AsyncClient, listener: Receiver, world: World) -> None:
    endpoint, key = await added(owner, listener.url)

    page = await open_page(owner, f"{HOOKS}/{endpoint}")
    assert (key in page.text, "Boekhouding" in read(page), listener.url in read(page)) == (False, True, True)
    assert "Boekhouding" in read(await open_page(owner, HOOKS))
    await hooks.announce(world.noord, "event")
    await outbox.drain()
    [came] = listener.received
    Webhook(key).verify(came.body, came.headers)


async def test_a_page_with_a_secret_is_kept_nowhere(owner: httpx.AsyncClient) -> None:
    answer = await send(owner, f"{HOOKS}/new", url=PUBLIC, which="all")

    assert answer.headers["cache-control"] == "no-store"


async def test_only_chosen_kinds_are_told_and_the_form_shows_them_again(owner: httpx.AsyncClient) -> None:
    endpoint, _key = await added(owner, which="some", types=[hooks.KIND, "termination.ended"])

    form = await open_page(owner, f"{HOOKS}/{endpoint}/data")
    assert sorted(re.findall(r'name="types"[^>]*value="([^"]+)" checked', form.text)) == ["termination.ended", hooks.KIND]
    answer = await send(owner, f"{HOOKS}/{endpoint}/data", url=f"{PUBLIC}/new", description="", which="all", types=hooks.KIND)
    assert answer.headers["location"] == f"{HOOKS}/{endpoint}"
    [row] = await rows("SELECT url, description, types FROM webhook_endpoint")
    assert list(row.values()) == [f"{PUBLIC}/new", "", ""]
    assert "hooks.example.com" in read(await open_page(owner, HOOKS)), "without a name it is called by its host"


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({"url": ""}, ["url"]),
        ({"url": "hooks.example.com"}, ["url"]),
        ({"url": "https://192.168.1.1/"}, ["url"]),
        ({"url": "https://user:pw@hooks.example.com/"}, ["url"]),
        ({"which": "some"}, ["types"]),
        ({"which": "some", "url": "https://intranet/"}, ["url", "types"]),
        ({"which": "some", "types": "termination.invented"}, ["types"]),
        ({"which": "perhaps"}, ["which"]),
        ({"description": "x" * 201}, ["description"]),
    ],
)
async def test_mistakes_are_told_at_their_fields_all_at_once(owner: httpx.AsyncClient, typed: dict[str, str], fields: list[str]) -> None:
    with settings.use(outgoing_networks=""):
        answer = await send(owner, f"{HOOKS}/new", **({"url": PUBLIC, "description": "Bewaard", "which": "all"} | typed))

    assert answer.status_code == 422
    summary = answer.text.partition('class="problem" role="alert"')[2].partition("</ul>")[0]
    assert re.findall(r'href="#([a-z]+)"', summary) == fields
    assert ("Bewaard" in answer.text) or "description" in typed
    assert await rows("SELECT id FROM webhook_endpoint") == []


async def test_an_address_is_entered_once_and_ten_at_most(owner: httpx.AsyncClient) -> None:
    await added(owner)
    twice = await send(owner, f"{HOOKS}/new", url=PUBLIC, which="all")
    for nth in range(9):
        await added(owner, f"{PUBLIC}/{nth}")
    full = await open_page(owner, HOOKS)
    too_many = await send(owner, f"{HOOKS}/new", url=f"{PUBLIC}/x", which="all")

    assert (twice.status_code, 'href="#url"' in twice.text) == (422, True)
    assert f'href="{HOOKS}/new"' not in full.text
    assert (too_many.status_code, "genoeg webhook-endpoints" in read(too_many)) == (409, True)


async def test_a_test_event_is_sent_and_its_page_tells_what_came_of_it(owner: httpx.AsyncClient, listener: Receiver) -> None:
    endpoint, _key = await added(owner, listener.url)
    listener.answers = [Said(500, body=b"<b>stuk</b>")]

    sent = await press(owner, f"{HOOKS}/{endpoint}/test", f"{HOOKS}/{endpoint}")
    before = await open_page(owner, sent.headers["location"])
    await outbox.drain()
    part = await owner.get(sent.headers["location"], headers=PAGE | {"hx-request": "true"})
    after = await open_page(owner, sent.headers["location"])

    assert "onderweg" in read(before)
    assert "hx-trigger" in before.text, "it looks again by itself"
    assert ("<html" in part.text, "hx-trigger" in part.text, "mislukt" in read(part)) == (False, False, True)
    assert "&lt;b&gt;stuk&lt;/b&gt;" in after.text
    assert "webhook.test" in read(after)


async def test_the_log_is_filtered_and_paged_and_a_delivery_is_sent_again(
    world: World, owner: httpx.AsyncClient, listener: Receiver
) -> None:
    endpoint, _key = await added(owner, listener.url)
    await hooks.announce(world.noord, *(f"event {nth}" for nth in range(52)))
    for _ in range(3):
        await outbox.drain()
    listener.answers = [Said(503)]
    await hooks.announce(world.noord, "fails")
    await outbox.drain()
    listener.answers = [Said(204)]

    page = await open_page(owner, f"{HOOKS}/{endpoint}")
    waiting = await open_page(owner, f"{HOOKS}/{endpoint}?state=waiting")
    follow = re.search(r'href="([^"]+)" rel="next"', page.text)
    assert follow
    second = await open_page(owner, follow[1].replace("&amp;", "&"))

    assert (page.text.count("data-href"), second.text.count("data-href"), waiting.text.count("data-href")) == (50, 3, 1)
    assert "503" in read(waiting)
    found = re.search(rf'href="({HOOKS}/{endpoint}/deliveries/[0-9a-f-]+)"', waiting.text)
    assert found
    await press(owner, f"{found[1]}/resend", found[1])
    await outbox.drain()
    assert "afgeleverd" in read(await open_page(owner, found[1]))
    assert "Die zijn er niet" in read(await open_page(owner, f"{HOOKS}/{endpoint}?state=failed"))


async def test_an_endpoint_that_is_gone_says_so_and_what_it_missed_is_sent_again(
    world: World, owner: httpx.AsyncClient, listener: Receiver
) -> None:
    endpoint, _key = await added(owner, listener.url)
    listener.answers = [Said(410), Said(204)]
    await hooks.announce(world.noord, "one", "two")
    await outbox.drain()
    here = f"{HOOKS}/{endpoint}"

    off = await open_page(owner, here)
    await press(owner, f"{here}/switch", here, on="yes")
    again = await press(owner, f"{here}/resend", here, since="2026-01-01T00:00")
    said = read(await open_page(owner, here))
    await outbox.drain()

    assert "voorgoed weg is (410)" in read(off)
    assert f'action="{here}/resend"' not in off.text, "nothing is sent to what is off"
    assert again.status_code == 303
    assert "Opnieuw onderweg: 2" in said
    assert len(listener.received) == 3
    assert "uitgezet" not in read(await open_page(owner, here))


@pytest.mark.parametrize("since", ["", "gisteren", "2026-13-01T00:00"])
async def test_a_moment_that_is_none_is_told(owner: httpx.AsyncClient, since: str) -> None:
    endpoint, _key = await added(owner)
    here = f"{HOOKS}/{endpoint}"

    await press(owner, f"{here}/resend", here, since=since)

    assert "vanaf welke dag" in read(await open_page(owner, here))


@pytest.mark.parametrize("since", ["0001-01-01T00:00", "9999-12-31T23:59"])
async def test_the_first_and_the_last_moment_there_is_do_no_harm(owner: httpx.AsyncClient, since: str) -> None:
    endpoint, _key = await added(owner)
    here = f"{HOOKS}/{endpoint}"

    assert (await press(owner, f"{here}/resend", here, since=since)).status_code == 303


async def test_a_new_secret_is_made_after_a_question_and_not_twice_by_the_same_form(owner: httpx.AsyncClient) -> None:
    endpoint, first = await added(owner)
    here = f"{HOOKS}/{endpoint}"
    page = await open_page(owner, f"{here}/secret")
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version
    form = {"csrf_token": csrf(page), "version": version[1], "when": "overlap"}

    made = await owner.post(f"{here}/secret", data=form, headers=PAGE)
    twice = await owner.post(f"{here}/secret", data=form, headers=PAGE)
    at_once = await send(owner, f"{here}/secret", when="at_once")
    nothing = await send(owner, f"{here}/secret")

    assert len({first, secret(made), secret(at_once)}) == 3
    assert "twee handtekeningen" in read(made)
    assert "twee handtekeningen" not in read(at_once)
    assert (twice.status_code, "whsec_" in twice.text) == (409, False)
    assert nothing.status_code == 422
    assert len(await rows("SELECT id FROM webhook_secret")) == 3


async def test_when_there_are_enough_secrets_for_a_day_the_page_says_so(owner: httpx.AsyncClient) -> None:
    endpoint, _key = await added(owner)
    answers = [await send(owner, f"{HOOKS}/{endpoint}/secret", when="overlap") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert "genoeg nieuwe geheimen" in read(answers[2])


async def test_an_endpoint_is_switched_off_and_removed_after_a_question(world: World, owner: httpx.AsyncClient, listener: Receiver) -> None:
    endpoint, _key = await added(owner, listener.url)
    here = f"{HOOKS}/{endpoint}"

    await press(owner, f"{here}/switch", here, on="no")
    await hooks.announce(world.noord, "unwanted")
    await outbox.drain()
    off = read(await open_page(owner, here))
    await send(owner, f"{here}/removal")

    assert "uitgezet" in off
    assert listener.received == []
    assert "Nog geen endpoints" in read(await open_page(owner, HOOKS))
    await open_page(owner, here, 404)


async def test_hostile_words_are_shown_as_words(owner: httpx.AsyncClient, listener: Receiver) -> None:
    listener.answers = [Said(200, body=b"</pre><script>alert(1)</script>\x00\x1b[31m")]
    endpoint, _key = await added(owner, f"{listener.url}?<script>", description='"><script>alert(1)</script>')
    sent = await press(owner, f"{HOOKS}/{endpoint}/test", f"{HOOKS}/{endpoint}")
    await outbox.drain()

    for path in (HOOKS, f"{HOOKS}/{endpoint}", f"{HOOKS}/{endpoint}/data", f"{HOOKS}/{endpoint}/removal", sent.headers["location"]):
        assert "<script>alert" not in (await open_page(owner, path)).text


@pytest.mark.parametrize("who", ["clerk", "reader"])
async def test_others_than_owners_are_told_that_it_is_not_theirs(world: World, owner: httpx.AsyncClient, who: str) -> None:
    endpoint, _key = await added(owner)
    async with signed_in(getattr(world.noord, who)) as other:
        for path in (
            HOOKS,
            f"{HOOKS}/new",
            f"{HOOKS}/{endpoint}",
            f"{HOOKS}/{endpoint}/secret",
            f"{HOOKS}/{endpoint}/deliveries/{uuid4()}",
        ):
            await open_page(other, path, 403)
        token = csrf(await open_page(other, "/portal"))
        for path in ("new", f"{endpoint}/data", f"{endpoint}/switch", f"{endpoint}/secret", f"{endpoint}/test", f"{endpoint}/removal"):
            answer = await other.post(f"{HOOKS}/{path}", data={"csrf_token": token}, headers=PAGE)
            assert answer.status_code == 403, path


async def test_another_partners_endpoint_is_not_there(world: World, owner: httpx.AsyncClient) -> None:
    endpoint, _key = await added(owner)
    async with signed_in(world.zuid.owner) as other:
        token = csrf(await open_page(other, HOOKS))
        for path in ("", "/data", "/secret", "/removal", f"/deliveries/{uuid4()}"):
            await open_page(other, f"{HOOKS}/{endpoint}{path}", 404)
        for path in ("data", "switch", "secret", "test", "removal", "resend", f"deliveries/{uuid4()}/resend"):
            answer = await other.post(f"{HOOKS}/{endpoint}/{path}", data={"csrf_token": token, "on": "no", "when": "at_once"}, headers=PAGE)
            assert answer.status_code == 404, path

    assert (await rows("SELECT off_since FROM webhook_endpoint"))[0]["off_since"] is None
