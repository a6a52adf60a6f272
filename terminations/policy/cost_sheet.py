"""The cost sheet: every line with its count, its exact value, its amount, its VAT, and the reason it stands there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum

import msgspec

from billing.policy.agreed import ClawbackMode, CreditMode, Method, ResidualMode
from billing.policy.charges import PARTS_OF_MONTH, Proration, parts
from billing.policy.tax import Vat, VatTotal, net_amounts, vat_total
from partner_portal.kernel.dates import ONE_DAY
from partner_portal.kernel.money import decimal_text, round_half_up

from .buyout import Advance, CapKey, Counted, Reckoning, Share, credit
from .facts import Applied

Parameters = dict[str, str | int | bool]
CENTS = 100
CONTRACT = "contract"


class LineCode(StrEnum):
    """What a line is for, in the order of the sheet."""

    BUYOUT = "BUYOUT"
    CLAWBACK = "CLAWBACK"
    RESIDUAL = "RESIDUAL"
    HANDLING = "HANDLING"
    USAGE = "USAGE"
    CREDIT = "CREDIT"
    CREDIT_SETUP = "CREDIT_SETUP"
    EARLY_USE = "EARLY_USE"
    FEES = "FEES"


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `rule` and `formula` are keys of sentences, `parameters` the facts they name, `basis` a law or the contract.

    `before_caps` and `unrounded` are in euros with six decimals; `amount_cents` is what is charged (a credit is negative),
    with VAT inside where prices include it; `net_cents` is the same without VAT.
    """

    code: LineCode
    service: str
    quantity: dict[str, int | str]
    before_caps: str
    unrounded: str
    amount_cents: int
    net_cents: int
    vat: Vat
    rule: str
    formula: str
    basis: str
    parameters: Parameters
    percentage: str | None = None


class CostSheet(msgspec.Struct, frozen=True, kw_only=True):
    """What ending one service on one day costs: lines of the final bill, the ordinary fees until then, and caps that bit."""

    lines: tuple[CostLine, ...]
    fees: tuple[CostLine, ...]
    remaining_fee_cents: int
    caps: tuple[Applied, ...]


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """What a sheet is made for: the service, the first day without it, and what was billed and used."""

    service: str
    gone_on: date
    vat: Vat
    usage_cents: int = 0
    advance: Advance | None = None
    charged_until: date | None = None
    billed_until: date | None = None
    proration: Proration = Proration.CAL


_CAP_LAW = {
    CapKey.UNDONE: "BW 6:230s",
    CapKey.CONSUMER_ZERO: "BW 7:408, 7:413",
    CapKey.EXIT_RIGHT: "Directive (EU) 2018/1972 art. 105(6)",
    CapKey.WHOLE_CONTRACT: "BW 6:237 i, 6:94",
}
_BUYOUT_RULES = {
    Method.FULL_STARTED: ("line.buyout.started_months", "formula.months"),
    Method.FULL_FLOOR_DAYS: ("line.buyout.months_and_days", "formula.months_and_days"),
    Method.CAL_DAYS: ("line.buyout.calendar_days", "formula.calendar_days"),
}
_CREDIT_RULES = {
    CreditMode.CAL: ("line.credit.calendar_days", "formula.calendar_days_returned"),
    CreditMode.YEAR_365: ("line.credit.year_days", "formula.year_days_returned"),
    CreditMode.E30_360: ("line.credit.commercial_days", "formula.commercial_days_returned"),
    CreditMode.MONTHS: ("line.credit.months", "formula.months_returned"),
}


def cost_sheet(reckoning: Reckoning, occasion: Occasion) -> CostSheet:
    """Return the sheet for leaving so that `occasion.gone_on` is the first day without service.

    Blocks, then caps on the exact amounts, then rounding line by line; a line that rounds to nothing is left out. Usage
    and credit stand outside the caps.
    """
    leaving = reckoning.leaving(occasion.gone_on)
    lines = _Lines(reckoning, occasion)
    for band, exact in zip(leaving.bands, leaving.after.buyout, strict=True):
        lines.buyout(band.counted, str(band.percentage), band.exact, exact)
    lines.clawback(leaving.clawback, leaving.after.clawback)
    lines.residual(leaving.residual, leaving.after.residual)
    lines.handling(leaving.before.handling, leaving.after.handling)
    lines.usage()
    lines.credit()
    return CostSheet(
        lines=with_nets(lines.made),
        fees=with_nets(fee_lines(occasion, reckoning.stay.fee_cents)),
        remaining_fee_cents=round_half_up(leaving.remaining_fee, reckoning.unit),
        caps=tuple(Applied(key.value, _CAP_LAW[key], {}) for key in leaving.caps),
    )


def fee_lines(occasion: Occasion, fee_cents: int) -> tuple[CostLine, ...]:
    """Return the line of ordinary fees from the first unpaid day until billing ends; none where all is paid."""
    since, until = occasion.charged_until, occasion.billed_until
    if since is None or until is None or since >= until:
        return ()
    exact = fee_cents * parts(occasion.proration, since, until)
    amount = round_half_up(exact, PARTS_OF_MONTH)
    if not amount:
        return ()
    text = decimal_text(exact, PARTS_OF_MONTH * CENTS, 6)
    days = (until - since).days
    return (
        CostLine(
            code=LineCode.FEES,
            service=occasion.service,
            quantity={"days": days},
            before_caps=text,
            unrounded=text,
            amount_cents=amount,
            net_cents=amount,
            vat=occasion.vat,
            rule="line.fees",
            formula="formula.period",
            basis=CONTRACT,
            parameters={
                "from_on": since.isoformat(),
                "last_on": (until - ONE_DAY).isoformat(),
                "days": days,
                "fee_cents": fee_cents,
                "proration": occasion.proration.value,
            },
        ),
    )


def by_vat(lines: Iterable[CostLine]) -> dict[Vat, list[CostLine]]:
    """Return the lines grouped by how they are taxed, in the order met."""
    groups: dict[Vat, list[CostLine]] = {}
    for line in lines:
        groups.setdefault(line.vat, []).append(line)
    return groups


def totals(lines: Iterable[CostLine]) -> tuple[VatTotal, ...]:
    """Return base, VAT and total per way of taxing, over the lines of one document."""
    return tuple(vat_total([line.amount_cents for line in group], vat) for vat, group in by_vat(lines).items())


def with_nets(lines: Sequence[CostLine]) -> tuple[CostLine, ...]:
    """Return the lines of one document with their amounts without VAT, adding up to each base exactly."""
    if not any(line.vat.prices_include_vat for line in lines):
        return tuple(lines)
    nets = {
        id(line): net
        for vat, group in by_vat(lines).items()
        for line, net in zip(group, net_amounts([line.amount_cents for line in group], vat), strict=True)
    }
    return tuple(msgspec.structs.replace(line, net_cents=nets[id(line)]) for line in lines)


class _Lines:
    """Collects the lines of one sheet."""

    def __init__(self, reckoning: Reckoning, occasion: Occasion) -> None:
        self.reckoning, self.occasion = reckoning, occasion
        self.fee_cents = reckoning.stay.fee_cents
        self.made: list[CostLine] = []

    def buyout(self, counted: Counted, percentage: str, before: int, exact: int) -> None:
        rule = self.reckoning.stay.rule
        key, formula = _BUYOUT_RULES[rule.method]
        quantity: dict[str, int | str]
        if rule.method is Method.CAL_DAYS:
            quantity = {"days": counted.days}
        else:
            quantity = {"months": counted.months}
            if counted.days:
                quantity |= {"days": counted.days, "of": counted.of}
            elif rule.method is Method.FULL_FLOOR_DAYS:
                formula = "formula.months"
        parameters: Parameters = {**quantity, "fee_cents": self.fee_cents, "percentage": percentage}
        if rule.avoided_cost_percentage:
            parameters["avoided_percentage"] = str(rule.avoided_cost_percentage)
            formula += "_less_avoided"
        self._add(LineCode.BUYOUT, quantity, (key, formula, parameters), before, exact, percentage)

    def clawback(self, share: Share, exact: int) -> None:
        discount = self.reckoning.stay.discount
        if discount is None:
            return
        whole = discount.mode is ClawbackMode.FULL
        keys = ("line.clawback.full", "formula.whole") if whole else ("line.clawback.pro_rata", "formula.share")
        parameters: Parameters = {"remaining": share.remaining, "total": share.total, "value_cents": discount.given_cents}
        self._add(LineCode.CLAWBACK, {"remaining": share.remaining, "total": share.total}, (*keys, parameters), share.exact, exact)

    def residual(self, share: Share, exact: int) -> None:
        equipment = self.reckoning.stay.equipment
        if equipment is None:
            return
        key = "line.residual.months" if equipment.mode is ResidualMode.MONTHS else "line.residual.days"
        quantity: dict[str, int | str] = {"remaining": share.remaining, "total": share.total, "unit": equipment.mode.value}
        parameters: Parameters = {"remaining": share.remaining, "total": share.total, "value_cents": equipment.value_cents}
        self._add(LineCode.RESIDUAL, quantity, (key, "formula.share", parameters), share.exact, exact)

    def handling(self, before: int, exact: int) -> None:
        parameters: Parameters = {"value_cents": self.reckoning.stay.rule.handling_cents}
        self._add(LineCode.HANDLING, {}, ("line.handling", "formula.whole", parameters), before, exact)

    def usage(self) -> None:
        exact = self.occasion.usage_cents * self.reckoning.unit
        self._add(LineCode.USAGE, {}, ("line.usage", "formula.whole", {"value_cents": self.occasion.usage_cents}), exact, exact)

    def credit(self) -> None:
        advance = self.occasion.advance
        billed_until = self.occasion.gone_on if self.occasion.billed_until is None else self.occasion.billed_until
        if advance is None:
            return
        counted = credit(advance, billed_until)
        if not counted.parts:
            return
        exact = -advance.fee_cents * counted.parts * (self.reckoning.unit // PARTS_OF_MONTH)
        quantity: dict[str, int | str] = {"months": counted.months} if counted.months else {"days": counted.days}
        parameters: Parameters = {
            **quantity,
            "fee_cents": advance.fee_cents,
            "from_on": max(billed_until, advance.billed_from).isoformat(),
            "last_on": (advance.billed_until - ONE_DAY).isoformat(),
        }
        self._add(LineCode.CREDIT, quantity, (*_CREDIT_RULES[advance.mode], parameters), exact, exact)

    def _add(
        self,
        code: LineCode,
        quantity: dict[str, int | str],
        wording: tuple[str, str, Parameters],
        before: int,
        exact: int,
        percentage: str | None = None,
    ) -> None:
        unit = self.reckoning.unit
        amount = round_half_up(exact, unit)
        if not amount:
            return
        rule, formula, parameters = wording
        unrounded = decimal_text(exact, unit * CENTS, 6)
        self.made.append(
            CostLine(
                code=code,
                service=self.occasion.service,
                quantity=quantity,
                before_caps=unrounded if before == exact else decimal_text(before, unit * CENTS, 6),
                unrounded=unrounded,
                amount_cents=amount,
                net_cents=amount,
                vat=self.occasion.vat,
                rule=rule,
                formula=formula,
                basis=CONTRACT,
                parameters=parameters,
                percentage=percentage,
            )
        )
