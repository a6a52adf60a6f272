"""Other systems' cases about due dates and reminders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from billing.policy.interest import Rate, statutory_interest
from billing.policy.reminding import Facts, Level, Policy, Sent, next_step
from partner_portal.kernel.dates import ONE_DAY, add_months, days_in_month, first_of_month, last_of_month

from .reading import Answer, Inputs, cents_of, day, euros, written

_ANY_DAY = date(2026, 1, 1)
_MOST = len(Level) - 1


def due_in_month(inputs: Inputs) -> dict[str, Any]:
    """The first day after the invoice's that has this number in its month, or is its last; clipped to short months."""
    issued_on = day(inputs["invoice_date"])
    if "days" in inputs or "net_days" in inputs:
        return {"due": written(issued_on + timedelta(days=inputs.get("days", inputs.get("net_days"))))}
    number = 1 if "first" in inputs["case"] else inputs.get("day_of_month", 31)
    months = (first_of_month(add_months(issued_on, later)) for later in (0, 1))
    days = [month.replace(day=min(number, days_in_month(month))) for month in months]
    return {"due": written(next(one for one in days if one > issued_on))}


def reminders(inputs: Inputs) -> dict[str, Any]:
    """Each system's ladder, climbed by our own rule."""
    if "invoice_unpaid_since" in inputs:
        return _by_days(inputs)
    if "events" in inputs:
        return _campaign(inputs)
    if "due_date" in inputs:
        return _around_due(inputs)
    if "outstanding" in inputs:
        return _with_interest(inputs)
    return _runs(inputs)


def _by_days(inputs: Inputs) -> dict[str, Any]:
    """Warning, block and cancellation so many days after an invoice is unpaid; what was paid by then does not come."""
    since, paid_on = day(inputs["invoice_unpaid_since"]), inputs.get("paid_on")
    until = day(paid_on) if paid_on else date.max
    steps = (inputs["warn_day"], inputs["block_day"], inputs["cancel_day"])
    policy = Policy(note_days=0, reminder_days=steps)
    history = _climbed(policy, since, [since + timedelta(days=late) for late in range(inputs["cancel_day"] + 1)], until=until)
    names = ("warning", "blocked", "cancelled")
    retries = accumulate(inputs.get("payment_retry_gaps_days", ()))
    tried = [since + timedelta(days=gap) for gap in retries]
    return {
        "retries": [written(one) for one in tried if one < until],
        **dict.fromkeys(names),
        **{names[sent.level - 1]: written(sent.on) for sent in history},
    }


def _climbed(policy: Policy, due_on: date, runs: Sequence[date], *, until: date = date.max) -> list[Sent]:
    history: list[Sent] = []
    for today in runs:
        open_cents = policy.threshold_cents + 1 if today < until else 0
        facts = Facts(issued_on=due_on, due_on=due_on, open_cents=open_cents, owed_cents=open_cents, sent=tuple(history))
        step = next_step(facts, policy, today)
        if step.level is not None:
            history.append(Sent(step.level, today))
    return history


def _campaign(inputs: Inputs) -> dict[str, Any]:
    """Nothing below the threshold; between two attempts lie strictly more than so many days."""
    gap, most = inputs["days_between"] + 1, min(inputs["max_attempts"], _MOST)
    policy = Policy(note_days=0, reminder_days=(1, 1 + gap, 1 + 2 * gap), threshold_cents=cents_of(inputs["threshold"]))
    events = [(day(event["on"]) + timedelta(days=event["net_term_days"]), event) for event in inputs["events"]]
    first_due, history, asked = events[0][0], list[Sent](), 0
    for today in map(day, inputs["runs"]):
        overdue = [event for due_on, event in events if due_on < today]
        owed = cents_of(overdue[-1].get("invoice_added_to_total", overdue[-1].get("invoice"))) if overdue else 0
        facts = Facts(issued_on=first_due, due_on=first_due, open_cents=max(owed, 1), owed_cents=owed, sent=tuple(history))
        step = next_step(facts, policy, today)
        if step.level is not None and len(history) < most:
            history.append(Sent(step.level, today))
            asked = owed
    return {
        "first_due": written(first_due),
        "overdue_from": written(first_due + ONE_DAY),
        "attempts_on": [written(sent.on) for sent in history],
        "requested_each": euros(asked),
        "attempts_total": len(history),
    }


def _around_due(inputs: Inputs) -> dict[str, Any]:
    """One reminder so many days before or after the due date."""
    due_on = day(inputs["due_date"])
    before, after = inputs.get("remind_days_before_due", 0), inputs.get("remind_days_after_due", 1)
    policy = Policy(note_days=before, reminder_days=(after, after + 1, after + 2))
    facts = Facts(issued_on=date.min, due_on=due_on, open_cents=policy.threshold_cents, owed_cents=policy.threshold_cents)
    days = (due_on + timedelta(days=late) for late in range(-before, after + 1))
    return {"reminder": written(next(one for one in days if next_step(facts, policy, one).level is not None))}


def _with_interest(inputs: Inputs) -> dict[str, Any]:
    """What is open with interest for the days overdue and a fee."""
    cents, fee = cents_of(inputs["outstanding"]), cents_of(inputs.get("fee"))
    rates = [Rate(date.min, Decimal(str(inputs.get("yearly_interest_pct") or 0)))]
    until = _ANY_DAY + timedelta(days=inputs["overdue_days"] + 1)
    interest = statutory_interest(cents, _ANY_DAY, until, rates, compound_yearly=False).cents
    return {"interest": euros(interest), "dunning_amount": euros(interest + fee), "grand_total": euros(cents + interest + fee)}


def _runs(inputs: Inputs) -> dict[str, Any]:
    """However old an invoice is, one level a run."""
    today = last_of_month(_ANY_DAY)
    runs = [_ago(today, text) for text in inputs["runs"]]
    history = _climbed(Policy(note_days=0, reminder_days=(10, 30, 40)), _ago(today, inputs.get("invoice_age") or "1 year"), runs)
    return {"lines_after_each_run": [len([sent for sent in history if sent.on <= run]) for run in runs]}


def _ago(today: date, text: str) -> date:
    """The day that lies so long back: `today`, `10 days ago`, `6 months ago`, `1 year`."""
    if text == "today":
        return today
    count, unit = text.split()[:2]
    days, months = {"day": 1, "week": 7}.get(unit.rstrip("s"), 0), {"month": 1, "year": 12}.get(unit.rstrip("s"), 0)
    return add_months(today, -int(count) * months) - timedelta(days=int(count) * days)


FAMILIES: Mapping[str, Answer] = {"due": due_in_month, "dunning": reminders}
