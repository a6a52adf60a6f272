"""By which day notice must be given before the next term begins, what missing it costs in months, and until when that answer holds."""

from __future__ import annotations

from datetime import date

import msgspec

from billing.policy import terms as contract
from billing.policy.terms import Renewal
from partner_portal.kernel.dates import ONE_DAY, months_started

from . import dates
from .facts import Asked, ServiceFacts
from .preview import Judged, bundles_of, judged
from .protection import DUTCH_LAW, Law


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """The deadline of one service, looked at on one day and true up to and including `holds_until` (None: until its terms change).

    `last_notice_on` is the last day to give notice for `free_end_on`; None where the service can end at any time or ends by itself. Missing it
    binds for `renewal_months` more; 0 where the service then merely runs on. `missed_on` is the day that has passed already for the term that
    still runs until `missed_end_on`. `committed_until` is the first day after the term now running.
    """

    last_notice_on: date | None = None
    free_end_on: date | None = None
    renewal_months: int = 0
    missed_on: date | None = None
    missed_end_on: date | None = None
    committed_until: date | None = None
    holds_until: date | None = None


NO_DEADLINE = Deadline()


def deadline(facts: ServiceFacts, today: date, law: Law = DUTCH_LAW) -> Deadline:
    """Return the deadline of a service that runs, by the same rules as its preview on that day."""
    now = _on(facts, today, law)
    running = contract.committed_until(now.case.terms, today)
    last = dates.last_notice_day(now.case, now.first_possible_end)
    missed_on, missed_end_on = _missed(now, running)
    changes = [day for day in (last, missed_end_on, running and running - ONE_DAY) if day is not None]
    return Deadline(
        last_notice_on=last,
        free_end_on=None if last is None else now.first_possible_end,
        renewal_months=0 if last is None else _months_bound(now.first_possible_end, _on(facts, last + ONE_DAY, law)),
        missed_on=missed_on,
        missed_end_on=missed_end_on,
        committed_until=running,
        holds_until=min(changes, default=None),
    )


def _on(facts: ServiceFacts, day: date, law: Law) -> Judged:
    return judged(facts, Asked(received_on=day, today=day), bundles_of([facts], day, law), law)


def _missed(now: Judged, running: date | None) -> tuple[date | None, date | None]:
    """The last day to give notice for the end of the running term, and that end, where notice today comes too late for it."""
    if running is None or now.case.terms.renewal is Renewal.NONE or now.first_possible_end < running:
        return None, None
    end = running - ONE_DAY
    return dates.last_notice_day(now.case, end), end


def _months_bound(end: date, after: Judged) -> int:
    """How many months more bind when the notice for `end` comes a day too late."""
    if after.case.terms.renewal is not Renewal.FIXED:
        return 0
    return months_started(end + ONE_DAY, after.first_possible_end + ONE_DAY)
