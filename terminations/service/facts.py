"""A service as the rules look at it, in each of its two price layers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from billing.policy.agreed import Channel, ClawbackMode, CreditMode, Method, ResidualMode, ScaleKind, ServiceKind
from billing.policy.ledger import Layer
from billing.policy.tax import CustomerSeat, Vat, vat_for
from billing.policy.terms import Align, CountFrom, Notice, NoticeUnit, Renewal, Terms
from billing.service.ordered import Ordered as OrderedService
from billing.service.vat_numbers import is_valid_sql
from partner_portal.infra import db
from tenants.policy import Segment, WhoBills

from ..policy.facts import Band, BuyoutRule, Discount, Equipment, Ordered, Scale, ServiceFacts


class Parties(msgspec.Struct, frozen=True, kw_only=True):
    """Who stands on the other side of each layer: the customer, and the partner with how it bills."""

    customer_id: Any
    customer_name: str
    customer_number: str
    segment: Segment
    language: str
    seat: CustomerSeat
    partner_name: str
    partner_seat: CustomerSeat
    bills: WhoBills

    @property
    def payer_layer(self) -> Layer:
        """The layer that the provider bills, and in which finance approves a buyout."""
        return Layer.PARTNER if self.bills is WhoBills.OWN_NAME else Layer.CUSTOMER


_PARTIES = f"""
SELECT c.id, c.name, c.number, c.segment, c.language, c.country, t.name AS partner, t.country AS partner_country, t.bills,
       {is_valid_sql(tenant="c.tenant", vat_id="c.vat_id")} AS has_vat_id, {is_valid_sql(tenant="t.id", vat_id="t.vat_id")} AS partner_has_vat_id
  FROM customer c JOIN tenant t ON t.id = c.tenant
"""  # noqa: S608  # names of our own columns
PARTIES = f"{_PARTIES} WHERE c.id = $1"
_PARTIES_OF_ALL = f"{_PARTIES} WHERE c.id = ANY($1::uuid[])"


async def parties(customer: Any) -> Parties:
    """Customer and partner of the acting tenant."""
    row = await db.fetch_one(PARTIES, customer)
    assert row is not None  # noqa: S101  # callers have the customer from one of its services
    return parties_of(row)


async def parties_of_all(customers: Collection[Any]) -> dict[Any, Parties]:
    """Each of these customers of the acting tenant, with the partner."""
    return {row["id"]: parties_of(row) for row in await db.fetch(_PARTIES_OF_ALL, list(customers))}


def parties_of(row: asyncpg.Record) -> Parties:
    """Customer and partner as the database has them."""
    segment = Segment(row["segment"])
    return Parties(
        customer_id=row["id"],
        customer_name=row["name"],
        customer_number=row["number"],
        segment=segment,
        language=row["language"],
        seat=CustomerSeat(country=row["country"], is_business=segment is not Segment.CONSUMER, has_valid_vat_id=row["has_vat_id"]),
        partner_name=row["partner"],
        partner_seat=CustomerSeat(country=row["partner_country"], is_business=True, has_valid_vat_id=row["partner_has_vat_id"]),
        bills=WhoBills(row["bills"]),
    )


def in_layer(row: asyncpg.Record, who: Parties, layer: Layer, today: date, beside: Sequence[asyncpg.Record] = ()) -> ServiceFacts:
    """The service as the rules see it in one layer.

    The partner's layer follows the customer's term and protection (nobody is held to a commitment that the law took from its customer), with
    the wholesale price and the partner's VAT; discount and equipment belong to the customer's contract. `beside`: the rows of running services
    that do not end with it, of which those of its bundle count.
    """
    own = layer is Layer.CUSTOMER
    return ServiceFacts(
        ref=str(row["id"]),
        name=row["label"],
        terms=_terms(row),
        monthly_fee_cents=row["fee_cents"] if own else row["wholesale_cents"] or 0,
        segment=who.segment,
        kind=ServiceKind(row["product_kind"]),
        quantity=row["quantity"],
        signed_on=row["signed_on"],
        channel=Channel(row["channel"]),
        bundle=row["bundle"],
        waiver_on_file=row["waiver_document"] is not None,
        long_notice_request_on_file=row["long_notice_document"] is not None,
        provider_notice=Notice(row["provider_notice_months"]) if row["provider_notice_months"] is not None else None,
        m2m=row["is_m2m"],
        is_domain=row["is_domain"],
        billed_from=row["billed_from"],
        paid_until=row["paid_until"],
        credit_mode=CreditMode(row["credit_mode"]),
        buyout=_buyout_rule(row),
        discount=_discount(row) if own else None,
        equipment=_equipment(row) if own else None,
        vat=_vat(who.seat if own else who.partner_seat, today),
        beside=tuple(in_layer(other, who, layer, today) for other in beside if row["bundle"] and other["bundle"] == row["bundle"]),
    )


def in_order(found: OrderedService | None, layer: Layer) -> Ordered | None:
    """What the order of a service says in one layer, where its contract is withdrawn from; None where no order made it."""
    if found is None:
        return None
    return Ordered(
        asked_early=found.asked_early,
        told=found.told,
        delivered_from=found.delivered_from,
        setup_cents=found.setup_cents[layer],
        setup_billed_cents=found.setup_billed_cents[layer],
    )


def _vat(seat: CustomerSeat, today: date) -> Vat:
    return vat_for(seat, today)


def _terms(row: asyncpg.Record) -> Terms:
    return Terms(
        start=row["starts_on"],
        minimum_months=row["minimum_months"],
        renewal=Renewal(row["renewal"]),
        renewal_months=row["renewal_months"],
        notice=Notice(row["notice_n"], NoticeUnit(row["notice_unit"]), CountFrom(row["notice_from"])),
        align=Align(row["align"]),
        explicit_end=row["explicit_end"],
        billing_months=row["billing_months"],
    )


def _buyout_rule(row: asyncpg.Record) -> BuyoutRule:
    if row["rule_name"] is None:
        return BuyoutRule()
    kind = ScaleKind(row["rule_scale"])
    flat = (Band(1, row["rule_percentage"]),)
    bands = flat if kind is ScaleKind.PERCENTAGE else msgspec.json.decode(row["rule_bands"], type=tuple[Band, ...])
    return BuyoutRule(
        method=Method(row["rule_method"]),
        scale=Scale(kind, bands),
        handling_cents=row["rule_handling"],
        avoided_cost_percentage=Decimal(row["rule_avoided"]),
    )


def _discount(row: asyncpg.Record) -> Discount | None:
    if not row["discount_cents"]:
        return None
    return Discount(row["discount_cents"], row["discount_months"], ClawbackMode.FULL if row["discount_full"] else ClawbackMode.PRO_RATA)


def _equipment(row: asyncpg.Record) -> Equipment | None:
    if not row["equipment_cents"]:
        return None
    return Equipment(row["equipment_cents"], row["equipment_months"], ResidualMode.DAYS if row["equipment_by_day"] else ResidualMode.MONTHS)
