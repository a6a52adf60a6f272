"""Pages: who gets them and in what frame, what they say once, where forms lead, and what is shown when something goes wrong."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from partner_portal.infra import db, sessions, settings
from partner_portal.infra.brand import Brand
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel import errors
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web import auth, forms, frame, glossary, pages, problems, shell
from partner_portal.web.frame import Entry
from partner_portal.web.middleware import Shell
from tests.web.conftest import browser, signed_in
from tests.web.thing_app import NOORD, People

AS_BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BY_HTMX = {"hx-request": "true", "accept": "text/html"}
PROBLEMS: dict[str, Exception] = {
    "not-allowed": errors.NotAllowed(),
    "not-found": errors.NotFound(what="thing"),
    "refused": errors.Refused(),
    "changed-meanwhile": problems.ChangedMeanwhile(),
    "body-too-large": problems.BodyTooLarge(limit=10),
    "unsupported-media-type": problems.UnsupportedMediaType(expected="text/csv"),
    "invalid": Invalid(FieldError("/name", "missing")),
    "too-many-requests": problems.TooManyRequests(retry_after=30, limit=1),
    "unexpected": RuntimeError("the secret of our insides"),
    "unavailable": errors.Unavailable(),
}


class Furniture:
    """A partner's face, and a menu of one line."""

    async def brand(self, actor: Actor) -> Brand:
        assert await db.fetch_one("SELECT current_setting('app.tenant')") is not None
        return Brand(name=f"Noord ICT <{actor.id}>", colour="#8a1538")

    def menu(self, _actor: Actor) -> list[Entry]:
        return [Entry(sentence("Customers"), "/portal/things", "people")]


@get("/things")
async def things(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    return await pages.page(request, "overview/glossary.html", block="content", words=list(glossary.WORDS.items()))


@get("/frame")
async def framed(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    return await pages.page(request, "web/portal.html")


@post("/things")
async def make(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    form = await forms.read(request)
    await db.execute("INSERT INTO web_thing (name) VALUES ($1)", form.one("name"))
    if form.one("wrong"):
        return await pages.page(request, "web/portal.html", status=422)
    return pages.to("/portal/frame", said=sentence("Give at least one."), good=not form.one("bad"), name=form.one("name"))


@get("/problem/{name:str}")
async def problem(actor: auth.Acting, name: FromPath[str]) -> None:
    raise PROBLEMS[name]


@post("/problem/{name:str}")
async def problem_of_a_form(actor: auth.Acting, name: FromPath[str]) -> None:
    raise PROBLEMS[name]


@get("/kept/{name:str}")
async def kept(actor: auth.Acting, name: FromPath[str]) -> str:
    return name


@post(["/kept/{name:str}/answer", "/answer", "/nothing/here/answer"])
async def take(actor: auth.Acting) -> None:
    """Only takes a form."""


@get("/own")
async def own(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    return await pages.page(request, "web/portal.html")


MEMBERS = Router("/portal", route_handlers=[things, kept, take, framed, make, problem, problem_of_a_form], before_request=pages.for_members)
CONTACTS = Router("/portal", route_handlers=[own], before_request=pages.for_contacts)


@pytest_asyncio.fixture(loop_scope="session")
async def portal(people: People) -> AsyncIterator[Shell]:
    """Pages of the tests' own, furnished; afterwards as they were."""
    before = list(frame._furniture)
    frame.furnish(Furniture())
    yield shell.application([MEMBERS, CONTACTS], authenticator=people)
    frame.furnish(before[0])


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(portal: Shell) -> AsyncIterator[httpx.AsyncClient]:
    """A stranger with a browser."""
    async with browser(portal, headers=AS_BROWSER) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def member(portal: Shell, people: People) -> AsyncIterator[httpx.AsyncClient]:
    """The owner of Noord with a browser."""
    async with browser(portal, headers=AS_BROWSER) as client:
        await signed_in(client, people.owner_of_noord)
        yield client


async def count(client: httpx.AsyncClient) -> int:
    async with db.unit_of_work(db.Principal(db.Door.TENANT, NOORD)):
        row = await db.fetch_one("SELECT count(*) AS n FROM web_thing")
    assert row is not None
    found: int = row["n"]
    return found


async def test_a_page_bears_the_partners_face_and_its_menu(member: httpx.AsyncClient) -> None:
    page = (await member.get("/portal/frame")).text

    assert "Noord ICT &lt;owner-noord&gt;" in page
    assert '/brand/8a1538.css"' in page
    assert 'href="/portal/things"' in page
    assert page.startswith("<!doctype html>")


async def test_htmx_gets_the_part_it_asks_for(member: httpx.AsyncClient) -> None:
    whole, part = await member.get("/portal/things"), await member.get("/portal/things", headers=BY_HTMX)

    assert "<html" in whole.text
    assert "<html" not in part.text
    assert part.text.strip() in whole.text
    assert "hx-request" in part.headers["vary"].lower()


async def test_a_form_shown_again_saves_nothing(member: httpx.AsyncClient) -> None:
    assert (await member.post("/portal/things", data={"name": "bell", "wrong": "yes"})).status_code == 422
    assert await count(member) == 0


async def test_after_a_form_the_next_page_says_so_once(member: httpx.AsyncClient) -> None:
    answer = await member.post("/portal/things", data={"name": "bell"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/frame")
    assert await count(member) == 1

    first, second = await member.get("/portal/frame"), await member.get("/portal/frame")

    assert 'role="status"' in first.text
    assert "Give at least one." in first.text
    assert "Give at least one." not in second.text


async def test_what_is_said_comes_from_us_only(member: httpx.AsyncClient) -> None:
    answer = await member.post("/portal/things", data={"name": "bell"})
    sealed = answer.cookies["said"]
    forged = sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB")

    for planted in (forged, "", "x", "é" * 40, sealed[:10], "A" * 4000):
        member.cookies.clear()
        await signed_in(member, Actor(kind=ActorKind.MEMBER, id="owner-noord", tenant=NOORD))
        page = await member.get("/portal/frame", headers=[(b"cookie", f"session={member.cookies['session']}; said={planted}".encode())])
        assert page.status_code == 200
        assert 'role="status"' not in page.text, planted


async def test_a_stranger_signs_in_and_comes_back(visitor: httpx.AsyncClient) -> None:
    looked = await visitor.get("/portal/things?q=a&b=%26")
    sent = await visitor.post("/portal/things", data={"name": "x"}, headers={"referer": "http://portal.test/portal/frame?tab=2"})
    from_elsewhere = await visitor.post("/portal/things", headers={"referer": "https://evil.test/portal/frame"})

    assert (looked.status_code, looked.headers["location"]) == (303, f"/portal/sign-in?next={quote('/portal/things?q=a&b=%26', safe='')}")
    assert sent.headers["location"] == f"/portal/sign-in?next={quote('/portal/frame?tab=2', safe='')}"
    assert from_elsewhere.headers["location"] == "/portal/sign-in"


async def test_a_session_that_ended_takes_an_open_page_to_the_sign_in(visitor: httpx.AsyncClient) -> None:
    """The browser follows a redirect unseen, and htmx would put the sign-in page into the list that asked."""
    answer = await visitor.get("/portal/things?q=ab", headers={**BY_HTMX, "hx-current-url": "http://portal.test/portal/things?q=a"})

    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert answer.headers["hx-redirect"] == f"/portal/sign-in?next={quote('/portal/things?q=a', safe='')}"
    assert answer.text == ""


async def test_a_form_sent_by_htmx_leads_to_the_next_page_as_well(member: httpx.AsyncClient) -> None:
    answer = await member.post("/portal/things", data={"name": "bell"}, headers=BY_HTMX)

    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, "/portal/frame")
    assert await count(member) == 1, "it is saved as with a redirect"


async def test_software_is_told_and_not_sent_to_a_page(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/portal/things", headers={"accept": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/not-signed-in")


async def test_pages_of_members_are_not_for_contacts_and_the_other_way_round(portal: Shell, people: People) -> None:
    contact = Actor(kind=ActorKind.CONTACT, id="c1", tenant=NOORD, customer=NOORD, language="en")
    people.members[contact.trail] = contact
    async with browser(portal, headers=AS_BROWSER) as client:
        await signed_in(client, contact)
        assert (await client.get("/portal/things")).status_code == 403
        assert (await client.get("/portal/own")).status_code == 200
    async with browser(portal, headers=AS_BROWSER) as client:
        await signed_in(client, people.owner_of_noord)
        assert (await client.get("/portal/own")).status_code == 403


@pytest.mark.parametrize(("name", "status"), [
    ("not-allowed", 403), ("not-found", 404), ("refused", 409), ("changed-meanwhile", 409), ("body-too-large", 413),
    ("unsupported-media-type", 415), ("invalid", 422), ("too-many-requests", 429), ("unexpected", 500), ("unavailable", 503),
])  # fmt: skip
async def test_what_goes_wrong_is_a_page_in_the_portals_frame(member: httpx.AsyncClient, name: str, status: int) -> None:
    await member.get("/portal/frame")

    page = await member.get(f"/portal/problem/{name}")

    assert page.status_code == status
    assert "Noord ICT" in page.text
    assert 'href="/portal/things"' in page.text, "the menu leads on"
    assert page.text.count("<h1>") == 1
    assert page.headers["x-request-id"] in page.text
    assert "the secret of our insides" not in page.text
    raised = PROBLEMS[name]
    said = problems.words(type(raised) if isinstance(raised, errors.Problem) else problems.UnexpectedFailure)
    assert said.title in page.text
    assert said.detail.partition("%(")[0].strip() in page.text, "it says what to do"


async def test_a_wrong_method_and_a_wrong_address_are_pages_too(member: httpx.AsyncClient) -> None:
    await member.get("/portal/frame")

    method, address = await member.get("/portal/own/../things/x"), await member.delete("/portal/things")

    assert [answer.status_code for answer in (method, address)] == [404, 405]
    assert all('href="/portal/things"' in answer.text for answer in (method, address))


@pytest.mark.parametrize(
    ("path", "page"),
    [("/portal/kept/one/answer", "/portal/kept/one"), ("/portal/answer", "/portal"), ("/portal/nothing/here/answer", "/portal")],
)
async def test_reloading_an_address_that_only_takes_forms_leads_to_the_page_above_it(
    visitor: httpx.AsyncClient, path: str, page: str
) -> None:
    looked = await visitor.get(path)
    asked_by_script = await visitor.get(path, headers={"accept": "application/json"})

    assert (looked.status_code, looked.headers["location"]) == (303, page)
    assert asked_by_script.status_code == 405


async def test_without_a_page_before_the_frame_is_plain_and_asks_no_database(member: httpx.AsyncClient) -> None:
    page = await member.get("/portal/problem/not-found")

    assert page.status_code == 404
    assert settings.current().provider_name in page.text
    assert 'href="/portal"' in page.text


async def test_a_form_that_was_refused_leads_back_to_its_page(member: httpx.AsyncClient) -> None:
    from_page = {"referer": "http://portal.test/portal/frame?tab=2"}
    refused = await member.post("/portal/problem/refused", headers=from_page)
    elsewhere = await member.post("/portal/problem/refused", headers={"referer": "http://evil.test/portal/frame"})
    unsafe = await member.post("/portal/problem/refused", headers={"referer": "http://portal.test/portal//evil.test/\\"})

    assert 'href="/portal/frame?tab=2"' in refused.text
    assert "evil" not in elsewhere.text
    assert "\\" not in unsafe.text


@pytest.mark.parametrize("name", ["not-found", "invalid", "unexpected", "too-many-requests"])
async def test_what_goes_wrong_with_a_part_leaves_the_page_as_it_was(member: httpx.AsyncClient, name: str) -> None:
    answer = await member.get(f"/portal/problem/{name}", headers=BY_HTMX)

    assert answer.status_code >= 400
    assert answer.headers["hx-retarget"] == "#problem"
    assert answer.headers["hx-push-url"] == "false"
    assert "<html" not in answer.text
    assert 'role="alert"' in answer.text
    assert answer.headers["x-request-id"] in answer.text


async def test_a_forged_form_is_refused_with_a_page(member: httpx.AsyncClient) -> None:
    del member.headers["x-csrf-token"]
    await member.get("/portal/frame")

    answer = await member.post("/portal/things", data={"name": "x"})

    assert answer.status_code == 403
    assert "This did not come from one of our pages" in answer.text
    assert 'href="/portal/things"' in answer.text


async def test_the_theme_is_the_browsers_until_it_is_chosen(member: httpx.AsyncClient) -> None:
    for chosen, told in (("", ""), ("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ('dark"><script>', ""), ("red", "")):
        cookie = f"session={member.cookies['session']}; theme={chosen}"
        page = await member.get("/portal/frame", headers={"cookie": cookie})
        [html] = re.findall(r"<html[^>]*>", page.text)
        assert html == f'<html lang="en"{told}>'


async def test_a_page_leaves_compressed_where_the_browser_takes_it(member: httpx.AsyncClient) -> None:
    small = await member.get("/portal/frame", headers={"accept-encoding": "gzip"})
    plain = await member.get("/portal/frame", headers={"accept-encoding": "identity"})

    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert "accept-encoding" in small.headers["vary"].lower()


async def test_two_pages_of_one_session_show_the_token_differently(member: httpx.AsyncClient) -> None:
    tokens = [re.findall(r'name="csrf_token" value="(\w+)"', (await member.get("/portal/frame")).text)[0] for _ in range(2)]
    del member.headers["x-csrf-token"]

    assert tokens[0] != tokens[1]
    for token in tokens:
        assert (await member.post("/portal/things", data={"name": token[:20], "csrf_token": token})).status_code == 303


async def test_a_session_that_is_revoked_is_a_stranger_at_once(member: httpx.AsyncClient) -> None:
    assert (await member.get("/portal/frame")).status_code == 200
    await sessions.revoke_all("member:owner-noord")

    assert (await member.get("/portal/frame")).status_code == 303


ELSEWHERE = (
    "",
    "https://evil.test",
    "//evil.test",
    "/\\evil.test",
    "/portalevil",
    "/portal\\evil",
    "/portal/\n",
    "/admin/",
    "portal",
    " /portal",
    "/portal\x00",
)


@pytest.mark.parametrize("given", [*ELSEWHERE, "javascript:alert(1)"])
def test_only_paths_of_pages_of_ours_are_gone_to(given: str) -> None:
    assert pages.own_path(given) == "/portal"


@pytest.mark.parametrize("given", ["/portal", "/portal/", "/portal/customers?q=a%2Fb", "/portal?x=//evil.test"])
def test_paths_of_pages_of_ours_stay(given: str) -> None:
    assert pages.own_path(given) == given
