"""What a partner sees at a glance: what waits, what ends when, what is at risk, and the money of buyouts. One statement each."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from partner_portal.infra import clock, db
from partner_portal.kernel.dates import add_months, first_of_month

MONTHS_BACK, MONTHS_AHEAD = 6, 12


class NoticesDue(msgspec.Struct, frozen=True, kw_only=True):
    """Services for which nothing was filed yet, by their last day to give notice: passed while the term still runs, or within so many days."""

    overdue: int
    within_30: int
    within_60: int
    within_90: int


class Waiting(msgspec.Struct, frozen=True):
    """Cases that wait for somebody, and since when the oldest does; None where none waits."""

    count: int
    oldest_since: datetime | None = None

    @property
    def days(self) -> int:
        """The age of the oldest in civil days; 0 for today, and where none waits."""
        return 0 if self.oldest_since is None else (clock.today() - clock.civil_day(self.oldest_since)).days


class CasesWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """Open cases by whom they wait for; `payer_partner` are the proposals that the partner itself must answer."""

    approvals: Waiting
    """State waiting_for_customer or accepted: the customer's consent is awaited."""
    finance: Waiting
    """State waiting_for_finance or countered."""
    payer_customer: Waiting
    payer_partner: Waiting
    """State proposed, by who pays."""
    withdrawals: Waiting
    """State scheduled, and finance is asked to consent to a late withdrawal."""
    ending_this_week: int
    """Scheduled cases of which a service ends from today up to and including Sunday."""


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """Services that ended or are planned to end in a month, and their fees: cents a month toward the customer, as agreed with each."""

    month: date
    ended: int
    planned: int
    fee_cents: int


class AtRisk(msgspec.Struct, frozen=True, kw_only=True):
    """Services, nothing filed yet, whose last day to give notice lies in a month (from today on).

    `fee_cents` are their fees of one month; `renewal_cents` what they would pay for the terms they renew into if nobody acts. Both toward the
    customer, as agreed with each (a consumer's price includes VAT).
    """

    month: date
    services: int
    fee_cents: int
    renewal_cents: int


class BuyoutMoney(msgspec.Struct, frozen=True, kw_only=True):
    """Buyouts filed in a month: how many, the computed sums asked for, and what was agreed of them since; cents, as the payer's prices are given."""

    month: date
    cases: int
    asked_cents: int
    agreed_cents: int


_NOTICES = """
SELECT count(*) FILTER (WHERE last_notice_on <= $1::date + 30) AS within_30, count(*) FILTER (WHERE last_notice_on <= $1::date + 60) AS within_60,
       count(*) AS within_90, (SELECT count(*) FROM termination_deadline WHERE NOT is_held AND missed_on IS NOT NULL) AS overdue
  FROM termination_deadline WHERE NOT is_held AND last_notice_on BETWEEN $1::date AND $1::date + 90
"""


async def notices_due() -> NoticesDue:
    """How many services of the acting tenant must be decided on: each window counts the ones before it too."""
    row = await db.fetch_one(_NOTICES, clock.today())
    assert row is not None  # noqa: S101  # a count always has a row
    return NoticesDue(**dict(row))


# A case waits since the first step after which its state did not change any more.
_WAITING = """
WITH waiting AS (
    SELECT t.state, t.payer, (SELECT min(s.at) FROM termination_step s WHERE s.tenant = t.tenant AND s.termination = t.id AND s.nth > coalesce(
               (SELECT max(o.nth) FROM termination_step o WHERE o.tenant = t.tenant AND o.termination = t.id AND o.state <> t.state), 0)) AS since
      FROM termination t WHERE t.state IN ('waiting_for_customer', 'waiting_for_finance', 'proposed', 'countered', 'accepted'))
SELECT count(*) FILTER (WHERE state IN ('waiting_for_customer', 'accepted')) AS approvals,
       min(since) FILTER (WHERE state IN ('waiting_for_customer', 'accepted')) AS approvals_since,
       count(*) FILTER (WHERE state IN ('waiting_for_finance', 'countered')) AS finance,
       min(since) FILTER (WHERE state IN ('waiting_for_finance', 'countered')) AS finance_since,
       count(*) FILTER (WHERE state = 'proposed' AND payer = 'customer') AS payer_customer,
       min(since) FILTER (WHERE state = 'proposed' AND payer = 'customer') AS payer_customer_since,
       count(*) FILTER (WHERE state = 'proposed' AND payer = 'partner') AS payer_partner,
       min(since) FILTER (WHERE state = 'proposed' AND payer = 'partner') AS payer_partner_since,
       (SELECT count(*) FROM termination WHERE state = 'scheduled' AND withdrawal_asked_at IS NOT NULL) AS withdrawals,
       (SELECT min(withdrawal_asked_at) FROM termination WHERE state = 'scheduled' AND withdrawal_asked_at IS NOT NULL) AS withdrawals_since,
       (SELECT count(DISTINCT l.termination) FROM termination_line l JOIN termination t ON t.tenant = l.tenant AND t.id = l.termination
         WHERE l.is_open AND l.ends_on BETWEEN $1 AND $2 AND t.state = 'scheduled') AS ending
  FROM waiting
"""


async def cases_waiting() -> CasesWaiting:
    """The acting tenant's open cases by whom they wait for, with the age of the oldest, and how many end this week."""
    today = clock.today()
    row = await db.fetch_one(_WAITING, today, today + timedelta(days=6 - today.weekday()))
    assert row is not None  # noqa: S101  # a count always has a row
    waits = ("approvals", "finance", "payer_customer", "payer_partner", "withdrawals")
    return CasesWaiting(ending_this_week=row["ending"], **{name: Waiting(row[name], row[f"{name}_since"]) for name in waits})


_ENDS = """
SELECT month::date AS month, count(l.id) FILTER (WHERE t.state = 'ended' OR NOT l.is_open) AS ended,
       count(l.id) FILTER (WHERE t.state = 'scheduled' AND l.is_open) AS planned, coalesce(sum(s.fee_cents * s.quantity), 0)::bigint AS fee_cents
  FROM generate_series($1::timestamp, $2::timestamp, interval '1 month') month
  LEFT JOIN (termination_line l JOIN termination t ON t.tenant = l.tenant AND t.id = l.termination AND t.state IN ('scheduled', 'ended')
             JOIN billing_service s ON s.tenant = l.tenant AND s.id = l.service)
    ON l.ends_on >= month AND l.ends_on < month + interval '1 month' AND l.ends_on BETWEEN $1::date AND $3::date
 GROUP BY month ORDER BY month
"""


async def ends_per_month() -> list[Ends]:
    """Eighteen months, oldest first: the six before this one, this one and the eleven after it; months without ends are there too."""
    first, last = _months()
    rows = await db.fetch(_ENDS, first, last, add_months(last, 1) - timedelta(days=1))
    return [Ends(**dict(row)) for row in rows]


# Summed by day first: a partner has many services and few days.
_AT_RISK = """
WITH days AS (SELECT last_notice_on, count(*) AS services, sum(fee_cents) AS fee_cents, sum(fee_cents * renewal_months) AS renewal_cents
                FROM termination_deadline WHERE NOT is_held AND last_notice_on BETWEEN $3::date AND $4::date GROUP BY last_notice_on)
SELECT month::date AS month, coalesce(sum(services), 0)::int AS services, coalesce(sum(fee_cents), 0)::bigint AS fee_cents,
       coalesce(sum(renewal_cents), 0)::bigint AS renewal_cents
  FROM generate_series($1::timestamp, $2::timestamp, interval '1 month') month
  LEFT JOIN days ON last_notice_on >= month AND last_notice_on < month + interval '1 month'
 GROUP BY month ORDER BY month
"""


async def value_at_risk() -> list[AtRisk]:
    """Twelve months, this one first: what the customers could still leave with, by the month of their last day to give notice."""
    today = clock.today()
    first = first_of_month(today)
    last = add_months(first, MONTHS_AHEAD - 1)
    rows = await db.fetch(_AT_RISK, first, last, today, add_months(last, 1) - timedelta(days=1))
    return [AtRisk(**dict(row)) for row in rows]


# What was agreed stays agreed only while the case goes on: a case withdrawn afterwards brings nothing.
_BUYOUTS = """
SELECT month::date AS month, count(t.id) AS cases, coalesce(sum(t.computed_cents), 0)::bigint AS asked_cents,
       coalesce(sum(t.agreed_cents) FILTER (WHERE t.state IN ('accepted', 'scheduled', 'ended')), 0)::bigint AS agreed_cents
  FROM generate_series($1::timestamp, $2::timestamp, interval '1 month') month
  LEFT JOIN termination t ON t.is_buyout AND t.filed_at >= month AT TIME ZONE 'Europe/Amsterdam'
        AND t.filed_at < (month + interval '1 month') AT TIME ZONE 'Europe/Amsterdam'
 GROUP BY month ORDER BY month
"""


async def buyout_money() -> list[BuyoutMoney]:
    """Twelve months by the day of filing in Amsterdam, the one before this by eleven first, this one last."""
    last = first_of_month(clock.today())
    return [BuyoutMoney(**dict(row)) for row in await db.fetch(_BUYOUTS, add_months(last, 1 - MONTHS_AHEAD), last)]


def _months() -> tuple[date, date]:
    this = first_of_month(clock.today())
    return add_months(this, -MONTHS_BACK), add_months(this, MONTHS_AHEAD - 1)
