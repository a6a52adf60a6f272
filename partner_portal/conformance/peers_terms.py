"""Other systems' cases about terms, notice, anchors and whole periods, by their own conventions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import count
from typing import Any

from billing.policy import terms
from billing.policy.charges import BillingCycle, cycle_day, first_cycle_day, share_of
from billing.policy.terms import Align, Notice, NoticeUnit, Renewal, Terms
from partner_portal.kernel.dates import ONE_DAY, add_months, anchored_period, last_of_month, whole_months
from terminations.policy import data_act

from .reading import Answer, Inputs, cents_of, day, day_or_none, euros, written

MONTHS_OF = {
    "month": 1, "monthly": 1, "bimonthly": 2, "bimestrial": 2, "quarter": 3, "quarterly": 3, "triannual": 4, "semester": 6, "semesterly": 6,
    "half_year": 6, "biannual": 6, "year": 12, "yearly": 12, "annual": 12, "biennial": 24, "triennial": 36,
}  # fmt: skip
DAYS_OF = {"day": 1, "daily": 1, "week": 7, "weekly": 7, "biweek": 14, "biweekly": 14}
_RHYTHM_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_RHYTHM_DAYS = {"D": 1, "W": 7}


def minimum_term(inputs: Inputs) -> dict[str, Any]:
    """A minimum term with renewals: its end, the deadline, and whether a wish is early. No renewal means indefinite after it."""
    if "lines" in inputs:
        return _several_lines(inputs)
    contract = _contract(inputs)
    as_of = day(inputs.get("as_of") or inputs["request_date"])
    answer: dict[str, Any] = {}
    if "request_date" in inputs:
        earliest = terms.earliest_end(contract, terms.notice_last_day(as_of, contract.notice))
        answer["earliest_end"] = written(earliest)
        wished_on = day_or_none(inputs.get("wished_end"))
        if wished_on is not None:
            answer["is_early"] = wished_on < earliest
            answer["allowed"] = wished_on >= earliest or bool(inputs.get("may_terminate_early"))
    end = _end_within_reach(contract, as_of)
    deadline = None if end is None else terms.last_notice_day(end, contract.notice)
    return {**answer, "term_end": written(end), "notice_deadline": written(deadline)}


def notice(inputs: Inputs) -> dict[str, Any]:
    """Last days to give notice, by days, months or a next cycle; and expiry dates that renew tacitly."""
    if "request_date" in inputs:
        align = Align.EOM if inputs.get("align") == "end_of_month" else Align.NONE
        contract = Terms(start=day(inputs["request_date"]), notice=_notice(inputs), align=align)
        return {"end": written(terms.aligned(contract, terms.notice_last_day(contract.start, contract.notice)))}
    if "next_cycle" in inputs:
        return {"notice_before": written(add_months(day(inputs["next_cycle"]), -inputs["notice_months"]))}
    if "today" in inputs:
        return {"expires": written(_tacit_expiry(inputs))}
    start, months = day(inputs["start"]), inputs["initial_term_months"]
    if "warn_days_before" in inputs:
        expires = add_months(start, months)
        return {"warn_on": written(add_months(expires, -inputs["notice_months"]) - timedelta(days=inputs["warn_days_before"]))}
    end = terms.last_day_of_term(start, months)
    return {"term_until": written(end), "cancellation_possible_until": written(terms.last_notice_day(end, _notice(inputs)))}


def period(inputs: Inputs) -> dict[str, Any]:
    """The end of a rhythm's period; months that begin on a month's last day may keep to month ends."""
    start = day(inputs["start"])
    length, unit = re.fullmatch(r"(\d+)([A-Z])", inputs["rhythm"]).groups()  # type: ignore[union-attr]
    if unit in _RHYTHM_DAYS:
        return {"period_end": written(start + timedelta(days=int(length) * _RHYTHM_DAYS[unit]) - ONE_DAY)}
    until = add_months(start, int(length) * _RHYTHM_MONTHS[unit])
    if inputs.get("align") == "end_of_month" and start == last_of_month(start):
        until = last_of_month(until)
    return {"period_end": written(until - ONE_DAY)}


def anchor(inputs: Inputs) -> dict[str, Any]:
    """Period starts that keep their anchor day; trial ends that set it; the period billed on a day."""
    if "created" in inputs:
        trial_end = day(inputs["created"]) + timedelta(days=inputs["trial_days"])
        until = add_months(trial_end, MONTHS_OF[inputs["interval"]])
        return {"trial_end": written(trial_end), "anchor_day": trial_end.day, "first_period_end": written(until)}
    if "billing_time" in inputs:
        return {"from": written(_billed_from(inputs))}
    cycle = BillingCycle(day(inputs["start"]), inputs["anchor_day"], MONTHS_OF[inputs["interval"]])
    later = (start for index in count(0) if (start := cycle_day(cycle, index)) > cycle.start)
    return {"period_starts": [written(next(later)) for _ in range(inputs["count"])]}


def whole_periods(inputs: Inputs) -> dict[str, Any]:
    """How many whole periods fit between two dates."""
    since, until, length = day(inputs["from"]), day(inputs["to"]), inputs["period"]
    if length in MONTHS_OF:
        return {"whole_periods": whole_months(since, until) // MONTHS_OF[length]}
    days = DAYS_OF.get(length) or int(length.lower().rstrip("days "))
    return {"whole_periods": (until - since).days // days}


def first_cycle(inputs: Inputs) -> dict[str, Any]:
    """The first billing day on or after the start."""
    return {"first_cycle": written(first_cycle_day(day(inputs["start"]), inputs["bill_cycle_day"]))}


def service_and_billing_end(inputs: Inputs) -> dict[str, Any]:
    """Service stops when payment is overdue; billing stops with the term, which then leaves nothing to credit."""
    begin, end = map(day, inputs["first_paid_period"])
    service_end = begin + timedelta(days=inputs["overdue_after_days"])
    billing_end = end if inputs["policy"] == "END_OF_TERM" else min(service_end, end)
    credit = share_of(cents_of(inputs.get("price")), (end - billing_end).days, (end - begin).days)
    return {"service_end": written(service_end), "billing_end": written(billing_end), "credit": euros(credit)}


def next_invoice(inputs: Inputs) -> dict[str, Any]:
    """The day of the next invoice: the period's first day in advance, the day after it (or its last) in arrears."""
    start, max_end = day(inputs["start"]), day_or_none(inputs.get("max_end"))
    end = _invoiced_until(start, inputs["rule"], inputs.get("interval") or 1, max_end)
    if end is None:
        return {"next_invoice": None}
    base = start if inputs["type"] == "pre-paid" else end
    return {"next_invoice": written(base + timedelta(days=inputs.get("offset_periods") or 0))}


def invoiced_period(inputs: Inputs) -> dict[str, Any]:
    """The days the next invoice covers, where its date was moved by hand."""
    last = day_or_none(inputs.get("last_invoiced"))
    start = day(inputs["start"]) if last is None else last + ONE_DAY
    invoice_on, max_end = day(inputs["next_invoice"]), day_or_none(inputs.get("end"))
    in_arrears = inputs["type"] == "post-paid"
    offset = ONE_DAY if in_arrears and inputs["rule"] != "monthlylastday" else timedelta(0)
    if max_end is not None and start > max_end:
        return {"period_start": None, "period_end": None}
    end: date | None = invoice_on - offset
    if not in_arrears:
        end = _invoiced_until(invoice_on, inputs["rule"], inputs.get("interval") or 1, None)
    if end is not None and max_end is not None:
        end = min(end, max_end)
    return {"period_start": written(start), "period_end": written(end)}


def switching(inputs: Inputs) -> dict[str, Any]:
    """The Data Act's limits on the first day it applies, and from when switching may cost nothing."""
    table = data_act.DATA_ACT
    limits = data_act.switching_limits(day(inputs["applies_from"]), table)
    free_from = next(entry.since for entry in table if not entry.switching_charges_allowed)
    if limits is None:
        return {}
    return {
        "max_notice_months": limits.max_notice_months,
        "max_transition_days": limits.max_transition_days,
        "transition_extension_max_months": limits.max_extended_transition_months,
        "min_data_retrieval_days": limits.min_retrieval_days,
        "switching_charges_forbidden_from": written(free_from),
        "proportionate_early_termination_fee_allowed": limits.early_termination_fee_allowed,
    }


def _contract(line: Inputs) -> Terms:
    renewal_months = line.get("renewal_months") or 0
    return Terms(
        start=day(line["start"]),
        minimum_months=line.get("minimum_term_months") or 0,
        renewal=Renewal.FIXED if renewal_months else Renewal.INDEF,
        renewal_months=renewal_months,
        notice=_notice(line),
    )


def _notice(inputs: Inputs) -> Notice:
    for key, unit in (("notice_days", NoticeUnit.DAYS), ("notice_weeks", NoticeUnit.WEEKS), ("notice_months", NoticeUnit.MONTHS)):
        if inputs.get(key):
            return Notice(inputs[key], unit)
    return Notice(0)


def _end_within_reach(contract: Terms, as_of: date) -> date | None:
    """Return the term's end that a notice on `as_of` still reaches; a term that does not renew keeps its own end."""
    if terms.minimum_end(contract) is None or contract.renewal is not Renewal.FIXED:
        return terms.minimum_end(contract)
    return terms.earliest_end(contract, terms.notice_last_day(as_of, contract.notice))


def _several_lines(inputs: Inputs) -> dict[str, Any]:
    as_of = day(inputs["as_of"])
    line_ends = [_end_within_reach(_contract(line), as_of) for line in inputs["lines"]]
    ends = [end for end in line_ends if end is not None]
    answer: dict[str, Any] = {"line_term_ends": [written(end) for end in line_ends], "contract_term_end": written(max(ends, default=None))}
    for ended in range(len(line_ends)):
        left = [end for index, end in enumerate(line_ends) if index != ended and end is not None]
        answer[f"after_cancelling_line_{ended + 1}"] = written(max(left)) if left else None
    return answer


def _tacit_expiry(inputs: Inputs) -> date:
    start, today = day(inputs["start"]), day(inputs["today"])
    first = add_months(start, inputs["duration_months"])
    step = inputs.get("period_months") or inputs["duration_months"]
    if inputs.get("renewal") != "tacit" or first > today or step <= 0:
        return first
    reached = (add_months(start, inputs["duration_months"] + k * step) for k in count(1))
    return next(expiry for expiry in reached if expiry > today)


def _billed_from(inputs: Inputs) -> date:
    subscribed, billing_on = day(inputs["subscribed"]), day(inputs["billing_at"])
    months = MONTHS_OF[inputs.get("interval") or "month"]
    begins = subscribed if inputs["billing_time"] == "anniversary" else date(subscribed.year, 1, 1)
    current = anchored_period(begins, months, billing_on)
    if not inputs.get("pay_in_advance"):
        current = anchored_period(begins, months, current.start - ONE_DAY)
    return max(current.start, subscribed)


def _invoiced_until(start: date, rule: str, interval: int, max_end: date | None) -> date | None:
    """Return the last day of the invoice period that begins on `start`; None when the contract is over by then."""
    if max_end is not None and start > max_end:
        return None
    if rule == "monthlylastday":
        end = last_of_month(add_months(start.replace(day=1), interval - 1))
    elif rule in DAYS_OF:
        end = start + timedelta(days=DAYS_OF[rule] * interval) - ONE_DAY
    else:
        end = terms.last_day_of_term(start, MONTHS_OF[rule] * interval)
    return end if max_end is None else min(end, max_end)


FAMILIES: Mapping[str, Answer] = {
    "minterm": minimum_term,
    "notice": notice,
    "period": period,
    "anchor": anchor,
    "kb-whole": whole_periods,
    "kb-firstcycle": first_cycle,
    "kb-cancel": service_and_billing_end,
    "oca-next": next_invoice,
    "oca-period": invoiced_period,
    "exit": switching,
}
