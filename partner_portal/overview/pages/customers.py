"""The list of customers: found while one types, filtered, sorted, with the columns one wants, and taken along as a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import asyncpg
import msgspec
from litestar import Request, Response, Router, get

from partner_portal.infra import clock, formats
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.spreadsheets_out import Cell
from partner_portal.kernel.actor import Role
from partner_portal.kernel.money import Money
from partner_portal.web import auth, exports, lists, pages

from ..service import customers
from ..service.customers import LISTING, Filter
from . import words

PATH = "/portal/customers"
COLUMNS: dict[str, str] = {
    "segment": sentence("Kind of customer"),
    "language": sentence("Language"),
    "country": sentence("Country"),
    "email": sentence("E-mail"),
    "since": sentence("Customer since"),
    "services": sentence("Services"),
    "fee": sentence("Per month"),
}
USUAL = ("services", "fee")
SORTS: dict[str, str] = {"name": sentence("by name"), "number": sentence("by number"), "-since": sentence("newest first")}
_ALWAYS = "name"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of the list asks for; what makes no sense in it is as if it had not been said."""

    filter: Filter
    sort: str
    columns: tuple[str, ...]
    after: str | None

    @classmethod
    def of(cls, request: Request[Any, Any, Any]) -> Wanted:
        """As this request asks."""
        asked = request.query_params
        sort = asked.get("sort", "")
        chosen = asked.getall("columns", [])
        return cls(
            filter=lists.understood(Filter, {name: asked.get(name, "").strip() for name in Filter.__struct_fields__}),
            sort=sort if sort in SORTS else LISTING.usual,
            columns=tuple(name for name in COLUMNS if name in chosen) if chosen else USUAL,
            after=asked.get("after") or None,
        )

    @property
    def is_filtered(self) -> bool:
        """Whether more than words is asked for."""
        return self.filter.asked.keys() != {"q"} & self.filter.asked.keys()

    def address(self, path: str = PATH, **more: str) -> str:
        """The same list at `path`, with something else besides: nothing said twice, nothing said that goes without saying."""
        said: dict[str, Any] = dict(self.filter.asked)
        if self.sort != LISTING.usual:
            said["sort"] = self.sort
        if self.columns != USUAL:
            said["columns"] = [_ALWAYS, *self.columns]
        said = {name: value for name, value in {**said, **more}.items() if value}
        return f"{path}?{urlencode(said, doseq=True)}" if said else path


@get("/")
async def listed(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The partner's customers; for htmx only the rows."""
    wanted = Wanted.of(request)
    window = LISTING.window_or_first(sort=wanted.sort, after=wanted.after, **wanted.filter.asked)
    found = await customers.page(window, wanted.filter)
    page = window.page(found.rows)
    answer = await pages.page(
        request,
        "overview/customers.html",
        block="list",
        wanted=wanted,
        rows=page.rows,
        pager={"previous": wanted.address() if window.last else "", "next": wanted.address(after=page.next) if page.next else ""},
        is_close=found.sought.is_close,
        columns=COLUMNS,
        sorts=SORTS,
        segments=words.SEGMENTS,
        languages=words.LANGUAGES,
        country=formats.country,
        may_enter=actor.has_any(Role.OWNER, Role.CLERK),
    )
    answer.headers["hx-replace-url"] = wanted.address()
    return answer


@get("/export.csv")
async def export_csv(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """Exactly the customers of the filter, with the chosen columns, for programs."""
    return await _export(request, actor.language, "csv")


@get("/export.xlsx")
async def export_xlsx(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The same as a workbook."""
    return await _export(request, actor.language, "xlsx")


_FILE = sentence("customers")
_NUMBER, _PLACE, _CONTACT, _ENDS = (
    sentence("Customer number"),
    sentence("Place"),
    sentence("Main contact"),
    sentence("First service ends on"),
)


async def _export(request: Request[Any, Any, Any], language: str, kind: exports.Kind) -> Response[bytes]:
    wanted = Wanted.of(request)
    rows = await customers.export(wanted.sort, wanted.filter)
    headings = [_NUMBER, sentence("Name"), _PLACE, _CONTACT, *(COLUMNS[name] for name in wanted.columns), _ENDS]
    table = [_cells(row, wanted.columns, language) for row in rows]
    return await exports.table(kind, _FILE, headings, table, language)


def _cells(row: asyncpg.Record, columns: tuple[str, ...], language: str) -> list[Cell]:
    chosen = [_CELLS[name](row, language) for name in columns]
    return [row["number"], row["name"], row["city"], row["contact_name"], *chosen, row["next_end"]]


_CELLS: dict[str, Callable[[asyncpg.Record, str], Cell]] = {
    "segment": lambda row, language: words.value("segment", row["segment"], language),
    "language": lambda row, language: words.value("language", row["language"], language),
    "country": lambda row, language: formats.country(row["country"], language),
    "email": lambda row, _language: row["contact_email"],
    "since": lambda row, _language: clock.civil_day(row["created_at"]),
    "services": lambda row, _language: row["running"],
    "fee": lambda row, _language: Money(row["monthly_cents"]),
}

router = Router(PATH, route_handlers=[listed, export_csv, export_xlsx], before_request=pages.for_members, include_in_schema=False)
