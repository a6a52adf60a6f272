"""Other systems' cases about parts of a period, credits, plan changes, buyouts and collection costs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

from billing.policy import collection
from billing.policy.charges import BillingCycle, ChargedPeriod, charged_in_advance, commercial_days, share_of
from partner_portal.kernel.dates import ONE_DAY, Period, add_months, anchored_period
from partner_portal.kernel.money import Money, decimal_text, round_half_up

from .peers_terms import MONTHS_OF
from .reading import Answer, Inputs, cents_of, day, day_or_none, euros

_PLACES = 9


def charged_cycles(inputs: Inputs) -> dict[str, Any]:
    """How many cycles are charged in advance up to a day: whole ones, and broken ones by the days of the cycle they lie in."""
    cycle = BillingCycle(day(inputs["start"]), inputs["bill_cycle_day"], inputs.get("period_months") or 1, day_or_none(inputs.get("end")))
    charged = list(charged_in_advance(cycle, day(inputs["target_date"])))
    decimal = sum((Decimal(_fraction(part.days.days, part.whole.days)) for part in charged), Decimal(0))
    text = f"{decimal:.{_PLACES}f}"
    return {"cycles": _cycles_text(charged), "decimal": text, "anchor_preserving_value": text}


def fraction_of_period(inputs: Inputs) -> dict[str, Any]:
    """Days as a fraction of the period that begins on the first of them."""
    since, until = day(inputs["from"]), day(inputs["to"])
    whole = (add_months(since, MONTHS_OF[inputs["period"]]) - since).days
    return {"fraction": _fraction((until - since).days, whole)}


def commercial_month(inputs: Inputs) -> dict[str, Any]:
    """Days where every month has the same length, and their fraction of a month."""
    length = inputs["fixed_days_in_month"]
    days = commercial_days(day(inputs["from"]), day(inputs["to"]), length)
    return {"days": days, "fraction": _fraction(days, length)}


def credit_note(inputs: Inputs) -> dict[str, Any]:
    """The unused days of a paid period, with tax; what is refunded of it is what was paid above the days used.

    The day of termination counts as used. What was paid is split over the invoice's lines alike.
    """
    period = _inclusive(inputs["period"])
    unused = Period(day(inputs["terminated_on"]) + ONE_DAY, period.until).days
    plan, tax = cents_of(inputs["plan_amount"]), Decimal(str(inputs.get("tax_pct") or 0))
    item = Money(share_of(plan, unused, period.days) - cents_of(inputs.get("earlier_credit")))
    total = item + item.percent(tax)
    answer: dict[str, Any] = {"item": item.amount, "tax": item.percent(tax).amount, "total": total.amount}
    if inputs.get("option") == "refund":
        used_days = inputs.get("used_paid_days", period.days - unused)
        used = Money(share_of(plan, used_days, period.days))
        paid = Money(cents_of(inputs.get("paid"))).split([1] * (inputs.get("lines_on_invoice") or 1))[0]
        refund = min(max(paid - used - used.percent(tax), Money(0)), total)
        answer |= {"refund": refund.amount, "credit": (total - refund).amount}
    return answer


def rounding(inputs: Inputs) -> dict[str, Any]:
    """Net rounded, tax from the exact net: the unused days of a plan."""
    left, days = inputs["period_days"] - inputs["used_days"], inputs["period_days"]
    numerator, denominator = (Decimal(str(inputs.get("tax_pct") or 0)) / 100).as_integer_ratio()
    plan = inputs["plan_cents"]
    net = share_of(plan, left, days)
    tax = round_half_up(plan * left * numerator, days * denominator)
    return {"invoice_tax": round_half_up(plan * numerator, denominator), "net": net, "tax": tax, "total": net + tax}


def last_fee(inputs: Inputs) -> dict[str, Any]:
    """The fee of the last period in arrears, both boundary days counted; or what a minimum commitment adds."""
    if "minimum_commitment" in inputs:
        whole = _inclusive(inputs["full_period"])
        until = day_or_none(inputs.get("terminated_on"))
        used = whole.days if until is None else whole.overlap(Period(whole.start, until + ONE_DAY)).days
        fee, least = (share_of(cents_of(inputs[name]), used, whole.days) for name in ("plan_amount", "minimum_commitment"))
        true_up = max(least - fee, 0)
        return {"subscription_fee": euros(fee), "true_up": euros(true_up), "total": euros(fee + true_up)}
    gone_on = day(inputs["terminated_on"]) + ONE_DAY
    whole = anchored_period(day(inputs["anniversary"]), MONTHS_OF[inputs["interval"]], day(inputs["terminated_on"]))
    used = whole.overlap(Period(day(inputs["service_from"]), gone_on)).days
    return {"fee_cents": share_of(inputs["plan_cents"], used, whole.days), "days": used}


def plan_change(inputs: Inputs) -> dict[str, Any]:
    """Credit of the old plan and charge of the new one for the days that remain; the day of change belongs to the new plan."""
    if "share_left" in inputs:
        share = Decimal(str(inputs["share_left"]))
        credit, charge = -Money(cents_of(inputs["old"])).times(share), Money(cents_of(inputs["new"])).times(share)
        return {"credit": credit.amount, "charge": charge.amount, "net": (credit + charge).amount}
    if "cancelled_on" in inputs:
        period = _inclusive(inputs["period"])
        left = Period(day(inputs["cancelled_on"]) + ONE_DAY, period.until).days
        return {"credit": euros(share_of(cents_of(inputs["amount"]), left, period.days))}
    whole = Period(*map(day, inputs["period"]))
    left = Period(day(inputs["change_on"]), whole.until).days
    same_rhythm = "new_interval" not in inputs
    return {
        "credit_old": share_of(inputs["old_cents"], left, whole.days),
        "charge_new": share_of(inputs["new_cents"], left, whole.days) if same_rhythm else inputs["new_cents"],
    }


def upgrade(inputs: Inputs) -> dict[str, Any]:
    """An upgrade inside a period, as money or as days of the new plan (begun days count)."""
    if "elapsed_fraction" in inputs:
        share = 1 - Decimal(str(inputs["elapsed_fraction"]))
        credit, charge = Money(cents_of(inputs["old"])).times(share), Money(cents_of(inputs["new"])).times(share)
        return {"credit_old": credit.amount, "charge_new": charge.amount, "net": (charge - credit).amount}
    begin, end = (date.fromisoformat(f"2026-{text}") for text in inputs["period"])
    days = (end - begin).days
    unused = share_of(cents_of(inputs["paid"]), days - inputs["days_used"], days)
    price = cents_of(inputs["new_price"])
    rest = share_of(price, days - inputs["days_used"], days)
    return {"unused": euros(unused), "new_days": -(-unused * days // price), "extra_if_charged": euros(rest - unused)}


def buyout(inputs: Inputs) -> dict[str, Any]:
    """A percentage of the remaining contract value; or remaining charges less costs saved, less a discount for early receipt."""
    if "yearly_volume" in inputs:
        yearly = Decimal(str(inputs["yearly_volume"])) * Decimal(str(inputs["price"])) + 12 * Decimal(str(inputs["standing_charge_month"]))
        return {"charge": Money.of(yearly * inputs["years_left"]).percent(inputs["percentage"]).amount}
    monthly = Money(cents_of(inputs["monthly_gross"]) - cents_of(inputs.get("cost_saved_gross")))
    gross, rate = monthly.times(inputs["months_left"]), Decimal(str(inputs.get("vat_pct") or 0))
    net = gross.times(100 / Fraction(100 + rate))
    discounted = net - net.percent(Decimal(str(inputs.get("early_receipt_discount_pct") or 0)))
    charge = discounted + discounted.percent(rate)
    return {
        "remaining_gross": gross.amount,
        "net": net.amount,
        "after_discount": discounted.amount,
        "charge_gross": charge.amount,
    }


def collection_costs(inputs: Inputs) -> dict[str, Any]:
    """The statutory collection costs of a principal."""
    return {"costs": euros(collection.collection_costs([cents_of(inputs["principal"])]))}


def _inclusive(days: list[str]) -> Period:
    first, last = map(day, days)
    return Period(first, last + ONE_DAY)


def _fraction(numerator: int, denominator: int) -> str:
    return decimal_text(numerator, denominator, _PLACES)


def _cycles_text(charged: list[ChargedPeriod]) -> str:
    parts = []
    for whole, group in groupby(charged, key=lambda part: part.is_whole):
        broken = [f"{part.days.days}/{part.whole.days}" for part in group]
        parts.extend([str(len(broken))] if whole else broken)
    return " + ".join(parts) or "0"


FAMILIES: Mapping[str, Answer] = {
    "kb-cycles": charged_cycles,
    "kb-fraction": fraction_of_period,
    "kb-fixed30": commercial_month,
    "lago-credit": credit_note,
    "lago-round": rounding,
    "lago-term": last_fee,
    "polar": plan_change,
    "stripe": upgrade,
    "buyout": buyout,
    "bik": collection_costs,
}
