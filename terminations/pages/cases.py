"""The list of terminations: filters that read as a sentence, search while one types, the columns one wants, and the same as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

import asyncpg
import msgspec
from litestar import Request, Response, Router, get

from partner_portal.infra import catalogue, clock
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.spreadsheets_out import Cell
from partner_portal.kernel.money import Money
from partner_portal.web import auth, exports, lists, pages

from ..policy.waiting import last_day
from ..service import case_list, explain, naming
from ..service.case_list import LISTING, Filter

PATH = "/portal/terminations"
COLUMNS: dict[str, str] = {
    "ends": sentence("Last day"),
    "until": sentence("Answer by"),
    "filed": sentence("Filed on"),
    "filed_by": sentence("Filed by"),
    "reason": sentence("Reason"),
    "payer": sentence("Who pays"),
    "billing": sentence("Billed until"),
    "sum": sentence("Buyout"),
}
USUAL = ("ends", "until", "sum")
SORTS: dict[str, str] = {
    "-filed": sentence("newest first"),
    "filed": sentence("oldest first"),
    "ends": sentence("first to end first"),
    "-ends": sentence("last to end first"),
    "until": sentence("first to lapse first"),
}
_ALWAYS = "name"
_SAID: dict[str, dict[str, str]] = {
    "waits_for": {
        "customer": sentence("waiting for the customer's yes"),
        "finance": sentence("waiting for the provider's finance"),
        "payer": sentence("waiting for whoever pays"),
    },
    "payer": {"customer": sentence("paid by the customer"), "partner": sentence("paid by you")},
    "withdrawal": {"asked": sentence("with a withdrawal asked for")},
    "ends": {"this-week": sentence("ending this week")},
    "buyout": {"yes": sentence("with a buyout"), "no": sentence("without a buyout")},
}
"""What each filter means in a sentence about the list; the choices of its form are the same words."""
_OPEN = {
    "q": sentence("with “%(value)s”"),
    "ends_from": sentence("ending on %(value)s or later"),
    "ends_until": sentence("ending on %(value)s or earlier"),
    "customer": sentence("of %(value)s"),
    "state": sentence("in the state “%(value)s”"),
    "reason": sentence("because: %(value)s"),
}


class Part(msgspec.Struct, frozen=True):
    """One part of the sentence that says what is shown, and the address of the list without it."""

    words: str
    without: str


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
        sort, chosen = asked.get("sort", ""), asked.getall("columns", [])
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

    def sentence(self, rows: list[asyncpg.Record], language: str) -> list[Part]:
        """What is shown, filter by filter, each with the way to the list without it."""
        return [Part(self._said(name, value, rows, language), self.address(**{name: ""})) for name, value in self.filter.asked.items()]

    def _said(self, name: str, value: str, rows: list[asyncpg.Record], language: str) -> str:
        if name in _SAID:
            return catalogue.text(_SAID[name][value], language)
        shown: object = value
        if name == "state":
            shown = catalogue.text(naming.STATES[value].word, language)
        elif name == "reason":
            shown = catalogue.text(explain.REASONS[value], language)
        elif name == "customer":
            shown = rows[0]["customer_name"] if rows else catalogue.text(sentence("one customer"), language)
        elif name in ("ends_from", "ends_until"):
            shown = date.fromisoformat(value)
        return catalogue.text(_OPEN[name], language, value=shown)


@get("/")
async def listed(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The partner's terminations; for htmx only the rows."""
    wanted = Wanted.of(request)
    window = LISTING.window_or_first(sort=wanted.sort, after=wanted.after, **wanted.filter.asked)
    found = await case_list.page(window, wanted.filter)
    page = window.page(found.rows)
    answer = await pages.page(
        request,
        "terminations/cases/list.html",
        block="list",
        wanted=wanted,
        rows=page.rows,
        parts=wanted.sentence(found.rows, actor.language),
        pager={"previous": wanted.address() if window.last else "", "next": wanted.address(after=page.next) if page.next else ""},
        is_close=found.sought.is_close,
        columns=COLUMNS,
        sorts=SORTS,
        choices=_SAID,
        states=naming.STATES,
        reasons=explain.REASONS,
        payers=naming.PAYERS,
        last_day=last_day,
    )
    answer.headers["hx-replace-url"] = wanted.address()
    return answer


@get("/export.csv")
async def export_csv(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """Exactly the terminations of the filter, with the chosen columns, for programs."""
    return await _export(request, actor.language, "csv")


@get("/export.xlsx")
async def export_xlsx(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The same as a workbook."""
    return await _export(request, actor.language, "xlsx")


_FILE = sentence("terminations")
_BEFORE = (sentence("Number"), sentence("Customer number"), sentence("Customer"), sentence("Services"), sentence("State"))


async def _export(request: Request[Any, Any, Any], language: str, kind: exports.Kind) -> Response[bytes]:
    wanted = Wanted.of(request)
    rows = await case_list.export(wanted.sort, wanted.filter)
    headings = [*_BEFORE, *(COLUMNS[name] for name in wanted.columns)]
    table = [_cells(row, wanted.columns, language) for row in rows]
    return await exports.table(kind, _FILE, headings, table, language)


def _cells(row: asyncpg.Record, columns: tuple[str, ...], language: str) -> list[Cell]:
    word = naming.STATES[row["state"]].word
    state = catalogue.text(word, language)
    services = f"{row['label']} (+{row['services'] - 1})" if row["services"] > 1 else row["label"]
    return [
        row["number"],
        row["customer_number"],
        row["customer_name"],
        services,
        state,
        *(_CELLS[name](row, language) for name in columns),
    ]


_CELLS: dict[str, Callable[[asyncpg.Record, str], Cell]] = {
    "ends": lambda row, _language: row["ends_on"],
    "until": lambda row, _language: last_day(row["waits_until"]) if row["waits_until"] else None,
    "filed": lambda row, _language: clock.civil_day(row["filed_at"]),
    "filed_by": lambda row, _language: row["filed_by"],
    "reason": lambda row, language: _said_of(explain.REASONS, row["reason"], language),
    "payer": lambda row, language: _said_of(naming.PAYERS, row["payer"], language),
    "billing": lambda row, _language: row["billing_ends_on"],
    "sum": lambda row, _language: Money(_sum(row)) if row["is_buyout"] else None,
}


def _said_of(words: Mapping[str, str], value: str, language: str) -> str:
    return catalogue.text(words[value], language)


def _sum(row: asyncpg.Record) -> int:
    """The sum that was agreed, or else the computed one, in cents as the payer's prices are given."""
    return int(row["computed_cents"] if row["agreed_cents"] is None else row["agreed_cents"])


router = Router(PATH, route_handlers=[listed, export_csv, export_xlsx], before_request=pages.for_members, include_in_schema=False)
