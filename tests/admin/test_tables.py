"""What the generated admin serves, to whom, and in which words; what of it can be changed, and how each change is judged."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

import admin.site
from admin.column_names import COLUMNS
from admin.screens import NOBODY, _is_hidden
from billing.service import parties
from partner_portal.infra import clock, db
from partner_portal.kernel.actor import StaffRole
from tenants.policy import fingerprint
from tests.admin.conftest import SignsIn
from tests.conftest import browser, sign_in
from tests.tenants.people import main_user, signed_in
from tests.world import STAFF_DOOR, World

LISTED = {listed.name: listed for listed in admin.site.TABLES}
HISTORY = [name for name, listed in LISTED.items() if not listed.rights.create | listed.rights.change | listed.rights.remove]
MONEY = [
    "termination", "termination_line", "termination_step", "termination_buyout_decision", "termination_quote", "billing_terms_change",
    "billing_invoice", "billing_line", "billing_charge", "billing_payment", "billing_allocation", "billing_order", "billing_offer_price",
]  # fmt: skip


async def one(sql: str, *args: Any) -> Any:
    """The first row, seen by staff."""
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch_one(sql, *args)


async def trail(relation: str) -> list[Any]:
    """The entries of the audit trail about a table, newest last."""
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch("SELECT actor, action, changes FROM infra_audit WHERE relation = $1 ORDER BY at", relation)


async def test_exactly_the_listed_tables_are_served(administrator: httpx.AsyncClient) -> None:
    routes: Any = admin.site.router().routes
    [api] = [route.app for route in routes if getattr(route, "path", "") == "/api"]
    served = {route.path.split("/")[2] for route in api.app.routes if route.path.startswith("/tables/")} - {"", "grouped"}
    assert served == set(LISTED)
    assert "staff_session" not in served
    assert (await administrator.get("/admin/api/tables/")).json() == list(LISTED)


def test_money_and_history_are_nobodys_to_change() -> None:
    assert set(MONEY) <= set(HISTORY)


async def test_no_verb_changes_history(administrator: httpx.AsyncClient, world: World) -> None:
    await world_row(world)
    for name in HISTORY:
        address = f"/admin/api/tables/{name}/"
        row = await one(f"SELECT id FROM {name} LIMIT 1")  # noqa: S608  # names from our own list
        refused = [await administrator.post(address, json={}), await administrator.delete(address)]
        if row is not None:
            single = f"{address}{row['id']}/"
            refused += [
                await administrator.put(single, json={}),
                await administrator.patch(single, json={}),
                await administrator.delete(single),
            ]
        assert {answer.status_code for answer in refused} == {405}, name


async def world_row(world: World) -> None:
    """Some rows of history: a service whose terms were changed."""
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO billing_terms_change (id, tenant, service, reason, changes, decided_by)"
            " VALUES (gen_random_uuid(), $1, $2, 'was wrong', '{}', 'staff:1')",
            *(world.noord.id, world.noord.services["free"]),
        )


async def test_no_table_takes_a_whole_row_or_loses_rows_in_bulk(administrator: httpx.AsyncClient) -> None:
    for name in LISTED.keys() - set(HISTORY):
        address = f"/admin/api/tables/{name}/"
        row = await one(f"SELECT id FROM {name} LIMIT 1")  # noqa: S608  # names from our own list
        assert row is None or (await administrator.put(f"{address}{row['id']}/", json={})).status_code == 405, name
        assert (await administrator.delete(address)).status_code == 405, name
        assert name == "staff_role" or LISTED[name].rights.remove == NOBODY


@pytest.mark.parametrize(
    ("role", "sees", "not_these"),
    [
        (StaffRole.FINANCE, {"termination", "customer", "billing_buyout_rule", "infra_outbox"}, {"infra_audit", "piccolo_user", "api_key"}),
        (StaffRole.SERVICE_DESK, {"termination", "customer", "member", "api_key"}, {"infra_audit", "staff_role"}),
        (StaffRole.EDITOR, {"knowledge_base_article"}, set(LISTED) - {"knowledge_base_article"}),
        (StaffRole.ADMINISTRATOR, set(LISTED), set()),
    ],
)
async def test_a_role_sees_its_tables_in_the_menu_and_no_others_by_address(
    role: StaffRole, sees: set[str], not_these: set[str], staff: SignsIn
) -> None:
    client = await staff(role)
    menu = set((await client.get("/admin/api/tables/")).json())
    grouped = (await client.get("/admin/api/tables/grouped/")).json()["grouped"]
    assert sees <= menu
    assert not menu & not_these
    assert menu == {name for names in grouped.values() for name in names}
    for name in LISTED:
        answers = [
            (await client.get(f"/admin/api/tables/{name}/{part}")).status_code
            for part in ("", "schema/", "ids/", "count/", "new/", "references/")
        ]
        assert set(answers) == {200 if name in menu else 403}, name


async def test_without_a_role_an_account_sees_nothing(staff: SignsIn) -> None:
    nobody = await staff()
    assert (await nobody.get("/admin/api/tables/")).json() == []
    assert (await nobody.get("/admin/api/forms/")).json() == []
    assert (await nobody.get("/admin/api/tables/customer/")).status_code == 403
    assert (await nobody.get("/admin/work-list")).status_code == 403


async def test_only_the_service_desk_changes_customers(world: World, staff: SignsIn) -> None:
    finance, desk = await staff(StaffRole.FINANCE), await staff(StaffRole.SERVICE_DESK)
    row = f"/admin/api/tables/customer/{world.noord.customers['bakery']}/"

    assert (await finance.patch(row, json={"name": "Bakkerij De Kruimel"})).status_code == 403
    changed = await desk.patch(row, json={"name": "Bakkerij De Kruimel"})

    assert changed.status_code == 200, changed.text
    kept = await one("SELECT name, version FROM customer WHERE id = $1", world.noord.customers["bakery"])
    assert (kept["name"], kept["version"]) == ("Bakkerij De Kruimel", 2)


async def test_a_change_stands_in_the_trail_with_who_made_it(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK, name="dirk")
    user = await one("SELECT id FROM piccolo_user WHERE username = 'dirk'")
    await desk.patch(f"/admin/api/tables/customer/{world.noord.customers['bakery']}/", json={"segment": "OTHER_BIZ"})
    entry = (await trail("customer"))[-1]
    assert entry["actor"] == f"staff:{user['id']}"
    assert '"segment": ["PROTECTED_BIZ", "OTHER_BIZ"]' in entry["changes"]


async def test_a_wrong_value_is_named_by_its_field_and_nothing_changes(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    row = f"/admin/api/tables/customer/{world.noord.customers['bakery']}/"
    answer = await desk.patch(row, json={"segment": "FRIEND", "name": "Anders"})
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.json()["detail"]] == [["Segment"]]
    assert (await one("SELECT name FROM customer WHERE id = $1", world.noord.customers["bakery"]))["name"] == "Bakkerij De Korst"


async def test_terms_in_force_are_not_changed_in_the_row(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    service = f"/admin/api/tables/billing_service/{world.noord.services['bound']}/"
    refused = await desk.patch(service, json={"fee_cents": "10.00", "minimum_months": 1})
    assert refused.status_code == 422
    assert sorted(fault["loc"][0] for fault in refused.json()["detail"]) == ["Maandbedrag (EUR)", "Minimumtermijn (maanden)"]
    assert (await desk.patch(service, json={"label": "Webwinkel"})).status_code == 200
    kept = await one("SELECT label, fee_cents, version FROM billing_service WHERE id = $1", world.noord.services["bound"])
    assert tuple(kept) == ("Webwinkel", 8995, 2)


async def test_amounts_are_read_and_typed_in_euros(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    listed = (await desk.get("/admin/api/tables/billing_service/", params={"number": "NRD-S-00002"})).json()["rows"]
    single = (await desk.get(f"/admin/api/tables/billing_service/{world.noord.services['bound']}/")).json()
    assert listed[0]["fee_cents"] == "89,95"
    assert listed[0]["starts_on"] == "01-03-2026"
    assert single["fee_cents"] == "89.95"


async def test_a_service_is_entered_as_the_api_enters_it(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    product = await one("SELECT id FROM billing_product WHERE code = 'hosting'")
    sent = (await desk.get("/admin/api/tables/billing_service/new/")).json()
    sent |= {"customer": str(world.zuid.customers["bakery"]), "product": str(product["id"]), "label": "Mail", "fee_cents": "12.50",
             "starts_on": "2026-11-01", "signed_on": "2026-11-01", "paid_until": "2026-12-01", "number": ""}  # fmt: skip

    contradictory = await desk.post("/admin/api/tables/billing_service/", json=sent | {"renewal": "FIXED", "minimum_months": "12"})
    assert contradictory.status_code == 422
    assert contradictory.json()["detail"][0]["loc"] == ["Verlenging (maanden)"]

    entered = await desk.post("/admin/api/tables/billing_service/", json=sent | {"ended_at": "2026-01-01T00:00:00Z", "version": 7})
    assert entered.status_code == 201, entered.text
    row = await one("SELECT tenant, number, fee_cents, ended_at, version FROM billing_service WHERE label = 'Mail'")
    assert tuple(row) == (world.zuid.id, "ZUD-S-00003", 1250, None, 1)


async def test_a_contact_belongs_to_the_partner_of_its_customer(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    sent = {
        "customer": str(world.noord.customers["bakery"]),
        "tenant": str(world.zuid.id),
        "name": "Bea",
        "email": "bea@klant.example.com",
        "is_main": True,
    }
    added = await desk.post("/admin/api/tables/contact/", json=sent)
    assert added.status_code == 201, added.text
    row = await one("SELECT tenant, is_main FROM contact WHERE name = 'Bea'")
    assert tuple(row) == (world.noord.id, False)


async def test_finance_enters_under_which_reference_and_address_a_public_body_is_billed(world: World, staff: SignsIn) -> None:
    finance, desk = await staff(StaffRole.FINANCE), await staff(StaffRole.SERVICE_DESK)
    bakery = world.noord.customers["bakery"]
    sent = {
        "customer": str(bakery), "buyer_reference": "PO 4711", "endpoint_scheme": "0190", "endpoint_id": "00000001234567890000", "is_collective": True,
    }  # fmt: skip

    assert (await desk.post("/admin/api/tables/billing_account/", json=sent)).status_code == 403
    wrong = await finance.post("/admin/api/tables/billing_account/", json=sent | {"endpoint_id": "1234"})
    assert (wrong.status_code, "OIN" in wrong.text) == (422, True), wrong.text
    added = await finance.post("/admin/api/tables/billing_account/", json=sent)
    assert added.status_code == 201, added.text
    again = await finance.post("/admin/api/tables/billing_account/", json=sent)
    assert again.status_code == 422, "a customer has one"

    row = await one("SELECT id, tenant FROM billing_account WHERE customer = $1", bakery)
    assert row["tenant"] == world.noord.id
    changed = await finance.patch(
        f"/admin/api/tables/billing_account/{row['id']}/", json={"buyer_reference": "PO 4712", "payment_days": 14}
    )
    assert changed.status_code == 200, changed.text
    refused = await finance.patch(f"/admin/api/tables/billing_account/{row['id']}/", json={"endpoint_scheme": "1234"})
    assert refused.status_code == 422
    async with db.unit_of_work(STAFF_DOOR):
        debtor = await parties.debtor(world.noord.id, bakery, clock.today())
    assert (debtor.buyer_reference, debtor.payment_days, debtor.party.endpoint_scheme, debtor.party.endpoint_id) == (
        "PO 4712", 14, "0190", "00000001234567890000",
    )  # fmt: skip


async def test_a_vat_number_is_one_and_is_kept_tidily(world: World, staff: SignsIn) -> None:
    desk, administrator = await staff(StaffRole.SERVICE_DESK), await staff(StaffRole.ADMINISTRATOR, name="beheer")
    for client, table, row in ((desk, "customer", world.noord.customers["bakery"]), (administrator, "tenant", world.zuid.id)):
        address = f"/admin/api/tables/{table}/{row}/"
        assert (await client.patch(address, json={"vat_id": "NL1"})).status_code == 422
        assert (await client.patch(address, json={"vat_id": "nl 1234.56.782.b90"})).status_code == 200
        kept = await one(f"SELECT vat_id FROM {table} WHERE id = $1", row)  # noqa: S608  # our own tables
        assert kept["vat_id"] == "NL123456782B90"


async def test_a_brand_colour_must_be_one(world: World, administrator: httpx.AsyncClient) -> None:
    row = f"/admin/api/tables/tenant/{world.noord.id}/"
    assert (await administrator.patch(row, json={"brand_colour": "blauw"})).status_code == 422
    assert (await administrator.patch(row, json={"brand_colour": "#AA3300"})).status_code == 200
    assert (await administrator.patch(row, json={"code": "ANDERS"})).status_code == 422


async def test_a_blocked_user_of_a_partner_is_signed_out_at_once(world: World, noord: httpx.AsyncClient, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    member = await one("SELECT id FROM member WHERE email = $1", world.noord.owner)
    assert (await noord.get("/api/v1/customers")).status_code == 200
    blocked = await desk.patch(f"/admin/api/tables/member/{member['id']}/", json={"disabled_at": "2026-11-22T12:00:00Z"})
    assert blocked.status_code == 200, blocked.text
    assert (await noord.get("/api/v1/customers")).status_code == 401


async def test_no_secret_and_no_hash_leaves_the_server(world: World, noord: httpx.AsyncClient, administrator: httpx.AsyncClient) -> None:
    key = (await noord.post("/api/v1/api-keys", json={"name": "Koppeling", "scopes": ["read"]})).json()["key"]
    member = await one("SELECT id FROM member WHERE email = $1", world.noord.owner)
    seen = await administrator.get(f"/admin/api/tables/member/{member['id']}/")
    asked = await administrator.get(
        "/admin/api/tables/api_key/", params={"__visible_fields": "name,secret_sha256", "__order": "secret_sha256"}
    )
    account = await administrator.get("/admin/api/tables/piccolo_user/1/")
    told = seen.text + asked.text + account.text
    assert asked.status_code == 200
    assert "Koppeling" in asked.text
    assert fingerprint(key) not in told
    assert "argon2" not in told
    assert "pbkdf2" not in told


async def test_bands_of_a_scale_must_rise(administrator: httpx.AsyncClient) -> None:
    rule = {
        "name": "Staffel",
        "method": "FULL_STARTED",
        "scale": "by_contract_month",
        "percentage": "0",
        "avoided_percentage": "0",
        "handling_cents": "12.50",
    }
    falling = '[{"from_month": 13, "percentage": "50"}, {"from_month": 1, "percentage": "75"}]'
    rising = '[{"from_month": 1, "percentage": "75"}, {"from_month": 13, "percentage": "50"}]'
    assert (await administrator.post("/admin/api/tables/billing_buyout_rule/", json=rule | {"bands": falling})).status_code == 422
    assert (await administrator.post("/admin/api/tables/billing_buyout_rule/", json=rule | {"bands": rising})).status_code == 201
    assert (await one("SELECT handling_cents FROM billing_buyout_rule WHERE name = 'Staffel'"))["handling_cents"] == 1250


async def test_an_editor_publishes_an_answer_that_readers_then_see(world: World, staff: SignsIn, stranger: httpx.AsyncClient) -> None:
    editor = await staff(StaffRole.EDITOR)
    draft = {"language": "nl", "audience": "public", "question": "Hoe zeg ik op?", "answer": "Via uw partner.", "review_on": "2027-06-01"}
    assert (await editor.post("/admin/api/tables/knowledge_base_article/", json=draft)).status_code == 201
    assert (await stranger.get("/api/v1/articles")).json()["items"] == []

    row = await one("SELECT id, changed_at FROM knowledge_base_article")
    published = {"published_at": "2026-11-01T09:00:00Z", "answer": "Via uw partner, of met de link."}
    assert (await editor.patch(f"/admin/api/tables/knowledge_base_article/{row['id']}/", json=published)).status_code == 200

    assert [item["answer"] for item in (await stranger.get("/api/v1/articles")).json()["items"]] == ["Via uw partner, of met de link."]
    assert (await one("SELECT changed_at FROM knowledge_base_article"))["changed_at"] > row["changed_at"]


async def test_the_last_administrator_keeps_the_role_and_nobody_blocks_themselves(administrator: httpx.AsyncClient) -> None:
    role = await one("SELECT id, \"user\" FROM staff_role WHERE role = 'administrator'")
    kept = await administrator.delete(f"/admin/api/tables/staff_role/{role['id']}/")
    own = await administrator.patch(f"/admin/api/tables/piccolo_user/{role['user']}/", json={"active": False})
    assert kept.status_code == own.status_code == 422
    assert "laatste beheerder" in kept.text


async def test_a_closed_account_is_out_at_once(finance: httpx.AsyncClient, administrator: httpx.AsyncClient) -> None:
    fien = await one("SELECT id FROM piccolo_user WHERE username = 'fien'")
    assert (await finance.get("/admin/api/user/")).status_code == 200
    closed = await administrator.patch(f"/admin/api/tables/piccolo_user/{fien['id']}/", json={"active": False})
    assert closed.status_code == 200, closed.text
    assert (await finance.get("/admin/api/user/")).status_code == 401
    entry = (await trail("piccolo_user"))[-1]
    assert '"active": [true, false]' in entry["changes"]


@pytest.mark.parametrize(
    ("language", "title", "state", "table"),
    [("nl", "Laatste dag", "Wacht op financiële administratie", "Opzeggingen"), ("en", "Last day", "Waiting for finance", "Terminations")],
)
async def test_columns_values_and_tables_are_named_in_the_readers_language(
    language: str, title: str, state: str, table: str, staff: SignsIn
) -> None:
    client = await staff(StaffRole.FINANCE, language=language)
    schema = (await client.get("/admin/api/tables/termination/schema/")).json()["properties"]
    assert schema["ends_on"]["title"] == title
    assert schema["state"]["extra"]["choices"]["waiting_for_finance"]["display_name"] == state
    assert (await client.get("/admin/labels/")).json()["tables"]["termination"] == table


def test_every_column_that_is_shown_has_a_name() -> None:
    columns = {column._meta.name for listed in LISTED.values() for column in listed.table._meta.columns if not _is_hidden(column)}
    assert columns - COLUMNS.keys() - {"id"} == set()


async def test_another_partners_user_is_no_staff(world: World) -> None:
    async with browser() as client:
        await sign_in(client, world.noord.owner)
        assert (await client.get("/admin/api/tables/")).status_code == 401
        assert (await client.get("/admin/work-list")).status_code == 303


async def test_a_suspended_partner_is_out_at_once_with_its_people_its_customers_and_its_software(
    world: World, noord: httpx.AsyncClient, administrator: httpx.AsyncClient
) -> None:
    key = (await noord.post("/api/v1/api-keys", json={"name": "Koppeling", "scopes": ["read"]})).json()["key"]
    async with browser(headers={"authorization": f"Bearer {key}"}) as software, signed_in(await main_user(world.noord)) as contact:
        ways = [(noord, "/api/v1/customers"), (software, "/api/v1/customers"), (contact, "/api/v1/own/contacts")]
        before = [(await client.get(path)).status_code for client, path in ways]

        row = f"/admin/api/tables/tenant/{world.noord.id}/"
        assert (await administrator.patch(row, json={"suspended_at": "2026-11-22T10:00:00Z"})).status_code == 200

        after = [(await client.get(path)).status_code for client, path in ways]
    assert (before, after) == ([200, 200, 200], [401, 401, 401])


async def test_a_contact_is_signed_out_when_staff_change_its_address_and_the_main_user_stays(world: World, staff: SignsIn) -> None:
    desk = await staff(StaffRole.SERVICE_DESK)
    email = await main_user(world.noord)
    row = await one("SELECT id FROM contact WHERE email = $1 AND tenant = $2", email, world.noord.id)
    path = f"/admin/api/tables/contact/{row['id']}/"
    async with signed_in(email) as contact:
        ended = await desk.patch(path, json={"active_until": "2026-11-21"})
        assert (ended.status_code, (await contact.get("/api/v1/own/contacts")).status_code) == (422, 200)
        moved = await desk.patch(path, json={"email": "elders@klant.example.com", "may_sign": True})
        assert (moved.status_code, (await contact.get("/api/v1/own/contacts")).status_code) == (200, 401)
