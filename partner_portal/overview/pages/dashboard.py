"""The first page of a partner: what is to do, each a list one click away; then how things stand, as pictures and as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from markupsafe import Markup

from billing.service import open_items
from billing.service.open_items import Filter
from partner_portal.infra import catalogue, formats
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import ActorKind
from partner_portal.kernel.money import Money
from partner_portal.web import auth, charts, pages
from partner_portal.web.charts import Bar
from terminations.service import figures, notices
from terminations.service.figures import CasesWaiting, NoticesDue, Waiting

TOUR = "tour"
"""The hint that whoever comes for the first time sees, until it is switched off."""


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do: how many, what (a source sentence), where they are listed, and since how many days the oldest waits."""

    count: int
    what: str
    address: str
    days: int | None = None
    urgent: bool = False


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A picture with the same figures as a table."""

    title: str
    about: str
    period: str
    picture: Markup
    is_empty: bool
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@get("/")
async def today(request: Request[Any, Any, Any], actor: auth.Acting) -> Response[Any]:
    """What is to do today; a customer's contact has a page of its own."""
    if actor.kind is ActorKind.CONTACT:
        return pages.to("/portal/own")
    waiting, due = await figures.cases_waiting(), await figures.notices_due()
    shown = [
        chart(ENDS, await figures.ends_per_month(), actor.language),
        chart(AT_RISK, await figures.value_at_risk(), actor.language),
        chart(BUYOUTS, await figures.buyout_money(), actor.language),
    ]
    return await pages.page(
        request,
        "overview/dashboard.html",
        tiles=tiles(waiting, due, (await notices.waiting())["waiting"], (await open_items.ageing(Filter())).overdue),
        charts=shown,
        tour=TOUR not in actor.seen_hints,
    )


def tiles(waiting: CasesWaiting, due: NoticesDue, received: int, overdue: int) -> list[Tile]:
    """What is to do, the most urgent kinds first; what is done is left out."""
    found = [
        Tile(count=due.overdue, what=sentence("Notice days missed"), address="/portal/deadlines?window=overdue", urgent=True),
        Tile(count=due.within_30, what=sentence("Notice days within 30 days"), address="/portal/deadlines?window=30", urgent=True),
        Tile(count=received, what=sentence("Notices received that need you"), address="/portal/notices?state=open", urgent=True),
        _waiting(waiting.payer_partner, sentence("Buyouts that you must answer"), "state=proposed&payer=partner", urgent=True),
        _waiting(waiting.approvals, sentence("Waiting for the customer's approval"), "waits_for=customer"),
        _waiting(waiting.payer_customer, sentence("Buyouts that the customer must answer"), "state=proposed&payer=customer"),
        _waiting(waiting.finance, sentence("Buyouts with the provider's finance department"), "waits_for=finance"),
        _waiting(waiting.withdrawals, sentence("Withdrawals asked for"), "withdrawal=asked"),
        Tile(count=waiting.ending_this_week, what=sentence("Ending this week"), address="/portal/terminations?ends=this-week"),
        Tile(count=overdue, what=sentence("Overdue invoices"), address="/portal/open-items?age=overdue"),
        Tile(count=due.within_60, what=sentence("Notice days within 60 days"), address="/portal/deadlines?window=60"),
        Tile(count=due.within_90, what=sentence("Notice days within 90 days"), address="/portal/deadlines?window=90"),
    ]
    return [tile for tile in found if tile.count]


def _waiting(found: Waiting, what: str, query: str, *, urgent: bool = False) -> Tile:
    return Tile(count=found.count, what=what, address=f"/portal/terminations?{query}", days=found.days, urgent=urgent)


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a chart is about: source sentences, how its columns are read from a month's figures, and which of them is drawn."""

    title: str
    about: str
    columns: Sequence[tuple[str, Callable[[Any], Money | int]]]
    value: Callable[[Any], int]
    money: bool = False


ENDS = Subject(
    title=sentence("Services ending, by month"),
    about=sentence("What ended in the past six months and what is planned to end."),
    columns=[
        (sentence("Ended"), lambda one: one.ended),
        (sentence("Planned"), lambda one: one.planned),
        (sentence("Fees per month"), lambda one: Money(one.fee_cents)),
    ],
    value=lambda one: one.ended + one.planned,
)
AT_RISK = Subject(
    title=sentence("Value at risk"),
    about=sentence("Monthly fees of services whose last day to give notice falls in the month."),
    columns=[
        (sentence("Services"), lambda one: one.services),
        (sentence("Fees per month"), lambda one: Money(one.fee_cents)),
        (sentence("If they renew"), lambda one: Money(one.renewal_cents)),
    ],
    value=lambda one: one.fee_cents,
    money=True,
)
BUYOUTS = Subject(
    title=sentence("Buyouts agreed"),
    about=sentence("Agreed sums by the month in which the buyout was filed."),
    columns=[
        (sentence("Terminations"), lambda one: one.cases),
        (sentence("Computed"), lambda one: Money(one.asked_cents)),
        (sentence("Agreed"), lambda one: Money(one.agreed_cents)),
    ],
    value=lambda one: one.agreed_cents,
    money=True,
)


def chart(subject: Subject, months: Sequence[Any], language: str) -> Chart:
    """The subject's figures, one column and one row for each month."""
    title = catalogue.text(subject.title, language)
    bars = [Bar(formats.short_month(one.month, language, year=False), subject.value(one)) for one in months]
    return Chart(
        title=title,
        about=catalogue.text(subject.about, language),
        period=catalogue.text(
            sentence("%(first)s to %(last)s"),
            language,
            first=formats.month(months[0].month, language),
            last=formats.month(months[-1].month, language),
        ),
        is_empty=not any(bar.value for bar in bars),
        picture=charts.bars(bars, language=language, words=title, money=subject.money),
        columns=[catalogue.text(name, language) for name in (sentence("Month"), *(name for name, _ in subject.columns))],
        rows=[
            (formats.month(one.month, language), *(formats.plainly(read(one), language) for _, read in subject.columns)) for one in months
        ],
    )


router = Router("/portal", route_handlers=[today], before_request=pages.for_everybody, include_in_schema=False)
