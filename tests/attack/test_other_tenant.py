"""Zuid tries everything to see or change what is Noord's, on every route, in every job, by every trick: it finds nothing."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from partner_portal import wiring
from partner_portal.infra import clock, db, outbox
from partner_portal.kernel.events import Event
from tenants.policy import Scope
from tests.attack import intruder, routes
from tests.attack.intruder import Victim, arrivals, body_of, dump, key_client
from tests.conftest import browser, sign_in
from tests.journeys import partner as people
from tests.world import World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# Keys and members are the owner's: others are refused before anything is looked for.
OWNERS_ONLY = ("/api/v1/api-keys/", "/api/v1/members/", "/portal/settings/")
# Webhooks are an owner's too, and of software that has their scope.
NOT_CLERKS = "/api/v1/webhook-endpoints/"
# What a customer's contact does for its own organisation is nobody else's; tests/attack/test_contacts.py walks it.
CONTACTS_ONLY = ("/api/v1/own/", "/portal/own")


@pytest_asyncio.fixture(loop_scope="session")
async def noords(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> Victim:
    """What Noord has."""
    return await intruder.victim(world, noord, stranger)


@pytest_asyncio.fixture(loop_scope="session", params=["owner", "clerk", "key"])
async def zuids(request: pytest.FixtureRequest, world: World) -> AsyncIterator[tuple[str, httpx.AsyncClient]]:
    """Somebody of Zuid."""
    client = await key_client(world.zuid, *Scope) if request.param == "key" else browser()
    async with client:
        if request.param != "key":
            await sign_in(client, getattr(world.zuid, request.param))
        yield request.param, client


async def test_every_route_with_an_id_answers_zuid_as_if_noords_things_did_not_exist(
    world: World, noords: Victim, zuids: tuple[str, httpx.AsyncClient]
) -> None:
    who, client = zuids
    before, mails = await dump(world.noord.id), arrivals(world.mailbox)
    own = {"service_id": world.zuid.services["free"]}
    walked, wrong = 0, []

    for way in (way for way in routes.ways() if way.parameters):
        for case in (noords.scheduled, noords.proposed):
            sent = body_of(way.body, own)
            answer = await client.request(way.method, way.filled(noords.ids(case)), **sent)
            nobody = await client.request(way.method, way.filled(dict.fromkeys(noords.ids(case), uuid4())), **sent)
            walked += 1
            is_refused = (
                way.path.startswith(CONTACTS_ONLY)
                or (way.path.startswith(OWNERS_ONLY) and who != "owner")
                or (way.path.startswith(NOT_CLERKS) and who == "clerk")
            )
            # Software has no pages: it is refused there, or finds nothing where everybody may look.
            expected = {403, 404} if who == "key" and way.path.startswith("/portal/") else {403} if is_refused else {404}
            if (
                answer.status_code != nobody.status_code
                or answer.status_code not in expected
                or _facts(answer) != _facts(nobody)
                or _tells(answer, noords)
            ):
                wrong.append((way.name, answer.status_code, nobody.status_code, answer.text[:200]))
    await outbox.drain()

    assert wrong == []
    assert walked >= 30
    assert await dump(world.noord.id) == before
    assert arrivals(world.mailbox) == mails


def _facts(answer: httpx.Response) -> Any:
    """What an answer tells, but for the id that was asked for."""
    if "json" not in answer.headers.get("content-type", ""):
        return answer.text.replace(answer.request.url.path, "")
    said = answer.json()
    return {name: value for name, value in said.items() if name in {"type", "title", "status"}}


def _tells(answer: httpx.Response, noords: Victim) -> bool:
    """Whether something of Noord is in the answer that Zuid did not send itself."""
    return any(word in answer.text for word in noords.words if not _is_id(word)) or any(
        "NRD-" in value for value in answer.headers.values()
    )


def _is_id(word: str) -> bool:
    return len(word) == 36 and word.count("-") == 4


async def test_no_other_method_opens_a_route(world: World, noords: Victim, zuid: httpx.AsyncClient) -> None:
    before, answered = await dump(world.noord.id), {}
    offered = {(way.method, way.path) for way in routes.ways()}

    for way in (way for way in routes.ways() if way.parameters):
        for method in METHODS:
            if (method, way.path) not in offered:
                answer = await zuid.request(method, way.filled(noords.ids(noords.scheduled)), json={})
                answered[f"{method} {way.path}"] = answer.status_code

    assert {name: status for name, status in answered.items() if status not in {404, 405}} == {}
    assert await dump(world.noord.id) == before


async def test_lists_searches_and_files_show_nothing_of_noord(world: World, noords: Victim, zuid: httpx.AsyncClient) -> None:
    own = {name: uuid4() for name in noords.ids(noords.scheduled)} | {"customer_id": world.zuid.customers["bakery"], "token": "x"}
    # In other letters than Noord's, so that a page may say what was looked for.
    searches = ["", "?q=gEHEIM", "?q=GEHEIM%40", "?q=NRD", "?q=%25", "?q=_", "?q=*", "?state=scheduled", "?state=proposed", "?limit=200"]
    leaks, read = [], 0

    for way in (way for way in routes.ways() if way.method == "GET" and not way.path.startswith(CONTACTS_ONLY)):
        for search in searches:
            answer = await zuid.get(way.filled(own) + search)
            read += answer.status_code == 200
            assert answer.status_code in {200, 303, 404, 422}, (way.name, search, answer.text)
            leaks += [(way.name, search, word) for word in noords.words if word in answer.text and answer.status_code == 200]

    assert leaks == []
    assert read > 20


async def test_foreign_ids_in_bodies_are_ids_of_nothing(world: World, noords: Victim, zuid: httpx.AsyncClient) -> None:
    before, own = await dump(world.noord.id), str(world.zuid.services["free"])
    foreign = str(noords.spare_service)
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("/api/v1/terminations/preview", {"service_ids": [foreign]}),
        ("/api/v1/terminations/preview", {"service_ids": [own, foreign]}),
        ("/api/v1/terminations/preview", {"service_ids": [foreign, own]}),
        ("/api/v1/quotes", {"service_ids": [foreign]}),
        ("/api/v1/quotes", {"service_ids": [own, foreign]}),
        ("/api/v1/terminations", {"quote_id": str(noords.quote), "reason": "price"}),
        ("/api/v1/terminations", {"quote_id": str(noords.quote), "reason": "price", "mandate": True}),
    ]

    answers = [await zuid.post(path, json=body) for path, body in attempts]

    assert [answer.status_code for answer in answers] == [404] * len(attempts), [answer.text for answer in answers]
    assert not any(_tells(answer, noords) for answer in answers)
    assert await dump(world.noord.id) == before
    assert (await zuid.get("/api/v1/terminations")).json()["items"] == []


async def test_an_import_finds_no_number_of_noord(world: World, zuid: httpx.AsyncClient) -> None:
    before = await dump(world.noord.id)
    csv = "customer,product,label,fee_cents,starts_on,paid_until\nNRD-C-00001,internet,Dief,100,2026-01-01,2026-12-01\n"

    answer = await zuid.post("/api/v1/services/import", content=csv.encode(), headers={"content-type": "text/csv"})

    assert answer.status_code == 422
    assert [(fault["pointer"].rpartition("/")[2], fault["code"]) for fault in answer.json()["errors"]] == [("customer", "unknown-customer")]
    assert await dump(world.noord.id) == before


async def test_every_handler_given_noords_ids_in_an_event_of_zuid_does_nothing(world: World, noords: Victim) -> None:
    before, mails, handlers = await dump(world.noord.id), arrivals(world.mailbox), outbox.known_handlers()
    known = {
        "tenant_id": world.zuid.id,
        "termination_id": noords.proposed,
        "nth": noords.step,
        "link_id": noords.link_id,
        "language": "nl",
        "mail_id": noords.mail,
        "invitation_id": noords.invitation,
        "account": f"member:{noords.member}",
        "notice_id": noords.notice,
        "why": "no_match",
        "look_by": clock.today(),
        "change_id": noords.invitation,
        "changed_at": clock.now(),
        "delivery_id": noords.delivery,
        "endpoint_id": noords.endpoint,
        "off_since": clock.now(),
        "round_id": noords.round,
        "part": 1,
        "member_id": noords.member,
        "monday": clock.today(),
        "order_id": noords.order,
        "letter_id": noords.invoice,
        "level": 3,
        "service_id": noords.service,
        "port_in_id": noords.port_in,
        "invoice_id": noords.invoice,
        "intent_id": noords.invoice,
        "number": "tr_geheim",
        "payment_id": noords.invoice,
        "announcement_id": noords.invoice,
        "together": (),
        "mandate_id": noords.invoice,
        "statement_id": noords.invoice,
        "connection_id": noords.invoice,
        "indexation_id": noords.invoice,
        "issuer_id": noords.invoice,
        "plan_id": noords.invoice,
        "parked_id": noords.invoice,
        "kind": "kept",
        "customer_id": noords.ids(noords.scheduled)["customer_id"],
        "about_id": noords.invoice,
        "before": "NL91 ... 4300",
        "now": "NL05 ... 4300",
        "used_from": clock.today(),
        "at": clock.now(),
        "is_refund": False,
        "everything": False,
        "pause_id": noords.pause,
        "by": "Olga",
        "what": "refund",
        "refund_id": noords.invoice,
        "allocation_id": noords.invoice,
    }
    events = {route.event for route in outbox._routes.values()}

    async with db.unit_of_work(world.zuid.principal()):
        for event in events:
            await outbox.publish(_made(event, known))
    await outbox.drain()

    async with db.unit_of_work(world.zuid.principal()):
        rows = await db.fetch(
            "SELECT handler, done_at, last_error FROM infra_outbox WHERE topic = ANY($1)", [event.__name__ for event in events]
        )
        written = await db.fetch("SELECT key FROM infra_mail")
    assert {row["handler"] for row in rows} == set(handlers)
    assert len(handlers) >= 15
    silent = {row["handler"]: row["last_error"] for row in rows if row["done_at"] or not _found_nothing(row["last_error"])}
    assert silent == {}
    assert (list(written), arrivals(world.mailbox)) == ([], mails)
    assert await dump(world.noord.id) == before


def _made(event: type[Event], known: dict[str, Any]) -> Event:
    fields = {field.name for field in msgspec.structs.fields(event)}
    assert fields <= set(known), f"{event.__name__} has fields that the walk does not know: {fields - set(known)}"
    return event(**{name: value for name, value in known.items() if name in fields})


def _found_nothing(error: str | None) -> bool:
    return error is not None and error.startswith(("NotFound", "NoSuch"))


async def test_no_handler_is_missing_from_the_walk() -> None:
    """A handler that is not a coroutine would not be in `known_handlers`, and not be walked."""
    assert [name for name, route in outbox._routes.items() if not inspect.iscoroutinefunction(route.handler)] == []


@pytest.mark.usefixtures("noords")
async def test_what_time_does_is_done_in_each_partners_own_name(world: World) -> None:
    before = await dump(world.noord.id)

    for job in wiring.DAILY:
        await job()

    assert await dump(world.noord.id) == before, "nothing of Noord was due"


SMUGGLED = [
    {"x-tenant": "{noord}"},
    {"x-tenant-id": "{noord}"},
    {"tenant": "{noord}"},
    {"app.tenant": "{noord}"},
    {"x-forwarded-user": "{owner}"},
    {"x-remote-user": "{owner}"},
    {"x-original-url": "/api/v1/customers/{customer}"},
    {"x-rewrite-url": "/api/v1/customers/{customer}"},
    {"x-forwarded-host": "noord.test"},
    {"x-http-method-override": "DELETE"},
    {"x-request-id": "'; SET app.tenant = '{noord}"},
    {"cookie": "tenant={noord}; session={token}; tenant_id={noord}"},
    {"accept-language": "{noord}"},
]


async def test_no_header_makes_zuid_into_noord(world: World, zuid: httpx.AsyncClient) -> None:
    customer = world.noord.customers["bakery"]
    words = {"noord": str(world.noord.id), "owner": world.noord.owner, "customer": str(customer), "token": zuid.cookies["session"]}

    for headers in SMUGGLED:
        sent = {name: value.format(**words) for name, value in headers.items()}
        one = await zuid.get(f"/api/v1/customers/{customer}", headers=sent)
        listed = await zuid.get("/api/v1/customers", headers=sent)

        assert (one.status_code, listed.status_code) == (404, 200), headers
        assert {row["number"][:3] for row in listed.json()["items"]} == {"ZUD"}, headers


async def test_no_field_or_parameter_makes_zuid_into_noord(world: World, zuid: httpx.AsyncClient) -> None:
    before = await dump(world.noord.id)

    for name in ("tenant", "tenant_id", "id", "as", "created_by", "version"):
        body = intruder.BODIES["NewCustomer"]({}) | {name: str(world.noord.id)}
        assert (await zuid.post("/api/v1/customers", json=body)).status_code == 422, name
        assert (await zuid.get(f"/api/v1/customers?{name}={world.noord.id}")).status_code == 422, name

    assert await dump(world.noord.id) == before


INJECTED = [
    "' OR '1'='1",
    "'; DROP TABLE customer; --",
    "\"; SET app.tenant = 'x",
    "') OR true --",
    "1; SELECT pg_sleep(5)",
    "%' UNION SELECT * FROM customer --",
    "$1",
    "\\",
    "{{7*7}}",
    "name; SET LOCAL app.tenant",
    "c.name DESC, (SELECT 1)",
    "😀" * 20,
    "\u202e\u0000",
]


async def test_no_words_are_ever_read_as_sql(world: World, zuid: httpx.AsyncClient) -> None:
    before, failed = await dump(world.noord.id), []

    for words in INJECTED:
        answers = [await zuid.request(method, path, **sent) for method, path, sent in _places(words)]
        failed += [(str(answer.url), words, answer.status_code) for answer in answers if answer.status_code >= 500]
        assert not any("NRD-" in answer.text for answer in answers), words

    assert failed == []
    assert await dump(world.noord.id) == before


def _places(words: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Everywhere that words can be said."""
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", f"/api/v1/{name}", {"params": {parameter: words}}) for name, parameters in LISTS.items() for parameter in parameters
    ]
    new = intruder.BODIES["NewCustomer"]({})
    said = {
        "/api/v1/customers": [new | {"name": words}, new | {"number": words}, new | {"main_contact": {"name": words, "email": "a@b.test"}}],
        "/api/v1/quotes": [{"service_ids": [words]}],
        "/api/v1/terminations": [
            {"quote_id": str(uuid4()), "reason": words},
            {"quote_id": str(uuid4()), "reason": "price", "comment": words},
        ],
        "/api/v1/session": [{"email": words, "password": words}, {"email": f"{words}@x.test", "password": "p"}],
        "/api/v1/api-keys": [{"name": words, "scopes": ["read"]}],
        "/api/v1/webhook-endpoints": [
            {"url": words},
            {"url": f"https://hooks.example.com/{words}"},
            {"url": f"https://{words}.example.com/", "description": words, "types": [words]},
        ],
    }
    return asked + [("POST", path, {"json": body}) for path, bodies in said.items() for body in bodies]


LISTS = {
    "customers": ("q", "sort", "after", "limit"),
    "terminations": ("state", "after"),
    "articles": ("language", "after"),
    "api-keys": ("q",),
}


async def test_a_cursor_of_noord_shows_zuid_its_own_rows_only(noords: Victim, noord: httpx.AsyncClient, zuid: httpx.AsyncClient) -> None:
    for path in ("/api/v1/customers", "/api/v1/terminations"):
        cursor = (await noord.get(path, params={"limit": 1})).json()["next"]
        assert cursor

        answer = await zuid.get(path, params={"limit": 200, "after": cursor})

        assert answer.status_code in {200, 422}
        assert not any(word in answer.text for word in noords.words)


async def test_a_cursor_that_was_tampered_with_is_refused(noord: httpx.AsyncClient) -> None:
    cursor = (await noord.get("/api/v1/customers", params={"limit": 1})).json()["next"]
    flipped = cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]
    damaged = [
        {"after": flipped},
        {"after": cursor[:-4]},
        {"after": cursor + "AAAA"},
        {"after": cursor, "sort": "-name"},
        {"after": cursor, "q": "x"},
    ]

    answers = [await noord.get("/api/v1/customers", params={"limit": "1"} | asked) for asked in damaged]
    answers.append(await noord.get("/api/v1/terminations", params={"after": cursor}))

    assert [answer.status_code for answer in answers] == [422] * 6
    assert {answer.json()["errors"][0]["pointer"] for answer in answers} == {"/after"}
    assert (await noord.get("/api/v1/customers", params={"limit": "1", "after": cursor})).status_code == 200


# A preview keeps nothing, nor do terms that are shown; signing out is everybody's.
READING = {"POST /api/v1/terminations/preview", "POST /api/v1/orders/terms", "DELETE /api/v1/session", "POST /api/v1/session"}


@pytest.mark.parametrize("who", ["read-only", "key that reads", "key of customers", "key of terminations"])
async def test_whoever_may_only_read_changes_nothing_on_any_route(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, who: str
) -> None:
    noords = await intruder.victim(world, noord, stranger)
    scopes = {"key that reads": Scope.READ, "key of customers": Scope.CUSTOMERS, "key of terminations": Scope.TERMINATIONS}
    client = browser() if who == "read-only" else await key_client(world.noord, scopes[who])
    unsafe = [way for way in routes.ways() if way.method != "GET" and way.path.startswith("/api/") and way.name not in READING]
    async with client:
        if who == "read-only":
            await sign_in(client, world.noord.reader)
        allowed = {
            "key of customers": (
                "/api/v1/customers",
                "/api/v1/services",
                "/api/v1/pauses",
                "/api/v1/orders",
                "/api/v1/port-ins",
                "/api/v1/payments",
            ),
            "key of terminations": ("/api/v1/terminations", "/api/v1/quotes"),
        }.get(who, ())
        before = await dump(world.noord.id, but=("infra_audit", "api_key"))
        own = noords.ids(noords.proposed)
        answers = {
            way.name: (await client.request(way.method, way.filled(own), **body_of(way.body, own))).status_code
            for way in unsafe
            if not way.path.startswith(allowed or "never")
        }

    assert len(answers) >= 5
    assert {name: status for name, status in answers.items() if status != 403} == {}
    assert await dump(world.noord.id, but=("infra_audit", "api_key")) == before


async def test_members_and_keys_are_strangers_in_the_admin(world: World, zuid: httpx.AsyncClient) -> None:
    key = await key_client(world.zuid, *Scope)
    async with key:
        for client in (zuid, key):
            for path in ("/admin/api/tables/", "/admin/api/tables/customer/", "/admin/api/forms/", "/admin/api/user/"):
                answer = await client.get(path)
                assert answer.status_code in {401, 403, 404}, (path, answer.status_code)


async def test_a_strangers_request_sees_only_what_is_public(noords: Victim, stranger: httpx.AsyncClient) -> None:
    refused = {}
    for way in (way for way in routes.ways() if way.path.startswith("/api/")):
        answer = await stranger.request(
            way.method, way.filled(noords.ids(noords.scheduled)), **body_of(way.body, {"service_id": uuid4(), "quote_id": uuid4()})
        )
        refused[way.name] = answer.status_code

    public = {"GET /api/v1/articles": 200, "POST /api/v1/session": 403, "DELETE /api/v1/session": 204}
    assert {name: status for name, status in refused.items() if status != public.get(name, 401)} == {}


async def test_the_same_id_tells_noord_everything_that_zuid_was_refused(noords: Victim, noord: httpx.AsyncClient) -> None:
    """The walk would prove nothing with ids of nothing."""
    seen = {
        way.name: (await noord.get(way.filled(noords.ids(noords.scheduled)))).status_code
        for way in routes.ways()
        if way.method == "GET" and way.parameters and way.path.startswith("/api/")
    }

    assert set(seen.values()) == {200}, seen
    assert isinstance(noords.customer, UUID)
    assert await people.case(noord, str(noords.proposed))
