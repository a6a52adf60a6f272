"""What is on offer, and orders, as JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from partner_portal.infra import clock
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth, lists
from partner_portal.web.money import MoneyIn, MoneyOut, text
from partner_portal.web.openapi import documented
from partner_portal.web.requests import ONLY_READS, from_members
from tenants.policy import LocationKind, Scope

from ..policy.agreed import Channel
from ..policy.ordering import Offer, ShownTerms
from ..service import indexations, offers, orders, port_ins
from ..service.orders import OrderLineWanted, OrderWanted, TermsDiffer
from ..service.places import Country, Facts
from ..service.port_ins import PortWanted
from ..service.services import Label
from ..workflow import IllegalPortStep, PortAction, PortState


class NextPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer costs from a later day on, as it was decided."""

    since: date
    monthly_fee: MoneyOut
    setup_fee: MoneyOut
    wholesale_fee: MoneyOut | None

    @classmethod
    def of(cls, row: Any) -> NextPrice:
        """The price as the database has it."""
        wholesale = row["wholesale_cents"]
        return cls(
            since=row["since"],
            monthly_fee=MoneyOut(text(row["fee_cents"])),
            setup_fee=MoneyOut(text(row["setup_cents"])),
            wholesale_fee=None if wholesale is None else MoneyOut(text(wholesale)),
        )


class OfferOut(msgspec.Struct, frozen=True, kw_only=True):
    """What is sold today: prices per unit and month, for consumers with VAT, and the terms that come with it."""

    code: str
    name: str
    product: str
    for_consumers: bool
    monthly_fee: MoneyOut
    setup_fee: MoneyOut
    wholesale_fee: MoneyOut | None
    minimum_months: int
    notice: str
    billing_months: int
    has_numbers: bool
    next_price: NextPrice | None

    @classmethod
    def of(cls, offer: Offer, language: str, coming: Any = None) -> OfferOut:
        """The offer as the rules have it, with the price that was decided for later."""
        return cls(
            code=offer.code,
            name=offer.name(language),
            product=offer.product,
            for_consumers=offer.is_for_consumers,
            monthly_fee=MoneyOut(text(offer.fee_cents)),
            setup_fee=MoneyOut(text(offer.setup_cents)),
            wholesale_fee=None if offer.wholesale_cents is None else MoneyOut(text(offer.wholesale_cents)),
            minimum_months=offer.minimum_months,
            notice=f"{offer.notice_n}{offer.notice_unit.value}",
            billing_months=offer.billing_months,
            has_numbers=offer.has_numbers,
            next_price=NextPrice.of(coming) if coming else None,
        )


class LineIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One offer of an order; `monthly_fee` and `setup_fee` only from a partner that bills in its own name, `port` for numbers that come along."""

    offer: Annotated[str, Meta(min_length=1, max_length=40)]
    starts_on: date
    quantity: Annotated[int, Meta(ge=1, le=10_000)] = 1
    label: Label | None = None
    monthly_fee: MoneyIn | None = None
    setup_fee: MoneyIn | None = None
    port: PortWanted | None = None

    def wanted(self) -> OrderLineWanted:
        """The same, as the service asks it."""
        return OrderLineWanted(
            offer=self.offer,
            starts_on=self.starts_on,
            quantity=self.quantity,
            label=self.label,
            fee_cents=None if self.monthly_fee is None else self.monthly_fee.money().cents,
            setup_cents=0 if self.setup_fee is None else self.setup_fee.money().cents,
            port=self.port,
        )


class TermsIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom the terms are to be shown."""

    customer_id: UUID
    lines: Annotated[list[LineIn], Meta(min_length=1, max_length=20)]
    channel: Channel = Channel.ONLINE


class TermsLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer would be bound to by one line; `bound_until` is the last day of the minimum term."""

    offer: str
    name: str
    quantity: int
    monthly_fee: MoneyOut
    setup_fee: MoneyOut
    prices_include_vat: bool
    starts_on: date
    bound_until: date | None
    notice: str
    renewal: str
    billing_months: int
    in_advance: bool
    buyout_rule: str | None
    pause_months: int
    pause_extends: bool

    @classmethod
    def of(cls, terms: ShownTerms) -> TermsLine:
        """The terms as they were sealed."""
        kept = {name: getattr(terms, name) for name in ("offer", "name", "quantity", "prices_include_vat", "starts_on", "bound_until")}
        return cls(
            **kept,
            monthly_fee=MoneyOut(text(terms.fee_cents)),
            setup_fee=MoneyOut(text(terms.setup_cents)),
            notice=f"{terms.notice_n}{terms.notice_unit.value}",
            renewal=terms.renewal.value,
            billing_months=terms.billing_months,
            in_advance=terms.in_advance,
            buyout_rule=terms.buyout_rule,
            pause_months=terms.pause_months,
            pause_extends=terms.pause_extends,
        )


class TermsOut(msgspec.Struct, frozen=True, kw_only=True):
    """The terms to show before anybody accepts; an order names their fingerprint."""

    lines: list[TermsLine]
    terms_sha256: str
    cooling_off: bool


class OrderIn(TermsIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order: who accepted the terms with this fingerprint, and at which of the customer's addresses the services go.

    `starts_early`: the consumer expressly asks that the services begin within its cooling-off period, and so pays for the days used if it withdraws;
    without it those days cost nothing. `ip_country` and `sim_country` are what you know of where a consumer is; they are kept as evidence for VAT, and
    looked up nowhere.
    """

    location: LocationKind = LocationKind.BILLING
    terms_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    accepted_by: Annotated[str, Meta(min_length=2, max_length=200)]
    starts_early: bool = False
    ip_country: Country | None = None
    sim_country: Country | None = None

    def wanted(self) -> OrderWanted:
        """The same, as the service asks it."""
        kept = {name: getattr(self, name) for name in ("customer_id", "location", "terms_sha256", "accepted_by", "channel", "starts_early")}
        whereabouts = Facts(internet=self.ip_country, telephone=self.sim_country)
        return OrderWanted(**kept, lines=[line.wanted() for line in self.lines], whereabouts=whereabouts)


class PortOut(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers on their way to us, and the day they come once it is planned."""

    id: UUID
    numbers: list[str]
    donor: str
    state: PortState
    planned_on: date | None


class OrderedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one line."""

    offer: str
    service_id: UUID
    service_number: str
    label: str
    quantity: int
    monthly_fee: MoneyOut
    setup_fee: MoneyOut
    starts_on: date


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a list shows it."""

    id: UUID
    number: str
    customer_number: str
    customer_name: str
    lines: int
    ports_open: int
    placed_at: datetime


class OrderOut(OrderRow, frozen=True, kw_only=True):
    """An order with what came of it; `starts_early`: a consumer expressly asked for a start within its cooling-off period."""

    accepted_by: str
    starts_early: bool
    terms_sha256: str
    services: list[OrderedLine]
    port_ins: list[PortOut]


@get("/offers", opt={ONLY_READS: True})
async def list_offers(actor: auth.Acting) -> list[OfferOut]:
    """What is sold today, in order of code."""
    today = clock.today()
    coming = await indexations.coming(today)
    return [OfferOut.of(offer, actor.language, coming.get(offer.code)) for offer in await offers.sold(today)]


@post("/orders/terms", status_code=200, opt={ONLY_READS: True})
async def show_terms(data: JSONBody[TermsIn]) -> TermsOut:
    """The terms that the customer is to accept, with the fingerprint that an order names. Nothing is kept."""
    seen = await orders.show(data.customer_id, [line.wanted() for line in data.lines], data.channel)
    return TermsOut(lines=[TermsLine.of(terms) for terms in seen.terms], terms_sha256=seen.sha256, cooling_off=seen.has_cooling_off)


@post("/orders", guards=[auth.requires(Role.OWNER, Role.CLERK, Scope.CUSTOMERS)])
async def place_order(actor: auth.Acting, data: JSONBody[OrderIn]) -> OrderOut:
    """The customer has ordered: services exist, numbers are asked for, and the first invoice follows at once."""
    return await _out(await orders.place(actor, data.wanted()))


@get("/orders", opt={ONLY_READS: True})
async def list_orders(
    request: Request[Any, Any, Any],
    customer: Annotated[UUID | None, QueryParameter(description="Only orders of this customer.")] = None,
    after: lists.After = None,
    limit: lists.Limit = 50,
) -> Response[lists.ListOut[OrderRow]]:
    """Orders, the newest first; of one customer if named."""
    window = orders.LISTING.window(after=after, limit=limit, customer=str(customer or ""))
    page = window.page(await orders.page(window, customer))
    return lists.answer(request, page, _row)


@get("/orders/{order_id:uuid}", opt={ONLY_READS: True})
async def show_order(order_id: FromPath[UUID]) -> OrderOut:
    """The order with its services and the numbers that come along."""
    return await _out(order_id)


@post("/port-ins/{port_in_id:uuid}/withdrawal", guards=[auth.requires(Role.OWNER, Role.CLERK, Scope.CUSTOMERS)], status_code=200)
async def withdraw_port_in(actor: auth.Acting, port_in_id: FromPath[UUID]) -> dict[str, str]:
    """The numbers stay where they are."""
    return {"state": (await port_ins.move(actor, port_in_id, PortAction.WITHDRAW)).value}


@post("/port-ins/{port_in_id:uuid}/request", guards=[auth.requires(Role.OWNER, Role.CLERK, Scope.CUSTOMERS)], status_code=200)
async def ask_again(actor: auth.Acting, port_in_id: FromPath[UUID]) -> dict[str, str]:
    """Numbers that the other provider would not let go are asked for again."""
    return {"state": (await port_ins.move(actor, port_in_id, PortAction.TRY_AGAIN)).value}


_SHARED = ("id", "number", "customer_number", "customer_name", "lines", "ports_open", "placed_at")


def _row(row: Any) -> OrderRow:
    return OrderRow(**{name: row[name] for name in _SHARED})


async def _out(order: UUID) -> OrderOut:
    row, lines = await orders.one(order)
    ports = [port for port, _ in await port_ins.of_order(order)]
    return OrderOut(
        **{name: row[name] for name in (*_SHARED, "accepted_by", "starts_early", "terms_sha256")},
        services=[_ordered(line) for line in lines],
        port_ins=[
            PortOut(
                id=port["id"],
                numbers=port["numbers"].split(", "),
                donor=port["donor"],
                state=PortState(port["state"]),
                planned_on=port["planned_on"],
            )
            for port in ports
        ],
    )


def _ordered(line: Any) -> OrderedLine:
    kept = {name: line[name] for name in ("offer", "label", "quantity", "starts_on")}
    return OrderedLine(
        **kept,
        service_id=line["service"],
        service_number=line["number"],
        monthly_fee=MoneyOut(text(line["fee_cents"])),
        setup_fee=MoneyOut(text(line["setup_cents"])),
    )


router = Router(
    "/",
    route_handlers=documented(
        [list_offers, show_terms, place_order, list_orders, show_order, withdraw_port_in, ask_again],
        NotFound,
        Invalid,
        NotAllowed,
        TermsDiffer,
        IllegalPortStep,
    ),
    before_request=from_members,
    tags=["orders"],
)
