"""The page of the built-in gateway: nobody pays here, somebody presses what a payer would have done. It is not there in production."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from partner_portal.infra import settings, templates
from partner_portal.infra.brand import Brand
from partner_portal.infra.settings import GatewayName
from partner_portal.kernel.errors import NotFound
from partner_portal.kernel.money import Money
from partner_portal.web.errors import HTML, reader_of

from ..policy.money_in import IntentState
from ..service.gateways import sandbox
from ..service.gateways.port import BackState

_PRESSES = {state.value: state for state in (IntentState.PAID, IntentState.FAILED, IntentState.ABANDONED, IntentState.EXPIRED)}
_CHARGEBACK = "chargeback"
_REFUNDS = {"refund-done": BackState.DONE, "refund-failed": BackState.FAILED}


async def only_where_it_is_used(_request: Request[Any, Any, Any]) -> None:
    """As `before_request`: elsewhere there is no such page."""
    if settings.current().pays_online_by is not GatewayName.SANDBOX:
        raise NotFound(what="page")


@get("/{number:str}")
async def look(request: Request[Any, Any, Any], number: FromPath[str]) -> Response[str]:
    """The payment, and what can be pressed."""
    row = await sandbox.shown(number)
    page = templates.render(
        "billing/pay/sandbox.html",
        language=reader_of(request.scope).language,
        brand=Brand(name=settings.current().provider_name),
        payment=row,
        is_refunding='"pending"' in row["backs"],
        amount=Money(row["amount_cents"]),
    )
    return Response(page, media_type=HTML, headers={"cache-control": "no-store"})


@post("/{number:str}")
async def press(number: FromPath[str], data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]) -> Response[None]:
    """Pressed: the portal will be told, and the payer goes back to where it came from."""
    pressed = data.get("state", "")
    if pressed == _CHARGEBACK:
        row = await sandbox.charge_back(number)
    elif pressed in _REFUNDS:
        row = await sandbox.end_refunds(number, _REFUNDS[pressed])
    elif pressed in _PRESSES:
        row = await sandbox.press(number, _PRESSES[pressed])
    else:
        raise NotFound(what="state", id=pressed[:40])
    return Response(None, status_code=303, headers={"location": row["redirect_url"]})


router = Router(sandbox.PATH, route_handlers=[look, press], before_request=only_where_it_is_used, include_in_schema=False)
