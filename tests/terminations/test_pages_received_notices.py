"""The partner's pages of notices: what waits, whose it could be, one press to file or answer, and nobody else's."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from partner_portal.infra import clock
from terminations.policy.notices import NoticeKind, NoticeState
from tests.conftest import browser, sign_in, work
from tests.journeys import partner as people
from tests.terminations.test_service_notices import SENDER, give, now_of
from tests.world import World

UNKNOWN = {"name": "Onbekende <b>Zaak</b>", "contract": "NRD-S-99999"}


async def page(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def press(client: httpx.AsyncClient, notice: UUID, what: str, **typed: Any) -> httpx.Response:
    answer = await client.post(f"/portal/notices/{notice}/{what}", data=typed, headers={"accept": "text/html"})
    await work()
    return answer


async def test_the_list_shows_what_waits_and_until_when(world: World, noord: httpx.AsyncClient) -> None:
    assert "Er wacht geen opzegbericht op u" in await page(noord, "/portal/notices")
    await give(world.noord, **UNKNOWN)
    await give(world.noord)

    waiting = await page(noord, "/portal/notices")
    assert "Onbekende &lt;b&gt;Zaak&lt;/b&gt;" in waiting
    assert "24-11-2026" in waiting
    assert "Bakkerij De Korst" not in waiting
    assert "http://portal.test/end-contract/NRD" in waiting
    assert "Bakkerij De Korst" in await page(noord, "/portal/notices?state=filed")
    every = await page(noord, "/portal/notices?state=all")
    assert "Bakkerij De Korst" in every
    assert "Onbekende" in every
    assert "vóór of op 24-11-2026" in every, "a day alone does not say what is to be done on it"
    clock.move_to(date(2026, 11, 25))
    assert "te laat" in await page(noord, "/portal/notices")


@pytest.mark.parametrize("query", ["?state=nonsense", "?after=nonsense", "?state=all&after=x"])
async def test_an_address_that_makes_no_sense_shows_the_list(world: World, noord: httpx.AsyncClient, query: str) -> None:
    assert "Opzegberichten" in await page(noord, f"/portal/notices{query}")


async def test_a_notice_is_attached_to_what_it_points_at_by_one_press(world: World, noord: httpx.AsyncClient) -> None:
    notice = await give(world.noord, name="Iemand Anders")
    shown = await page(noord, f"/portal/notices/{notice}")
    assert "Internet bakkerij" in shown
    assert "het nummer van de dienst" in shown
    (service,) = re.findall(r'name="services"[^>]*value="([^"]+)"', shown)

    answer = await press(noord, notice, "attachment", services=service)

    assert answer.status_code == 303
    after = await page(noord, f"/portal/notices/{notice}")
    assert "NRD-T-00001" in after
    assert "Bakkerij De Korst" in after
    (case,) = (await noord.get("/api/v1/terminations")).json()["items"]
    seen = await people.case(noord, case["id"])
    assert (seen["received_on"], seen["state"]) == ("2026-11-22", "waiting_for_customer")
    assert "Owner of Noord" in seen["steps"][0]["by"]


async def test_a_number_can_be_typed_and_a_wrong_one_is_told_at_its_field(world: World, noord: httpx.AsyncClient) -> None:
    notice = await give(world.noord, **UNKNOWN)

    wrong = await press(noord, notice, "attachment", number="NRD-S-00077")
    assert wrong.status_code == 422
    assert 'id="number-error"' in wrong.text
    assert "NRD-S-00077" in wrong.text
    assert (await press(noord, notice, "attachment")).status_code == 422
    right = await press(noord, notice, "attachment", number="nrd-s-00001")
    assert right.status_code == 303
    again = await press(noord, notice, "attachment", number="NRD-S-00002")
    assert again.status_code == 409
    assert "al behandeld" in again.text or "net voor" in again.text


async def test_a_service_that_is_ending_already_is_told_and_nothing_is_lost(world: World, noord: httpx.AsyncClient) -> None:
    await people.filed(noord, world.noord.services["free"])
    notice = await give(world.noord, **UNKNOWN)

    answer = await press(noord, notice, "attachment", number="NRD-S-00001")

    assert answer.status_code == 409
    assert 'value="NRD-S-00001"' in answer.text
    assert (await now_of(notice)).state == NoticeState.OPEN


async def test_a_reason_that_is_recognised_goes_to_finance(world: World, noord: httpx.AsyncClient) -> None:
    notice = await give(world.noord, kind=NoticeKind.EXTRAORDINARY, reason="Prijs omhoog", contract="NRD-S-00002", customer="NRD-C-00001")
    assert "Prijs omhoog" in await page(noord, f"/portal/notices/{notice}")

    service = str(world.noord.services["bound"])
    wrong = await press(noord, notice, "attachment", services=service, ground="NON_CONFORMITY", effective_on="morgen")
    assert 'id="effective_on-error"' in wrong.text
    answer = await press(noord, notice, "attachment", services=service, ground="NON_CONFORMITY")

    assert answer.status_code == 303
    (case,) = (await noord.get("/api/v1/terminations")).json()["items"]
    assert case["state"] == "waiting_for_finance"


async def test_an_answer_is_prepared_in_the_senders_language_and_sent(world: World, noord: httpx.AsyncClient) -> None:
    notice = await give(world.noord, **UNKNOWN, language="en")
    shown = await page(noord, f"/portal/notices/{notice}")
    assert "We find no contract with the details you gave" in shown

    assert (await press(noord, notice, "answer", answer=" ")).status_code == 422
    answer = await press(noord, notice, "answer", answer="Please call us.")

    assert answer.status_code == 303
    assert "Please call us." in people.newest(world.mailbox, SENDER).text
    assert "Please call us." in await page(noord, f"/portal/notices/{notice}")


async def test_without_an_address_the_form_asks_for_a_note(world: World, noord: httpx.AsyncClient) -> None:
    notice = await give(world.noord, **UNKNOWN, email="geen adres")
    assert "Sluiten met deze notitie" in await page(noord, f"/portal/notices/{notice}")

    assert (await press(noord, notice, "answer", answer="Gebeld.")).status_code == 303
    assert (await now_of(notice)).answer == "Gebeld."


async def test_another_partner_finds_nothing(world: World, zuid: httpx.AsyncClient) -> None:
    notice = await give(world.noord, **UNKNOWN)

    assert "Onbekende" not in await page(zuid, "/portal/notices?state=all")
    for path in (str(notice), str(uuid4())):
        assert (await zuid.get(f"/portal/notices/{path}")).status_code == 404
        assert (await zuid.post(f"/portal/notices/{path}/attachment", data={"number": "ZUD-S-00001"})).status_code == 404
        assert (await zuid.post(f"/portal/notices/{path}/answer", data={"answer": "x"})).status_code == 404
    assert (await now_of(notice)).state == NoticeState.OPEN


async def test_whoever_only_reads_sees_and_does_nothing(world: World) -> None:
    notice = await give(world.noord, **UNKNOWN)
    async with browser() as reader:
        await sign_in(reader, world.noord.reader)
        shown = await page(reader, f"/portal/notices/{notice}")
        refused = [await press(reader, notice, what, number="NRD-S-00001", answer="x") for what in ("attachment", "answer")]

    assert '<form method="post" action="/portal/notices' not in shown
    assert [answer.status_code for answer in refused] == [403, 403]
