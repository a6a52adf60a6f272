"""The named actions of staff in billing, each a form that calls the service function which everything else calls."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request

from billing.service import offers, port_ins
from billing.service.offers import NewOffer, PriceFrom
from billing.workflow import PortAction
from partner_portal.infra import db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.web import decoding

from . import access, forms_credit, forms_prices
from .form import DESK, FINANCE, Form, cents

_DAY = sentence("Day, as 2026-12-31")
_PORT_ACTIONS = {
    "accept": PortAction.ACCEPT,
    "plan": PortAction.PLAN,
    "reject": PortAction.REJECT,
    "finish": PortAction.FINISH,
    "withdraw": PortAction.WITHDRAW,
    "try again": PortAction.TRY_AGAIN,
}


class PortStep(BaseModel):
    """What happened to numbers on their way."""

    order: str = Field(title=sentence("Number of the order"))
    number: str = Field(title=sentence("One of the telephone numbers"))
    step: str = Field(title=sentence("Step: accept, plan, reject, finish, withdraw or try again"))
    day: str = Field("", title=sentence("Planned day, as 2026-12-31 (only for plan)"))
    note: str = Field("", title=sentence("Note; for a rejection what is missing (the customer reads it)"))


class OfferWanted(BaseModel):
    """A product on certain terms."""

    code: str = Field(title=sentence("Code, in small letters: zakelijk-internet"))
    product: str = Field(title=sentence("Code of the product"))
    name_nl: str = Field(title=sentence("Name in Dutch"))
    name_en: str = Field(title=sentence("Name in English"))
    for_consumers: bool = Field(default=False, title=sentence("For consumers (prices include VAT)"))
    fee: str = Field(title=sentence("Price per month in euros"))
    setup: str = Field("0", title=sentence("Price once in euros"))
    wholesale: str = Field("", title=sentence("Price per month toward a partner that invoices itself, excluding VAT; empty: not for them"))
    wholesale_setup: str = Field("0", title=sentence("Price once toward such a partner"))
    minimum_months: int = Field(0, title=sentence("Minimum term in months"))
    notice_months: int = Field(1, title=sentence("Notice period in months"))
    billing_months: int = Field(1, title=sentence("Months per invoice"))
    buyout_rule: str = Field("", title=sentence("Name of the buyout rule; empty: none"))
    pause_months: int = Field(0, title=sentence("Months a year that it can be paused; 0: never"))
    pause_extends: bool = Field(default=True, title=sentence("A pause makes the minimum term end later by its days"))
    sold_from: str = Field(title=_DAY)


class PriceWanted(BaseModel):
    """What an offer costs from a day on."""

    code: str = Field(title=sentence("Code of the offer"))
    since: str = Field(title=_DAY)
    fee: str = Field(title=sentence("Price per month in euros"))
    setup: str = Field("0", title=sentence("Price once in euros"))
    wholesale: str = Field("", title=sentence("Price per month toward a partner that invoices itself, excluding VAT; empty: not for them"))
    wholesale_setup: str = Field("0", title=sentence("Price once toward such a partner"))


class OfferEnds(BaseModel):
    """The last day on which an offer is sold."""

    code: str = Field(title=sentence("Code of the offer"))
    last_day: str = Field(title=_DAY)


async def move_port(request: Request, data: PortStep) -> str:
    """The numbers took a step; customer and partner are told."""
    action = _PORT_ACTIONS.get(data.step.strip().lower())
    if action is None:
        raise Invalid(FieldError("/step", "choose-one"))
    port = await _port(data.order, data.number)
    day = _day("/day", data.day) if data.day.strip() else None
    await port_ins.move(access.acting(request), port, action, note=data.note, planned_on=day)
    return access.say(request, sentence("It is on record; customer and partner are told."))


async def put_up(request: Request, data: OfferWanted) -> str:
    """The offer is for sale."""
    terms: dict[str, Any] = {
        "code": data.code.strip(),
        "product": data.product.strip(),
        "name_nl": data.name_nl,
        "name_en": data.name_en,
        "is_for_consumers": data.for_consumers,
        "minimum_months": data.minimum_months,
        "notice_n": data.notice_months,
        "billing_months": data.billing_months,
        "buyout_rule": data.buyout_rule.strip() or None,
        "pause_months": data.pause_months,
        "pause_extends": data.pause_extends,
        "sold_from": data.sold_from.strip(),
        **_amounts(data),
    }
    await offers.put_up(decoding.convert(NewOffer, terms))
    return access.say(request, sentence("%(code)s is on offer."), code=data.code)


async def price(request: Request, data: PriceWanted) -> str:
    """The offer costs this from that day on."""
    await offers.price(data.code.strip(), decoding.convert(PriceFrom, {"since": data.since.strip(), **_amounts(data)}))
    return access.say(request, sentence("%(code)s has a new price."), code=data.code)


async def take_off(request: Request, data: OfferEnds) -> str:
    """The offer is sold no longer."""
    await offers.take_off(data.code.strip(), _day("/last_day", data.last_day))
    return access.say(request, sentence("%(code)s has a last day of sale."), code=data.code)


def _amounts(data: OfferWanted | PriceWanted) -> dict[str, int | None]:
    return {
        "fee_cents": cents(data.fee, "/fee"),
        "setup_cents": cents(data.setup, "/setup"),
        "wholesale_cents": cents(data.wholesale, "/wholesale") if data.wholesale.strip() else None,
        "wholesale_setup_cents": cents(data.wholesale_setup, "/wholesale_setup"),
    }


def _day(pointer: str, typed: str) -> date:
    try:
        return date.fromisoformat(typed.strip())
    except ValueError as error:
        raise Invalid(FieldError(pointer, "not-a-day")) from error


async def _port(order: str, number: str) -> UUID:
    plain = "".join(char for char in number if char not in " -().")
    rows = await db.fetch(
        "SELECT p.id FROM billing_port_in p JOIN billing_order o ON o.id = p.of_order WHERE o.number = $1 AND $2 = ANY(string_to_array(p.numbers, ', '))",
        *(order.strip(), plain),
    )
    if not rows:
        raise NotFound(what="number", number=number)
    found: UUID = rows[0]["id"]
    return found


_ORDERS = sentence("Orders and offers")

FORMS = (
    *forms_credit.FORMS,
    *forms_prices.FORMS,
    Form(name=sentence("Numbers on their way"), group=_ORDERS, fields=PortStep, roles=DESK, act=move_port,
         told=sentence("What the other provider answered, the day that was planned, or that the numbers have come.")),
    Form(name=sentence("New offer"), group=_ORDERS, fields=OfferWanted, roles=FINANCE, act=put_up,
         told=sentence("A product on certain terms, for sale from a day on. Its terms never change: put up another when they must.")),
    Form(name=sentence("New price of an offer"), group=_ORDERS, fields=PriceWanted, roles=FINANCE, act=price,
         told=sentence("From a day on; what was ordered before keeps its price.")),
    Form(name=sentence("End an offer"), group=_ORDERS, fields=OfferEnds, roles=FINANCE, act=take_off,
         told=sentence("Nobody can order it after its last day; what was ordered runs on.")),
)  # fmt: skip
