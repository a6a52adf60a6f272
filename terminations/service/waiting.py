"""How long a case waits for each party, as columns of the case."""

from __future__ import annotations

from datetime import date
from typing import Any

from partner_portal.infra import clock, settings

from ..policy import waiting as policy
from ..tables import Termination


def for_customer(case: Termination, answer_by: date | None) -> dict[str, Any]:
    """The customer's answer is awaited; without the customer's mandate no longer than its yes, being the notice, keeps what was quoted."""
    return _waiting(settings.current().approval_valid_days, _not_after(case, answer_by))


def for_payer(case: Termination, answer_by: date | None) -> dict[str, Any]:
    """An answer to the proposed buyout is awaited, with the same limit."""
    return _waiting(settings.current().proposal_valid_days, _not_after(case, answer_by))


def for_finance(case: Termination, answer_by: date | None) -> dict[str, Any]:
    """Finance is awaited as long as what was quoted can be kept."""
    return {"waits_until": policy.until(clock.today(), valid_days=3650, not_after=_not_after(case, answer_by)), "remind_at": None}


def reminder(case: Termination) -> dict[str, Any]:
    """Whoever is asked anew is reminded anew."""
    if case.waits_until is None:
        return {"remind_at": None}
    return {"remind_at": policy.reminder(clock.now(), case.waits_until, after_days=settings.current().approval_reminder_days)}


def _not_after(case: Termination, answer_by: date | None) -> date:
    return case.ends_on if answer_by is None else min(case.ends_on, answer_by)


def _waiting(valid_days: int, not_after: date) -> dict[str, Any]:
    until = policy.until(clock.today(), valid_days=valid_days, not_after=not_after)
    remind_at = policy.reminder(clock.now(), until, after_days=settings.current().approval_reminder_days)
    return {"waits_until": until, "remind_at": remind_at}
