"""What people and software read when something is wrong."""

from __future__ import annotations

import httpx
import pytest
from structlog.testing import capture_logs

from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound, Problem, Refused, Unavailable
from partner_portal.web import problems
from tests.web import thing_app
from tests.web.conftest import browser, signed_in
from tests.web.thing_app import People


async def test_a_refusal_tells_its_facts(noord: httpx.AsyncClient) -> None:
    place = (await noord.post("/things", json={"name": "bell"})).headers["location"]

    answer = await noord.post(f"{place}/refusal", headers={"x-request-id": "journey-0001"})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/name-taken",
        "title": "Name taken",
        "status": 409,
        "instance": "urn:request:journey-0001",
        "facts": {"price": {"amount": "12.50", "currency": "EUR"}, "allowed": ["this", "that"]},
    }


async def test_our_insides_stay_inside_and_in_the_log(noord: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        answer = await noord.post("/broken")

    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/unexpected-failure"
    assert "insides" not in answer.text
    assert "Traceback" not in answer.text
    failed = next(line for line in lines if line["event"] == "web.failed")
    assert "insides" in str(failed["exc_info"])


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("unknown-parent", 409, "still-referred-to"),
        ("other-tenant", 404, "not-found"),
        ("deadlock", 409, "changed-meanwhile"),
        ("serialization", 409, "changed-meanwhile"),
        ("nul", 422, "invalid"),
        ("syntax", 500, "unexpected-failure"),
    ],
)
async def test_what_the_database_refuses_has_a_name(noord: httpx.AsyncClient, what: str, status: int, code: str) -> None:
    answer = await noord.post(f"/sql/{what}")

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/things/not-a-uuid", 404, "not-found"),
        ("DELETE", "/things", 405, "method-not-allowed"),
        ("GET", "/things?limit=0", 422, "invalid"),
    ],
)
async def test_what_litestar_refuses_has_a_name(noord: httpx.AsyncClient, method: str, path: str, status: int, code: str) -> None:
    answer = await noord.request(method, path)

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_wrong_method_is_told_the_right_ones(noord: httpx.AsyncClient) -> None:
    assert {"GET", "POST"} <= set((await noord.delete("/things")).headers["allow"].split(", "))


async def test_every_wrong_parameter_is_named_at_once(noord: httpx.AsyncClient) -> None:
    answer = await noord.get(f"/things?limit=x&after={'a' * 2000}")
    unknown = await noord.get("/things?limt=5&colour=red")

    assert [(one["pointer"], one["code"], one["facts"]["in"]) for one in answer.json()["errors"]] == [
        ("/after", "too-long", "query"),
        ("/limit", "type", "query"),
    ]
    assert [(one["pointer"], one["code"]) for one in unknown.json()["errors"]] == [("/limt", "unknown-near"), ("/colour", "unknown")]
    assert unknown.json()["errors"][0]["facts"] == {"near": "limit"}


async def test_people_get_a_page_and_software_json(stranger: httpx.AsyncClient) -> None:
    page = await stranger.get("/nowhere", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": "en"})
    fragment = await stranger.get("/nowhere", headers={"hx-request": "true"})

    assert page.status_code == fragment.status_code == 404
    assert page.headers["content-type"] == fragment.headers["content-type"] == "text/html; charset=utf-8"
    assert "Not found" in page.text
    assert page.headers["x-request-id"] in page.text


async def test_what_people_sent_is_escaped_on_the_page(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/problems/<script>alert(1)</script>", headers={"accept": "text/html"})

    assert "<script>alert" not in answer.text


async def test_strangers_read_the_language_that_their_browser_prefers(stranger: httpx.AsyncClient) -> None:
    asked = {"en-GB,en;q=0.9,nl;q=0.8": "en", "fr,nl;q=0.5,en;q=0.1": "nl", "fr": "nl", "": "nl", "en;q=0, nl": "nl"}

    for accepted, language in asked.items():
        page = await stranger.get("/nowhere", headers={"accept": "text/html", "accept-language": accepted})
        assert f'<html lang="{language}"' in page.text, accepted


async def test_a_member_reads_its_own_language(people: People) -> None:
    async with browser(thing_app.portal(people)) as client:
        await signed_in(client, people.reader_of_noord)
        page = await client.get("/nowhere", headers={"accept": "text/html", "accept-language": "en"})

    assert '<html lang="nl"' in page.text


async def test_who_is_not_signed_in_learns_how(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/things")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="portal"'


async def test_each_type_of_problem_can_be_looked_up(stranger: httpx.AsyncClient) -> None:
    every = (await stranger.get("/problems")).json()

    assert {"/problems/not-found", "/problems/name-taken", "/problems/too-many-requests"} <= {one["type"] for one in every}
    for one in every:
        answer = await stranger.get(one["type"])
        assert answer.json() == one
        assert one["meaning"], one
    assert (await stranger.get("/problems/no-such-problem")).status_code == 404


def test_a_problem_has_the_status_of_its_nearest_kind() -> None:
    class Clash(Refused):
        """Two things clash."""

    kinds = {
        NotFound: 404,
        NotAllowed: 403,
        Invalid: 422,
        Refused: 409,
        Unavailable: 503,
        Clash: 409,
        problems.NotSignedIn: 401,
        Problem: 500,
    }

    assert {kind: problems.status(kind) for kind in kinds} == kinds


def test_every_own_problem_has_a_status_and_words() -> None:
    own = [kind for kind in problems.known().values() if kind.__module__ == problems.__name__]

    assert own
    assert all(kind in problems.STATUS for kind in own)
    assert all(problems.words(kind).detail for kind in own)


def test_a_domain_gives_its_problems_words() -> None:
    class QuoteTooOld(Refused):
        """The quote expired."""

    problems.explain({QuoteTooOld: problems.Words("The quote has expired", "It was valid until %(until)s.")})

    assert problems.words(QuoteTooOld).detail == "It was valid until %(until)s."


async def test_the_api_describes_itself_with_its_problems(stranger: httpx.AsyncClient) -> None:
    described = (await stranger.get("/schema/openapi.json")).json()

    assert described["openapi"].startswith("3.1")
    assert set(described["components"]["securitySchemes"]) == {"session", "key"}
    assert "/metrics" not in described["paths"]
    body = described["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/ThingIn"}
    assert "application/problem+json" in described["paths"]["/things"]["get"]["responses"]["401"]["content"]
