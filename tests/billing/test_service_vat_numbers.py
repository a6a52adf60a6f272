"""VAT numbers are asked for at VIES: here at a server that answers as it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from billing.policy.ledger import Layer
from billing.policy.tax import VatCategory
from billing.policy.vat_checks import Outcome, parts
from billing.service import parties, vat_numbers
from partner_portal.infra import clock, db, settings
from tenants.policy import Segment
from tests.world import STAFF_DOOR, World, make_customer, make_service

GOOD, BAD = "BE0403170701", "BE0400378485"


class Vies:
    """VIES on this machine: `answers` says what it says to a number; what it was asked stands in `asked`."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answers: dict[str, Any] = {}
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length"))
        assert head.startswith("POST /check-vat-number ")
        question = msgspec.json.decode(await reader.readexactly(length))
        self.asked.append(question)
        said = self.answers.get(question["countryCode"] + question["vatNumber"], {"valid": True})
        if said == "hang up":
            writer.close()
            return
        status, body = said.get("status", 200), said.get("body")
        if body is None:
            body = msgspec.json.encode(
                {
                    "countryCode": question["countryCode"],
                    "vatNumber": question["vatNumber"],
                    "requestDate": "2026-11-22T11:00:00.000Z",
                    "requestIdentifier": "WAPIAAAAZ1" if "requesterNumber" in question else "",
                    "name": "NV BRUSSEL",
                    "address": "Wetstraat 1",
                    **said,
                }
            )
        writer.write(
            b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (status, len(body))
            + body
        )
        await writer.drain()
        writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def vies() -> AsyncIterator[Vies]:
    there = Vies()
    server = await asyncio.start_server(there.answer, "127.0.0.1", 0)
    there.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with settings.use(vies_url=there.url):
        yield there
    server.close()


async def belgian(world: World, vat_id: str = GOOD, segment: Segment = Segment.OTHER_BIZ, country: str = "BE", **service: Any) -> Any:
    async with db.unit_of_work(world.noord.principal()):
        customer = await make_customer(world.noord, "Brussel NV", segment=segment)
        await db.execute("UPDATE customer SET country = $2, vat_id = $3 WHERE id = $1", customer, country, vat_id)
        await make_service(world.noord, customer, **service)
    return customer


async def taxed(world: World, customer: Any) -> Any:
    async with db.unit_of_work(STAFF_DOOR):
        today = clock.today()
        return parties.vat(
            await parties.sender(world.noord.id, Layer.CUSTOMER), await parties.debtor(world.noord.id, customer, today), today
        )


async def checks() -> list[Any]:
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch("SELECT * FROM billing_vat_check ORDER BY asked_at, vat_id")


def later(hours: float) -> None:
    clock.set_to(clock.now() + timedelta(hours=hours))


async def test_an_answer_is_kept_with_the_number_of_the_consultation(world: World, vies: Vies) -> None:
    customer = await belgian(world)

    assert await vat_numbers.check_due() == 1

    (kept,) = await checks()
    assert vies.asked == [
        {"countryCode": "BE", "vatNumber": "0403170701", "requesterMemberStateCode": "NL", "requesterNumber": "999999990B29"}
    ]
    assert (kept["customer"], kept["vat_id"], kept["outcome"], kept["consultation"]) == (customer, GOOD, Outcome.VALID, "WAPIAAAAZ1")
    assert msgspec.json.decode(kept["answer"]) == {"date": "2026-11-22T11:00:00.000Z", "name": "NV BRUSSEL", "address": "Wetstraat 1"}
    assert (await taxed(world, customer)).category is VatCategory.REVERSE_CHARGE


async def test_a_number_that_is_not_valid_carries_dutch_vat(world: World, vies: Vies) -> None:
    customer = await belgian(world)
    vies.answers[GOOD] = {"valid": False}

    await vat_numbers.check_due()

    vat = await taxed(world, customer)
    assert (vat.category, vat.rate, vat.country) == (VatCategory.STANDARD, 21, "NL")


@pytest.mark.parametrize(("vat_id", "country"), [("NL999999990B29", "BE"), ("DE136695976", "BE"), ("hello", "BE"), ("0403170701", "BE")])
async def test_a_number_of_another_country_than_its_own_does_not_shift_the_vat(world: World, vat_id: str, country: str) -> None:
    vat = await taxed(world, await belgian(world, vat_id, country=country))

    assert (vat.category, vat.rate, vat.country) == (VatCategory.STANDARD, 21, "NL")


@pytest.mark.parametrize(("vat_id", "country"), [(GOOD, "BE"), ("be 0403.170.701", "BE"), ("EL094259216", "GR"), ("GR094259216", "GR")])
async def test_one_of_its_own_country_does_however_it_was_typed(world: World, vat_id: str, country: str) -> None:
    assert (await taxed(world, await belgian(world, vat_id, country=country))).category is VatCategory.REVERSE_CHARGE


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}, "MS_UNAVAILABLE"),
        (
            {"status": 500, "body": b'{"actionSucceed": false, "errorWrappers": [{"error": "MS_MAX_CONCURRENT_REQ"}]}'},
            "MS_MAX_CONCURRENT_REQ",
        ),
        ({"status": 503, "body": b"<html>Service Unavailable</html>"}, "broken-answer"),
        ({"status": 200, "body": b"{}"}, "status 200"),
        ("hang up", "broken-answer"),
    ],
)
async def test_when_vies_has_no_answer_the_last_one_stands_and_it_is_asked_again(world: World, vies: Vies, said: Any, why: str) -> None:
    customer = await belgian(world, paid_until=date(2026, 11, 23))
    await vat_numbers.check_due()
    later(25)
    vies.answers[GOOD] = said

    assert await vat_numbers.check_due() == 0
    assert await vat_numbers.check_due() == 0
    assert (await taxed(world, customer)).category is VatCategory.REVERSE_CHARGE
    later(1)
    vies.answers[GOOD] = {"valid": True}
    assert await vat_numbers.check_due() == 1

    assert [row["outcome"] for row in await checks()] == ["valid", "unavailable", "valid"]
    assert msgspec.json.decode((await checks())[1]["answer"]) == {"why": why}


async def test_a_number_nobody_could_answer_for_yet_counts_as_what_it_says(world: World, vies: Vies) -> None:
    customer = await belgian(world)
    vies.answers[GOOD] = "hang up"

    await vat_numbers.check_due()

    assert (await taxed(world, customer)).category is VatCategory.REVERSE_CHARGE


async def test_a_number_is_asked_for_again_only_before_it_is_invoiced(world: World, vies: Vies) -> None:
    await belgian(world, paid_until=date(2026, 11, 23))
    await belgian(world, BAD, paid_until=date(2027, 2, 1))
    assert await vat_numbers.check_due() == 2
    later(23)
    assert await vat_numbers.check_due() == 0
    later(2)

    assert await vat_numbers.check_due() == 1

    assert [question["vatNumber"] for question in vies.asked][-1] == GOOD[2:]


async def test_only_businesses_elsewhere_in_the_union_are_asked_for(world: World, vies: Vies) -> None:
    for country, vat_id, segment in (
        ("NL", "NL100000009B01", Segment.OTHER_BIZ),
        ("BE", GOOD, Segment.CONSUMER),
        ("CH", "CHE107787577IVA", Segment.OTHER_BIZ),
    ):
        await belgian(world, vat_id, segment, country)

    assert await vat_numbers.check_due() == 0
    assert vies.asked == []


async def test_what_is_no_number_of_a_member_state_is_not_sent_away(world: World, vies: Vies) -> None:
    customer = await belgian(world, "BE123")

    await vat_numbers.check_due()

    assert vies.asked == []
    assert (await taxed(world, customer)).category is VatCategory.STANDARD


async def test_a_new_number_is_asked_for_although_the_old_one_was_answered(world: World, vies: Vies) -> None:
    customer = await belgian(world, BAD)
    vies.answers[BAD] = {"valid": False}
    await vat_numbers.check_due()
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE customer SET vat_id = $2 WHERE id = $1", customer, GOOD)

    await vat_numbers.check_due()

    assert [question["vatNumber"] for question in vies.asked] == [BAD[2:], GOOD[2:]]
    assert (await taxed(world, customer)).category is VatCategory.REVERSE_CHARGE


async def test_switched_off_nobody_is_asked(world: World, vies: Vies) -> None:
    await belgian(world)

    with settings.use(vies_url="auto"):
        assert await vat_numbers.check_due() == 0

    assert (vies.asked, await checks()) == ([], [])


@pytest.mark.usefixtures("vies")
async def test_answers_are_evidence_and_never_changed(world: World, running: Any) -> None:
    await belgian(world)
    await vat_numbers.check_due()
    owner = await asyncpg.connect(running.database_url)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute("UPDATE billing_vat_check SET outcome = 'valid'")
    await owner.close()


@pytest.mark.usefixtures("vies")
async def test_the_cost_sheet_taxes_as_the_invoice_will(world: World, noord: httpx.AsyncClient, vies: Vies) -> None:
    customer = await belgian(world, product="hosting", minimum_months=24, starts_on=date(2026, 3, 1), buyout_rule="75 %")
    vies.answers[GOOD] = {"valid": False}
    await vat_numbers.check_due()
    async with db.unit_of_work(STAFF_DOOR):
        service = await db.fetch_one("SELECT id FROM billing_service WHERE customer = $1", customer)
    assert service

    asked = {"service_ids": [str(service["id"])], "wished_on": "2027-01-31"}
    seen = (await noord.post("/api/v1/terminations/preview", json=asked)).json()

    # 13 started months of EUR 50 at 75 % and 25.00 for handling, with 21 %: 487.50 + 25.00 + 107.63.
    assert seen["customer"]["services"][0]["early_offer"]["extra_cost"]["amount"] == "512.50"
    assert '"620.13"' in msgspec.json.encode(seen["customer"]).decode()


async def test_the_oss_scheme_of_the_issuer_decides_where_consumers_are_taxed(world: World) -> None:
    customer = await belgian(world, "", Segment.CONSUMER)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE customer SET vat_id = NULL, country = 'DE' WHERE id = $1", customer)

    abroad = await taxed(world, customer)
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_issuer SET uses_oss = false WHERE tenant = $1", world.house)
    home = await taxed(world, customer)

    assert (abroad.rate, abroad.country, abroad.prices_include_vat) == (19, "DE", True)
    assert (home.rate, home.country) == (21, "NL")


@pytest.mark.parametrize(
    ("vat_id", "expected"),
    [
        ("BE 0403.170.701", ("BE", "0403170701")),
        ("GR094259216", ("EL", "094259216")),
        ("EL094259216", ("EL", "094259216")),
        ("NL999999990B29", ("NL", "999999990B29")),
        ("GB980780684", None),
        ("BE0403170702", None),
        ("", None),
    ],
)
def test_a_number_is_asked_for_as_vies_wants_it(vat_id: str, expected: tuple[str, str] | None) -> None:
    assert parts(vat_id) == expected
