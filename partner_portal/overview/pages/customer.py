"""The page of one customer: its services, cases, documents and addresses, and all that ever happened, on one timeline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, Router, get
from litestar.params import FromPath

from billing.service import documents, invoice_list, invoice_view
from billing.service import services as contracts
from partner_portal.infra import catalogue, formats
from partner_portal.kernel.errors import Invalid
from partner_portal.web import around, auth, lists, pages
from partner_portal.web.lists import Listing, Window
from terminations.service import naming

from ..service import customer, services, timeline
from ..service.timeline import Happening
from . import words
from .customers import PATH

_PLACE = "/{customer_id:uuid}"


@get([_PLACE, f"{_PLACE}/services"])
async def with_services(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """What the customer has, when each can end, and what is ending; `ended=yes` for what it had."""
    head = await customer.head(customer_id)
    ended = request.query_params.get("ended") == "yes"
    window = _window(request, contracts.LISTING, of=str(customer_id), ended=ended)
    page = window.page(await contracts.page(window, customer_id, ended=ended))
    rows = await services.seen(customer_id, page.rows)
    return await _page(request, "services", head, rows=rows, pager=_pager(request, window, page), ended=ended)


@get(f"{_PLACE}/terminations")
async def with_cases(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """The customer's terminations, the newest first."""
    head = await customer.head(customer_id)
    window = _window(request, customer.CASES, of=str(customer_id))
    page = window.page(await customer.cases(window, customer_id))
    return await _page(request, "terminations", head, rows=page.rows, pager=_pager(request, window, page), states=naming.STATES)


@get(f"{_PLACE}/invoices")
async def with_invoices(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """The customer's invoices, credit notes and notes of damage with what they add up to, the newest first."""
    head = await customer.head(customer_id)
    wanted = invoice_list.Filter(customer=customer_id)
    window = _window(request, invoice_list.LISTING, **wanted.asked)
    found = await invoice_list.page(window, wanted)
    page = window.page(found.rows)
    words = {"titles": invoice_view.TITLES, "labels": invoice_view.LABELS, "sums": await invoice_list.sums(wanted, found.sought)}
    shown = [(row, documents.label_of(row)) for row in page.rows]
    return await _page(request, "invoices", head, rows=shown, pager=_pager(request, window, page), **words)


@get(f"{_PLACE}/documents")
async def with_documents(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """The confirmations that customer, partner and provider got."""
    head = await customer.head(customer_id)
    window = _window(request, customer.DOCUMENTS, of=str(customer_id))
    page = window.page(await customer.documents(window, customer_id))
    return await _page(request, "documents", head, rows=page.rows, pager=_pager(request, window, page))


@get(f"{_PLACE}/locations")
async def with_locations(request: Request[Any, Any, Any], customer_id: FromPath[UUID]) -> Response[bytes]:
    """Where the customer is billed and visited."""
    head = await customer.head(customer_id)
    return await _page(request, "locations", head, rows=await customer.locations(customer_id), places=words.PLACES)


@get(f"{_PLACE}/history")
async def with_history(request: Request[Any, Any, Any], customer_id: FromPath[UUID], actor: auth.Acting) -> Response[bytes]:
    """Everything that happened, across all domains, the newest first."""
    head = await customer.head(customer_id)
    window = _window(request, timeline.LISTING, of=str(customer_id))
    page = window.page(await timeline.page(window, customer_id))
    told = [(one, _changes(one, actor.language)) for one in page.rows]
    said = {"actions": words.ACTIONS, "channels": naming.CHANNELS, "persons": words.PERSONS, "places": words.PLACES}
    return await _page(request, "history", head, rows=told, pager=_pager(request, window, page), **said)


def _changes(one: Happening, language: str) -> list[tuple[str, str, str]]:
    """What was changed, as people read it: the field, before, after."""
    if one.facts.get("action") != "update":
        return []
    changed: dict[str, Any] = one.facts["changes"]
    return [
        (catalogue.text(words.COLUMNS[name], language), words.value(name, before, language), words.value(name, after, language))
        for name, (before, after) in changed.items()
        if name in words.COLUMNS
    ]


def _window(request: Request[Any, Any, Any], listing: Listing, **filters: Any) -> Window:
    """The window asked for; the first page for a cursor of another list."""
    try:
        return listing.window(after=request.query_params.get("after") or None, **filters)
    except Invalid:
        return listing.window(**filters)


def _pager(request: Request[Any, Any, Any], window: Window, page: lists.Page[Any]) -> dict[str, str]:
    path = str(request.scope["path"])
    kept = "?ended=yes" if window.filters.get("ended") else ""
    return {"previous": f"{path}{kept}" if window.last else "", "next": lists.next_address(request, page.next) if page.next else ""}


async def _page(request: Request[Any, Any, Any], tab: str, head: asyncpg.Record, **more: Any) -> Response[bytes]:
    return await pages.page(request, f"overview/customer/{tab}.html", tab=tab, **_around(head), **more)


def _around(head: asyncpg.Record) -> around.Words:
    return {"around": "overview/customer/page.html", "customer": head, "segments": words.SEGMENTS, "country": formats.country}


async def words_around(customer_id: UUID) -> around.Words:
    """What the parts of other domains want around them."""
    return _around(await customer.head(customer_id))


router = Router(
    PATH,
    route_handlers=[with_services, with_cases, with_invoices, with_documents, with_locations, with_history],
    before_request=pages.for_members,
    include_in_schema=False,
)
