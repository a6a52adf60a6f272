"""What ending services costs, in words: each line with its rule, its sum as a person writes it, and its source; before there is a case as after."""

from __future__ import annotations

from datetime import date

import msgspec

from billing.policy.ledger import Layer
from partner_portal.infra import catalogue
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.money import Money

from ..policy.cost_sheet import CostLine, LineCode
from ..policy.preview import Bill, EndKind, Preview, ServicePreview
from . import explain
from .quotes import Shown

_LABELS = {
    LineCode.BUYOUT: sentence("Buyout of the remaining term"),
    LineCode.CLAWBACK: sentence("Discount returned"),
    LineCode.RESIDUAL: sentence("Residual value of equipment"),
    LineCode.HANDLING: sentence("Handling"),
    LineCode.USAGE: sentence("Usage not yet billed"),
    LineCode.CREDIT: sentence("Credit for days paid in advance"),
    LineCode.CREDIT_SETUP: sentence("Set-up paid back"),
    LineCode.EARLY_USE: sentence("Days used"),
    LineCode.FEES: sentence("Fees until the end"),
}


class SheetLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a bill, with why it stands there; its amount is as prices are given."""

    label: str
    explanation: str | None
    formula: str | None
    basis: str | None
    amount: Money
    includes_vat: bool


class ServiceBill(msgspec.Struct, frozen=True, kw_only=True):
    """What one service adds to a bill: lines of the final bill, the ordinary fees until billing ends, and the rules that were applied."""

    service: str
    ends_on: date
    billing_ends_on: date
    kind: EndKind
    lines: tuple[SheetLine, ...]
    fees: tuple[SheetLine, ...]
    rules: tuple[str, ...]


class BillWords(msgspec.Struct, frozen=True, kw_only=True):
    """The bill of one price layer that explains itself.

    Lines are as prices are given; `total` is the final bill and `fees` what is billed as always until the end, both with VAT; `to_pay` is all of it.
    """

    layer: Layer
    prices_include_vat: bool
    services: tuple[ServiceBill, ...]
    base: Money
    vat: Money
    total: Money
    fees: Money
    to_pay: Money


def line_words(line: CostLine, language: str, *, of: str = "") -> SheetLine:
    """The line with its reason; `of`: the service, where the bill has several."""
    label = catalogue.text(_LABELS[line.code], language)
    return SheetLine(
        label=f"{label}: {of}" if of else label,
        explanation=explain.rule(line, language),
        formula=explain.formula(line, language),
        basis=explain.basis(line, language),
        amount=Money(line.amount_cents),
        includes_vat=line.vat.prices_include_vat,
    )


def bills(shown: Shown, language: str) -> tuple[BillWords, ...]:
    """The bills of a preview: toward the customer, and, where the partner bills in its own name, toward the partner."""
    return tuple(_bill(preview, layer, shown, language) for layer, preview in shown.previews.items())


def _bill(preview: Preview, layer: Layer, shown: Shown, language: str) -> BillWords:
    bill: Bill = preview.bill
    base = sum(total.base_cents for total in bill.totals)
    return BillWords(
        layer=layer,
        prices_include_vat=shown.facts[layer][0].vat.prices_include_vat,
        services=tuple(_service(service, language) for service in preview.services),
        base=Money(base),
        vat=Money(bill.total_cents - base),
        total=Money(bill.total_cents),
        fees=Money(bill.total_to_pay_cents - bill.total_cents),
        to_pay=Money(bill.total_to_pay_cents),
    )


def _service(service: ServicePreview, language: str) -> ServiceBill:
    ending = service.ending
    told = (*service.applied, *service.notes, *ending.sheet.caps)
    return ServiceBill(
        service=service.name,
        ends_on=ending.ends_on,
        billing_ends_on=ending.billing_ends_on,
        kind=ending.kind,
        lines=tuple(line_words(line, language) for line in ending.sheet.lines),
        fees=tuple(line_words(line, language) for line in ending.sheet.fees),
        rules=tuple(dict.fromkeys(explain.applied(rule, language) for rule in told)),
    )
