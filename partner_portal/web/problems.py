"""The problems that HTTP itself brings, the status of each kind, and the sentences people read about them."""

from __future__ import annotations

import msgspec

from partner_portal.infra.catalogue import sentence
from partner_portal.kernel import errors
from partner_portal.kernel.errors import Problem


class NotSignedIn(Problem):
    """Nobody is known to be asking, and somebody must be."""


class UntrustedOrigin(Problem):
    """A signed-in browser sent a change that did not come from a page of the portal."""


class TooManyRequests(Problem):
    """The actor, or the address, asked more often than agreed; `retry_after` in seconds."""


class BodyTooLarge(Problem):
    """The body is larger than this route takes."""


class UnsupportedMediaType(Problem):
    """The body is of a kind that this route does not read."""


class MalformedJson(Problem):
    """The body is no JSON; `position` counts bytes from 0."""


class MalformedRequest(Problem):
    """The request cannot be read as HTTP means it."""


class ClientGone(Problem):
    """The client left before its request was complete; nobody reads this answer."""


class MethodNotAllowed(Problem):
    """There is something at this address, but not for this method."""


class PreconditionRequired(Problem):
    """A change must name the version it changes, in If-Match."""


class PreconditionFailed(Problem):
    """The row was changed since the version named in If-Match."""


class AlreadyExists(Problem):
    """Something with the same name, number or key is there already."""


class StillReferredTo(Problem):
    """Something else refers to it, or it refers to something that is not there."""


class ChangedMeanwhile(Problem):
    """Somebody else changed the same thing at the same moment; the same request may succeed when repeated."""


class BadIdempotencyKey(Problem):
    """The Idempotency-Key is empty, too long, or holds characters beyond printable ASCII."""


class IdempotencyKeyReused(Problem):
    """The same Idempotency-Key came with another request before."""


class TwinInFlight(Problem):
    """A request with the same Idempotency-Key is being carried out at this moment."""


class AnswerNotKept(Problem):
    """The request was carried out before; its answer held a secret and cannot be shown again."""


class UnexpectedFailure(Problem):
    """Something broke on our side; nothing was saved."""


STATUS: dict[type[Problem], int] = {
    errors.NotFound: 404,
    errors.NotAllowed: 403,
    errors.Invalid: 422,
    errors.Refused: 409,
    errors.Unavailable: 503,
    NotSignedIn: 401,
    UntrustedOrigin: 403,
    TooManyRequests: 429,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    MalformedJson: 400,
    MalformedRequest: 400,
    ClientGone: 400,
    MethodNotAllowed: 405,
    PreconditionRequired: 428,
    PreconditionFailed: 412,
    AlreadyExists: 409,
    StillReferredTo: 409,
    ChangedMeanwhile: 409,
    BadIdempotencyKey: 400,
    IdempotencyKeyReused: 422,
    TwinInFlight: 409,
    AnswerNotKept: 409,
    UnexpectedFailure: 500,
}


class Words(msgspec.Struct, frozen=True):
    """What people read about a problem: source strings of the catalogues, with the problem's facts as `%(name)s`."""

    title: str
    detail: str = ""


_WORDS: dict[str, Words] = {
    "not-found": Words(sentence("Not found"), sentence("It does not exist, or it is not yours to see.")),
    "not-allowed": Words(sentence("Not allowed"), sentence("Your role does not permit this.")),
    "invalid": Words(sentence("Not valid"), sentence("Something in the request cannot be right; see each field.")),
    "refused": Words(sentence("Refused"), sentence("This is not possible as things stand now.")),
    "unavailable": Words(sentence("Temporarily unavailable"), sentence("Please try again in a moment.")),
    "store-unavailable": Words(sentence("Temporarily unavailable"), sentence("Please try again in a moment.")),
    "not-signed-in": Words(sentence("Sign in first"), sentence("Your session may have ended, or the API key is not valid.")),
    "untrusted-origin": Words(
        sentence("This did not come from one of our pages"), sentence("Open the page again and repeat what you did; nothing was changed.")
    ),
    "too-many-requests": Words(sentence("Too many requests"), sentence("Please wait %(retry_after)s seconds and try again.")),
    "body-too-large": Words(sentence("Too large"), sentence("The request is larger than is accepted here.")),
    "unsupported-media-type": Words(sentence("Unknown kind of content"), sentence("Send the body as %(expected)s.")),
    "malformed-json": Words(sentence("No valid JSON"), sentence("The body cannot be read as JSON.")),
    "malformed-request": Words(sentence("No valid request"), sentence("The request cannot be read.")),
    "client-gone": Words(sentence("Request incomplete"), sentence("The connection was closed before the request had arrived.")),
    "method-not-allowed": Words(sentence("Method not allowed"), sentence("This address exists, but not for this method.")),
    "precondition-required": Words(
        sentence("Say which version you change"), sentence("Send the ETag of the version you saw in the header If-Match.")
    ),
    "precondition-failed": Words(
        sentence("Changed meanwhile"), sentence("Somebody changed it after you looked; look again and decide anew.")
    ),
    "already-exists": Words(sentence("Already there"), sentence("Something with the same name, number or key exists.")),
    "still-referred-to": Words(sentence("Still in use"), sentence("Something else depends on it, or it depends on something missing.")),
    "changed-meanwhile": Words(sentence("Changed meanwhile"), sentence("Somebody changed the same thing at the same moment; try again.")),
    "bad-idempotency-key": Words(
        sentence("Idempotency-Key not valid"), sentence("Use 1 to 255 printable ASCII characters, a random UUID for example.")
    ),
    "idempotency-key-reused": Words(
        sentence("Idempotency-Key used before"), sentence("The same key came with another request; use a new key for a new request.")
    ),
    "twin-in-flight": Words(
        sentence("The same request is being carried out"), sentence("Repeat it in a moment to get the answer of the first.")
    ),
    "answer-not-kept": Words(
        sentence("Carried out before"), sentence("The first answer held a secret that is shown once; it was not kept.")
    ),
    "unexpected-failure": Words(
        sentence("Something went wrong on our side"), sentence("Nothing was saved. If it happens again, tell us the request number.")
    ),
}

FIELD_WORDS: dict[str, str] = {
    "missing": sentence("This is required."),
    "unknown": sentence("This field is not known here."),
    "unknown-near": sentence("This field is not known here; did you mean %(near)s?"),
    "duplicate": sentence("This field is given more than once."),
    "type": sentence("This must be %(expected)s, not %(got)s."),
    "format": sentence("This cannot be read as %(expected)s."),
    "choice": sentence("This must be one of: %(allowed)s."),
    "pattern": sentence("This does not have the expected form."),
    "too-short": sentence("This is too short; at least %(limit)s."),
    "too-long": sentence("This is too long; at most %(limit)s."),
    "wrong-length": sentence("This must have length %(limit)s."),
    "too-small": sentence("This must be at least %(limit)s."),
    "too-large": sentence("This must be at most %(limit)s."),
    "not-above": sentence("This must be more than %(limit)s."),
    "not-below": sentence("This must be less than %(limit)s."),
    "not-a-multiple": sentence("This must be a multiple of %(limit)s."),
    "nul": sentence("This contains a NUL character."),
    "too-deep": sentence("This is nested too deeply."),
    "not-finite": sentence("This must be an ordinary number."),
    "invalid": sentence("This is not valid."),
}


TYPE_WORDS: dict[str, str] = {
    "string": sentence("text"),
    "integer": sentence("a whole number"),
    "number": sentence("a number"),
    "decimal": sentence("a decimal number"),
    "boolean": sentence("true or false"),
    "array": sentence("a list"),
    "object": sentence("an object"),
    "null": sentence("empty (null)"),
    "date": sentence("a day (YYYY-MM-DD)"),
    "datetime": sentence("a day and time (RFC 3339)"),
    "uuid": sentence("a UUID"),
}


def explain(words: dict[type[Problem], Words]) -> None:
    """People read these words when one of these problems stops them; a domain calls this once, where its routes are put together."""
    _WORDS.update({code(kind): said for kind, said in words.items()})


def explain_fields(words: dict[str, str]) -> None:
    """People read these sentences at a field with one of these codes; ValueError where a code has another sentence already."""
    if clashing := sorted(code for code, said in words.items() if FIELD_WORDS.get(code, said) != said):
        raise ValueError(f"These codes say something else already: {', '.join(clashing)}")
    FIELD_WORDS.update(words)


def status(kind: type[Problem]) -> int:
    """The HTTP status of a problem: its own, or that of the nearest kind it derives from."""
    return next((STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS), 500)


def code(kind: type[Problem]) -> str:
    """The stable name of a kind of problem."""
    return kind.__new__(kind).code  # without its facts, which some demand


def words(kind: type[Problem]) -> Words:
    """What is said about a problem: its own words, or its code as a title."""
    named = code(kind)
    return _WORDS.get(named) or Words(named.replace("-", " ").capitalize())


def known() -> dict[str, type[Problem]]:
    """Every problem that this portal can answer with, by its code."""
    found: dict[str, type[Problem]] = {}
    waiting: list[type[Problem]] = [Problem]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind is not Problem:
            found[code(kind)] = kind
    return dict(sorted(found.items()))
