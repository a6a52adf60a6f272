"""The named actions of staff: each does what its service function does, once, for those who may."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from partner_portal.infra import db, outbox, settings
from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.conftest import browser, sign_in
from tests.journeys import partner
from tests.world import STAFF_DOOR, World

EARLY: dict[str, Any] = {"wished_on": "2027-01-31", "early": True}


async def fill(client: httpx.AsyncClient, form: str, **fields: Any) -> httpx.Response:
    """The answer to a form, after everything that follows by itself."""
    answer = await client.post(f"/admin/api/forms/{form}/", json=fields)
    await outbox.drain()
    return answer


async def state(number: str) -> str:
    """Where the case stands."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT state FROM termination WHERE number = $1", number)
    assert row is not None
    return str(row["state"])


async def test_a_form_approves_a_buyout_and_the_case_moves_with_its_trail(
    world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient
) -> None:
    case = await partner.filed(noord, world.noord.services["bound"], **EARLY)

    done = await fill(finance, "approve-buyout", case="nrd-t-00001 ")

    assert done.status_code == 200, done.text
    assert done.json()["custom_form_success"].startswith("NRD-T-00001 is goedgekeurd")
    assert await state("NRD-T-00001") == "proposed"
    assert (await partner.case(noord, case["id"]))["steps"][-1]["by"] == "Fien van Kadetel"
    async with db.unit_of_work(STAFF_DOOR):
        fien = await db.fetch_one("SELECT id FROM piccolo_user WHERE username = 'fien'")
        decision = await db.fetch_one("SELECT decision, amount_cents, decided_by FROM termination_buyout_decision")
        entry = await db.fetch_one("SELECT actor, changes FROM infra_audit WHERE relation = 'termination' ORDER BY at DESC LIMIT 1")
    assert fien is not None
    assert decision is not None
    assert entry is not None
    assert tuple(decision) == ("approve", 90201, f"staff:{fien['id']}")
    assert entry["actor"] == f"staff:{fien['id']}"
    assert '["waiting_for_finance", "proposed"]' in entry["changes"]


async def test_a_second_approval_is_refused_in_words_and_changes_nothing(
    world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient
) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    await fill(finance, "approve-buyout", case="NRD-T-00001")
    again = await fill(finance, "approve-buyout", case="NRD-T-00001")
    assert again.status_code == 422
    assert "de zaak staat op “Voorgesteld”" in again.json()["custom_form_error"]
    async with db.unit_of_work(STAFF_DOOR):
        assert len(await db.fetch("SELECT 1 FROM termination_buyout_decision")) == 1


async def test_above_the_limit_four_eyes_are_two_peoples(
    world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient, staff: SignsIn
) -> None:
    frits = await staff(StaffRole.FINANCE, name="frits")
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    with settings.use(four_eyes_limit_cents=50000):
        first = await fill(finance, "approve-buyout", case="NRD-T-00001")
        alone = await fill(finance, "approve-buyout", case="NRD-T-00001")
        assert "tweede persoon" in first.json()["custom_form_success"]
        assert "tweede persoon" in alone.json()["custom_form_error"]
        assert await state("NRD-T-00001") == "waiting_for_finance"

        assert (await fill(frits, "approve-buyout", case="NRD-T-00001")).status_code == 200
    assert await state("NRD-T-00001") == "proposed"


@pytest.mark.parametrize(("typed", "cents"), [("500", 50000), ("1.234,56", 123456), ("EUR 350,5", 35050)])
async def test_an_amount_is_typed_as_people_write_it(
    typed: str, cents: int, world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient
) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    assert (await fill(finance, "adjust-buyout", case="NRD-T-00001", amount=typed, reason="afgesproken")).status_code == 200
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT agreed_cents FROM termination")
    assert row is not None
    assert row["agreed_cents"] == cents


async def test_an_adjustment_without_amount_or_reason_is_refused_by_field(
    world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient
) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    refused = await fill(finance, "adjust-buyout", case="NRD-T-00001", amount="veel", reason="afgesproken")
    assert refused.json()["custom_form_error"].startswith("Bedrag in euro: Dit is geen bedrag in euro")
    assert "Reden: Geef een reden" in (await fill(finance, "refuse-buyout", case="NRD-T-00001", reason=" ")).json()["custom_form_error"]
    assert "niet gevonden" in (await fill(finance, "refuse-buyout", case="NRD-T-99999", reason="onbekend")).json()["custom_form_error"]
    assert await state("NRD-T-00001") == "waiting_for_finance"


async def test_refusing_closes_the_case(world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    assert (await fill(finance, "refuse-buyout", case="NRD-T-00001", reason="Net verlengd met korting")).status_code == 200
    assert await state("NRD-T-00001") == "refused"


async def test_a_withdrawal_nobody_asked_for_is_not_answered(world: World, noord: httpx.AsyncClient, finance: httpx.AsyncClient) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    for form in ("allow-late-withdrawal", "deny-late-withdrawal"):
        assert "Niemand vraagt" in (await fill(finance, form, case="NRD-T-00001", reason="mag")).json()["custom_form_error"]


@pytest.mark.parametrize("role", [StaffRole.SERVICE_DESK, StaffRole.EDITOR])
async def test_others_than_finance_cannot_decide(role: StaffRole, world: World, noord: httpx.AsyncClient, staff: SignsIn) -> None:
    await partner.filed(noord, world.noord.services["bound"], **EARLY)
    client = await staff(role)
    offered = {form["slug"] for form in (await client.get("/admin/api/forms/")).json()}
    assert not offered & {"approve-buyout", "adjust-buyout", "refuse-buyout", "new-staff-account"}
    assert (await fill(client, "approve-buyout", case="NRD-T-00001")).status_code == 403
    assert await state("NRD-T-00001") == "waiting_for_finance"


async def test_terms_in_force_change_by_a_decision_that_stays(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    done = await fill(desk, "change-terms", service="NRD-S-00002", field="fee_cents", value="79,95", reason="Nieuwe prijsafspraak")
    assert done.status_code == 200, done.text
    async with db.unit_of_work(STAFF_DOOR):
        service = await db.fetch_one("SELECT fee_cents FROM billing_service WHERE id = $1", world.noord.services["bound"])
        change = await db.fetch_one("SELECT tenant, reason, decided_by FROM billing_terms_change")
    assert service is not None
    assert change is not None
    assert service["fee_cents"] == 7995
    assert change["tenant"] == world.noord.id
    assert change["reason"] == "Nieuwe prijsafspraak"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("renewal", "SOMETIMES", "Nieuwe waarde: Dit is niet geldig."),
        ("ended_at", "2026-01-01", "Voorwaarde: Een dienst heeft geen voorwaarde met deze naam."),
        ("renewal_months", "0", "Verlenging (maanden): Een verlenging voor vaste tijd heeft een aantal maanden nodig."),
        ("fee_cents", "veel", "Nieuwe waarde: Dit is geen bedrag in euro, bijvoorbeeld 350,00."),
    ],
)
async def test_terms_that_cannot_be_are_refused_in_words(field: str, value: str, said: str, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    refused = await fill(desk, "change-terms", service="NRD-S-00002", field=field, value=value, reason="proberen")
    assert refused.status_code == 422
    assert refused.json()["custom_form_error"] == said


async def test_work_that_was_given_up_runs_again(world: World, noord: httpx.AsyncClient, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    assert "Niets om opnieuw" in (await fill(desk, "run-again")).json()["custom_form_error"]
    with settings.use(smtp_url="smtp://127.0.0.1:1?tls=none"):
        await partner.filed(noord, world.noord.services["bound"], **EARLY)
        async with db.unit_of_work(STAFF_DOOR):
            await db.execute("UPDATE infra_outbox SET dead_at = now(), leased_until = NULL WHERE done_at IS NULL")
            [dead] = await db.fetch("SELECT id FROM infra_outbox WHERE dead_at IS NOT NULL")
    assert world.mailbox.mailbox.mails("finance@kadetel.example.com") == []

    done = await fill(desk, "run-again", task=str(dead["id"]))

    assert done.status_code == 200, done.text
    assert "NRD-T-00001" in partner.newest(world.mailbox, "finance@kadetel.example.com").subject


async def test_a_customer_and_a_user_of_a_partner_are_entered_for_that_partner(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    customer = await fill(
        desk, "new-customer", partner="zud", name="Slagerij Zwart", segment="OTHER_BIZ", contact_name="Zef", contact_email="zef@klant.example.com",
        street="Markt 2", postcode="5611 AA", city="Eindhoven",
    )  # fmt: skip
    assert "ZUD-C-00003" in customer.json()["custom_form_success"]
    wrong = await fill(
        desk,
        "new-customer",
        partner="zud",
        name=" ",
        segment="OTHER_BIZ",
        contact_name="Zef",
        contact_email="zef",
        street="Markt 2",
        postcode="5611 AA",
        city="x",
    )
    assert "Hoofdcontact: e-mail" in wrong.json()["custom_form_error"]
    member = await fill(
        desk, "new-user-of-a-partner", partner="ZUD", name="Zoë", email="zoe@zuid.example.com", password="long enough for anybody"
    )
    assert member.status_code == 200, member.text
    async with browser() as client:
        await sign_in(client, "zoe@zuid.example.com", "long enough for anybody")
        assert "Slagerij Zwart" in (await client.get("/api/v1/customers")).text


async def test_every_field_of_a_form_is_named_in_the_readers_language(staff: SignsIn) -> None:
    client = await staff(StaffRole.ADMINISTRATOR)
    forms = (await client.get("/admin/api/forms/")).json()
    assert {form["name"] for form in forms} >= {
        "Afkoop goedkeuren",
        "Afkoop aanpassen",
        "Afkoop weigeren",
        "Opnieuw uitvoeren",
        "Voorwaarden wijzigen",
    }
    schema = (await client.get("/admin/api/forms/adjust-buyout/schema/")).json()
    assert schema["properties"]["case"]["title"] == "Nummer van de opzegging"


async def test_a_new_user_without_a_password_is_invited_and_asked_anew_until_it_comes(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    for _ in range(2):
        made = await fill(desk, "new-user-of-a-partner", partner="ZUD", name="Zoë", email="zoe@zuid.example.com", role="owner", password="")
        assert made.status_code == 200, made.text
        await outbox.drain()
    mails = world.mailbox.mailbox.mails("zoe@zuid.example.com")
    links = [re.search(r"/portal/invitation/[A-Za-z0-9_-]{43}", mail.text)[0] for mail in mails]  # type: ignore[index]

    assert len(set(links)) == 2
    async with browser() as client:
        assert (await client.post(links[0], data={"password": "long enough for anybody"})).status_code == 303
        assert (await client.get("/api/v1/members")).status_code == 200, "an owner"


async def test_nobody_gives_a_password_to_somebody_who_has_one(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)

    refused = await fill(
        desk, "new-user-of-a-partner", partner="ZUD", name="Dief", email=world.noord.owner, password="of the thief himself"
    )

    assert refused.status_code != 200
    async with browser() as client:
        answer = await client.post("/api/v1/session", json={"email": world.noord.owner, "password": "of the thief himself"})
        assert answer.status_code == 403
