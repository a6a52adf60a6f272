"""What a debtor has coming waits where finance looks, with its age, until it is settled or given back."""

from __future__ import annotations

import re

import httpx

from tests.admin.conftest import PASSWORD
from tests.billing.bank import PAYER_IBAN
from tests.billing.money import issue, line
from tests.world import World

PATH = "/admin/refunds"


async def page(client: httpx.AsyncClient, path: str = PATH) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


async def press(client: httpx.AsyncClient, decision: str, **typed: str) -> httpx.Response:
    token = re.search(r'name="csrf_token" value="([\w.=-]+)"', await page(client, "/admin/waiting"))  # always a form there
    assert token
    return await client.post(PATH, data={"csrf_token": token[1], "decision": decision, **typed})


async def prove(client: httpx.AsyncClient) -> None:
    """The password is given again: the debtor is not known by this account."""
    token = re.search(r'name="csrf_token" value="([\w.=-]+)"', await page(client, "/admin/password-again"))
    assert token
    typed = {"csrf_token": token[1], "next": PATH, "password": PASSWORD}
    assert (await client.post("/admin/password-again", data=typed)).status_code == 303


async def test_a_document_below_zero_waits_until_its_debtor_has_it_back(world: World, finance: httpx.AsyncClient) -> None:
    document = str(await issue(world.noord.id, world.noord.customers["bakery"], [line(-2_000)]))
    assert "1 document in het voordeel van een debiteur" in await page(finance, "/admin/waiting")
    seen = await page(finance)
    assert "geeft meer terug dan het in rekening brengt" in seen
    assert "sinds 22-11-2026" in seen

    nothing = await press(finance, "settle-document", id=document)
    wrong = await press(finance, "give-back", id=document, iban="NL00 FOUT", holder="De Korst", reason="Te veel betaald")
    unproven = await press(finance, "give-back", id=document, iban=PAYER_IBAN, holder="De Korst", reason="Te veel betaald")
    await prove(finance)
    right = await press(finance, "give-back", id=document, iban=PAYER_IBAN, holder="De Korst", reason="Te veel betaald")

    assert [answer.status_code for answer in (nothing, wrong, unproven, right)] == [409, 422, 403, 303]
    assert "iban-d1" in wrong.text
    assert 'value="De Korst"' in wrong.text
    assert "in het voordeel van een debiteur" not in await page(finance, "/admin/waiting")
    twice = await press(finance, "give-back", id=document, iban=PAYER_IBAN)
    assert twice.status_code == 409
