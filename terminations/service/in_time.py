"""Until when the customer's yes, being the notice, still keeps what was quoted: its day never moves a date or an amount."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from billing.policy.ledger import Layer
from partner_portal.infra import clock

from ..policy.cost_sheet import CostLine
from ..policy.facts import Asked, ServiceFacts
from ..policy.preview import EndKind, Judged, Plan, bundles_of, ending, judged, plans
from ..tables import Termination
from . import quotes
from .quotes import Request

_Outcome = tuple[tuple[Plan, tuple[CostLine, ...]], ...]


def last_day(request: Request, services: Sequence[ServiceFacts], *, within_days: int) -> date:
    """The latest day, at most `within_days` from today, on which notice leaves every end and amount as asked for; else yesterday."""
    today = clock.today()
    asked = quotes.asked_of(request)
    promised = _outcome(services, msgspec.structs.replace(asked, today=request.received_on))
    latest = today - timedelta(days=1)
    for ahead in range(within_days + 1):
        day = today + timedelta(days=ahead)
        if _outcome(services, msgspec.structs.replace(asked, received_on=max(day, request.received_on), today=day)) != promised:
            break
        latest = day
    return latest


async def answer_by(case: Termination) -> date | None:
    """The last day to say yes to this case; None where notice was given by filing: on a mandate, or by the customer itself."""
    if case.received_on is not None:
        return None
    quote = await quotes.find(case.quote)
    within = max((case.ends_on - clock.today()).days, 0)
    return last_day(quotes.request_of(quote), quotes.facts_of(quote)[Layer.CUSTOMER], within_days=within)


def _outcome(services: Sequence[ServiceFacts], asked: Asked) -> _Outcome:
    bundles = bundles_of(services, asked.received_on)
    return tuple(_ending(judged(facts, asked, bundles), asked) for facts in services)


def _ending(verdict: Judged, asked: Asked) -> tuple[Plan, tuple[CostLine, ...]]:
    plan, _offer = plans(verdict, asked)
    # What an ordinary end costs follows from its days alone.
    return plan, () if plan.kind is EndKind.ORDINARY else ending(verdict, plan).sheet.lines
