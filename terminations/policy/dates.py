"""When a service ends: earliest lawful day, wishes, deadlines, and until when the customer is bound."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from billing.policy import terms as contract
from billing.policy.agreed import ServiceKind
from billing.policy.terms import Renewal
from partner_portal.kernel.dates import ONE_DAY

from .data_act import DATA_ACT, SwitchingLimits, switching_limits
from .protection import Protected


def earliest_end(case: Protected, wished_on: date | None = None) -> date:
    """Return the first lawful last day of service; a later wish is honoured, or moved to the next end of a fixed term.

    A contract without renewal ends by itself; where the law lets the customer leave before that end, the notice's
    last day counts from then on.
    """
    reach = case.served_on if wished_on is None else max(case.served_on, wished_on)
    end = contract.earliest_end(case.terms, reach)
    if case.terms.renewal is Renewal.NONE and case.own_end is not None:
        return min(max(end, reach), case.own_end)
    return end


def already_ended(case: Protected) -> bool:
    """Whether the service had ended by itself before the notice was received."""
    return case.terms.renewal is Renewal.NONE and case.own_end is not None and case.received_on > case.own_end


def last_notice_day(case: Protected, end: date, wished_on: date | None = None) -> date | None:
    """Return the latest day on which notice can be received to end on `end`, with the rules as they stand on that day.

    None where no notice is needed (no renewal), or where the end follows from the notice alone (indefinite).
    """
    if case.terms.renewal is Renewal.NONE:
        return None
    if case.terms.renewal is Renewal.INDEF and end != case.minimum_end and (wished_on is None or wished_on <= case.served_on):
        return None
    latest = [(contract.last_notice_day(end, right.notice, case.facts.extra_holidays), right.since) for right in case.rights]
    return max(day for day, since in latest if day >= since)


def committed_until(case: Protected) -> date | None:
    """Return the first day on which nothing binds any more, the horizon of every buyout; None where nothing binds.

    The end of the term now running, or, where the notice ends later than that, the day after the earliest lawful end:
    so no day is charged to nobody.
    """
    running = contract.committed_until(case.terms, case.received_on)
    return None if running is None else max(running, earliest_end(case) + ONE_DAY)


def earliest_switch_end(case: Protected, end: date, table: Sequence[SwitchingLimits] = DATA_ACT) -> date | None:
    """Return the last day after which a cloud customer can have switched during a running term, a disclosed buyout applying.

    None where no term runs, or where the ordinary `end` is as early (Data Act art. 25).
    """
    may_switch = case.facts.kind is ServiceKind.CLOUD and switching_limits(case.received_on, table) is not None
    return case.served_on if may_switch and case.binds and case.served_on < end else None
