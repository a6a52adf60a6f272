"""On every own page of the admin what is wrong stands at its field and on top, with a way to the field, and nothing typed is lost."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, Field

from admin import access, saying
from partner_portal.infra import db
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.errors import FieldError, Invalid
from tests.admin.conftest import SignsIn, enter
from tests.world import STAFF_DOOR, World

LONG = "x" * 4001
WRONG: list[tuple[str, str, dict[str, str], dict[str, str]]] = [
    ("/admin/mandates", "enter", {"holder": "De Korst", "iban": "NL00", "announced_days": "veel", "scheme": "CORE"},
     {"customer": "Klantnummer", "iban": "Rekening (IBAN)", "signed_on": "Getekend op", "announced_days": "Dagen vooraf"}),
    ("/admin/indexation", "look", {"what": "offers", "percentage": "veel", "reason": "CPI", "round_to_cents": "1"},
     {"percentage": "Percentage, bijvoorbeeld 3,4", "since": "Vanaf welke dag"}),
    ("/admin/indexation", "decide", {"what": "services", "percentage": "3,4", "since": "2020-01-01", "reason": "CPI"}, {"since": "Vanaf welke dag"}),
    ("/admin/statements", "import", {}, {"file": "CAMT.053, CAMT.054 of MT940"}),
    ("/admin/reminders?show=held", "hold", {"reason": "disputed", "note": "Klant belt"}, {"number": "Nummer van de factuur of van de klant"}),
    ("/admin/late", "plan", {"numbers": "NIETS-1", "agreed_with": "Bea"}, {}),
    ("/admin/late?show=costs", "waive", {"number": "NIETS-1", "note": "Vaste klant"}, {"number": "Factuurnummer"}),
    ("/admin/late?show=written-off", "write-off", {"number": "NIETS-1", "reason": "bankrupt", "note": "Curator"}, {"number": "Nummer van het document"}),
]  # fmt: skip


async def sent(client: httpx.AsyncClient, path: str, decision: str, typed: dict[str, str]) -> httpx.Response:
    """The form of the page with this button pressed."""
    seen = await client.get(path)
    assert seen.status_code == 200, seen.text
    token = re.search(r'name="csrf_token" value="([\w.=-]+)"', seen.text)
    assert token
    return await client.post(path.partition("?")[0], data={"csrf_token": token[1], "decision": decision, **typed})


@pytest.mark.parametrize(("path", "decision", "typed", "wrong"), WRONG, ids=lambda given: given if isinstance(given, str) else "")
async def test_what_is_wrong_stands_at_its_field_and_on_top_and_nothing_typed_is_lost(
    world: World, finance: httpx.AsyncClient, path: str, decision: str, typed: dict[str, str], wrong: dict[str, str]
) -> None:
    answer = await sent(finance, path, decision, typed)
    page = unescape(re.sub(r"\s+", " ", answer.text))

    assert answer.status_code == 422, answer.text
    on_top = page[page.index("Er klopt nog iets niet") :][:2000]
    for name, label in wrong.items():
        assert f'href="#{name}">{label}: ' in on_top, (name, on_top)
        assert re.search(f'id="{name}"[^>]* aria-invalid="true"', page), name
        assert f'id="{name}-error"' in page, name
    for name, text in typed.items():
        assert f'value="{text}"' in page or f">{text}</textarea>" in page or name == "round_to_cents", (name, text)
    assert "null" not in on_top


async def test_what_is_longer_than_anything_may_be_is_said_and_not_cut(world: World, finance: httpx.AsyncClient) -> None:
    answer = await sent(finance, "/admin/late?show=costs", "waive", {"number": "NIETS-1", "note": LONG})

    assert answer.status_code == 422
    assert LONG in answer.text
    assert 'href="#note"' in answer.text


@pytest.mark.usefixtures("world")
def test_a_fault_is_called_as_the_field_is_where_it_is_typed() -> None:
    class Typed(BaseModel):
        since: str = Field(title="From which day")

    fault = Invalid(FieldError("/since", "missing"))
    titles: dict[str, str] = {name: str(field.title) for name, field in Typed.model_fields.items()}

    assert saying.text(fault, "nl", titles).startswith("Vanaf welke dag: ")
    assert saying.text(fault, "nl").startswith("Sinds: ")
    typed = Invalid(FieldError("/since", "type", {"expected": "date or null", "got": "string"}))
    assert saying.text(typed, "nl", titles) == "Vanaf welke dag: Vul een dag (zoals 2026-12-31) in, of laat dit leeg."


async def test_whoever_did_something_is_called_by_name_and_the_portal_by_itself(world: World, staff: SignsIn) -> None:
    user = await enter("frits")
    async with db.unit_of_work(STAFF_DOOR):
        names = await access.people([f"staff:{user}", SYSTEM.trail, None, "staff:999999", "staff:x"])

    assert names == {f"staff:{user}": "Frits van Kadetel"}


async def test_what_waits_is_read_and_the_mail_of_it_is_stopped_and_sent_again(
    world: World, finance: httpx.AsyncClient, staff: SignsIn
) -> None:
    seen = (await finance.get("/admin/waiting")).text
    assert "Er wacht niets op u" in unescape(seen) or "Wat op u wacht" in seen

    off = await sent(finance, "/admin/waiting", "off", {})
    after = (await finance.get(off.headers["location"])).text
    assert (off.status_code, "staat uit" in after, "komt niet meer" in after) == (303, True, True)
    on = await sent(finance, "/admin/waiting", "on", {})
    assert "Stop de dagelijkse mail" in (await finance.get(on.headers["location"])).text
    editor: Any = await staff(name="niemand")
    assert (await editor.get("/admin/waiting")).status_code == 403
