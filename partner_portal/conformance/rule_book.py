"""Cases of the rule book: date functions with arguments in order, worked buyouts, collection costs and interest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.policy import collection, interest, terms
from billing.policy.agreed import CreditMode, Method, ResidualMode, ScaleKind
from billing.policy.charges import Proration, prorated
from billing.policy.tax import Vat, net_amounts, vat_total
from billing.policy.terms import Align, CountFrom, Notice, NoticeUnit, Renewal, TermEndPolicy, Terms
from partner_portal.kernel import dates
from partner_portal.kernel.money import decimal_text, round_half_up
from terminations.policy.buyout import Advance, Reckoning, Stay, credit
from terminations.policy.facts import Band, BuyoutRule, Caps, Discount, Equipment, Scale, flat

from .reading import Answer, Inputs, cents_of, day, day_or_none, euros

_SOME_DAY = date(2026, 1, 1)
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _add_months_iterated(args: list[Any]) -> str:
    reached = day(args[0])
    for _ in range(args[2]):
        reached = dates.add_months(reached, args[1])
    return reached.isoformat()


def _notice_last_day(args: list[Any]) -> str:
    received_on, n, unit, count_from = args
    return terms.notice_last_day(day(received_on), Notice(n, NoticeUnit(unit), CountFrom(count_from))).isoformat()


def _earliest_end(args: list[Any]) -> str:
    start, months, renewal, renewal_months, received_on, n, unit, count_from, align, wish = args
    contract = Terms(
        start=day(start),
        minimum_months=months,
        renewal=Renewal(renewal),
        renewal_months=renewal_months,
        notice=Notice(n, NoticeUnit(unit), CountFrom(count_from)),
        align=Align(align),
    )
    served_on = terms.notice_last_day(day(received_on), contract.notice)
    return terms.earliest_end(contract, max(served_on, day_or_none(wish) or served_on)).isoformat()


def _months_floor_days(args: list[Any]) -> str:
    counted = dates.months_floor_days(day(args[0]), day(args[1]))
    return f"{counted.months}m{counted.days}d"


def _end_of_day_utc(args: list[Any]) -> str:
    return dates.end_of_day_utc(day(args[0])).strftime("%Y-%m-%dT%H:%M:%SZ")


def _prorata(args: list[Any]) -> str:
    fee, start, until, proration = args
    return str(euros(prorated(cents_of(fee), day(start), day(until), Proration(proration))))


DATE_FUNCTIONS: Mapping[str, Any] = {
    "add_months": lambda args: dates.add_months(day(args[0]), args[1]).isoformat(),
    "add_months_iter": _add_months_iterated,
    "term_last_day": lambda args: terms.last_day_of_term(day(args[0]), args[1]).isoformat(),
    "term_last_day_bgb188": lambda args: terms.last_day_of_term(day(args[0]), args[1], TermEndPolicy.BGB188).isoformat(),
    "notice_last_day": _notice_last_day,
    "earliest_end": _earliest_end,
    "statutory_days_end": lambda args: dates.statutory_days_end(day(args[0]), args[1]).isoformat(),
    "holidays": lambda args: " ".join(holiday.isoformat() for holiday in dates.statutory_holidays(args[0])),
    "local_date": lambda args: dates.local_date(datetime.fromisoformat(args[0])).isoformat(),
    "day_hours": lambda args: str(dates.day_hours(day(args[0]))),
    "end_of_day_utc": _end_of_day_utc,
    "days": lambda args: str((day(args[1]) - day(args[0])).days),
    "months_started": lambda args: str(dates.months_started(day(args[0]), day(args[1]))),
    "months_floor_days": _months_floor_days,
    "prorata": _prorata,
}


def collection_cost_case(inputs: Inputs) -> dict[str, Any]:
    """Return the collection costs of one principal."""
    return {"costs_ex_vat": euros(collection.collection_costs([cents_of(inputs["principal"])]))}


def interest_case(inputs: Inputs) -> dict[str, Any]:
    """Return days and interest of one principal at one rate, without compounding."""
    since = day(inputs["from_"])
    rates = [interest.Rate(since, Decimal(inputs["rate"]))]
    due_on, until = since - dates.ONE_DAY, day(inputs["to_exclusive"])
    owed = interest.statutory_interest(cents_of(inputs["principal"]), due_on, until, rates, compound_yearly=False)
    return {"days": owed.period.days, "interest": euros(owed.cents)}


def buyout_case(case: Inputs) -> dict[str, Any]:
    """Return lines, VAT per rate and totals of a worked buyout.

    What the parameters and labels describe is computed anew; a line that only names its amount (use, damage) is taken from there.
    """
    facts = _BuyoutFacts(case)
    exact = facts.exact_lines()
    lines: list[dict[str, Any]] = []
    groups: dict[Vat, list[int]] = {}
    for line, (numerator, denominator) in zip(case["lines"], exact, strict=True):
        vat = Vat(rate=Decimal(line["vat"]), prices_include_vat=facts.gross)
        amount = round_half_up(numerator, denominator)
        groups.setdefault(vat, []).append(amount)
        net_numerator, net_denominator = (numerator * 100, denominator * (100 + line["vat"])) if facts.gross else (numerator, denominator)
        net = net_amounts([amount], vat)[0]
        lines.append({"unrounded": decimal_text(net_numerator, net_denominator * 100, 6), "amount": euros(net), "vat": line["vat"]})
    totals = [vat_total(amounts, vat) for vat, amounts in groups.items()]
    return {
        "lines": lines,
        "base_ex_vat": euros(sum(total.base_cents for total in totals)),
        "vat": {str(total.vat.rate): euros(total.vat_cents) for total in totals},
        "vat_total": euros(sum(total.vat_cents for total in totals)),
        "total": euros(sum(total.total_cents for total in totals)),
    }


class _BuyoutFacts:
    """A worked buyout read from its parameters and, where those are silent, from its labels."""

    def __init__(self, case: Inputs) -> None:
        self.params: Inputs = case["params"]
        self.lines: list[Inputs] = case["lines"]
        self.words = " ".join([case.get("title", ""), case.get("rule", ""), *(line["label"] for line in self.lines)])
        self.gross = "fee_incl" in self.params
        self.formula = re.search(r"(\d+)(?: mnd)? x ([\d.]+,\d\d|\d+)(?: x (\d+) %)?", self.words)
        self.buyouts = iter(self._buyouts())

    def exact_lines(self) -> list[tuple[int, int]]:
        """Return every line's exact value in cents, as a fraction."""
        return [self._line(line) for line in self.lines]

    def _line(self, line: Inputs) -> tuple[int, int]:
        label = line["label"].lower()
        if label.startswith(("afkoop", "vergoeding")):
            return next(self.buyouts, _as_given(line))
        if label.startswith("terugvordering"):
            reckoning = self._reckoning()
            return reckoning.clawback(self._gone_on()).exact, reckoning.unit
        if label.startswith(("restwaarde", "min(")) and self._equipment() is not None:
            leaving = self._reckoning(eecc=label.startswith("min(")).leaving(self._gone_on())
            return leaving.after.residual, self._reckoning().unit
        if label.startswith(("credit", "restitutie")) and self._fee() is not None:
            return self._credit() or _as_given(line)
        return _as_given(line)

    def _buyouts(self) -> list[tuple[int, int]]:
        if self._fee() is None:
            return []
        reckoning, gone_on = self._reckoning(), self._gone_on()
        return [(band.exact, reckoning.unit) for band in reckoning.leaving(gone_on).bands]

    def _reckoning(self, *, eecc: bool = False) -> Reckoning:
        months = self.params.get("min_months", 24)
        discount = self.params.get("discount_given")
        return Reckoning(
            Stay(
                start=day(self.params.get("start", _SOME_DAY.isoformat())),
                committed_until=self._committed_until(),
                fee_cents=self._fee() or 0,
                rule=BuyoutRule(method=self._method(), scale=self._scale()),
                discount=Discount(cents_of(discount), months) if discount else None,
                equipment=self._equipment(),
                caps=Caps(whole_contract=False, eecc_equipment=eecc),
            )
        )

    def _gone_on(self) -> date:
        if "end_exclusive" in self.params:
            return day(self.params["end_exclusive"])
        return day(self.params["last_day"]) + dates.ONE_DAY if "last_day" in self.params else _SOME_DAY

    def _committed_until(self) -> date:
        if "min_end_exclusive" in self.params:
            return day(self.params["min_end_exclusive"])
        counted = self.params.get("months") or (int(self.formula[1]) if self.formula else 0)
        return dates.add_months(self._gone_on(), counted)

    def _fee(self) -> int | None:
        if "year_price" in self.params:
            return cents_of(self.params["year_price"]) // 12
        named = self.params.get("fee") or self.params.get("fee_incl")
        if named is None and self.formula is not None:
            named = self.formula[2].replace(".", "").replace(",", ".")
        return None if named is None else cents_of(named)

    def _method(self) -> Method:
        if "floor_months" in self.params:
            return Method.FULL_FLOOR_DAYS
        by_day = "days_left" in self.params or re.search(r"calendar day|per day", self.words)
        counted_in_months = "remaining_started_months" in self.params or "months" in self.params
        return Method.CAL_DAYS if by_day and not counted_in_months else Method.FULL_STARTED

    def _scale(self) -> Scale:
        bands = re.findall(r"(\d+) % m(\d+)-", self.words)
        if bands:
            return Scale(ScaleKind.BY_CONTRACT_MONTH, tuple(Band(int(month), Decimal(percentage)) for percentage, month in bands))
        named = re.search(r"x (\d+) %", self.words)
        return flat(self.params.get("pct") or (named[1] if named else 100))

    def _equipment(self) -> Equipment | None:
        named = re.search(r"Restwaarde \d+/\d+ x (\d+)", self.words)
        value = self.params.get("hardware") or (named[1] if named else None)
        if value is None:
            return None
        mode = ResidualMode.DAYS if "days_total" in self.params else ResidualMode.MONTHS
        return Equipment(cents_of(value), self.params.get("min_months", 24), mode)

    def _credit(self) -> tuple[int, int] | None:
        gone_on = self._gone_on()
        billed = _billed_period(self.params.get("billed"), gone_on)
        if billed is None:
            return None
        mode = CreditMode.YEAR_365 if "year_price" in self.params else CreditMode.CAL
        fee = self._fee() or 0
        counted = credit(Advance(billed.start, billed.until, fee, mode), gone_on)
        unit = self._reckoning().unit
        return -fee * counted.parts * (unit // _whole_month()), unit


def _whole_month() -> int:
    return credit(Advance(_SOME_DAY, dates.add_months(_SOME_DAY, 1), 0), _SOME_DAY).parts


def _billed_period(text: str | None, gone_on: date) -> dates.Period | None:
    """Return the days billed: written from..to, as a month's name, or the month of the end."""
    if text is None:
        return dates.Period(gone_on, dates.last_of_month(gone_on) + dates.ONE_DAY)
    if ".." in text:
        first, last = text.split("..")
        return dates.Period(day(first), day(last) + dates.ONE_DAY)
    named = re.search(r"([a-z]{3})[a-z]* (\d{4})", text.lower())
    if named is None or named[1] not in _MONTH_NAMES:
        return None
    first_day = date(int(named[2]), _MONTH_NAMES.index(named[1]) + 1, 1)
    return dates.Period(first_day, dates.add_months(first_day, 1))


def _as_given(line: Inputs) -> tuple[int, int]:
    numerator, denominator = (Decimal(line["unrounded"]) * 100).as_integer_ratio()
    return numerator, denominator


TABLES: Mapping[str, Answer] = {
    "buyout_cases": buyout_case,
    "collection_cost_cases": collection_cost_case,
    "interest_cases": interest_case,
}
