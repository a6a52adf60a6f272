"""Limits the Data Act sets for customers of data processing services who switch or leave, by date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec


class SwitchingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What holds from `since` on (Regulation (EU) 2023/2854 art. 25 and 29)."""

    since: date
    max_notice_months: int = 2
    max_transition_days: int = 30
    max_extended_transition_months: int = 7
    min_retrieval_days: int = 30
    switching_charges_allowed: bool = True
    early_termination_fee_allowed: bool = True


DATA_ACT: tuple[SwitchingLimits, ...] = (
    SwitchingLimits(since=date(2025, 9, 12)),
    SwitchingLimits(since=date(2027, 1, 12), switching_charges_allowed=False),
)


def switching_limits(day: date, table: Sequence[SwitchingLimits] = DATA_ACT) -> SwitchingLimits | None:
    """Return the limits in force on `day`; None before the regulation applied."""
    in_force = [limits for limits in table if limits.since <= day]
    return in_force[-1] if in_force else None
