"""The cooling-off period of a consumer's distance or off-premises contract, and what early use costs."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import msgspec

from billing.policy.agreed import Channel
from partner_portal.kernel.dates import NO_EXTRA_HOLIDAYS, add_months, statutory_days_end
from partner_portal.kernel.money import round_half_up
from tenants.policy import Segment

_DISTANCE = frozenset({Channel.ONLINE, Channel.DISTANCE, Channel.OFF_PREMISES})


class CoolingOffTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of BW 6:230o, 6:230r and 6:230s: parameters, not constants of the code.

    `repaying_days` are ours, not the law's: what it takes to credit, to decide and to have a bank pay within `refund_days`.
    """

    days: int = 14
    extension_months: int = 12
    refund_days: int = 14
    repaying_days: int = 7
    return_days: int = 14


BW_6_230O = CoolingOffTerms()


def has_cooling_off(segment: Segment, channel: Channel) -> bool:
    """Whether the contract can be withdrawn from without reason: consumers only, concluded at a distance or away from premises."""
    return segment is Segment.CONSUMER and channel in _DISTANCE


def cooling_off_ends(
    concluded_on: date,
    informed_on: date | None,
    *,
    terms: CoolingOffTerms = BW_6_230O,
    extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS,
) -> date:
    """Return the last day to withdraw from a contract for services (BW 6:230o).

    As long as the customer was not told of the right, it runs on: 14 days after he is told, and 12 months more at most.
    Counting starts the day after; a last day that is no working day moves on (Algemene termijnenwet).
    """
    longest = add_months(statutory_days_end(concluded_on, terms.days, extra_holidays), terms.extension_months)
    if informed_on is None:
        return longest
    return min(statutory_days_end(max(informed_on, concluded_on), terms.days, extra_holidays), longest)


def is_open(segment: Segment, channel: Channel, signed_on: date, declared_on: date, *, informed_on: date | None = None) -> bool:
    """Whether a contract signed on that day can be withdrawn from by a declaration received on `declared_on`."""
    return has_cooling_off(segment, channel) and declared_on <= cooling_off_ends(signed_on, informed_on)


def open_for_certain_until(segment: Segment, channel: Channel, signed_on: date) -> date | None:
    """Return the last day on which the contract can be withdrawn from whether or not the customer was told of the right; None where it never can.

    Whether it was told is not on record here: what is declared later, for a person to judge.
    """
    return cooling_off_ends(signed_on, signed_on) if has_cooling_off(segment, channel) else None


def refund_by(declared_on: date, *, terms: CoolingOffTerms = BW_6_230O) -> date:
    """Return the last day to repay everything received, by the means it was paid with (BW 6:230r)."""
    return declared_on + timedelta(days=terms.refund_days)


def runs_until(declared_on: date, *, terms: CoolingOffTerms = BW_6_230O) -> date:
    """Return the last day on which the service may run, so that a number or domain can move, and its credit still is paid back by `refund_by`."""
    return refund_by(declared_on, terms=terms) - timedelta(days=terms.repaying_days)


def return_by(declared_on: date, *, terms: CoolingOffTerms = BW_6_230O) -> date:
    """Return the last day for the customer to send goods back (BW 6:230s)."""
    return declared_on + timedelta(days=terms.return_days)


def price_of_early_use(total_cents: int, delivered: Fraction, *, expressly_asked: bool, informed: bool) -> int:
    """Return what is owed in cents for the part delivered before withdrawal (BW 6:230s(4)-(5)).

    `delivered` is a share from 0 to 1. Nothing without the customer's express request, or where he was not told of his right.
    """
    if not expressly_asked or not informed:
        return 0
    return round_half_up(total_cents * delivered.numerator, delivered.denominator)
