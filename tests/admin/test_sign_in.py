"""Who gets in: staff into the admin only, partners' users never, and nobody by guessing."""

from __future__ import annotations

from datetime import timedelta

import httpx

from partner_portal.infra import clock, db, redis, settings
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import PASSWORD, SignsIn, enter, sign_in
from tests.conftest import browser
from tests.world import PASSWORD as MEMBERS_PASSWORD
from tests.world import STAFF_DOOR, World


async def test_a_partners_user_cannot_sign_in_to_the_admin(world: World) -> None:
    async with browser() as client:
        assert (await sign_in(client, world.noord.owner, MEMBERS_PASSWORD)).status_code == 401
        assert "id" not in client.cookies


async def test_staff_cannot_sign_in_to_the_api(world: World) -> None:
    await enter("fien", StaffRole.FINANCE)
    async with browser() as client:
        answers = [
            await client.post("/api/v1/session", json={"email": who, "password": PASSWORD}) for who in ("fien", "fien@kadetel.example.com")
        ]
    assert {answer.status_code for answer in answers} == {403}


async def test_the_admins_session_opens_nothing_of_the_api_and_the_other_way_round(
    finance: httpx.AsyncClient, noord: httpx.AsyncClient
) -> None:
    assert (await finance.get("/api/v1/customers")).status_code == 401
    assert (await noord.get("/admin/api/tables/")).status_code == 401


async def test_guessing_is_slowed_down_and_the_wait_ends(world: World) -> None:
    await enter("fien", StaffRole.FINANCE)
    async with browser() as client:
        with settings.use(sign_in_attempts=3):
            tried = [await sign_in(client, "fien", "wrong") for _ in range(8)]
            assert [answer.status_code for answer in tried[:3]] == [401, 401, 401]
            [refused, *_] = [answer for answer in tried if answer.status_code == 429]
            wait = int(refused.headers["retry-after"])
            assert 0 < wait <= 900
            assert (await sign_in(client, "fien")).status_code == 429, "the right password has to wait as well"
            await redis.client().delete(*await redis.client().keys("sign-in:*"))  # the wait is over
            assert (await sign_in(client, "fien")).status_code == 200


async def test_an_unknown_name_is_refused_like_a_wrong_password(world: World) -> None:
    await enter("fien", StaffRole.FINANCE)
    async with browser() as client:
        wrong, unknown = await sign_in(client, "fien", "wrong"), await sign_in(client, "nobody", "wrong")
    assert (wrong.status_code, wrong.text) == (unknown.status_code, unknown.text) == (401, '{"detail":"Login failed"}')


async def test_only_the_hash_of_a_session_is_kept(finance: httpx.AsyncClient) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        rows = await db.fetch("SELECT token FROM staff_session")
    assert [len(row["token"]) for row in rows] == [64]
    assert finance.cookies["id"] not in {row["token"] for row in rows}


async def test_a_session_ends_when_nobody_uses_it(finance: httpx.AsyncClient) -> None:
    idle = timedelta(minutes=settings.current().session_idle_minutes)
    clock.move(idle - timedelta(minutes=5))
    assert (await finance.get("/admin/api/user/")).status_code == 200
    clock.move(idle - timedelta(minutes=5))
    assert (await finance.get("/admin/api/user/")).status_code == 200
    clock.move(idle + timedelta(minutes=1))
    assert (await finance.get("/admin/api/user/")).status_code == 401


async def test_sessions_that_are_over_are_forgotten_at_the_next_sign_in(finance: httpx.AsyncClient) -> None:
    clock.move(timedelta(days=2))
    assert (await sign_in(finance, "fien")).status_code == 200
    async with db.unit_of_work(STAFF_DOOR):
        assert len(await db.fetch("SELECT 1 FROM staff_session")) == 1


async def test_signing_out_ends_the_session_on_the_server(finance: httpx.AsyncClient) -> None:
    cookie = finance.cookies["id"]
    assert (await finance.post("/admin/public/logout/")).status_code == 200
    finance.cookies.set("id", cookie)
    assert (await finance.get("/admin/api/user/")).status_code == 401


async def test_a_change_without_the_pages_token_or_from_another_site_is_refused(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    row = f"/admin/api/tables/customer/{world.noord.customers['bakery']}/"
    token = desk.headers.pop("x-csrftoken")
    assert (await desk.patch(row, json={"name": "Anders"})).status_code == 403
    foreign = await desk.patch(row, json={"name": "Anders"}, headers={"x-csrftoken": token, "origin": "https://elsewhere.example.com"})
    assert foreign.status_code == 403
    assert (await desk.patch(row, json={"name": "Anders"}, headers={"x-csrftoken": token})).status_code == 200


async def test_the_page_is_served_with_its_own_scripts_only(world: World) -> None:
    async with browser() as client:
        bare = await client.get("/admin")
        page = await client.get("/admin/")
        script = await client.get("/admin/static/admin.js")
    assert (bare.status_code, bare.headers["location"]) == (308, "/admin/")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert page.text.index("admin.js") < page.text.index("/index-")
    assert script.status_code == 200


async def test_a_password_is_changed_with_the_old_one_and_ends_other_sessions(finance: httpx.AsyncClient) -> None:
    new = {"new_password": "short", "confirm_new_password": "short"}
    assert (await finance.post("/admin/api/change-password/", json={"current_password": PASSWORD, **new})).status_code == 422
    new = {"new_password": "a longer one than that", "confirm_new_password": "a longer one than that"}
    assert (await finance.post("/admin/api/change-password/", json={"current_password": "wrong", **new})).status_code == 422
    assert (await finance.post("/admin/api/change-password/", json={"current_password": PASSWORD, **new})).status_code == 303
    assert (await finance.get("/admin/api/user/")).status_code == 401
