"""Cases with keyed inputs: protection, notice deadlines, buyout, calendar, interest and costs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from billing.policy import collection, interest, terms
from billing.policy.agreed import ClawbackMode, CreditMode, Method, ResidualMode, ScaleKind, ServiceKind
from billing.policy.tax import Vat
from partner_portal.kernel.dates import ONE_DAY
from partner_portal.kernel.money import decimal_text
from tenants.policy import Segment
from terminations.policy import dates as ends
from terminations.policy.buyout import Advance, Reckoning, Stay
from terminations.policy.calendar import Row, cheapest_of, fee_and_credit_cents
from terminations.policy.cost_sheet import CostLine, Occasion, cost_sheet, totals
from terminations.policy.facts import Band, BuyoutRule, Caps, Discount, Equipment, Scale, ServiceFacts, flat
from terminations.policy.leaving_by_day import leaving_cents
from terminations.policy.protection import Protected, protected

from .reading import Answer, Inputs, cents_of, day, day_or_none, euros, known, notice_of, terms_of, written


def protection(inputs: Inputs) -> dict[str, Any]:
    """Return the terms after the protection rules, and the dates they lead to."""
    wished_on = day_or_none(inputs.get("wish"))
    facts = ServiceFacts(
        ref="case",
        name="case",
        terms=terms_of(inputs),
        monthly_fee_cents=0,
        segment=Segment(inputs["segment"]),
        kind=ServiceKind(inputs["service_kind"]),
        signed_on=day_or_none(inputs.get("signed_on")),
        waiver_on_file=bool(inputs.get("waiver")),
        long_notice_request_on_file=bool(inputs.get("business_long_notice_requested")),
        provider_notice=notice_of(inputs.get("provider_notice")),
        m2m=bool(inputs.get("m2m_transmission")),
    )
    case = protected(facts, day(inputs["received_on"]), wished_on)
    end = ends.earliest_end(case, wished_on)
    return {
        "effective": _effective(case),
        "applied_rules": [rule.key for rule in case.applied],
        "in_tacit_renewal": case.in_tacit_renewal,
        "already_ended": ends.already_ended(case),
        "earliest_end": written(end),
        "last_notice_day_for_earliest_end": written(ends.last_notice_day(case, end, wished_on)),
        "buyout_allowed": case.buyout_allowed,
        "earliest_switch_end": written(ends.earliest_switch_end(case, end)),
    }


def notice_deadline(inputs: Inputs) -> dict[str, Any]:
    """Return the last day to give notice for an end, or the deadlines of a contract that renews."""
    if "end" in inputs:
        return _deadline_of_end(inputs)
    contract, as_of = terms_of(inputs), day(inputs["as_of"])
    term = terms.term_holding(contract, as_of)
    if term is None:
        return {"term_start": None, "term_end": None}
    last_day = terms.last_notice_day(term.last_day, contract.notice)
    next_day, next_end = next(terms.notice_deadlines(contract, as_of))
    return {
        "term_start": written(term.start),
        "term_end": written(term.last_day),
        "last_notice_day": written(last_day),
        "in_time": as_of <= last_day,
        "end_if_notice_on_as_of": written(terms.earliest_end(contract, terms.notice_last_day(as_of, contract.notice))),
        "next_notice_day": written(next_day),
        "end_at_next_notice_day": written(next_end),
    }


def buyout(inputs: Inputs) -> dict[str, Any]:
    """Return the cost sheet of leaving, with VAT and totals."""
    advance = inputs.get("advance")
    vat = Vat(rate=Decimal(str(inputs["vat_rate"])), prices_include_vat=bool(inputs.get("prices_include_vat")))
    occasion = Occasion(
        service="case",
        gone_on=day(inputs["leaves_on"]) + ONE_DAY,
        vat=vat,
        usage_cents=cents_of(inputs.get("usage")),
        advance=advance and _advance(advance),
    )
    stay = _stay(inputs, day_or_none(inputs.get("committed_until")), Caps(**{"whole_contract": False, **known(Caps, inputs.get("caps"))}))
    sheet = cost_sheet(Reckoning(stay), occasion)
    sums = totals(sheet.lines)
    return {
        "lines": [_line(line) for line in sheet.lines],
        "remaining_fee": euros(sheet.remaining_fee_cents),
        "base": euros(sum(total.base_cents for total in sums)),
        "vat": euros(sum(total.vat_cents for total in sums)),
        "total": euros(sum(total.total_cents for total in sums)),
    }


def calendar(inputs: Inputs) -> dict[str, Any]:
    """Return the rows for the candidate days, without caps and without protection rules.

    Here the horizon of the buyout is the end of the term that runs on the day of receipt.
    """
    contract, received_on = terms_of(inputs), day(inputs["received_on"])
    committed_until = terms.committed_until(contract, received_on)
    served_on = terms.notice_last_day(received_on, contract.notice)
    reckoning = Reckoning(_stay(inputs, committed_until, Caps(whole_contract=False)))
    paid_until = day(inputs["paid_until"])
    occasion = Occasion(
        service="case",
        gone_on=received_on,
        vat=Vat(),
        advance=Advance(contract.start, paid_until, reckoning.stay.fee_cents),
        charged_until=paid_until,
    )
    rows = []
    for candidate in map(day, inputs["candidates"]):
        gone_on = candidate + ONE_DAY
        nothing_to_buy = committed_until is None or gone_on >= committed_until
        billing_end = max(candidate, served_on) if nothing_to_buy else candidate
        fees, returned = fee_and_credit_cents(occasion, reckoning.stay.fee_cents, billing_end + ONE_DAY)
        leaving = leaving_cents(reckoning.leaving(gone_on), reckoning.unit)
        rows.append(Row(candidate, candidate, billing_end, fees, *leaving, 0, returned))
    cheapest = cheapest_of(sorted(rows, key=lambda row: row.day))
    return {
        "committed_until": written(committed_until),
        "notice_last_day": written(served_on),
        "first_free_end": written(terms.earliest_end(contract, served_on)),
        "cheapest": {"end": written(cheapest.day), "total_to_pay": euros(cheapest.total_to_pay_cents)},
        "rows": [_row(row) for row in rows],
    }


def interest_costs(inputs: Inputs) -> dict[str, Any]:
    """Return what a payment settles, interest, collection costs, or the days of a fourteen-day letter."""
    answer: dict[str, Any] = _INTEREST_COSTS[inputs["fn"]](inputs)
    return answer


def plain_quantities(expected: Any) -> Any:
    """Return expected lines with their counts as we write them: no odd days where there are none."""
    if not isinstance(expected, Mapping) or "lines" not in expected:
        return expected
    return {**expected, "lines": [{**line, "quantity": _counted(line["quantity"])} for line in expected["lines"]]}


def _effective(case: Protected) -> dict[str, Any]:
    notice = case.terms.notice
    return {
        "minimum_end": written(case.minimum_end),
        "renewal": case.terms.renewal.value,
        "notice": {"n": notice.n, "unit": notice.unit.value, "count_from": notice.count_from.value},
        "align": case.terms.align.value,
    }


def _deadline_of_end(inputs: Inputs) -> dict[str, Any]:
    notice = notice_of(inputs.get("notice")) or terms.Notice(0)
    last_day = terms.last_notice_day(day(inputs["end"]), notice)
    return {
        "last_notice_day": written(last_day),
        "served_on": written(terms.notice_last_day(last_day, notice)),
        "served_on_if_one_day_late": written(terms.notice_last_day(last_day + ONE_DAY, notice)),
    }


def _stay(inputs: Inputs, committed_until: date | None, caps: Caps) -> Stay:
    discount, equipment = inputs.get("discount"), inputs.get("equipment")
    return Stay(
        start=day(inputs["start"]),
        committed_until=committed_until,
        fee_cents=cents_of(inputs["fee"]),
        rule=BuyoutRule(
            method=Method(inputs["method"]), scale=_scale(inputs.get("scale")), handling_cents=cents_of(inputs.get("handling"))
        ),
        discount=_discount(discount) if discount else None,
        equipment=_equipment(equipment) if equipment else None,
        caps=caps,
    )


def _discount(discount: Inputs) -> Discount:
    return Discount(cents_of(discount["given"]), discount["total_months"], ClawbackMode(discount.get("mode") or ClawbackMode.PRO_RATA))


def _equipment(equipment: Inputs) -> Equipment:
    return Equipment(cents_of(equipment["value"]), equipment["total_months"], ResidualMode(equipment.get("mode") or ResidualMode.MONTHS))


def _scale(scale: Inputs | None) -> Scale | None:
    if scale is None:
        return None
    if scale["kind"] == ScaleKind.PERCENTAGE.value:
        return flat(scale["percentage"])
    bands = sorted(scale["bands"], key=lambda band: int(band["from_month"]))
    return Scale(ScaleKind(scale["kind"]), tuple(Band(band["from_month"], Decimal(band["percentage"])) for band in bands))


def _advance(advance: Inputs) -> Advance:
    billed = day(advance["billed_from"]), day(advance["billed_until_exclusive"])
    return Advance(*billed, cents_of(advance["fee"]), CreditMode(advance.get("mode") or CreditMode.CAL))


def _line(line: CostLine) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "code": line.code.value,
        "quantity": _counted(line.quantity),
        "before_caps": line.before_caps,
        "unrounded": line.unrounded,
        "amount": euros(line.amount_cents),
        "net": euros(line.net_cents),
    }
    return answer if line.percentage is None else {**answer, "percentage": line.percentage}


def _counted(quantity: Inputs) -> dict[str, Any]:
    kept = quantity if quantity.get("days") else {name: value for name, value in quantity.items() if name not in {"days", "of"}}
    return {name: value for name, value in kept.items() if name != "months" or value}


def _row(row: Row) -> dict[str, Any]:
    return {
        "end": written(row.day),
        "billing_end": written(row.billing_ends_on),
        "fees": euros(row.fees_cents),
        "buyout": euros(row.buyout_cents),
        "clawback": euros(row.clawback_cents),
        "residual": euros(row.residual_cents),
        "handling": euros(row.handling_cents),
        "credit": euros(row.credit_cents),
        "extra_cost": euros(row.extra_cost_cents),
        "total_to_pay": euros(row.total_to_pay_cents),
    }


def _allocation(inputs: Inputs) -> dict[str, Any]:
    debts = [
        collection.Debt(
            id=debt["id"],
            due_on=day(debt["due_on"]),
            costs_cents=cents_of(debt.get("costs")),
            interest_cents=cents_of(debt.get("interest")),
            principal_cents=cents_of(debt["principal"]),
        )
        for debt in inputs["debts"]
    ]
    allocation = collection.allocate(cents_of(inputs["payment"]), debts, inputs.get("indicated"))
    allocated = {
        settled.id: {
            "costs": euros(settled.costs_cents),
            "interest": euros(settled.interest_cents),
            "principal": euros(settled.principal_cents),
            "open": euros(settled.open_cents),
        }
        for settled in allocation.settled
    }
    return {"allocated": allocated, "left_on_account": euros(allocation.left_cents)}


def _interest(inputs: Inputs) -> dict[str, Any]:
    rates = sorted((interest.Rate(day(rate["from"]), Decimal(str(rate["rate"]))) for rate in inputs["rates"]), key=lambda rate: rate.since)
    owed = interest.statutory_interest(
        cents_of(inputs["principal"]),
        day(inputs["due_on"]),
        day(inputs["until_exclusive"]),
        rates,
        compound_yearly=bool(inputs.get("compound_yearly")),
        days_in_year=inputs.get("days_in_year") or 365,
        reductions=[interest.Reduction(day(paid["on"]), cents_of(paid["amount"])) for paid in inputs.get("payments") or ()],
    )
    exact = owed.exact_cents
    return {
        "interest_from": written(owed.period.start),
        "days": owed.period.days,
        "unrounded": decimal_text(exact.numerator, exact.denominator * 100, 6),
        "interest": euros(owed.cents),
    }


def _collection_costs(inputs: Inputs) -> dict[str, Any]:
    principals = [cents_of(principal) for principal in inputs["principals"]]
    return {"principal": euros(sum(principals)), "costs": euros(collection.collection_costs(principals)), "vat": euros(0)}


def _fourteen_day_letter(inputs: Inputs) -> dict[str, Any]:
    letter = collection.fourteen_day_letter(received_on=day_or_none(inputs.get("received_on")), sent_on=day_or_none(inputs.get("sent_on")))
    answer: dict[str, Any] = {
        "received_on": written(letter.received_on),
        "fourteenth_day": written(letter.fourteenth_day),
        "last_day_to_pay": written(letter.last_day_to_pay),
        "costs_from": written(letter.costs_from),
    }
    if inputs.get("paid_on"):
        due = collection.consumer_costs_due(letter, day(inputs["paid_on"]), [cents_of(inputs["principal"])])
        answer["costs_due"] = euros(due)
    return answer


def _business_costs(inputs: Inputs) -> dict[str, Any]:
    return {
        "costs_from": written(collection.business_costs_from(day(inputs["due_on"]))),
        "minimum": euros(collection.STATUTORY_SCALE.minimum_cents),
        "costs": euros(collection.collection_costs([cents_of(inputs["principal"])])),
    }


_INTEREST_COSTS: Mapping[str, Answer] = {
    "allocation": _allocation,
    "interest": _interest,
    "collection_costs": _collection_costs,
    "fourteen_day_letter": _fourteen_day_letter,
    "business_costs": _business_costs,
}

FAMILIES: Mapping[str, Answer] = {
    "protection": protection,
    "notice_deadline": notice_deadline,
    "buyout": buyout,
    "calendar": calendar,
    "interest_costs": interest_costs,
}
