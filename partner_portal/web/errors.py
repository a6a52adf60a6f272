"""Every failure as an answer: problem details (RFC 9457) for software, a page for browsers, and never a word of our insides."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from partner_portal.infra import catalogue, templates
from partner_portal.infra.step_up import PasswordNeeded
from partner_portal.kernel import errors
from partner_portal.kernel.errors import FieldError, Invalid, Problem
from partner_portal.kernel.money import Money

from . import above, faults, frame, problems, step_up
from .money import MoneyOut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.types import Scope

    from partner_portal.kernel.actor import Actor

PROBLEM_JSON = "application/problem+json"
HTML = "text/html; charset=utf-8"

_log = structlog.get_logger("web")
_BY_SQLSTATE: dict[str, type[Problem]] = {
    "23505": problems.AlreadyExists,
    "23503": problems.StillReferredTo,
    "23001": problems.StillReferredTo,
    "23P01": problems.AlreadyExists,
    "40001": problems.ChangedMeanwhile,
    "40P01": problems.ChangedMeanwhile,
    "55P03": problems.ChangedMeanwhile,
    "42501": errors.NotFound,  # row-level security refused a write: for this tenant the thing is not there
    "57014": errors.Unavailable,
    "53300": errors.Unavailable,
}
_DATA = "22"
LOST = (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, ConnectionError, TimeoutError)  # type: ignore[attr-defined]


class Answer(msgspec.Struct, frozen=True):
    """A finished answer, ready for the wire."""

    status: int
    media_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """What an error answer must know of who reads it."""

    language: str
    request_id: str
    wants_page: bool = False
    wants_part: bool = False
    """A script of the page that is open asked, for a part of it."""
    way_in: str = ""
    """Where a stranger signs in and comes back to what was asked for; nothing where there is no such page."""
    way_back: str = ""
    """The page of ours that the request was sent from, if it is another one."""
    actor: Actor | None = None
    csrf: str = ""
    theme: str = ""
    lone_keys: bool = True
    """Whether a key without Control does something where nobody types."""
    here: str = ""
    """The address of this page to come back to; of an answer to a form, the page that the form stood on."""


def problem_of(error: Exception) -> Problem:
    """The problem that an exception means to the outside; what is not known is an UnexpectedFailure, logged with its trace."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return _of_litestar(error)
    if isinstance(error, asyncpg.PostgresError):  # type: ignore[attr-defined]
        known = _BY_SQLSTATE.get(error.sqlstate or "")
        if known:
            return known()
        if (error.sqlstate or "").startswith(_DATA):
            _log.warning("web.value_refused_by_database", sqlstate=error.sqlstate)  # reading should have refused it, with its place
            return Invalid()
    if isinstance(error, LOST):
        _log.error("web.dependency_lost", exc_info=error)
        return errors.Unavailable()
    _log.error("web.failed", exc_info=error)
    return problems.UnexpectedFailure()


def _of_litestar(error: HTTPException) -> Problem:
    if isinstance(error, ValidationException):
        return Invalid(*_parameters(error.extra))
    if isinstance(error, RequestEntityTooLarge):
        return problems.BodyTooLarge()
    if isinstance(error, MethodNotAllowedException):
        return problems.MethodNotAllowed()
    if isinstance(error, NotFoundException):
        return errors.NotFound()
    if isinstance(error.__cause__, SerializationException):
        return problems.MalformedRequest()
    if error.detail == "client disconnected prematurely":
        return problems.ClientGone()
    if isinstance(error, ClientException):
        return problems.MalformedRequest()
    _log.error("web.failed", exc_info=error)
    return problems.UnexpectedFailure()


def _parameters(extra: Any) -> list[FieldError]:
    """Litestar's own list of wrong parameters, each with where it stood."""
    if not isinstance(extra, list):
        return []
    return [
        faults.told(
            faults.pointer("", str(one.get("key", "")).split(".", 1)[0]), str(one.get("message", "")), {"in": one.get("source", "query")}
        )
        for one in extra
        if isinstance(one, dict)
    ]


def answer(problem: Problem, reader: Reader) -> Answer:
    """What the reader gets to see: the same facts as JSON or as a page."""
    status = problems.status(type(problem))
    details = _details(problem, status, reader)
    headers = _headers(problem, status)
    if reader.wants_page and isinstance(problem, problems.NotSignedIn) and reader.way_in:
        return Answer(303, HTML, b"", (("location", reader.way_in),))
    if reader.wants_page and isinstance(problem, PasswordNeeded):
        return Answer(303, HTML, b"", (("location", step_up.way(reader.here)),))
    if reader.wants_part:
        return Answer(status, HTML, _filled("web/problem_part.html", details, reader).encode(), (*headers, *_BESIDE_THE_PAGE))
    if reader.wants_page:
        return Answer(status, HTML, _filled("web/problem.html", details, reader).encode(), headers)
    return Answer(status, PROBLEM_JSON, msgspec.json.encode(details, enc_hook=str), headers)


def _details(problem: Problem, status: int, reader: Reader) -> dict[str, Any]:
    said = problems.words(type(problem))
    details: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": say(said.title, reader.language, problem.facts),
        "status": status,
    }
    if detail := say(said.detail, reader.language, problem.facts):
        details["detail"] = detail
    details["instance"] = f"urn:request:{reader.request_id}"
    if problem.facts:
        details["facts"] = {name: _plain(value) for name, value in problem.facts.items()}
    if isinstance(problem, Invalid) and problem.fields:
        details["errors"] = [_field(fault, reader.language) for fault in problem.fields]
    return details


def sentence_at(fault: FieldError, language: str) -> str:
    """What people read at a wrong field."""
    said = problems.FIELD_WORDS.get(fault.code, problems.FIELD_WORDS["invalid"])
    return say(said, language, _spoken(fault.facts, language)) or say(problems.FIELD_WORDS["invalid"], language, {})


def sentence_typed(fault: FieldError, language: str) -> str:
    """The same where somebody typed it: what to type, and whether to type nothing is as well."""
    kinds = str(fault.facts.get("expected", "")).split(" or ")
    wanted = " or ".join(kind for kind in kinds if kind != "null")
    if fault.code not in {"type", "format"} or not wanted:
        return sentence_at(fault, language)
    return say(
        _TYPE_OR_NOTHING if "null" in kinds else _TYPE, language, {"expected": _kinds(wanted, language, {**problems.TYPE_WORDS, **_TYPED})}
    )


_TYPED: dict[str, str] = {
    "date": catalogue.sentence("a day (such as 2026-12-31)"),
    "datetime": catalogue.sentence("a day with a time"),
    "boolean": catalogue.sentence("yes or no"),
    "decimal": catalogue.sentence("a number (such as 12.50)"),
    "uuid": catalogue.sentence("what was offered to choose from"),
}
"""What people type, where the words for software would say how it is written in JSON."""
_TYPE = catalogue.sentence("Type %(expected)s.")
_TYPE_OR_NOTHING = catalogue.sentence("Type %(expected)s, or leave this empty.")


def _field(fault: FieldError, language: str) -> dict[str, Any]:
    # What stands in a file was typed by somebody, also where software sends it.
    said = sentence_typed(fault, language) if "column" in fault.facts else sentence_at(fault, language)
    told: dict[str, Any] = {"pointer": fault.pointer, "code": fault.code, "detail": said}
    if fault.facts:
        told["facts"] = {name: _plain(value) for name, value in fault.facts.items()}
    return told


def _spoken(facts: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The facts of a field with the names of types as people say them."""
    return {name: _kinds(value, language) if name in ("expected", "got") else value for name, value in facts.items()}


def _kinds(names: str, language: str, words: Mapping[str, str] = problems.TYPE_WORDS) -> str:
    said = [say(words.get(name, name), language, {}) for name in names.split(" or ")]
    return say(catalogue.sentence(" or "), language, {}).join(said)


def say(sentence: str, language: str, facts: Mapping[str, Any]) -> str:
    """The sentence with the facts it names; without the sentence, if it names a fact that is not there, rather than half of one."""
    if not sentence:
        return ""
    # `text` has parameters of its own with these names.
    words = {name: _readable(value) for name, value in facts.items() if name not in ("msgid", "language")}
    try:
        return catalogue.text(sentence, language, **words)
    except (KeyError, FileNotFoundError):
        return ""


def _readable(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple, set, frozenset)) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return MoneyOut.of(value)
    return sorted(map(str, value)) if isinstance(value, (set, frozenset)) else value


def _headers(problem: Problem, status: int) -> tuple[tuple[str, str], ...]:
    headers = [("retry-after", str(problem.facts["retry_after"]))] if "retry_after" in problem.facts else []
    if status == problems.STATUS[errors.Unavailable] and not headers:
        headers = [("retry-after", "5")]
    if isinstance(problem, problems.NotSignedIn):
        headers.append(("www-authenticate", 'Bearer realm="portal"'))
    if allowed := problem.facts.get("allow"):
        headers.append(("allow", ", ".join(allowed)))
    return tuple(headers)


_BESIDE_THE_PAGE = (("hx-retarget", "#problem"), ("hx-reswap", "innerHTML"), ("hx-push-url", "false"), ("hx-replace-url", "false"))
"""Where htmx shows what went wrong: what was on the page stays as it was."""


def _filled(template: str, details: dict[str, Any], reader: Reader) -> str:
    try:
        ui = templates.parts("web/macros.html", language=reader.language, csrf=reader.csrf)
        around = frame.last_seen(reader.actor) if reader.way_in else None
        return templates.render(
            template,
            language=reader.language,
            ui=ui,
            frame="web/portal.html" if around else "web/base.html",
            brand=around.brand if around else frame.house(),
            menu=around.menu if around else (),
            problem={"detail": "", "errors": (), **details},
            reader=reader,
            **{name: getattr(reader, name) for name in ("actor", "csrf", "theme", "lone_keys", "here", "request_id")},
            flash=None,
        )
    except Exception:  # noqa: BLE001  # whatever broke, its answer must not break as well
        _log.exception("web.problem_page_failed")
        title, number = html.escape(details["title"]), html.escape(reader.request_id)
        return f'<!doctype html><html lang="{reader.language}"><title>{title}</title><h1>{title}</h1><p>{number}</p></html>'


def reader_of(scope: Scope) -> Reader:
    """Who reads the answer to this request, as the shell found out before anything could fail."""
    found: Reader = scope["state"]["reader"]()
    return found


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's handler for every exception: `exception_handlers={Exception: errors.handle, HTTPException: errors.handle}`."""
    problem, reader = problem_of(error), reader_of(request.scope)
    if isinstance(problem, problems.MethodNotAllowed):
        problem = problems.MethodNotAllowed(**_allowed(error))
        if request.method == "GET" and reader.wants_page and (page := above.page_above(request.app, request.url.path)):
            return Response(b"", status_code=303, headers={"location": page})
    made = answer(problem, reader)
    # Litestar adds a charset to every text/*, also where one stands.
    return Response(made.body, status_code=made.status, media_type=made.media_type.partition(";")[0], headers=dict(made.headers))


def _allowed(error: Exception) -> dict[str, list[str]]:
    allow = (getattr(error, "headers", None) or {}).get("allow", "")
    return {"allow": [method.strip() for method in allow.split(",")]} if allow else {}
