"""The customer's page behind the link: every state is drawn, in both languages, in the partner's name, and asks nothing of anybody else."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from partner_portal.infra import clock, db, files, outbox, pdf, settings
from terminations.service import buyouts
from terminations.service.buyouts import Decision
from tests import letters
from tests.approved import assert_approved
from tests.journeys import partner as people
from tests.world import FINANCE, STAFF_DOOR, World

CUSTOMER = "bakkerij@"
EARLY: dict[str, Any] = {"early": True, "wished_on": "2026-12-31"}


async def asked(world: World, client: httpx.AsyncClient, service: str = "free", **how: Any) -> tuple[dict[str, Any], str]:
    """A case that waits for the customer, and the link in the mail."""
    case = await people.filed(client, world.noord.services[service], **how)
    return case, people.link_in(people.newest(world.mailbox, CUSTOMER))


async def proposed(world: World, client: httpx.AsyncClient) -> tuple[dict[str, Any], str]:
    """A buyout that finance agreed to, and the link by which the customer accepts it."""
    case = await people.filed(client, world.noord.services["bound"], **EARLY)
    return case, await agreed(world, case["number"])


async def agreed(world: World, number: str) -> str:
    """Finance agrees to what is asked; the link that goes out."""
    async with db.unit_of_work(STAFF_DOOR):
        assert await buyouts.decide(FINANCE, await buyouts.case_by_number(number), Decision.APPROVE)
    await outbox.drain()
    return people.link_in(people.newest(world.mailbox, CUSTOMER))


def heading(page: httpx.Response) -> str:
    """What the page says it is, on one line."""
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    assert found, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[1])).strip()


async def kept(world: World, case: dict[str, Any]) -> tuple[str, str]:
    """The text that was answered as it is on file, and the version of the step that answered it."""
    async with db.unit_of_work(world.noord.principal()):
        row = await db.fetch_one("SELECT id FROM infra_document WHERE kind = 'page' AND filename = $1", f"{case['number']}.html")
        step = await db.fetch_one(
            "SELECT text_version FROM termination_step WHERE termination = $1::text::uuid AND text_version IS NOT NULL", case["id"]
        )
        assert row is not None
        assert step is not None
        _document, content = await files.fetch(row["id"])
        return content.decode(), step["text_version"]


async def test_the_heading_asks_with_service_day_and_amount(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    _case, link = await asked(world, noord)
    _other, proposal = await proposed(world, noord)

    assert heading(await stranger.get(link)) == "Internet bakkerij stopt op 22 december 2026, geen kosten voor het beëindigen. Klopt dat?"
    # 14 months x 89.95 x 75 % + 25.00 = 969.48, with 21 % VAT.
    assert (
        heading(await stranger.get(proposal))
        == "Webshop hosting stopt op 31 december 2026, dat kost EUR 1.173,07 incl. btw. Gaat u akkoord?"
    )


async def test_a_link_leads_to_the_other_language_and_the_answer_is_to_what_was_read(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case, link = await asked(world, noord)
    dutch = await stranger.get(link)
    english = await stranger.get(f"{link}?lang=en")

    assert '<html lang="nl"' in dutch.text
    assert 'href="?lang=en" lang="en"' in dutch.text
    assert '<html lang="en"' in english.text
    assert heading(english) == "Internet bakkerij ends on 22 December 2026, no costs for ending. Is that right?"
    assert heading(await stranger.get(f"{link}?lang=fr")) == heading(dutch), "a language that we do not have is the customer's own"

    mixed = await stranger.post(link, data=people.form_of(english.text) | {"decision": "approve"})
    assert "wat op deze pagina staat" in mixed.text.lower(), "an answer to the English text is none to the Dutch one"
    done = await stranger.post(f"{link}?lang=en", data=people.form_of(english.text) | {"decision": "approve"})
    assert heading(done) == "You agreed: Internet bakkerij ends on 22 December 2026"
    text, version = await kept(world, case)
    assert '<html lang="en"' in text
    assert version == hashlib.sha256(text.encode()).hexdigest()


async def test_what_is_kept_as_proof_are_the_words_without_their_looks_and_without_the_secret(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case, link = await asked(world, noord)
    await people.press(stranger, link, "approve")

    text, _version = await kept(world, case)

    assert "Internet bakkerij stopt op 22 december 2026" in text
    assert "Noord ICT" in text
    assert link.rpartition("/")[2] not in text
    assert re.findall(r"<link|<script|/static/|icons\.svg", text) == [], "a new stylesheet would make it another text"


@pytest.mark.parametrize("lang", ["nl", "en"])
async def test_no_state_of_the_page_sets_a_cookie_or_asks_another_host(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, lang: str
) -> None:
    for page in (await every_state(world, noord, stranger, lang)).values():
        assert "set-cookie" not in page.headers
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert '<meta name="robots" content="noindex, nofollow">' in page.text
        assert re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", page.text) == []
        assert re.findall(r"<script|<style|\bstyle=|\bon\w+=", page.text) == []
        assert f'<html lang="{lang}"' in page.text


async def every_state(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, lang: str) -> dict[str, httpx.Response]:
    """The page in each state, by the state's name."""
    way = f"?lang={lang}"
    found = {"unknown": await stranger.get(f"/confirm/{'x' * 43}{way}")}
    case, link = await asked(world, noord)
    found["open"] = await stranger.get(link + way)
    await noord.post(f"/api/v1/terminations/{case['id']}/reminder", json={})
    await outbox.drain()
    found["replaced"] = await stranger.get(link + way)
    link = people.link_in(people.newest(world.mailbox, CUSTOMER))
    await noord.post(f"/api/v1/terminations/{case['id']}/withdrawal", json={})
    found["withdrawn"] = await stranger.get(link + way)
    with settings.use(code_limit_cents=100):
        _case, link = await proposed(world, noord)
        found["proposal"] = await stranger.get(link + way)
        form = people.form_of(found["proposal"].text)
        found["not an amount"] = await stranger.post(link + way, data=form | {"decision": "counter", "offer": "veel", "reason": "Te duur"})
        found["code"] = await stranger.post(link + way, data=form | {"decision": "accept"})
        found["wrong code"] = await stranger.post(link + way, data=form | {"decision": "accept", "code": "1"})
        found["changed"] = await stranger.post(link + way, data=form | {"decision": "refuse", "text_version": "0" * 64})
        found["letter"] = await stranger.get(f"{link}/request.pdf{way}")
        found["refused"] = await stranger.post(link + way, data=form | {"decision": "refuse"})
    _case, link = await asked(world, noord)
    clock.move(timedelta(days=40))
    found["expired"] = await stranger.get(link + way)
    return found


async def test_every_state_says_how_things_stand(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    pages = await every_state(world, noord, stranger, "en")

    assert {name: page.status_code for name, page in pages.items() if page.status_code != 200} == {
        "unknown": 404,
        "replaced": 410,
        "withdrawn": 410,
        "expired": 410,
        "not an amount": 422,
        "wrong code": 422,
        "changed": 409,
        "letter": 202,
    }
    ask = "Webshop hosting ends on 31 December 2026, that costs EUR 1,173.07 incl. VAT. Do you agree?"
    assert {name: heading(page) for name, page in pages.items()} == {
        "unknown": "This link is not known",
        "open": "Internet bakkerij ends on 22 December 2026, no costs for ending. Is that right?",
        "replaced": "A newer link took the place of this one",
        "withdrawn": "The termination was withdrawn",
        "proposal": ask,
        "not an amount": ask,
        "code": "One more step: type the code",
        "wrong code": "One more step: type the code",
        "changed": ask,
        "letter": "The letter is being made",
        "refused": "You refused: nothing ends",
        "expired": "This link was valid until 6 December 2026",
    }
    assert "has changed since you opened it" in pages["changed"].text
    # Where nothing ends, the day is what was asked and no longer a last day.
    assert {name for name, page in pages.items() if "Last day that was asked for" in page.text} == {"withdrawn", "refused", "expired"}


async def test_a_sum_that_is_none_is_told_at_its_field_and_nothing_typed_is_lost(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case, link = await proposed(world, noord)
    form = people.form_of((await stranger.get(link)).text)

    page = await stranger.post(link, data=form | {"decision": "counter", "offer": "veel <b>", "reason": "Te duur & te laat"})

    assert '<a href="#offer">' in page.text, "the summary leads to the field"
    field = re.search(r'<input[^>]*id="offer"[^>]*>', page.text)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert "offer-error" in field[0]
    assert 'value="veel &lt;b&gt;"' in field[0]
    assert "Te duur &amp; te laat</textarea>" in page.text
    assert (await people.case(noord, case["id"]))["state"] == "proposed"


async def test_the_code_of_a_second_link_arrives_as_that_of_the_first_did(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    with settings.use(code_limit_cents=100):
        case, link = await proposed(world, noord)
        await people.press(stranger, link, "accept")
        first = people.code_in(people.newest(world.mailbox, CUSTOMER))
        await people.press(stranger, link, "counter", offer="300,00")
        link = await agreed(world, case["number"])
        page = await people.press(stranger, link, "accept")
        second = people.code_in(people.newest(world.mailbox, CUSTOMER))
        assert second != first
        done = await stranger.post(link, data=people.form_of(page.text) | {"decision": "accept", "code": second})

    assert "de code" not in heading(done)
    assert (await people.case(noord, case["id"]))["state"] == "scheduled"


async def test_the_question_can_be_taken_along_as_a_letter_that_is_made_once_for_each_text(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    case, link = await proposed(world, noord)
    address = f"{link}/request.pdf"

    making = await stranger.get(address)
    await stranger.get(address)
    await outbox.drain()
    made = await stranger.get(address)
    english = await stranger.get(f"{address}?lang=en")
    await outbox.drain()
    english = await stranger.get(f"{address}?lang=en")

    assert (making.status_code, making.headers["refresh"]) == (202, "2")
    assert (made.status_code, made.headers["content-type"]) == (200, "application/pdf")
    words = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(io.BytesIO(made.content)).pages))
    assert "dat kost EUR 1.173,07 incl. btw" in words
    assert "geen bevestiging" in words
    assert "/confirm/" not in words
    assert "that costs EUR 1,173.07" in " ".join(PdfReader(io.BytesIO(english.content)).pages[0].extract_text().split())
    async with db.unit_of_work(world.noord.principal()):
        rows = await db.fetch("SELECT filename FROM infra_document WHERE kind = 'request'")
    assert len(rows) == 2
    assert {row["filename"].rpartition("-")[0] for row in rows} == {case["number"]}

    await people.press(stranger, link, "refuse")
    assert (await stranger.get(address)).status_code == 404, "what was answered is asked no more"


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("is_buyout", [True, False])
def test_the_letter_reads_as_it_was_approved(language: str, *, is_buyout: bool) -> None:
    words = letters.letter(language, is_buyout=is_buyout, sheet=letters.sheet(language) if is_buyout else None)
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        page = pdf.html("terminations/request", language=language, **words)

    assert_approved(f"pdf/request-{'buyout' if is_buyout else 'consent'}.{language}.html", page)
