"""One list, page by page: filters and sorting in the address, and a cursor that stays right while rows come and go.

A cursor holds where the last page ended (the values sorted by, and the id). It is signed, and made for one list, sorting and filter.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar.params import QueryParameter

from partner_portal.infra import settings
from partner_portal.kernel.errors import FieldError, Invalid

from .answers import JsonAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from litestar import Request, Response

Row = TypeVar("Row")
Out = TypeVar("Out")
Asked = TypeVar("Asked", bound=msgspec.Struct)

LARGEST_PAGE = 200
Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE, description="How many rows at most.")]
After = Annotated[str | None, QueryParameter(max_length=1000, description="The cursor of the page before, from its `next` or `Link`.")]
Sort = Annotated[str | None, QueryParameter(max_length=40, description="What to sort by; with a minus sign in front: the other way round.")]

_SIGNATURE = 12


class Column(msgspec.Struct, frozen=True):
    """Something a list can be sorted by: an SQL expression that is never null, and the SQL type of its values."""

    sql: str
    type: str
    attribute: str
    """Where a row holds the value."""


class Listing(msgspec.Struct, frozen=True):
    """One list: what it can be sorted by, and how it is sorted if nobody says."""

    name: str
    columns: Mapping[str, Column]
    usual: str
    """A key of `columns`, with a minus sign in front for the largest first."""
    id_sql: str = "id"
    id_attribute: str = "id"

    def window(self, *, sort: str | None = None, after: str | None = None, limit: int = 50, **filters: Any) -> Window:
        """The part of the list that was asked for; Invalid for an unknown sorting or a cursor of another list, sorting or filter."""
        chosen = sort or self.usual
        column = self.columns.get(chosen.removeprefix("-"))
        if column is None:
            raise Invalid(FieldError("/sort", "choice", {"allowed": sorted(self.columns), "in": "query"}))
        last = _opened(after, _context(self.name, chosen, filters)) if after else None
        return Window(self, column, chosen, limit, filters, last)

    def window_or_first(self, *, sort: str | None = None, after: str | None = None, **filters: Any) -> Window:
        """The same for people: the first page for a cursor of another list, which an old address may hold."""
        try:
            return self.window(sort=sort, after=after, **filters)
        except Invalid:
            return self.window(sort=sort, **filters)


class Window(msgspec.Struct, frozen=True):
    """The part of a list that was asked for, as SQL understands it."""

    listing: Listing
    column: Column
    sort: str
    limit: int
    filters: dict[str, Any]
    last: tuple[str, str] | None

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""
        return self.sort.startswith("-")

    def where(self, first: int) -> tuple[str, list[Any]]:
        """The condition that skips what was seen, with its values, the first of which is `$first`; "true" at the beginning."""
        if self.last is None:
            return "true", []
        sign = "<" if self.descending else ">"
        # The values travel as text and are read by PostgreSQL: a row comparison uses the index on both columns.
        seen = f"(${first}::text::{self.column.type}, ${first + 1}::text::uuid)"
        return f"({self.column.sql}, {self.listing.id_sql}) {sign} {seen}", list(self.last)

    @property
    def order(self) -> str:
        """What follows ORDER BY, with LIMIT: one row more than shown tells whether there is a next page."""
        way = "DESC" if self.descending else "ASC"
        return f"{self.column.sql} {way}, {self.listing.id_sql} {way} LIMIT {self.limit + 1}"

    def page(self, rows: Sequence[Row]) -> Page[Row]:
        """The rows to show of those that `order` brought, and the cursor of the next page."""
        shown = rows[: self.limit]
        if len(rows) <= self.limit:
            return Page(shown, None)
        value, row_id = (_of(shown[-1], name) for name in (self.column.attribute, self.listing.id_attribute))
        return Page(shown, _sealed((_as_text(value), str(row_id)), _context(self.listing.name, self.sort, self.filters)))


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """Rows of one page, and the cursor of the next if there is one."""

    rows: Sequence[Row]
    next: str | None


class ListOut(msgspec.Struct, Generic[Out], frozen=True):
    """One page of a list; `next` is the value of `after` for the next page, null on the last."""

    items: list[Out]
    next: str | None


def answer(request: Request[Any, Any, Any], page: Page[Row], show: Callable[[Row], Out]) -> Response[ListOut[Out]]:
    """The page as JSON with the address of the next in the header Link; the number of all rows is not counted."""
    headers = {"link": f'<{next_address(request, page.next)}>; rel="next"'} if page.next else None
    return JsonAnswer(ListOut([show(row) for row in page.rows], page.next), headers=headers)


def next_address(request: Request[Any, Any, Any], cursor: str) -> str:
    """The path and query of the next page: this one's, with the cursor."""
    asked = request.scope["query_string"]
    if not asked:
        return f"{request.scope['path']}?after={cursor}"
    kept = [(name, value) for name, value in parse_qsl(asked.decode("latin-1")) if name != "after"]
    return f"{request.scope['path']}?{urlencode([*kept, ('after', cursor)])}"


def understood(filters: type[Asked], asked: Mapping[str, str], *, strict: bool = True) -> Asked:
    """Of what an address asks for, what these filters understand: a value that one does not take is as if it were not there.

    Not `strict`: figures and yes or no are read from words.
    """
    known = {}
    for name, value in asked.items():
        try:
            msgspec.convert({name: value}, filters, strict=strict)
        except msgspec.ValidationError:
            continue
        known[name] = value
    return msgspec.convert(known, filters, strict=strict)


def contains(text: str) -> str:
    """The LIKE pattern for rows that contain `text` as it is written."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _context(name: str, sort: str, filters: dict[str, Any]) -> str:
    return f"{name} {sort} {msgspec.json.encode(filters, order='sorted').decode()}"


def _of(row: Any, name: str) -> Any:
    return getattr(row, name) if hasattr(row, name) else row[name]


def _as_text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _sealed(last: tuple[str, str], context: str) -> str:
    body = msgspec.msgpack.encode(last)
    return base64.urlsafe_b64encode(_signature(body, context) + body).rstrip(b"=").decode()


def _opened(cursor: str, context: str) -> tuple[str, str]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        if hmac.compare_digest(raw[:_SIGNATURE], _signature(raw[_SIGNATURE:], context)):
            return msgspec.msgpack.decode(raw[_SIGNATURE:], type=tuple[str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        pass
    raise Invalid(FieldError("/after", "invalid", {"in": "query"}))


def _signature(body: bytes, context: str) -> bytes:
    secret = settings.current().secret_key.encode()
    return hmac.digest(secret, b"cursor " + context.encode() + b" " + body, hashlib.sha256)[:_SIGNATURE]
