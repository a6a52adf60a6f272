"""A consumer may think again for fourteen days, longer where he was not told."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from billing.policy.agreed import Channel
from tenants.policy import Segment
from terminations.policy import cooling_off
from terminations.policy.cooling_off import CoolingOffTerms
from tests.terminations.facts import D


@pytest.mark.parametrize(
    ("segment", "channel", "has"),
    [
        (Segment.CONSUMER, Channel.ONLINE, True),
        (Segment.CONSUMER, Channel.DISTANCE, True),
        (Segment.CONSUMER, Channel.OFF_PREMISES, True),
        (Segment.CONSUMER, Channel.ON_PREMISES, False),
        (Segment.PROTECTED_BIZ, Channel.ONLINE, False),
        (Segment.UNKNOWN, Channel.ONLINE, False),
    ],
)
def test_only_consumers_at_a_distance(segment: Segment, channel: Channel, has: bool) -> None:  # noqa: FBT001 - a table's column
    assert cooling_off.has_cooling_off(segment, channel) is has


@pytest.mark.parametrize(
    ("concluded", "told", "last_day"),
    [
        ("2026-11-20", "2026-11-20", "2026-12-04"),
        ("2026-11-20", "2026-11-01", "2026-12-04"),
        ("2026-12-12", "2026-12-12", "2026-12-28"),
        ("2026-11-20", "2026-11-21", "2026-12-07"),
        ("2026-11-20", "2027-06-01", "2027-06-15"),
        ("2026-11-20", "2027-12-01", "2027-12-04"),
        ("2026-11-20", None, "2027-12-04"),
    ],
)
def test_the_last_day_to_withdraw(concluded: str, told: str | None, last_day: str) -> None:
    assert cooling_off.cooling_off_ends(D(concluded), None if told is None else D(told)) == D(last_day)


def test_its_figures_and_holidays_are_parameters() -> None:
    month = CoolingOffTerms(days=30, extension_months=1, refund_days=7, repaying_days=2, return_days=21)
    assert cooling_off.cooling_off_ends(D("2026-11-20"), None, terms=month) == D("2027-01-21")
    closed = frozenset({D("2026-12-04")})
    assert cooling_off.cooling_off_ends(D("2026-11-20"), D("2026-11-20"), extra_holidays=closed) == D("2026-12-07")
    assert cooling_off.cooling_off_ends(D("2026-11-18"), D("2026-11-20"), extra_holidays=closed) == D("2026-12-07")
    assert cooling_off.cooling_off_ends(D("2026-11-20"), None, extra_holidays=closed) == D("2027-12-07")
    assert cooling_off.refund_by(D("2026-11-20"), terms=month) == D("2026-11-27")
    assert cooling_off.runs_until(D("2026-11-20"), terms=month) == D("2026-11-25")
    assert cooling_off.return_by(D("2026-11-20"), terms=month) == D("2026-12-11")


def test_what_is_undone_stops_a_week_before_its_money_must_be_back_for_the_final_bill_comes_after_the_end() -> None:
    assert cooling_off.runs_until(D("2026-11-20")) == D("2026-11-27")
    assert cooling_off.refund_by(D("2026-11-20")) - cooling_off.runs_until(D("2026-11-20")) == timedelta(days=7)


def test_fourteen_days_to_repay_and_to_send_back() -> None:
    assert cooling_off.refund_by(D("2026-11-20")) == D("2026-12-04")
    assert cooling_off.return_by(D("2026-11-20")) == D("2026-12-04")


@pytest.mark.parametrize(("asked", "informed", "owed"), [(True, True, 1000), (False, True, 0), (True, False, 0), (False, False, 0)])
def test_early_use_costs_only_who_asked_for_it_and_was_told(asked: bool, informed: bool, owed: int) -> None:  # noqa: FBT001
    assert cooling_off.price_of_early_use(2999, Fraction(3333, 10000), expressly_asked=asked, informed=informed) == owed
