"""The watch over deadlines: services by their last day to give notice, found, filtered, taken along as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, Router, get

from partner_portal.infra import catalogue
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.spreadsheets_out import Cell
from partner_portal.kernel.money import Money
from partner_portal.web import auth, exports, lists, pages
from tenants.service import customers

from ..service import deadlines, figures
from ..service.deadlines import Filter, Watched, Within
from ..service.figures import NoticesDue

PATH = "/portal/deadlines"
WINDOWS: dict[Within, str] = {
    Within.OVERDUE: sentence("Missed"),
    Within.DAYS_30: sentence("Within 30 days"),
    Within.DAYS_60: sentence("Within 60 days"),
    Within.DAYS_90: sentence("Within 90 days"),
    Within.YEAR: sentence("Within a year"),
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of the list asks for; what makes no sense in it is as if it had not been said."""

    filter: Filter
    after: str | None = None

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Wanted:
        """As these values of an address or form ask."""
        return cls(
            filter=lists.understood(Filter, {name: asked.get(name, "").strip() for name in Filter.__struct_fields__}, strict=False),
            after=asked.get("after") or None,
        )

    @property
    def is_filtered(self) -> bool:
        """Whether more is asked for than words, a customer and within which time."""
        return not self.filter.asked.keys() <= {"q", "customer", "window"}

    def address(self, path: str = PATH, **more: str) -> str:
        """The same list at `path`, with something else besides; nothing said that goes without saying."""
        said = {name: value for name, value in {**self.filter.asked, **more}.items() if value}
        return f"{path}?{urlencode(said)}" if said else path

    @property
    def tab(self) -> str:
        """The address of the same list from its first page."""
        return self.address()

    @property
    def plain(self) -> str:
        """The address of everything within the same time."""
        return Wanted(filter=Filter(window=self.filter.window)).address()

    @property
    def without_customer(self) -> str:
        """The address of the same list for all customers."""
        return Wanted(filter=msgspec.structs.replace(self.filter, customer=None)).address()

    @property
    def is_narrowed(self) -> bool:
        """Whether more was asked for than a window."""
        return bool(set(self.filter.asked) - {"window"})


@get("/")
async def listed(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The partner's deadlines, the nearest first; for htmx only the rows."""
    wanted = Wanted.of(request.query_params)
    window = deadlines.listing(wanted.filter).window_or_first(after=wanted.after, filter=wanted.filter.asked)
    found = await deadlines.page(window, wanted.filter)
    page = window.page(found.rows)
    chosen = wanted.filter.customer
    answer = await pages.page(
        request,
        "terminations/deadlines/list.html",
        block="list",
        wanted=wanted,
        rows=page.rows,
        pager={"previous": wanted.address() if window.last else "", "next": wanted.address(after=page.next) if page.next else ""},
        is_close=found.sought.is_close,
        tabs=_tabs(wanted, await figures.notices_due(), actor.language),
        products=[(row["code"], row[f"name_{actor.language}"]) for row in await deadlines.products()],
        customer=None if chosen is None else await customers.one(chosen),
        may_decide=actor.has_any("owner", "clerk"),
    )
    answer.headers["hx-replace-url"] = wanted.address()
    return answer


def _tabs(wanted: Wanted, due: NoticesDue, language: str) -> list[tuple[str, str, int | None]]:
    """Each window with its address, and how many it holds as long as nothing else is asked for."""
    counts = {Within.OVERDUE: due.overdue, Within.DAYS_30: due.within_30, Within.DAYS_60: due.within_60, Within.DAYS_90: due.within_90}
    return [
        (
            catalogue.text(word, language),
            Wanted(filter=msgspec.structs.replace(wanted.filter, window=within)).address(),
            None if wanted.is_narrowed else counts.get(within),
        )
        for within, word in WINDOWS.items()
    ]


@get("/export.csv")
async def export_csv(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """Exactly the services of the filter, for programs."""
    return await _export(request, actor.language, "csv")


@get("/export.xlsx")
async def export_xlsx(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[bytes]:
    """The same as a workbook."""
    return await _export(request, actor.language, "xlsx")


_FILE = sentence("deadlines")
_HEADINGS = (
    sentence("Last day to give notice"),
    sentence("Service number"),
    sentence("Service"),
    sentence("Product"),
    sentence("Customer number"),
    sentence("Customer"),
    sentence("Term ends on"),
    sentence("First free end"),
    sentence("Per month"),
    sentence("Months by renewal"),
    sentence("Costs of renewal"),
    sentence("Termination"),
)


async def _export(request: Request[Any, Any, Any], language: str, kind: exports.Kind) -> Response[bytes]:
    rows = await deadlines.export(Wanted.of(request.query_params).filter)
    table = [_cells(row, language) for row in rows]
    return await exports.table(kind, _FILE, _HEADINGS, table, language)


def _cells(row: Watched, language: str) -> list[Cell]:
    return [
        row.notice_by,
        row.number,
        row.label,
        row.product_nl if language == "nl" else row.product_en,
        row.customer_number,
        row.customer_name,
        row.ends_on,
        row.free_end_on,
        Money(row.fee_cents),
        row.renewal_months,
        Money(row.renewal_cents),
        row.held.number if row.held else None,
    ]


router = Router(PATH, route_handlers=[listed, export_csv, export_xlsx], before_request=pages.for_members, include_in_schema=False)
