"""How the delivery of a webhook goes on: what an answer means, when the next try is due, and when an endpoint is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

import msgspec

# After the first try, the second, ...: eight tries over 27 hours, as the authors of Standard Webhooks do it.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
SPREAD = 200
"""Thousandths: by so much of itself a wait is shorter or longer, so that what failed together is not tried together."""
LONGEST_TOLD = timedelta(hours=12)
"""A receiver that asks for a longer pause gets this one."""
LONGEST_REST = timedelta(minutes=5)
"""For so long an endpoint that does not answer is left alone, whatever else waits for it."""


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up; it can be sent again by hand


class OffBecause(StrEnum):
    """Why an endpoint is switched off."""

    OWNER = "owner"  # somebody of the partner did it
    GONE = "gone"  # the receiver said 410
    FAILING = "failing"  # nothing but failures for days


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try: a status, or why there is none; how long it took, the words of the answer, the pause it asked for."""

    status: int | None = None
    why: str = ""
    ms: int = 0
    excerpt: str = ""
    retry_after: timedelta | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver has it: any 2xx, and nothing else."""
        return self.status is not None and 200 <= self.status <= 299  # noqa: PLR2004  # RFC 9110, 15.3

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing ever again."""
        return self.status == 410  # noqa: PLR2004  # RFC 9110, 15.5.11


def next_wait(failed: int, told: timedelta | None, luck: int) -> timedelta | None:
    """How long to wait after the `failed`-th failure in a row; None when it was the last try.

    `told` is the receiver's own wish, which may only make it longer; `luck` is drawn from 0 to 1000.
    """
    if failed > len(WAITS):
        return None
    wait = WAITS[failed - 1] * (1000 - SPREAD + 2 * SPREAD * luck // 1000) // 1000
    return max(wait, min(told, LONGEST_TOLD)) if told is not None else wait


def rest(outcome: Outcome, wait: timedelta) -> timedelta | None:
    """For how long nothing else goes to this endpoint after a failure; None where the failure says nothing about the next one.

    An endpoint that was not reached, or says itself that it is too busy (429, 503), would fail alike for whatever waits behind.
    """
    if outcome.status is not None and outcome.status not in (429, 503):
        return None
    if outcome.retry_after is not None:
        return min(outcome.retry_after, LONGEST_TOLD)
    return min(wait, LONGEST_REST)


def asked_pause(status: int, header: str, now: datetime) -> timedelta | None:
    """The pause that a Retry-After header asks for with 429 or 503, in seconds or until a date; None where there is none (RFC 9110, 10.2.3)."""
    if status not in (429, 503) or not header.strip():
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), LONGEST_TOLD.total_seconds()))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until.replace(tzinfo=until.tzinfo or UTC)
    return min(max(until - now, timedelta()), LONGEST_TOLD)


def is_hopeless(*, failing_since: datetime, failures: int, now: datetime, days: int) -> bool:
    """Whether an endpoint has failed for so many days, and at least as often as one whole delivery is tried: one bad moment is not enough."""
    return failures > len(WAITS) and now - failing_since >= timedelta(days=days)
