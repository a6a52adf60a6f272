"""Log lines: one shape for all libraries, and nothing in them that is somebody's or secret."""

from __future__ import annotations

import functools
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar, Token
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import msgspec
import structlog

from .settings import Env, LogFormat

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from .settings import Settings

HIDDEN = "[hidden]"
_DEEPEST = 6
_LONGEST = 4000
_MOST = 100

_TELLING_NAMES = re.compile(
    r"passw|passphrase|secret|token|authori[sz]ation|cookie|csrf|session|credential|api_?key|private|dsn|database_?url|redis_?url|smtp_?url"
    r"|e_?mail|recipient|iban|phone|telefoon|otp|signature"
)
_TELLING_WHOLE = {"to", "cc", "bcc", "from", "sender", "auth", "pin", "body", "args", "url", "headers"}

# In the order in which they are looked for: a URL's password may hold an @, an address may stand in a query.
_WORDS_TO_HIDE = (
    re.compile(r"(?<=://)[^\s/?#]*@"),
    re.compile(r"(?i)\b(?:bearer|basic|digest|token)\s+[\w.~+/=-]{8,}"),
    re.compile(r"(?i)(?:passw(?:or)?d|secret|token|code|signature|api[_-]?key)[\"']?\s*[=:]\s*[\"']?[^\s&\"',;}]+"),
    re.compile(r"(?<!\S)\S+(?:@|%40|\uff20)\S+"),
    re.compile(r"\beyJ[\w-]+\.[\w.-]+"),
    re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
    re.compile(r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{32,}(?![\w-])"),
    re.compile(r"(?<![0-9a-fA-F-])[0-9a-fA-F]{32,}(?![0-9a-fA-F])"),
)
# Most values are plain words, paths and ids, in which none of these can be: one look instead of eight.
_PLAIN = re.compile(
    r"[a-z0-9_./{}-]{0,31}|[A-Za-z0-9_./{}-]{0,14}"
    r"|(?:(?:member|key|customer|staff|system):)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_OWN = {"timestamp", "level"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_QUIET = {
    "arq": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "weasyprint": logging.ERROR,
    "fontTools": logging.ERROR,
}


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """From here on every line, also uvicorn's and arq's, is written to `stream` (standard error) in the format of the settings."""
    out = stream or sys.stderr
    as_json = settings.log_format is LogFormat.JSON or (settings.log_format is LogFormat.AUTO and settings.in_production)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _tell_about,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [hide, structlog.processors.JSONRenderer(_json) if as_json else _text(out)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=settings.env is not Env.TEST,
    )
    _route_libraries(out, shared, last)
    _Plain.out, _Plain.as_json = out, as_json


class _Plain:
    out: TextIO | None = None
    as_json = True


_about: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


def about(facts: Mapping[str, str]) -> Token[Mapping[str, str] | None]:
    """Until `over`, every line of this task says these facts, those that are added to the mapping later included."""
    return _about.set(facts)


def over(token: Token[Mapping[str, str] | None]) -> None:
    """Lines say what they said before `about`."""
    _about.reset(token)


def _tell_about(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {**(_about.get() or {}), **event}


def request(method: str, route: str, status: int, milliseconds: int, facts: Mapping[str, str]) -> None:
    """The line of one request. Its caller vouches for every value, so none is looked through: that would cost more than answering does."""
    if _Plain.out is None:
        return
    line = {
        "timestamp": datetime.now(UTC).isoformat(),  # noqa: TID251  # when it happened, not what the portal's clock was moved to
        "level": "info",
        "event": "web.request",
        **facts,
        "method": method,
        "route": route,
        "status": status,
        "ms": milliseconds,
    }
    text = msgspec.json.encode(line).decode() if _Plain.as_json else " ".join(f"{name}={value}" for name, value in line.items())
    _Plain.out.write(f"{text}\n")


def hide(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last processor before the line is written: what is secret or somebody's is replaced, wherever it stands."""
    line = {}
    for name, value in event.items():
        if name in _OWN:
            line[name] = value
        elif name == "exception":
            line[name] = _words(str(value), lines=True)
        else:
            line[_words(name)] = _clean(name, value)
    return line


def _json(line: EventDict, **_options: Any) -> str:
    return msgspec.json.encode(line).decode()


def _text(out: TextIO) -> Processor:
    plain = structlog.dev.plain_traceback  # the richer ones print local variables
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain, pad_event_to=30)


def _route_libraries(out: TextIO, shared: list[Processor], last: list[Processor]) -> None:
    handler = logging.StreamHandler(out)
    drop_record = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[*shared, _logger_name], processors=[drop_record, *last]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # its lines hold paths, and paths hold tokens; the web layer writes its own
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)


def _logger_name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["logger"] = event["_record"].name
    return event


def _clean(name: str, value: Any, depth: int = 0) -> Any:
    if _is_telling(name) or depth >= _DEEPEST:
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        some = list(value.items())[:_MOST]
        return {_words(str(key)): _clean(str(key), inner, depth + 1) for key, inner in some}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", inner, depth + 1) for inner in list(value)[:_MOST]]
    return _words(_said(value))


@functools.lru_cache(1024)
def _is_telling(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    return plain in _TELLING_WHOLE or bool(_TELLING_NAMES.search(plain))


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, UUID | date | Decimal | Enum):
        return str(value)
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return f"<{type(value).__name__}>"  # whatever it would say of itself, nobody has looked at


def _words(text: str, *, lines: bool = False) -> str:
    if _PLAIN.fullmatch(text):
        return text
    text = text[:_LONGEST] if not lines else text[-_LONGEST * 4 :]
    for pattern in _WORDS_TO_HIDE:
        text = pattern.sub(HIDDEN, text)
    control = _CONTROL_BUT_LINES if lines else _CONTROL
    return control.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
