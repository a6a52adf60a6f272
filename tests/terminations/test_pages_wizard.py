"""The wizard asks one question per page, keeps every answer, explains what cannot be, and files once."""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from pypdf import PdfReader

from partner_portal.infra import clock, db, outbox
from tests.conftest import browser, sign_in
from tests.journeys import partner as people
from tests.terminations.at_wizard import NEW, Wizard, fields_of, text
from tests.world import STAFF_DOOR, World, make_service


@pytest.fixture
def wizard(noord: httpx.AsyncClient) -> Wizard:
    """Noord's owner at the wizard."""
    return Wizard(noord)


async def bakery(wizard: Wizard, world: World, *services: str) -> str:
    return await wizard.begin(world.noord.customers["bakery"], *(world.noord.services[one] for one in services))


async def cases(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    return list((await client.get("/api/v1/terminations")).json()["items"])


async def test_an_ordinary_end_from_the_services_to_the_number(wizard: Wizard, world: World) -> None:
    start = await wizard.client.get(NEW, params={"customer": str(world.noord.customers["bakery"])})
    assert "Internet bakkerij" in text(start)

    assert (await bakery(wizard, world, "free")).endswith("/when")
    await wizard.to_check(confirms="mandate")
    check = await wizard.see("check")
    filed = await wizard.answer("check")

    assert "dinsdag 22 december 2026" in text(check)
    assert filed.headers["location"] == f"{wizard.draft}/filed"
    (case,) = await cases(wizard.client)
    done = text(await wizard.see("filed"))
    assert case["number"] in done
    assert "Contact van Bakkerij De Korst" in done
    assert (case["state"], case["ends_on"], case["reason"]) == ("waiting_for_customer", "2026-12-22", "not_said")


async def test_a_buyout_shows_its_sum_and_goes_to_finance(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")

    when = await wizard.see("when", when="date", wished_on="2026-12-31")
    await wizard.to_check(when={"when": "date", "wished_on": "2026-12-31"}, afterwards=True)
    costs = await wizard.see("costs")
    await wizard.answer("check")

    # Fourteen months of EUR 89.95 at 75 %, and EUR 25 handling: EUR 969.48, with 21 % VAT EUR 1,173.07.
    assert "14 mnd x EUR 89,95 x 75 %" in text(costs)
    assert "EUR 1.173,07" in text(when)
    assert "EUR 1.173,07" in text(costs)
    (case,) = await cases(wizard.client)
    assert (case["state"], case["buyout"], case["ends_on"]) == ("waiting_for_finance", True, "2026-12-31")


async def test_every_line_says_whether_vat_is_in_it(wizard: Wizard, world: World) -> None:
    async with db.unit_of_work(world.noord.principal()):
        consumers = await make_service(world.noord, world.noord.customers["private"], label="Internet thuis")

    business = await wizard.client.get("/portal/terminations/preview", params={"service": str(world.noord.services["free"])})
    consumer = await wizard.client.get("/portal/terminations/preview", params={"service": str(consumers)})

    lines = r"<td>EUR\s([\d,-]+)<small>(.{4}\. btw)</small>"
    assert re.findall(lines, business.text) == [("35,48", "excl. btw")]
    assert re.findall(lines, consumer.text) == [("35,48", "incl. btw")]


async def test_each_step_leads_to_the_next_and_none_can_be_skipped(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")
    asked = ["when", "afterwards", "costs", "reason", "contact", "check"]

    for nth, step in enumerate(asked):
        for later in asked[nth + 1 :]:
            assert (await wizard.see(later)).headers["location"] == f"{wizard.draft}/{step}", (step, later)
            token = {"csrf_token": wizard.client.headers["x-csrf-token"], "version": "1"}
            early = await wizard.client.post(f"{wizard.draft}/{later}", data=token)
            assert early.status_code in {303, 409}, (step, later)
            assert await cases(wizard.client) == []
        assert (await wizard.client.get(wizard.draft)).headers["location"] == f"{wizard.draft}/{step}"
        if step != "check":
            await wizard.on(step, asked[nth + 1])


async def test_going_back_shows_what_was_answered_and_going_on_again_asks_in_order(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")
    await wizard.on("when", "afterwards", when="date", wished_on="2027-03-31")
    await wizard.on(
        "afterwards",
        "costs",
        **{f"data-{world.noord.services['bound']}": "take_along", f"until-{world.noord.services['bound']}": "2027-04-15"},
    )
    await wizard.on("costs", "reason")
    await wizard.on("reason", "contact", reason="moves", comment='Naar <Assen> & "ver"')

    assert (await wizard.fields("reason"))["comment"] == 'Naar <Assen> & "ver"'
    assert (await wizard.fields("reason"))["reason"] == "moves"
    assert (await wizard.fields("when"))["wished_on"] == "2027-03-31"
    assert (await wizard.fields("afterwards"))[f"until-{world.noord.services['bound']}"] == "2027-04-15"
    await wizard.on("when", "afterwards")
    await wizard.on("afterwards", "costs")


async def test_a_change_from_the_last_page_leads_back_to_it(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")
    await wizard.to_check(afterwards=True)

    await wizard.on("reason", "check", reason="price")
    await wizard.on("when", "costs", when="date", wished_on="2027-03-31")  # other costs are shown first
    await wizard.on("costs", "check")

    check = text(await wizard.see("check"))
    assert "woensdag 31 maart 2027" in check
    assert "Het is te duur" in check


async def test_pages_are_never_kept_by_a_browser(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "free")

    assert (await wizard.see("when")).headers["cache-control"] == "no-store"


IMPOSSIBLE: list[tuple[dict[str, str], str]] = [
    ({}, "Kies wanneer het moet stoppen."),
    ({"when": "sometime"}, "Kies wanneer het moet stoppen."),
    ({"when": "date"}, "Typ de laatste dag"),
    ({"when": "date", "wished_on": "gisteren"}, "Dit is geen dag"),
    ({"when": "date", "wished_on": "2026-02-30"}, "Dit is geen dag"),
    ({"when": "date", "wished_on": "21-11-2026"}, "Deze dag is voorbij. De eerst mogelijke dag is 22 november 2026."),
    ({"when": "date", "wished_on": "9999-12-31"}, "Kies een dag tot en met"),
    ({"when": "date", "wished_on": "1-5-2028"}, "Mogelijk zijn 29 februari 2028 en 28 februari 2029."),
]


async def test_a_day_that_cannot_be_is_explained_at_its_field_and_nothing_typed_is_lost(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")
    blank = {name: value for name, value in (await wizard.fields("when")).items() if name in {"csrf_token", "version"}}

    for typed, said in IMPOSSIBLE:
        refused = await wizard.client.post(f"{wizard.draft}/when", data=blank | typed)

        assert refused.status_code == 422, typed
        assert text(refused).count(said) == 2, f"{typed}: at the field and in the summary"
        assert "wished_on" not in typed or f'value="{typed["wished_on"]}"' in refused.text
        assert (await wizard.see("costs")).headers["location"] == f"{wizard.draft}/when"


async def test_a_day_is_read_however_people_write_it(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")

    for typed in ("2026-12-31", "31-12-2026", "31/12/2026", "31.12.2026", "31 12 2026"):
        await wizard.on("when", "afterwards", when="date", wished_on=typed)
        assert (await wizard.fields("when"))["wished_on"] == "2026-12-31"


async def test_other_questions_say_what_is_wrong_as_well(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")
    service = world.noord.services["bound"]
    await wizard.on("when", "afterwards")
    too_late = await wizard.answer("afterwards", **{f"data-{service}": "take_along", f"until-{service}": "2029-01-01"})
    unread = await wizard.answer("afterwards", **{f"data-{service}": "take_along", f"until-{service}": "ooit"})
    unknown = await wizard.answer("afterwards", **{f"data-{service}": "burn"})
    await wizard.on("afterwards", "costs")
    differ = await wizard.answer("costs", promise="0" * 64)
    await wizard.on("costs", "reason")
    long = await wizard.answer("reason", comment="x" * 2001)
    no_reason = await wizard.answer("reason", reason="hm")
    await wizard.on("reason", "contact", comment="x" * 2000)
    nobody = await wizard.answer("contact", confirms="buurman")

    assert {answer.status_code for answer in (too_late, unread, unknown, differ, long, no_reason, nobody)} == {422}
    assert "Kies een dag van 22 november 2026 tot en met 30 maart 2028." in text(too_late)
    assert "Dit is geen dag" in text(unread)
    assert "opnieuw berekend" in text(differ)
    assert "x" * 2001 in long.text
    assert all("Kies een van deze." in text(answer) for answer in (unknown, no_reason, nobody))


async def test_of_two_tabs_the_older_is_told_kindly_and_overwrites_nothing(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")
    older = await wizard.fields("when")
    await wizard.on("when", "afterwards", when="date", wished_on="2027-03-31")

    told = await wizard.client.post(f"{wizard.draft}/when", data=older | {"when": "free"})
    same = await wizard.client.post(f"{wizard.draft}/when", data=older | {"when": "date", "wished_on": "31-03-2027"})

    assert told.status_code == 409
    assert "in een ander tabblad of door een collega gewijzigd" in text(told)
    assert f'href="{wizard.draft}"' in told.text
    assert same.status_code == 303, "sent twice is no conflict"
    assert (await wizard.fields("when"))["wished_on"] == "2027-03-31"


async def test_the_last_page_sent_twice_files_once(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "free")
    await wizard.to_check(confirms="mandate")
    sent = await wizard.fields("check")

    answers = [await wizard.client.post(f"{wizard.draft}/check", data=sent) for _ in range(3)]

    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, f"{wizard.draft}/filed")] * 3
    assert len(await cases(wizard.client)) == 1
    assert (await wizard.see("when")).headers["location"] == f"{wizard.draft}/filed"
    assert (await wizard.client.get(wizard.draft)).headers["location"] == f"{wizard.draft}/filed"


async def test_costs_that_changed_meanwhile_are_shown_anew_with_what_changed(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")
    await wizard.to_check(when={"when": "date", "wished_on": "2026-12-31"}, afterwards=True)
    sent = await wizard.fields("check")
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE billing_service SET fee_cents = 9995 WHERE id = $1", world.noord.services["bound"])

    refused = await wizard.client.post(f"{wizard.draft}/check", data=sent)
    costs = await wizard.see("costs")

    assert refused.headers["location"] == f"{wizard.draft}/costs"
    assert "Er is niets ingediend: de kosten zijn niet meer wat u zag." in text(costs)
    assert "Webshop hosting: het abonnement kost nu EUR 99,95 per maand." in text(costs)
    assert (await wizard.see("check")).headers["location"] == f"{wizard.draft}/costs"
    await wizard.on("costs", "check")
    await wizard.answer("check")
    assert len(await cases(wizard.client)) == 1


async def test_a_service_that_ends_meanwhile_leads_back_to_the_services(wizard: Wizard, world: World, noord: httpx.AsyncClient) -> None:
    await bakery(wizard, world, "free", "bound")
    await wizard.to_check(afterwards=True, confirms="mandate")
    sent = await wizard.fields("check")
    await people.filed(noord, world.noord.services["free"])

    refused = await wizard.client.post(f"{wizard.draft}/check", data=sent)
    services = await wizard.see("services")

    assert refused.headers["location"] == f"{wizard.draft}/services"
    assert "Een andere lopende zaak gaat over Internet bakkerij" in text(services)
    assert "NRD-T-00001" in text(services)
    assert (await wizard.see("check")).headers["location"] == f"{wizard.draft}/services"
    await wizard.on("services", "costs", service=str(world.noord.services["bound"]))


async def test_a_customer_without_an_address_can_be_mended_without_losing_anything(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "free")
    await wizard.to_check(confirms="mandate")
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute("UPDATE contact SET email = '' WHERE customer = $1", world.noord.customers["bakery"])
    sent = await wizard.fields("check")

    refused = await wizard.client.post(f"{wizard.draft}/check", data=sent)
    contact = await wizard.see("contact")

    assert refused.headers["location"] == f"{wizard.draft}/contact"
    assert f"/portal/customers/{world.noord.customers['bakery']}/contacts" in contact.text
    assert "Uw antwoorden hier blijven bewaard." in text(contact)


async def test_a_day_that_passed_while_the_draft_lay_there_is_asked_again(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")
    await wizard.to_check(when={"when": "date", "wished_on": "2026-12-05"}, afterwards=True)

    clock.move_to(date(2026, 12, 6))

    assert (await wizard.client.get(wizard.draft)).headers["location"] == f"{wizard.draft}/when"
    assert "Deze dag is voorbij" in text(await wizard.answer("when"))


async def test_without_a_mandate_an_end_is_proposed_that_leaves_time_to_say_yes(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "free")
    await wizard.on("when", "costs")
    await wizard.on("costs", "reason")
    await wizard.on("reason", "contact")

    asked = text(await wizard.see("contact"))
    await wizard.on("contact", "check")
    check = text(await wizard.see("check"))
    await wizard.answer("check")

    assert "Alleen als dat vandaag komt, kan de laatste dag dinsdag 22 december 2026 zijn" in asked
    assert "zondag 6 december 2026" in asked
    assert "woensdag 6 januari 2027" in check
    (case,) = await cases(wizard.client)
    assert case["ends_on"] == "2027-01-06"
    told = await wizard.client.get(f"/api/v1/terminations/{case['id']}")
    assert told.json()["waits_until"] == "2026-12-06T23:00:00Z"


async def test_whoever_wants_the_earlier_end_after_all_gets_it(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "free")
    await wizard.to_check()

    await wizard.on("contact", "check", confirms="customer")
    assert "dinsdag 22 december 2026" in text(await wizard.see("check"))
    await wizard.on("contact", "check", confirms="later")
    assert "woensdag 6 januari 2027" in text(await wizard.see("check"))
    await wizard.on("contact", "check", confirms="mandate")

    assert "dinsdag 22 december 2026" in text(await wizard.see("check"))


async def test_wishes_for_numbers_domains_and_data_stay_with_the_case(wizard: Wizard, world: World) -> None:
    customer = world.noord.customers["bakery"]
    async with db.unit_of_work(world.noord.principal()):
        phone = await make_service(world.noord, customer, product="telephony", label="Nummers winkel")
        name = await make_service(world.noord, customer, product="domain", label="dekorst.example.com")
    await wizard.begin(customer, phone, name, world.noord.services["bound"])
    await wizard.on("when", "afterwards")

    asked = text(await wizard.see("afterwards"))
    await wizard.on(
        "afterwards",
        "costs",
        **{f"number-{phone}": "take_along", f"domain-{name}": "let_go", f"data-{world.noord.services['bound']}": "undecided"},
    )
    await wizard.on("costs", "reason")
    await wizard.on("reason", "contact")
    await wizard.on("contact", "check", confirms="mandate")
    check = text(await wizard.see("check"))
    await wizard.answer("check")
    await outbox.drain()

    assert (
        "Telefoonnummers: Nummers winkel" in asked,
        "Domeinnaam: dekorst.example.com" in asked,
        "Gegevens: Webshop hosting" in asked,
    ) == (True,) * 3
    assert "Ze gaan mee naar een andere aanbieder" in check
    (case,) = await cases(wizard.client)
    told = (await wizard.client.get(f"/api/v1/terminations/{case['id']}")).json()["afterwards"]
    assert sorted((one["service_id"], one["thing"], one["plan"]) for one in told) == sorted(
        [(str(phone), "number", "take_along"), (str(name), "domain", "let_go"), (str(world.noord.services["bound"]), "data", "undecided")]
    )


async def test_a_bundle_names_its_members(wizard: Wizard, world: World) -> None:
    customer = world.noord.customers["private"]
    async with db.unit_of_work(world.noord.principal()):
        for label, product in (("Internet thuis", "internet"), ("Bellen thuis", "telephony")):
            await make_service(
                world.noord, customer, product=product, label=label, bundle="thuis", starts_on=date(2026, 3, 1), minimum_months=24
            )

    page = text(await wizard.client.get(NEW, params={"customer": str(customer)}))

    assert "Bundel met Bellen thuis." in page
    assert "Bundel met Internet thuis." in page
    assert "Volgens de wet volgt alles het deel dat het eerst vrij is." in page


async def test_services_that_end_already_say_so_and_cannot_be_chosen(wizard: Wizard, world: World, noord: httpx.AsyncClient) -> None:
    case = await people.filed(noord, world.noord.services["free"])

    page = await wizard.client.get(NEW, params={"customer": str(world.noord.customers["bakery"])})

    row = re.search(r'<div class="candidate out">.*?</div></div>', page.text, re.DOTALL)
    assert row
    assert "disabled" in row[0]
    assert case["number"] in row[0]
    assert f"/portal/terminations/{case['id']}" in row[0]
    assert "zou eindigen op 22 december 2026" in row[0]  # the customer has yet to say yes


async def test_without_a_service_nothing_is_begun(wizard: Wizard, world: World) -> None:
    token = {"csrf_token": wizard.client.headers["x-csrf-token"], "customer": str(world.noord.customers["bakery"])}

    for sent in ({}, {"service": "geen"}, {"service": str(world.zuid.services["free"])}):
        refused = await wizard.client.post(NEW, data=token | sent)
        assert refused.status_code == 422
        assert "Kies minstens één dienst." in text(refused) or "niet (meer) te kiezen" in text(refused)


async def test_a_customer_without_services_is_told_so(wizard: Wizard, world: World) -> None:
    page = await wizard.client.get(NEW, params={"customer": str(world.noord.customers["private"])})

    assert "geen lopende diensten" in text(page)


async def test_ones_drafts_stand_on_the_first_page_and_can_be_thrown_away(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "free")
    start = await wizard.client.get(NEW)
    assert f'href="{wizard.draft}"' in start.text

    gone = await wizard.client.post(f"{wizard.draft}/removal", data={"csrf_token": wizard.client.headers["x-csrf-token"]})

    assert gone.headers["location"] == NEW
    page = await wizard.client.get(NEW)
    assert "Het concept is weg." in text(page)
    assert wizard.draft not in page.text
    assert (await wizard.client.get(wizard.draft)).status_code == 404


async def test_customers_are_found_while_one_types(wizard: Wizard) -> None:
    found = await wizard.client.get(NEW, params={"q": "korst"}, headers={"HX-Request": "true"})

    assert "Bakkerij De Korst" in text(found)
    assert "Pieter" not in text(found)
    assert "<html" not in found.text
    assert "Geen klant gevonden" in text(await wizard.client.get(NEW, params={"q": "zzz"}))


async def test_another_partners_drafts_services_and_customers_are_not_there(wizard: Wizard, world: World, zuid: httpx.AsyncClient) -> None:
    await bakery(wizard, world, "bound")
    token = zuid.headers["x-csrf-token"]
    noords = {"customer": str(world.noord.customers["bakery"]), "service": str(world.noord.services["bound"])}

    paths = [wizard.draft, *(f"{wizard.draft}/{step}" for step in ("services", "when", "check", "filed"))]
    seen = [(await zuid.get(path)).status_code for path in paths]
    sent = [
        (await zuid.post(path, data={"csrf_token": token, "version": "1"})).status_code for path in (*paths[1:4], f"{wizard.draft}/removal")
    ]
    looked = [
        (await zuid.get("/portal/terminations/preview", params={"service": noords["service"]})).status_code,
        (await zuid.get(NEW, params={"customer": noords["customer"]})).status_code,
        (await zuid.get(NEW, params={"customer": "x"})).status_code,
        (await zuid.post(NEW, data=noords | {"csrf_token": token})).status_code,
    ]

    assert set(seen + sent + looked) == {404}
    assert (await wizard.see("when")).status_code == 200


async def test_whoever_may_only_read_sees_dates_and_costs_and_files_nothing(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")
    async with browser() as reader:
        await sign_in(reader, world.noord.reader)
        services = await reader.get(NEW, params={"customer": str(world.noord.customers["bakery"])})
        preview = await reader.get(
            "/portal/terminations/preview",
            params={"service": str(world.noord.services["bound"]), "when": "date", "wished_on": "2026-12-31"},
        )
        token = {"csrf_token": reader.headers["x-csrf-token"]}
        refused = [
            await reader.get(f"{wizard.draft}/when"),
            await reader.post(f"{wizard.draft}/when", data=token),
            await reader.post(f"{wizard.draft}/removal", data=token),
            await reader.post(
                NEW, data=token | {"customer": str(world.noord.customers["bakery"]), "service": str(world.noord.services["bound"])}
            ),
        ]

    assert 'action="/portal/terminations/preview"' in services.text
    assert "EUR 1.173,07" in text(preview)
    assert "U mag kijken, niet indienen." in text(preview)
    assert NEW not in preview.text
    assert {answer.status_code for answer in refused} == {403}


async def test_a_partner_that_bills_in_its_own_name_sees_both_layers(world: World, zuid: httpx.AsyncClient) -> None:
    wizard = Wizard(zuid)
    await wizard.begin(world.zuid.customers["bakery"], world.zuid.services["bound"])

    when = text(await wizard.see("when", when="date", wished_on="2026-12-31"))

    # The provider charges 14 x EUR 60.00 x 75 % + EUR 25, with VAT; the customer's own price is another.
    assert when.count("Wat stoppen kost") == 2
    assert "EUR 792,55" in when
    assert "EUR 1.173,07" in when


async def test_a_day_of_the_table_is_tried_by_its_link_and_a_month_unfolds(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")

    tried = await wizard.see("when", on="2027-03-31")
    unfolded = await wizard.see("when", month="2027-03")

    assert fields_of(tried.text, f"{wizard.draft}/when")["when"] == "date"
    assert fields_of(tried.text, f"{wizard.draft}/when")["wished_on"] == "2027-03-31"
    assert "31 maart 2027" in text(tried)
    assert 'on=2027-03-17"' not in tried.text
    assert 'on=2027-03-17"' in unfolded.text
    assert (await wizard.fields("when"))["when"] == "free", "looking answers nothing"


async def test_htmx_gets_only_what_the_day_costs(wizard: Wizard, world: World) -> None:
    await bakery(wizard, world, "bound")

    part = await wizard.client.get(
        f"{wizard.draft}/when", params={"when": "date", "wished_on": "2026-12-31"}, headers={"HX-Request": "true"}
    )
    wrong = await wizard.client.get(
        f"{wizard.draft}/when", params={"when": "date", "wished_on": "2020-01-01"}, headers={"HX-Request": "true"}
    )

    assert "<html" not in part.text
    assert "EUR 1.173,07" in text(part)
    assert "Deze dag is voorbij" in text(wrong)


async def test_no_step_asks_the_database_more_than_twelve_times(wizard: Wizard, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    await bakery(wizard, world, "free", "bound")
    await wizard.to_check(afterwards=True)
    for name in ("fetch", "fetchrow", "execute"):
        whole = getattr(db._Connection, name)

        async def counted(self: Any, sql: str, *args: Any, whole: Any = whole) -> Any:
            asked.append(sql)
            return await whole(self, sql, *args)

        monkeypatch.setattr(db._Connection, name, counted)

    for path in (
        NEW,
        f"{NEW}?customer={world.noord.customers['bakery']}",
        *(f"{wizard.draft}/{step}" for step in ("services", "when", "afterwards", "costs", "reason", "contact", "check")),
    ):
        asked.clear()
        assert (await wizard.client.get(path)).status_code == 200
        assert len(asked) <= 12, (path, asked)


async def test_what_was_filed_comes_on_paper_as_well(wizard: Wizard, world: World, zuid: httpx.AsyncClient) -> None:
    await bakery(wizard, world, "bound")
    await wizard.to_check(when={"when": "date", "wished_on": "2026-12-31"}, afterwards=True)
    await wizard.answer("check")
    waiting = await wizard.see("filed")
    too_early = await wizard.see("filed.pdf")

    await outbox.drain()
    polled = await wizard.client.get(f"{wizard.draft}/filed", headers={"HX-Request": "true"})
    letter = await wizard.see("filed.pdf")

    assert "De pdf wordt gemaakt" in text(waiting)
    assert too_early.status_code == 404
    assert f'href="{wizard.draft}/filed.pdf"' in polled.text
    assert "<html" not in polled.text
    assert (letter.status_code, letter.headers["content-type"]) == (200, "application/pdf")
    (case,) = await cases(wizard.client)
    said = " ".join(page.extract_text() for page in PdfReader(BytesIO(letter.content)).pages)
    for words in (
        case["number"],
        "31 december 2026",
        "14 mnd x EUR 89,95 x 75 %",
        "EUR 1.173,07",
        "geen bevestiging",
        "Niet bekend of niet gezegd",
    ):
        assert words in re.sub(r"\s+", " ", said), words
    assert (await zuid.get(f"{wizard.draft}/filed.pdf")).status_code == 404


async def test_of_very_many_services_some_are_shown_and_the_others_found(wizard: Wizard, world: World) -> None:
    customer = world.noord.customers["private"]
    async with db.unit_of_work(world.noord.principal()):
        for nth in range(103):
            await make_service(world.noord, customer, label=f"Aansluiting {nth:03d}")
    asked = {"customer": str(customer)}

    page = await wizard.client.get(NEW, params=asked)
    found = await wizard.client.get(NEW, params=asked | {"q": "sluiting 102"}, headers={"HX-Request": "true"})
    (late,) = re.findall(r'value="([0-9a-f-]{36})" id="service-', found.text)
    together = await wizard.client.get(NEW, params=asked | {"q": "aansluiting 001", "service": late}, headers={"HX-Request": "true"})

    assert page.text.count('class="candidate"') == 100
    assert "Typ een deel van de naam om de andere te vinden." in text(page)
    assert "<html" not in found.text
    assert [label in text(together) for label in ("Aansluiting 102", "Aansluiting 001", "Aansluiting 002")] == [True, True, False]
    assert (await wizard.begin(customer, UUID(late))).endswith("/when")
