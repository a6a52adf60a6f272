"""Documents for the provider's staff: found by number or reference, read as they were sent."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from billing.service import archive, documents, invoice_list, invoice_view
from billing.service.invoice_list import LISTING, Filter
from partner_portal.infra import settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.web import answers
from partner_portal.web.auth import Acting

from . import access
from .form import DESK, FINANCE

ADDRESS = "/admin/invoices"
READERS = FINANCE | DESK


@get("/invoices")
async def look(request: Request[Any, Any, Any], actor: Acting, q: FromQuery[str] = "", after: FromQuery[str] = "") -> Response[Any]:
    """The newest documents of all partners, or those with this number or reference; changes nothing."""
    wanted = Filter(q=q.strip())
    asked: dict[str, Any] = dict(wanted.asked)
    window = LISTING.window(after=after or None, **asked)
    page = window.page((await invoice_list.page(window, wanted)).rows)
    shown = templates.render(
        "admin/invoices.html",
        language=access.spoken(request),
        brand=Brand(name=settings.current().provider_name),
        q=wanted.q,
        rows=[(row, documents.label_of(row)) for row in page.rows],
        next=page.next,
        titles=invoice_view.TITLES,
        labels=invoice_view.LABELS,
        me=actor.label,
        may_bill=actor.has_any(*FINANCE),
    )
    return Response(shown, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})


@get("/invoices/{invoice_id:str}")
async def read(invoice_id: FromPath[str]) -> Response[Any]:
    """The document as it was sent: the PDF, or with `.xml` after its id the e-invoice."""
    wanted = archive.named(invoice_id)
    return answers.on_file(*await (archive.einvoice(wanted.id) if wanted.form == "xml" else archive.original(wanted.id)))
