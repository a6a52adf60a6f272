"""What people set for themselves: language, appearance, explanations, password, sessions, and which of their accounts they work with."""

from __future__ import annotations

import re

import httpx
import pytest

from partner_portal.infra import outbox, settings
from tests.conftest import browser
from tests.tenants.people import PAGE, add_contact, csrf, main_user, open_page, read, rows, send, sign_in_by_page, signed_in
from tests.world import PASSWORD, World

NEW = "a new and long password"
ACCOUNT = "/portal/account"
DUTCH = {"accept": "text/html", "accept-language": "nl"}


async def test_a_chosen_language_stays_with_the_person_on_every_browser(world: World) -> None:
    email = await main_user(world.noord)
    for who in (world.noord.clerk, email):
        async with signed_in(who) as here, signed_in(who) as there:
            answer = await send(here, "/portal/preferences", on=ACCOUNT, language="en", back="/portal/account?x=1")

            assert answer.headers["location"] == "/portal/account?x=1"
            assert "Your account" in read(await there.get(ACCOUNT, headers={"accept": "text/html", "accept-language": "nl"}))
            assert "Bestaat niet" not in str(await send(here, "/portal/preferences", on=ACCOUNT, language="de"))
    assert {row["language"] for row in await rows("SELECT language FROM member WHERE email = $1", world.noord.clerk)} == {"en"}


@pytest.mark.parametrize(("theme", "kept"), [("dark", "dark"), ("light", "light"), ("system", ""), ("pink", "")])
async def test_appearance_is_a_cookie_of_the_browser(world: World, theme: str, kept: str) -> None:
    async with signed_in(world.noord.clerk) as client:
        await send(client, "/portal/preferences", on=ACCOUNT, theme="dark" if theme == "system" else "")
        answer = await send(client, "/portal/preferences", on=ACCOUNT, theme=theme)
        page = await open_page(client, ACCOUNT)

        assert (f'data-theme="{kept}"' in page.text) == bool(kept)
        assert ("theme=" in str(answer.headers.get_list("set-cookie"))) == (theme != "pink")


async def test_before_signing_in_language_and_appearance_are_chosen_and_kept_by_the_browser(world: World) -> None:
    async with browser() as stranger:
        page = await stranger.get("/portal/sign-in?next=/portal/customers", headers=DUTCH)
        assert "Inloggen" in page.text
        assert 'name="back" value="/portal/sign-in?next=/portal/customers"' in page.text
        assert not stranger.cookies, "nothing is kept before somebody chooses"

        answer = await stranger.post("/portal/preferences", data={"language": "en", "back": "/portal/sign-in?next=/portal/customers"})
        await stranger.post("/portal/preferences", data={"theme": "dark"})

        assert answer.headers["location"] == "/portal/sign-in?next=/portal/customers"
        for path in ("/portal/sign-in", "/portal/password"):
            shown = await stranger.get(path, headers=DUTCH)
            assert '<html lang="en" data-theme="dark">' in shown.text, path
        await stranger.post("/portal/preferences", data={"language": "de", "hint": "tour", "hints": "again"})
        assert dict(stranger.cookies) == {"language": "en", "theme": "dark"}


async def test_whoever_signs_in_reads_in_their_own_language_whatever_the_browser_kept(world: World) -> None:
    async with browser() as client:
        await client.post("/portal/preferences", data={"language": "en"})
        await sign_in_by_page(client, world.noord.clerk)

        assert '<html lang="nl"' in (await client.get("/portal", headers=PAGE)).text


async def test_the_key_that_leads_to_the_search_is_switched_off_and_on(world: World) -> None:
    async with signed_in(world.noord.clerk) as client:
        assert 'data-lone-key="/"' in (await open_page(client, "/portal")).text
        for switched, is_on in (("off", False), ("sideways", False), ("on", True)):
            await send(client, "/portal/preferences", on=ACCOUNT, lone_keys=switched)
            page = (await open_page(client, "/portal/nowhere", 404)).text
            assert ('data-lone-key="/"' in page) == is_on
            assert 'data-shortcut="k"' in page
            assert ("uitzetten" in (await open_page(client, ACCOUNT)).text) == is_on


async def test_an_explanation_put_away_stays_away_until_all_are_asked_for_again(world: World) -> None:
    async with signed_in(world.noord.clerk) as client:
        for hint in ("tour", "tour", "Not A Name", "x" * 41):
            await send(client, "/portal/preferences", on=ACCOUNT, hint=hint)
        put_away = (await rows("SELECT seen_hints FROM member WHERE email = $1", world.noord.clerk))[0]["seen_hints"]
        assert "Show them again" in (await open_page(client, ACCOUNT)).text or "Weer tonen" in (await open_page(client, ACCOUNT)).text
        await send(client, "/portal/preferences", on=ACCOUNT, hints="again")

    assert put_away == ["tour"]
    assert (await rows("SELECT seen_hints FROM member WHERE email = $1", world.noord.clerk))[0]["seen_hints"] == []


async def test_preferences_lead_back_to_pages_of_the_portal_only(world: World) -> None:
    async with signed_in(world.noord.clerk) as client:
        for given in ("https://evil.example.com", "//evil.example.com", "/evil", ""):
            answer = await send(client, "/portal/preferences", on=ACCOUNT, back=given, theme="dark")
            assert answer.headers["location"] == "/portal"


async def test_a_changed_password_ends_every_other_session_and_is_told_by_mail(world: World) -> None:
    async with signed_in(world.noord.clerk) as here, signed_in(world.noord.clerk) as there:
        wrong = await send(here, f"{ACCOUNT}/password", on=ACCOUNT, old="not this", new=NEW)
        short = await send(here, f"{ACCOUNT}/password", on=ACCOUNT, old=PASSWORD, new="short")
        changed = await send(here, f"{ACCOUNT}/password", on=ACCOUNT, old=PASSWORD, new=NEW)
        await outbox.drain()

        assert (wrong.status_code, short.status_code, changed.status_code) == (422, 422, 303)
        assert 'id="old-error"' in wrong.text
        assert 'id="new-error"' in short.text
        assert NEW not in short.text
        assert (await here.get("/api/v1/customers")).status_code == 200
        assert (await there.get("/api/v1/customers")).status_code == 401
    mail = world.mailbox.mailbox.mails(world.noord.clerk)[0]
    assert "gewijzigd" in mail.subject
    assert "/portal/password" in mail.text
    async with browser() as client:
        assert (await sign_in_by_page(client, world.noord.clerk)).status_code == 422
        assert (await sign_in_by_page(client, world.noord.clerk, NEW)).status_code == 303


async def test_guessing_the_old_password_is_slowed_down(world: World) -> None:
    async with signed_in(world.noord.clerk) as client:
        client._transport.client = ("198.51.100.80", 1)  # type: ignore[attr-defined]  # from somewhere else
        page = await open_page(client, ACCOUNT)
        form = {"csrf_token": csrf(page), "old": "not this", "new": NEW}
        answered = {
            (await client.post(f"{ACCOUNT}/password", data=form, headers=PAGE)).status_code
            for _ in range(settings.current().sign_in_attempts + 8)
        }

    assert answered == {422, 429}


async def test_one_sees_where_one_is_signed_in_and_ends_any_of_it(world: World) -> None:
    async with browser(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"}) as there:
        await sign_in_by_page(there, world.noord.clerk)
        async with signed_in(world.noord.clerk) as here, signed_in(world.noord.clerk) as third, signed_in(world.noord.owner) as other:
            page = await open_page(here, ACCOUNT)
            assert "Firefox op Windows" in read(page)
            ids = re.findall(r'name="session" value="([0-9a-f]{64})"', page.text)
            assert len(ids) == 2, "not the one that looks"
            assert there.cookies["session"] not in page.text

            foreign = await send(other, f"{ACCOUNT}/sessions/end", on=ACCOUNT, session=ids[0])
            assert foreign.status_code == 404
            await send(here, f"{ACCOUNT}/sessions/end", on=ACCOUNT, session=ids[0])
            left = [(await client.get("/api/v1/customers")).status_code for client in (there, third)]
            await send(here, f"{ACCOUNT}/sessions/end", on=ACCOUNT)

            assert sorted(left) == [200, 401]
            assert [(await client.get("/api/v1/customers")).status_code for client in (there, third, here)] == [401, 401, 200]


async def test_one_changes_to_another_account_of_ones_own_and_to_nobody_elses(world: World, stranger: httpx.AsyncClient) -> None:
    contact = await add_contact(world.zuid, world.zuid.customers["bakery"], world.noord.clerk)
    foreign = await add_contact(world.zuid, world.zuid.customers["private"], "iemand@klant.example.com")
    await stranger.post(
        "/api/v1/session",
        json={
            "email": world.noord.clerk,
            "password": PASSWORD,
            "account": str((await rows("SELECT id FROM member WHERE email = $1", world.noord.clerk))[0]["id"]),
        },
    )
    before = stranger.cookies["session"]

    refused = await send(stranger, f"{ACCOUNT}/switch", on=ACCOUNT, account=str(foreign))
    changed = await send(stranger, f"{ACCOUNT}/switch", on=ACCOUNT, account=str(contact))

    assert refused.status_code == 404
    assert changed.headers["location"] == "/portal/own"
    assert (await stranger.get("/api/v1/own/contacts")).status_code == 200
    async with browser() as thief:
        assert (await thief.get("/api/v1/customers", headers={"cookie": f"session={before}"})).status_code == 401


async def test_a_change_without_the_pages_token_is_refused(world: World) -> None:
    async with signed_in(world.noord.clerk) as client:
        for path, form in (
            ("/portal/preferences", {"language": "en"}),
            (f"{ACCOUNT}/password", {"old": PASSWORD, "new": NEW}),
            (f"{ACCOUNT}/sessions/end", {}),
            ("/portal/sign-out", {}),
        ):
            assert (await client.post(path, data=form, headers=PAGE)).status_code == 403, path
