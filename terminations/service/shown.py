"""A preview as people and software see it: every line with its reason in both languages."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from billing.policy.ledger import Layer
from partner_portal.web.money import MoneyOut, text

from ..policy.calendar import Calendar, Row
from ..policy.cost_sheet import CostLine
from ..policy.facts import Applied
from ..policy.preview import Bill, Ending, Preview, ServicePreview
from . import cases, explain
from .quotes import Shown


class CalendarDetail(StrEnum):
    """How fine a calendar is shown."""

    NONE = "none"
    MONTH = "month"
    DAY = "day"


class RuleOut(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with its source and what it did, in Dutch and English."""

    key: str
    law: str
    parameters: dict[str, str | int | bool]
    explanation: dict[str, str]


class LineOut(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the cost sheet: amount and VAT, the exact value before rounding, and why."""

    code: str
    amount: MoneyOut
    net: MoneyOut
    unrounded: str
    before_caps: str
    quantity: dict[str, int | str]
    percentage: str | None
    vat_category: str
    vat_rate: str
    basis: str
    explanation: dict[str, str]
    formula: dict[str, str]


class EndingOut(msgspec.Struct, frozen=True, kw_only=True):
    """One way to end a service."""

    kind: str
    ends_on: date
    billing_ends_on: date
    lines: list[LineOut]
    fees: list[LineOut]
    remaining_fee: MoneyOut
    extra_cost: MoneyOut


class ServiceEndOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules say about one service, the ending that holds, and the earlier one that can be bought."""

    service_id: UUID
    number: str
    name: str
    first_possible_end: date
    minimum_end: date | None
    last_notice_day: date | None
    notice_served_on: date
    committed_until: date | None
    switch_end: date | None
    in_tacit_renewal: bool
    already_ended: bool
    ending: EndingOut
    early_offer: EndingOut | None
    applied_rules: list[RuleOut]
    notes: list[RuleOut]


class VatOut(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of all lines taxed alike."""

    category: str
    rate: str
    base: MoneyOut
    vat: MoneyOut
    total: MoneyOut


class BillOut(msgspec.Struct, frozen=True, kw_only=True):
    """What all services cost together; `total` is the final bill with VAT, `total_to_pay` adds the ordinary fees still to come."""

    vat: list[VatOut]
    fees_vat: list[VatOut]
    total: MoneyOut
    total_to_pay: MoneyOut


class RowOut(msgspec.Struct, frozen=True, kw_only=True):
    """What ending on a day costs, excluding VAT where prices do; `credit` is what comes back."""

    end: date
    billing_end: date
    fees: MoneyOut
    extra_cost: MoneyOut
    credit: MoneyOut
    total_to_pay: MoneyOut
    marks: list[str]


class SavingOut(msgspec.Struct, frozen=True, kw_only=True):
    """Waiting so many days longer saves so much."""

    end: date
    wait_days: int
    saves: MoneyOut


class CalendarOut(msgspec.Struct, frozen=True, kw_only=True):
    """The what-if calendar."""

    first_free_end: date
    cheapest: date
    chosen: date
    saving: SavingOut | None
    rows: list[RowOut]


class LayerOut(msgspec.Struct, frozen=True, kw_only=True):
    """Dates and costs in one price layer."""

    services: list[ServiceEndOut]
    bill: BillOut
    early_bill: BillOut | None
    prices_include_vat: bool


class PreviewOut(msgspec.Struct, frozen=True, kw_only=True):
    """What ending would mean: toward the customer, and, where the partner bills in its own name, what the provider charges the partner."""

    received_on: date
    payer: str
    needs_finance: bool
    answer_by: date
    customer: LayerOut
    partner: LayerOut | None
    calendar: CalendarOut | None


def out(seen: Shown, detail: CalendarDetail) -> PreviewOut:
    """The preview for an answer."""
    numbers = {str(row["id"]): row["number"] for row in seen.rows}
    customer = seen.previews[Layer.CUSTOMER]
    partner = seen.previews.get(Layer.PARTNER)
    return PreviewOut(
        received_on=seen.request.received_on,
        payer=seen.parties.payer_layer.value,
        needs_finance=cases.needs_finance(customer),
        answer_by=cases.last_day_to_answer(seen),
        customer=_layer(customer, seen.facts[Layer.CUSTOMER], numbers),
        partner=_layer(partner, seen.facts[Layer.PARTNER], numbers) if partner else None,
        calendar=_calendar(seen.calendar, detail) if seen.calendar and detail is not CalendarDetail.NONE else None,
    )


def _layer(preview: Preview, facts: Any, numbers: dict[str, str]) -> LayerOut:
    return LayerOut(
        services=[_service(service, numbers) for service in preview.services],
        bill=_bill(preview.bill),
        early_bill=_bill(preview.offer_bill) if preview.offer_bill else None,
        prices_include_vat=facts[0].vat.prices_include_vat,
    )


def _service(service: ServicePreview, numbers: dict[str, str]) -> ServiceEndOut:
    return ServiceEndOut(
        service_id=UUID(service.ref),
        number=numbers[service.ref],
        name=service.name,
        first_possible_end=service.first_possible_end,
        minimum_end=service.minimum_end,
        last_notice_day=service.last_notice_day,
        notice_served_on=service.served_on,
        committed_until=service.committed_until,
        switch_end=service.switch_end,
        in_tacit_renewal=service.in_tacit_renewal,
        already_ended=service.already_ended,
        ending=_ending(service.ending),
        early_offer=_ending(service.offer) if service.offer else None,
        applied_rules=[_rule(rule) for rule in service.applied],
        notes=[_rule(note) for note in service.notes],
    )


def _rule(rule: Applied) -> RuleOut:
    return RuleOut(key=rule.key, law=rule.law, parameters=rule.parameters, explanation=explain.both(rule.key, rule.parameters))


def _ending(ending: Ending) -> EndingOut:
    return EndingOut(
        kind=ending.kind.value,
        ends_on=ending.ends_on,
        billing_ends_on=ending.billing_ends_on,
        lines=[_line(line) for line in ending.sheet.lines],
        fees=[_line(line) for line in ending.sheet.fees],
        remaining_fee=MoneyOut(text(ending.sheet.remaining_fee_cents)),
        extra_cost=MoneyOut(text(cases.extra_cost(ending.sheet.lines))),
    )


def _line(line: CostLine) -> LineOut:
    return LineOut(
        code=line.code.value,
        amount=MoneyOut(text(line.amount_cents)),
        net=MoneyOut(text(line.net_cents)),
        unrounded=line.unrounded,
        before_caps=line.before_caps,
        quantity=line.quantity,
        percentage=line.percentage,
        vat_category=line.vat.category.value,
        vat_rate=str(line.vat.rate),
        basis=line.basis,
        explanation=explain.both(line.rule, line.parameters),
        formula=explain.both(line.formula, line.parameters),
    )


def _bill(bill: Bill) -> BillOut:
    return BillOut(
        vat=[_vat(total) for total in bill.totals],
        fees_vat=[_vat(total) for total in bill.fee_totals],
        total=MoneyOut(text(bill.total_cents)),
        total_to_pay=MoneyOut(text(bill.total_to_pay_cents)),
    )


def _vat(total: Any) -> VatOut:
    return VatOut(
        category=total.vat.category.value,
        rate=str(total.vat.rate),
        base=MoneyOut(text(total.base_cents)),
        vat=MoneyOut(text(total.vat_cents)),
        total=MoneyOut(text(total.total_cents)),
    )


def _calendar(calendar: Calendar, detail: CalendarDetail) -> CalendarOut:
    rows = calendar.rows if detail is CalendarDetail.DAY else [row for row in calendar.rows if _stands_out(row, calendar)]
    saving = calendar.saving
    return CalendarOut(
        first_free_end=calendar.first_free_end,
        cheapest=calendar.cheapest,
        chosen=calendar.chosen,
        saving=SavingOut(end=saving.day, wait_days=saving.wait_days, saves=MoneyOut(text(saving.saves_cents))) if saving else None,
        rows=[_row(row, calendar) for row in rows],
    )


def _stands_out(row: Row, calendar: Calendar) -> bool:
    return row.day in calendar.marks or (row.day + timedelta(days=1)).day == 1


def _row(row: Row, calendar: Calendar) -> RowOut:
    return RowOut(
        end=row.day,
        billing_end=row.billing_ends_on,
        fees=MoneyOut(text(row.fees_cents)),
        extra_cost=MoneyOut(text(row.extra_cost_cents)),
        credit=MoneyOut(text(row.credit_cents)),
        total_to_pay=MoneyOut(text(row.total_to_pay_cents)),
        marks=[mark.value for mark in calendar.marks.get(row.day, ())],
    )
