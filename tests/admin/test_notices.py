"""Staff see the notices that nobody else looks at, and attach or answer each where they read it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import StaffRole
from terminations.policy.notices import NoticeState
from tests.admin.conftest import SignsIn
from tests.conftest import work
from tests.journeys import partner as people
from tests.terminations.test_service_notices import SENDER, give, now_of
from tests.world import STAFF_DOOR, Partner, World

UNKNOWN = {"name": "Onbekende <b>Zaak</b>", "contract": "iets"}


@pytest_asyncio.fixture(loop_scope="session")
async def desk(staff: SignsIn) -> httpx.AsyncClient:
    """Dirk of the service desk."""
    return await staff(StaffRole.SERVICE_DESK, name="dirk")


@pytest.fixture
def house(world: World) -> Partner:
    """The provider itself, which has no members here."""
    return Partner(id=world.house, owner="", clerk="", reader="")


async def page(client: httpx.AsyncClient) -> str:
    answer = await client.get("/admin/notices")
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def press(client: httpx.AsyncClient, notice: UUID, decision: str, **typed: str) -> httpx.Response:
    token = re.search(r'name="csrf_token" value="(\w+)"', await page(client))
    data = {"csrf_token": token[1] if token else "", "id": str(notice), "decision": decision, **typed}
    answer = await client.post("/admin/notices", data=data)
    await work()
    return answer


async def test_the_houses_own_are_seen_at_once_and_a_partners_when_it_is_late_or_suspended(
    world: World, house: Partner, desk: httpx.AsyncClient, staff: SignsIn
) -> None:
    assert "Er wacht geen opzegbericht op u" in await page(desk)
    await give(house, **UNKNOWN)
    await give(world.noord, name="Van Noord", contract="iets")
    seen = await page(desk)
    assert "1 opzegbericht wacht op u" in seen
    assert "Onbekende &lt;b&gt;Zaak&lt;/b&gt;" in seen
    assert "Van Noord" not in seen

    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE tenant SET suspended_at = now() WHERE id = $1", world.noord.id)
    assert "Van Noord" in await page(desk)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE tenant SET suspended_at = NULL")
    assert "Van Noord" not in await page(desk)
    clock.move_to(date(2026, 11, 25))
    assert "Van Noord" in await page(await staff(StaffRole.SERVICE_DESK, name="later"))


async def test_a_notice_for_a_partners_customer_goes_to_that_partner_and_is_filed_there(
    world: World, house: Partner, staff: SignsIn, noord: httpx.AsyncClient
) -> None:
    notice = await give(house, **UNKNOWN)
    clock.move(timedelta(days=1))

    answer = await press(await staff(StaffRole.SERVICE_DESK, name="dirk"), notice, "attach", number="NRD-S-00001")

    assert answer.status_code == 303, answer.text
    assert (await now_of(notice)).state == NoticeState.HANDED_OVER
    (case,) = (await noord.get("/api/v1/terminations")).json()["items"]
    seen = await people.case(noord, case["id"])
    assert (seen["number"][:5], seen["received_on"], seen["state"]) == ("NRD-T", "2026-11-22", "waiting_for_customer")
    assert "Dirk" in seen["steps"][0]["by"]
    listed = (await noord.get("/portal/notices?state=all", headers={"accept": "text/html"})).text
    assert "HUIS-N-00001" in listed


async def test_a_suggestion_is_filed_by_its_button(world: World, house: Partner, desk: httpx.AsyncClient) -> None:
    notice = await give(house, name="Iemand Anders", contract="NRD-S-00001")
    (service,) = re.findall(r'name="service" value="([^"]+)"', await page(desk))

    assert (await press(desk, notice, "attach", service=service)).status_code == 303
    assert UUID(service) == world.noord.services["free"]


async def test_what_is_wrong_stands_beside_the_notice_with_what_was_typed(world: World, house: Partner, desk: httpx.AsyncClient) -> None:
    notice = await give(house, **UNKNOWN)

    wrong = await press(desk, notice, "attach", number="NRD-S-00077")
    empty = await press(desk, notice, "answer", answer=" ")
    several = await press(desk, notice, "attach", number="NRD-S-00001 ZUD-S-00001")

    assert (wrong.status_code, empty.status_code, several.status_code) == (422, 422, 422)
    assert 'value="NRD-S-00077"' in wrong.text
    assert (await now_of(notice)).state == NoticeState.OPEN


async def test_an_answer_goes_to_the_sender(world: World, house: Partner, desk: httpx.AsyncClient) -> None:
    notice = await give(house, **UNKNOWN)

    assert (await press(desk, notice, "answer", answer="Belt u ons even?")).status_code == 303
    assert "Belt u ons even?" in people.newest(world.mailbox, SENDER).text
    assert (await press(desk, notice, "answer", answer="Nog eens")).status_code in {403, 409}


NOBODYS = "01935000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(("notice", "decision"), [("", "attach"), ("x", "answer"), (NOBODYS, "attach"), (NOBODYS, "else")])
async def test_a_notice_that_is_not_there_is_told_and_changes_nothing(
    house: Partner, desk: httpx.AsyncClient, notice: str, decision: str
) -> None:
    await give(house, **UNKNOWN)
    token = re.search(r'name="csrf_token" value="(\w+)"', await page(desk))
    assert token
    answer = await desk.post("/admin/notices", data={"csrf_token": token[1], "id": notice, "decision": decision, "number": "NRD-S-00001"})

    assert answer.status_code == 404


async def test_only_the_desk_comes_here_and_only_from_its_own_page(
    house: Partner, staff: SignsIn, desk: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    notice = await give(house, **UNKNOWN)
    editor = await staff(StaffRole.EDITOR, name="eva")

    assert (await editor.get("/admin/notices")).status_code == 403
    assert (await stranger.get("/admin/notices")).status_code == 303
    forged = await desk.post("/admin/notices", data={"id": str(notice), "decision": "answer", "answer": "x", "csrf_token": "x"})
    assert forged.status_code == 403
    assert (await now_of(notice)).state == NoticeState.OPEN
    assert "/admin/notices" in (await desk.get("/admin/api/links/")).text
