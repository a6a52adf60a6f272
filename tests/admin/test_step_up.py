"""The password again, before something that a thief would do: in this session only, for some minutes."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from partner_portal.infra import clock, step_up
from partner_portal.infra.step_up import PasswordNeeded
from partner_portal.kernel.actor import SYSTEM, StaffRole
from tests.admin.conftest import PASSWORD, SignsIn
from tests.world import FINANCE, World

PAGE, ADMIN_PAGE = "/portal/password-again", "/admin/password-again"


def test_a_proof_holds_in_its_own_session_for_ten_minutes(world: World) -> None:
    given = step_up.proof("this session")

    assert step_up.is_proven(given, "this session")
    assert not step_up.is_proven(given, "another session")
    assert not step_up.is_proven(given[:-4] + "AAAA", "this session")
    assert not step_up.is_proven("nonsense", "this session")
    assert not step_up.is_proven("", "")
    clock.set_to(clock.now() + timedelta(minutes=10))
    assert not step_up.is_proven(given, "this session")


def test_the_portal_itself_has_no_password_and_people_do() -> None:
    step_up.required(SYSTEM)
    step_up.required(FINANCE)
    with pytest.raises(PasswordNeeded):
        step_up.required(FINANCE.__class__(kind=FINANCE.kind, id="1"))


async def test_staff_go_on_with_the_right_password_and_nowhere_else(world: World, staff: SignsIn) -> None:
    fien = await staff(StaffRole.FINANCE, name="fien")
    token = _token((await fien.get(f"{ADMIN_PAGE}?next=/admin/reminders")).text)

    wrong = await fien.post(ADMIN_PAGE, data={"csrf_token": token, "next": "/admin/reminders", "password": "not this one"})
    right = await fien.post(ADMIN_PAGE, data={"csrf_token": token, "next": "/admin/reminders", "password": PASSWORD})
    astray = await fien.post(ADMIN_PAGE, data={"csrf_token": token, "next": "https://elders.example.com", "password": PASSWORD})

    assert (wrong.status_code, "password_given" in wrong.cookies) == (422, False)
    assert (right.status_code, right.headers["location"]) == (303, "/admin/reminders")
    assert "password_given" in right.cookies
    assert astray.headers["location"] == "/admin/"


async def test_a_member_goes_on_with_the_right_password(noord: httpx.AsyncClient) -> None:
    token = _token((await noord.get(f"{PAGE}?next=/portal/open-items")).text)
    typed = {"csrf_token": token, "next": "/portal/open-items"}

    wrong = await noord.post(PAGE, data={**typed, "password": "not this one"})
    right = await noord.post(PAGE, data={**typed, "password": "correct horse battery"})

    assert (wrong.status_code, "password_given" in wrong.cookies) == (422, False)
    assert (right.status_code, right.headers["location"]) == (303, "/portal/open-items")
    assert "password_given" in right.cookies


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([\w.=-]+)"', page)
    assert found, page[:500]
    return found[1]
