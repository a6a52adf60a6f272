"""The other side of the accounting link: a package on this machine that keeps books, fails as ordered, and whose talk can be written down and played again.

`Books` holds debtors, documents and payments. How they are asked for is a dialect: a function from a request to an answer; `plain` is the simplest one,
and `Plain` the adapter that speaks it. `recorded` writes down what was said on the wire, `Replay` answers from such a record and refuses all else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import uvicorn

from billing.service.accounting.port import (
    AccountingRefuses,
    AccountingUnavailable,
    Altered,
    Booking,
    ChangedThere,
    Contact,
    CredentialRefused,
    Health,
    News,
    Remote,
    SalesDocument,
    SeenPayment,
    Settlement,
    Setup,
    Wanted,
    What,
)
from partner_portal.infra import outgoing, remote

TOKEN = "of the tests"


class Asked(msgspec.Struct, frozen=True):
    """A request as it came in."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What was sent, read."""
        return json.loads(self.body) if self.body else None


class Told(msgspec.Struct, frozen=True):
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


def said(status: int, words: Any, **headers: str) -> Told:
    """An answer in JSON."""
    return Told(status, json.dumps(words).encode(), {"content-type": "application/json", **headers})


class Failure(msgspec.Struct):
    """What goes wrong with the next `times` requests of this method and path: an answer instead, one that never comes, or none after it was stored."""

    method: str = ""
    path: str = ""
    times: int = 1
    status: int = 500
    after_storing: bool = False
    seconds: float = 0.0
    headers: Mapping[str, str] = {}


class Books:
    """What the package keeps, by kind and id, with versions; everything that happened in order; and all that was asked."""

    def __init__(self, dialect: Callable[[Books, Asked], Told] | None = None) -> None:
        self.url = ""
        self.kept: dict[str, dict[str, dict[str, Any]]] = {"contact": {}, "document": {}, "payment": {}, "settlement": {}}
        self.happened: list[dict[str, Any]] = []
        self.asked: list[Asked] = []
        self.talk: list[tuple[Asked, Told]] = []
        self.failures: list[Failure] = []
        self.dialect = dialect or plain
        self.stored = asyncio.Event()

    def store(self, kind: str, words: dict[str, Any]) -> dict[str, Any]:
        """It is kept under a new id, as somebody at the package, or our adapter, entered it."""
        made = {**words, "id": f"{kind[0]}{len(self.happened) + 1}", "version": 1}
        self.kept[kind][made["id"]] = made
        self._tell(kind, made["id"])
        self.stored.set()
        return made

    def alter(self, kind: str, key: str, /, **words: Any) -> dict[str, Any]:
        """Somebody changes it there."""
        kept = self.kept[kind][key]
        kept.update(words, version=kept["version"] + 1)
        self._tell(kind, key)
        return kept

    def remove(self, kind: str, key: str, *, silently: bool = False) -> None:
        """Somebody removes it there; `silently`: no news tell of it."""
        gone = self.kept[kind].pop(key)
        if not silently:
            self.happened.append({"kind": kind, "id": key, "gone": gone})

    def pay(self, document: str, cents: int, day: str = "2026-11-22", **words: Any) -> dict[str, Any]:
        """The package's own bank saw money for a document."""
        usual = {"key": None, "document": document, "cents": cents, "on": day, "currency": "EUR", "method": "bank"}
        return self.store("payment", usual | words)

    def by_key(self, kind: str, key: str) -> dict[str, Any] | None:
        """What is kept under our key."""
        return next((one for one in self.kept[kind].values() if one.get("key") == key), None)

    def _tell(self, kind: str, key: str) -> None:
        self.happened.append({"kind": kind, "id": key, "gone": None})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        asked = await _request(scope, receive)
        self.asked.append(asked)
        told = await self._answer(asked)
        self.talk.append((asked, told))
        headers = [(name.encode(), value.encode()) for name, value in told.headers.items()]
        await send({"type": "http.response.start", "status": told.status, "headers": headers})
        await send({"type": "http.response.body", "body": told.body})

    async def _answer(self, asked: Asked) -> Told:
        failure = next(
            (one for one in self.failures if one.times and one.method in {"", asked.method} and asked.path.startswith(one.path)), None
        )
        if failure is None:
            return self.dialect(self, asked)
        failure.times -= 1
        if failure.after_storing:
            self.dialect(self, asked)
        await asyncio.sleep(failure.seconds)
        return said(failure.status, {"error": "ordered by the test"}, **failure.headers)


async def _request(scope: Any, receive: Any) -> Asked:
    body, more = b"", True
    while more:
        event = await receive()
        body, more = body + event.get("body", b""), event.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    return Asked(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)


def plain(books: Books, asked: Asked) -> Told:
    """The simplest dialect: GET /document?key=, POST /document, PUT /contact/{id}, GET /news?after=."""
    if asked.headers.get("authorization") != f"Bearer {TOKEN}":
        return said(401, {"error": "token unknown"})
    kind, _, key = asked.path.strip("/").partition("/")
    match asked.method, kind:
        case "GET", "health":
            return said(200, {"administration": "Proefadministratie", "ledgers": {"8000": "Omzet"}, "vat_codes": {"hoog": "21 %"}})
        case "GET", "news":
            return _news(books, int(asked.query.partition("=")[2] or 0))
        case "GET", _:
            found = books.kept[kind].get(key) if key else books.by_key(kind, asked.query.partition("=")[2])
            return said(200, found) if found else said(404, {"error": "nothing"})
        case "POST", _:
            if asked.json.get("name") == "Geweigerd":
                return said(422, {"error": "this name is not allowed"})
            return said(201, books.store(kind, asked.json))
        case "PUT", _:
            return said(200, books.alter(kind, key, **asked.json))
    return said(405, {"error": "how?"})


_A_PAGE = 100


def _news(books: Books, after: int) -> Told:
    rows = books.happened[after : after + _A_PAGE]
    told = [{**row, "now": books.kept[row["kind"]].get(row["id"])} for row in rows]
    return said(200, {"rows": told, "cursor": after + len(rows), "more": after + len(rows) < len(books.happened)})


class Plain:
    """The adapter of the simplest dialect."""

    name = "plain"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    async def check(self) -> Health:
        """GET /health."""
        return msgspec.convert(await self._ask("GET", "/health"), Health)

    async def find(self, wanted: Wanted) -> Remote | None:
        """GET /{kind}?key=."""
        found = await self._ask("GET", f"/{_kind(wanted)}?key={quote(wanted.key)}", may_lack=True)
        return _remote(found) if found else None

    async def create(self, wanted: Wanted) -> Remote:
        """POST /{kind}."""
        return _remote(await self._ask("POST", f"/{_kind(wanted)}", _words(wanted)))

    async def change(self, contact: Contact, known: Remote, *, even_if_changed: bool = False) -> Remote:
        """PUT /contact/{id}, unless it changed."""
        now = await self.look(What.CONTACT, known.id)
        if now is None:
            raise AccountingRefuses(detail="gone")
        if now.version != known.version and not even_if_changed:
            raise ChangedThere(now)
        if {**now.says} == {name: str(_words(contact)[name]) for name in now.says}:
            return now
        return _remote(await self._ask("PUT", f"/contact/{known.id}", _words(contact)))

    async def look(self, what: What, remote_id: str) -> Remote | None:
        """GET /{kind}/{id}."""
        found = await self._ask("GET", f"/{what.value}/{quote(remote_id, safe='')}", may_lack=True)
        return _remote(found) if found else None

    async def news(self, cursor: str | None) -> News:
        """GET /news?after=."""
        told = await self._ask("GET", f"/news?after={cursor or 0}")
        payments, altered = [], []
        for row in told["rows"]:
            if row["kind"] == "payment":
                payments.append(_seen(row["now"] or row["gone"] or {}, is_gone=row["now"] is None))
            else:
                now = _remote(row["now"]) if row["now"] else None
                altered.append(Altered(what=What(row["kind"]), id=row["id"], now=now))
        known = tuple(one for one in payments if one.id)
        return News(cursor=str(told["cursor"]), payments=known, altered=tuple(altered), is_more=told["more"])

    async def _ask(self, method: str, path: str, body: Any = None, *, may_lack: bool = False) -> Any:
        headers = {"authorization": f"Bearer {self._setup.credential}"}
        sent = json.dumps(body).encode() if body else None
        try:
            answer = await remote.ask(
                method, f"{self._setup.url}{path}", headers=headers, body=sent, within=self._setup.within.total_seconds()
            )
        except outgoing.NotReached as error:
            raise AccountingUnavailable(detail=error.why.value) from error
        if answer.status == 404 and may_lack:
            return None
        if answer.status == 401:
            raise CredentialRefused(detail="401")
        if answer.status == 429 or answer.status >= 500:
            raise AccountingUnavailable(detail=str(answer.status), pause=timedelta(seconds=int(answer.retry_after or 0)))
        if answer.status >= 400:
            raise AccountingRefuses(detail=json.loads(answer.body)["error"])
        return json.loads(answer.body)


def _kind(wanted: Wanted) -> str:
    kinds: dict[type[Any], What] = {Contact: What.CONTACT, SalesDocument: What.DOCUMENT, Booking: What.PAYMENT, Settlement: What.SETTLEMENT}
    return kinds[type(wanted)].value


def _words(wanted: Wanted) -> dict[str, Any]:
    if isinstance(wanted, Contact):
        return {"key": wanted.key, "number": wanted.number, "name": wanted.name, "city": wanted.city}
    if isinstance(wanted, Booking):
        return {
            "key": wanted.key,
            "document": wanted.document,
            "cents": wanted.amount_cents,
            "on": wanted.on.isoformat(),
            "ledger": wanted.ledger,
        }
    if isinstance(wanted, Settlement):
        return {"key": wanted.key, "document": wanted.document, "credit": wanted.credit, "cents": wanted.amount_cents}
    lines = [{"cents": line.net_cents, "ledger": line.ledger, "vat": line.vat_code} for line in wanted.lines]
    corrects = wanted.corrects.remote if wanted.corrects else None
    return {
        "key": wanted.key,
        "number": wanted.number,
        "contact": wanted.contact,
        "gross": wanted.gross_cents,
        "kind": wanted.kind.value,
        "lines": lines,
        "corrects": corrects,
    }


def _remote(found: Mapping[str, Any]) -> Remote:
    says = {name: str(found[name]) for name in ("name", "city", "number") if name in found}
    return Remote(
        id=found["id"],
        version=str(found["version"]),
        key=found["key"],
        number=found.get("number"),
        gross_cents=found.get("gross"),
        says=says,
    )


def _seen(row: Mapping[str, Any], *, is_gone: bool) -> SeenPayment:
    return SeenPayment(
        id=row.get("id", ""),
        document=row.get("document", ""),
        amount_cents=row.get("cents", 0),
        on=date.fromisoformat(row.get("on", "2026-11-22")),
        currency=row.get("currency", "EUR"),
        key=row.get("key"),
        method=row.get("method", ""),
        is_gone=is_gone,
    )


def recorded(books: Books, file: Path) -> None:
    """What was said on the wire so far is written down; no credential with it."""
    talk = [
        {
            "asked": {"method": asked.method, "path": asked.path, "query": asked.query, "body": asked.body.decode()},
            "told": {"status": told.status, "headers": dict(told.headers), "body": told.body.decode()},
        }
        for asked, told in books.talk
    ]
    file.write_text(json.dumps(talk, indent=1, ensure_ascii=False) + "\n")


class Replay(Books):
    """Answers what was written down, in that order; another question than then is answered by 599."""

    def __init__(self, file: Path) -> None:
        super().__init__(self._next)
        self._left = json.loads(file.read_text())

    @property
    def is_over(self) -> bool:
        """Whether all of it was asked."""
        return not self._left

    def _next(self, _books: Books, asked: Asked) -> Told:
        now = {"method": asked.method, "path": asked.path, "query": asked.query, "body": asked.body.decode()}
        if not self._left or self._left[0]["asked"] != now:
            return said(599, {"error": "nobody asked this then", "expected": self._left[0]["asked"] if self._left else None})
        told = self._left.pop(0)["told"]
        return Told(told["status"], told["body"].encode(), told["headers"])


@asynccontextmanager
async def serving(books: Books) -> AsyncIterator[Books]:
    """The package at an address of this machine."""
    server = uvicorn.Server(uvicorn.Config(books, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    books.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield books
    finally:
        server.should_exit = True
        await running
