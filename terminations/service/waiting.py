"""How long a case waits for each party, as columns of the case."""

from __future__ import annotations

from datetime import date
from typing import Any

from partner_portal.infra import clock, settings

from ..policy import waiting as policy
from ..tables import Termination


def for_customer(case: Termination, last_notice_day: date | None = None) -> dict[str, Any]:
    """The customer's answer is awaited; without the customer's mandate no longer than notice can be given in time."""
    return _waiting(settings.current().approval_valid_days, min(case.ends_on, last_notice_day or case.ends_on))


def for_payer(case: Termination) -> dict[str, Any]:
    """An answer to the proposed buyout is awaited."""
    return _waiting(settings.current().proposal_valid_days, case.ends_on)


def for_finance(case: Termination) -> dict[str, Any]:
    """Finance is awaited as long as the wished end can be kept."""
    return {"waits_until": policy.until(clock.today(), valid_days=3650, not_after=case.ends_on), "remind_at": None}


def _waiting(valid_days: int, not_after: date) -> dict[str, Any]:
    until = policy.until(clock.today(), valid_days=valid_days, not_after=not_after)
    remind_at = policy.reminder(clock.now(), until, after_days=settings.current().approval_reminder_days)
    return {"waits_until": until, "remind_at": remind_at}
