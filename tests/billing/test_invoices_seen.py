"""Invoices as partners, customers and software see them: lists with filters and sums, the document, its files; never another's."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from pypdf import PdfReader

from billing.policy.ledger import Kind, Label, Layer
from billing.service import documents, invoice_list
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal
from tests.billing.money import issue, line, pay
from tests.tenants import people
from tests.world import World

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")


@pytest_asyncio.fixture(loop_scope="session")
async def baker(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The bakery's main contact, signed in."""
    async with people.signed_in(await people.main_user(world.noord)) as client:
        yield client


async def billed(world: World) -> dict[str, UUID]:
    """Noord's bakery with something in every state, and a consumer."""
    bakery, private = world.noord.customers["bakery"], world.noord.customers["private"]
    made = {"old": await issue(world.noord.id, bakery, [line(1000)])}
    clock.set_to(clock.now() + timedelta(days=40))
    made |= {
        "paid": await issue(world.noord.id, bakery, [line(2000)]),
        "unpaid": await issue(world.noord.id, bakery, [line(3000)]),
        "credited": await issue(world.noord.id, bakery, [line(4000)]),
        "private": await issue(world.noord.id, private, [line(5000)]),
    }
    await pay(made["paid"], 2420)
    made["credit"] = await issue(
        world.noord.id, bakery, [line(4000)], kind=Kind.CREDIT_NOTE, refers_to=made["credited"], reason="Dubbel berekend"
    )
    return made


async def listed(client: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await client.get(f"/api/v1/invoices{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


class TestTheApi:
    """As software reads it."""

    async def test_lists_the_newest_first_page_by_page(self, world: World, noord: httpx.AsyncClient) -> None:
        made = await billed(world)

        first = await noord.get("/api/v1/invoices?limit=4")
        rest = await noord.get(first.json()["next"] and f"/api/v1/invoices?limit=4&after={first.json()['next']}")

        seen = [row["id"] for row in first.json()["items"] + rest.json()["items"]]
        assert len(seen) == 6
        assert seen[-1] == str(made["old"])
        assert set(seen) == {str(one) for one in made.values()}

    @pytest.mark.parametrize(
        ("state", "expected"), [("overdue", {"old"}), ("paid", {"paid"}), ("unpaid", {"unpaid", "private"}), ("credited", {"credited"})]
    )
    async def test_finds_documents_by_where_they_stand(
        self, world: World, noord: httpx.AsyncClient, state: str, expected: set[str]
    ) -> None:
        made = await billed(world)

        assert set(await listed(noord, f"?state={state}")) == {str(made[name]) for name in expected}

    async def test_finds_them_by_number_figure_reference_and_customer(self, world: World, noord: httpx.AsyncClient) -> None:
        made = await billed(world)
        async with db.unit_of_work(world.noord.principal()):
            document = await documents.one(made["private"])

        for asked in (document.number, document.number.lower(), document.reference, "Particulier", str(int(document.number[-6:]))):
            assert str(made["private"]) in await listed(noord, f"?q={asked}"), asked
        assert await listed(noord, "?q=xyzzy") == []
        assert len(await listed(noord, f"?customer={world.noord.customers['private']}")) == 1

    async def test_shows_lines_vat_and_what_settled_it(self, world: World, noord: httpx.AsyncClient) -> None:
        made = await billed(world)

        paid = (await noord.get(f"/api/v1/invoices/{made['paid']}")).json()
        credited = (await noord.get(f"/api/v1/invoices/{made['credited']}")).json()

        assert (paid["state"], paid["total"]["amount"], paid["open"]["amount"]) == ("paid", "24.20", "0.00")
        assert paid["lines"][0] | {"net": None, "amount": None} == paid["lines"][0] | {"net": None, "amount": None}
        assert [(one["rate"], one["vat"]["amount"]) for one in paid["vat_lines"]] == [("21.00", "4.20")]
        assert [one["amount"]["amount"] for one in paid["settled_by"]] == ["24.20"]
        assert [one["reason"] for one in credited["credit_notes"]] == ["Dubbel berekend"]

    async def test_gives_the_original_and_the_e_invoice_byte_for_byte(self, world: World, noord: httpx.AsyncClient) -> None:
        invoice = await issue(world.noord.id, world.noord.customers["bakery"])
        early = await noord.get(f"/api/v1/invoices/{invoice}.pdf")
        await outbox.drain()
        original = await noord.get(f"/api/v1/invoices/{invoice}.pdf")
        xml = await noord.get(f"/api/v1/invoices/{invoice}.xml")
        copy = await noord.get(f"/api/v1/invoices/{invoice}.pdf?copy=true")

        assert early.status_code == 503
        assert original.headers["content-type"] == "application/pdf"
        assert "Origineel" in _read(original.content)
        assert "Kopie" in _read(copy.content)
        assert [list(PdfReader(io.BytesIO(one.content)).attachments) for one in (original, copy)] == [["factur-x.xml"], []]
        assert xml.headers["content-type"].startswith("application/xml")
        assert b"urn:oasis:names:specification:ubl" in xml.content
        assert (await noord.get(f"/api/v1/invoices/{invoice}.doc")).status_code == 404
        assert (await noord.get("/api/v1/invoices/nonsense")).status_code == 404


def _read(content: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


@pytest.mark.parametrize("form", ["", ".pdf", ".xml", ".pdf?copy=true"])
@pytest.mark.parametrize("place", ["/api/v1/invoices", "/portal/invoices"])
async def test_another_partners_document_does_not_exist(world: World, zuid: httpx.AsyncClient, place: str, form: str) -> None:
    invoice = await issue(world.noord.id, world.noord.customers["bakery"])
    await outbox.drain()

    assert (await zuid.get(f"{place}/{invoice}{form}")).status_code == 404


class TestACustomerSees:
    """Its own documents, of its own layer."""

    async def test_its_own_and_no_others(self, world: World, baker: httpx.AsyncClient) -> None:
        made = await billed(world)
        await outbox.drain()

        page = await baker.get("/portal/own/invoices")
        assert page.status_code == 200
        for name, invoice in made.items():
            assert (str(invoice) in page.text) is (name != "private")
            for form in ("", ".pdf", ".xml"):
                assert (await baker.get(f"/portal/own/invoices/{invoice}{form}")).status_code == (404 if name == "private" else 200), (
                    name,
                    form,
                )
        assert (await baker.get(f"/portal/invoices/{made['old']}")).status_code == 403

    async def test_nothing_of_what_its_partner_pays(self, world: World) -> None:
        wholesale = await issue(world.zuid.id, None, layer=Layer.PARTNER)
        async with db.unit_of_work(Principal(Door.TENANT, world.zuid.id, "contact:x", world.zuid.customers["bakery"])):
            assert await documents.several([wholesale]) == []


class TestPages:
    """As people read it."""

    async def test_the_list_adds_up_what_the_filter_shows(self, world: World, noord: httpx.AsyncClient) -> None:
        await billed(world)

        page = (await noord.get("/portal/invoices", headers={"accept-language": "nl"})).text

        assert "6 documenten" in page or "6 documents" in page
        # 12,10 + 24,20 + 36,30 + 48,40 + 60,50 - 48,40
        assert "133" in page

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    async def test_the_list_goes_along_as_a_file(self, world: World, noord: httpx.AsyncClient, kind: str) -> None:
        await billed(world)

        answer = await noord.get(f"/portal/invoices/export.{kind}?state=paid")

        assert answer.status_code == 200
        assert answer.headers["content-disposition"].endswith(f'.{kind}"')

    async def test_a_document_says_why_each_line_is_there(self, world: World, noord: httpx.AsyncClient) -> None:
        made = await billed(world)

        page = (await noord.get(f"/portal/invoices/{made['credit']}")).text

        assert "Dubbel berekend" in page
        assert str(made["credited"]) in page
        assert "<details><summary>" in page

    async def test_the_customers_page_has_them_as_a_part(self, world: World, noord: httpx.AsyncClient) -> None:
        made = await billed(world)

        page = (await noord.get(f"/portal/customers/{world.noord.customers['private']}/invoices")).text

        assert str(made["private"]) in page
        assert str(made["paid"]) not in page


async def test_the_states_of_the_list_are_the_labels_of_the_rule(world: World) -> None:
    await billed(world)
    async with db.unit_of_work(world.noord.principal()):
        everything = await invoice_list.page(invoice_list.LISTING.window(), invoice_list.Filter())
        by_sql: dict[Label, set[Any]] = {}
        for label in Label:
            found = await invoice_list.page(invoice_list.LISTING.window(), invoice_list.Filter(state=label))
            by_sql[label] = {row["id"] for row in found.rows}

    assert by_sql == {label: {row["id"] for row in everything.rows if documents.label_of(row) == label} for label in Label}
