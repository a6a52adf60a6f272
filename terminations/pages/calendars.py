"""The what-if calendar as pages show it: a chart, the same as a table, and what its script reads; for `terminations/parts/calendar.html`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

import msgspec
from markupsafe import Markup

from partner_portal.infra import catalogue, formats
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.dates import ONE_DAY
from partner_portal.kernel.money import Money
from partner_portal.web import charts
from partner_portal.web.charts import Flag, Line

from ..policy import curve
from ..policy.calendar import Calendar, Mark
from ..policy.curve import Point

_LEAST_DAYS = 183
_MOST_NAMED, _LONGEST_NAME = 3, 40
_OF_MONTH = len("2026-11")
_BEYOND = 4  # a quarter of what matters, so that the eye sees how it goes on

_KINDS = {Mark.FIRST_FREE_END: "good", Mark.NOTICE_DEADLINE: "wait", Mark.CHEAPEST: "calm"}
_WORDS = {
    Mark.FIRST_FREE_END: sentence("without extra costs"),
    Mark.NOTICE_DEADLINE: sentence("last day to give notice"),
    Mark.CHEAPEST: sentence("least to pay in all"),
}
CHOSEN, IS_CHOSEN = sentence("chosen: %(day)s"), sentence("chosen")


class RowWords(msgspec.Struct, frozen=True, kw_only=True):
    """One day of the table, amounts with VAT; `opens` is the month whose days it stands for, where they are folded."""

    day: date
    ends_on: date
    final: Money
    fees: Money
    total: Money
    marks: str
    kind: str
    opens: str


class SavingWords(msgspec.Struct, frozen=True):
    """What waiting longer would save, with VAT."""

    day: date
    days: int
    amount: Money


class CalendarWords(msgspec.Struct, frozen=True, kw_only=True):
    """All that the part needs. `totals` and `finals` are each day's difference to the day before, in cents, from `first` on.

    `at` and `free` count from there to the chosen day and to the first one without extra costs; -1 where there is no one such day.
    """

    chart: Markup
    first: date
    last: date
    totals: str
    finals: str
    at: int
    free: int
    flags: tuple[Flag, ...]
    rows: tuple[RowWords, ...]
    saving: SavingWords | None
    unfolded: str


class Marks(msgspec.Struct, frozen=True):
    """What to mark: the chosen day, if it is one; each service with its first day without extra costs; and the month to show day by day."""

    chosen: date | None
    free: Sequence[tuple[str, date]]
    month: str = ""


def calendar_words(calendar: Calendar, points: Sequence[Point], marks: Marks, language: str) -> CalendarWords:
    """The calendar as a chart and as a table."""
    first = calendar.rows[0].day
    said = _said(calendar, marks, language)
    last_marked = max([*said, *([marks.chosen] if marks.chosen else [])])
    shown = points[: _days_shown(calendar, last_marked)]
    chosen = Flag(marks.chosen or first, _chosen(marks, language), "chosen" if marks.chosen else "chosen none")
    flags = (chosen, *(Flag(day, f"{words}: {formats.long_day(day, language)}", kind) for day, (words, kind) in sorted(said.items())))
    waiting = curve.saving(points, first, marks.chosen) if marks.chosen else None
    free = {day for _service, day in marks.free}
    lines = [Line([point.final_cents for point in shown]), Line([point.total_cents for point in shown], "soft")]
    return CalendarWords(
        chart=charts.step_line(first, lines, flags, language=language, words=_described(calendar, points, marks, language)),
        first=first,
        last=first + timedelta(days=len(shown) - 1),
        totals=_differences([point.total_cents for point in shown]),
        finals=_differences([point.final_cents for point in shown]),
        at=(marks.chosen - first).days if marks.chosen else -1,
        free=(calendar.first_free_end - first).days if len(free) == 1 else -1,
        flags=flags,
        rows=tuple(_rows(calendar, points, said, marks, language)),
        saving=SavingWords(waiting.day, waiting.wait_days, Money(waiting.saves_cents)) if waiting else None,
        unfolded=marks.month,
    )


def _chosen(marks: Marks, language: str) -> str:
    return catalogue.text(CHOSEN, language, day=marks.chosen) if marks.chosen else ""


def _said(calendar: Calendar, marks: Marks, language: str) -> dict[date, tuple[str, str]]:
    """Each day that stands out, with what is said of it and of which kind it is."""
    found: dict[date, list[tuple[str, str]]] = {}
    for day, special in calendar.marks.items():
        for mark in special:
            if mark in _WORDS and (mark is not Mark.FIRST_FREE_END or len({end for _name, end in marks.free}) == 1):
                found.setdefault(day, []).append((catalogue.text(_WORDS[mark], language), _KINDS[mark]))
    for words, end in _each_free(marks, language):
        found.setdefault(end, []).append((words, "good"))
    return {day: (", ".join(words for words, _kind in said), said[0][1]) for day, said in found.items()}


def _each_free(marks: Marks, language: str) -> Iterator[tuple[str, date]]:
    """Each service with its own first day without extra costs, where these differ; of many, only the day from which none costs extra."""
    ends = sorted({end for _name, end in marks.free})
    if len(ends) > _MOST_NAMED:
        yield catalogue.text("all without extra costs", language), ends[-1]
    elif len(ends) > 1:
        for end in ends:
            names = [name for name, free in marks.free if free == end]
            words = catalogue.texts(
                "%(service)s without extra costs",
                "%(count)s services without extra costs",
                language,
                count=len(names),
                service=names[0] if len(names[0]) <= _LONGEST_NAME else f"{names[0][: _LONGEST_NAME - 1]}…",
            )
            yield words, end


def _days_shown(calendar: Calendar, last_marked: date) -> int:
    matters = (last_marked - calendar.rows[0].day).days + 1
    return min(max(matters + matters // _BEYOND, _LEAST_DAYS), len(calendar.rows))


def _described(calendar: Calendar, points: Sequence[Point], marks: Marks, language: str) -> str:
    first, free = calendar.rows[0].day, calendar.first_free_end
    said = {"first": first, "now": Money(points[0].total_cents), "free": free, "then": _total(points, first, free)}
    words = catalogue.text(
        "What is still to pay in all, with VAT, for each last day: %(now)s on %(first)s, %(then)s on %(free)s, the first day without extra costs.",
        language,
        **said,
    )
    if marks.chosen is None or marks.chosen == free:
        return words
    chosen = catalogue.text("Chosen: %(day)s, %(total)s.", language, day=marks.chosen, total=_total(points, first, marks.chosen))
    return f"{words} {chosen}"


def _total(points: Sequence[Point], first: date, day: date) -> Money:
    nth = min(max((day - first).days, 0), len(points) - 1)
    return Money(points[nth].total_cents)


def _differences(cents: Sequence[int]) -> str:
    return " ".join(map(str, [cents[0], *(now - then for then, now in pairwise(cents))]))


def _rows(
    calendar: Calendar, points: Sequence[Point], said: dict[date, tuple[str, str]], marks: Marks, language: str
) -> Iterator[RowWords]:
    """The days that stand out and the last of each month; of the unfolded month every day."""
    for row, point in zip(calendar.rows, points, strict=True):
        ends_month = (row.day + ONE_DAY).day == 1
        month = row.day.isoformat()[:_OF_MONTH]
        is_unfolded = month == marks.month
        if ends_month or is_unfolded or row.day in said or row.day == marks.chosen:
            words, kind = said.get(row.day, ("", ""))
            if row.day == marks.chosen:
                words, kind = ", ".join(filter(None, (catalogue.text(IS_CHOSEN, language), words))), "chosen"
            yield RowWords(
                day=row.day,
                ends_on=row.ends_on,
                final=Money(point.final_cents),
                fees=Money(point.fees_cents),
                total=Money(point.total_cents),
                marks=words,
                kind=kind,
                opens=month if ends_month and not is_unfolded else "",
            )
