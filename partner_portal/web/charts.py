"""Charts as SVG that is made here: drawn without script, said as a sentence, coloured by `static/chart.css`, no style inline.

Across, everything is in per cent; upright, in pixels: a chart fills any width while its letters keep their size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec
from markupsafe import Markup

from partner_portal.infra import formats
from partner_portal.kernel.dates import add_months, first_of_month

PLOT = 184  # pixels: the height of the drawing itself
_FLAG = 20  # of each row of words above it
_HEAD = 8
_FOOT = 28  # of the words below it
_INTERVALS = 4
_MOST_MONTHS = 9
_EDGE = 4  # per cent: nearer to an edge a word would stick out
_TURNS_AT = 55  # per cent: words of a flag further right stand left of it
_BAR = 64  # per cent of its column
_SMALLEST_MONEY = 100
_VISIBLE = 0.5  # pixels


class Line(msgspec.Struct, frozen=True):
    """One amount in cents for each day; `kind` is a class of the style sheet: main (filled below) or soft."""

    cents: Sequence[int]
    kind: str = "main"


class Flag(msgspec.Struct, frozen=True):
    """A day that stands out, with its words.

    `kind` is a class of the style sheet: good, wait, calm, or chosen, which a script may move; with `none` it is not seen.
    """

    day: date
    words: str
    kind: str


class Bar(msgspec.Struct, frozen=True):
    """One column: the words under it and its value, which is in cents where the chart is of money."""

    words: str
    value: int


class Scale(msgspec.Struct, frozen=True):
    """Where values stand: from `low` to `high`, both multiples of `step`."""

    low: int
    high: int
    step: int

    def y(self, value: int) -> float:
        """Pixels below the top of the drawing."""
        return PLOT * (self.high - value) / (self.high - self.low)

    def ticks(self) -> range:
        """The values to name."""
        return range(self.low, self.high + 1, self.step)


def scale_for(values: Iterable[int], *, smallest_step: int = 1) -> Scale:
    """A scale that holds zero and all `values`, in about four steps of 1, 2 or 5 times a power of ten of `smallest_step`."""
    known = [0, *values]
    low, high = min(known), max(known)
    step = next(size for size in _sizes(smallest_step) if size * _INTERVALS >= high - low)
    return Scale(low // step * step, -(-high // step) * step if high > low else step, step)


def _sizes(smallest: int) -> Iterator[int]:
    while True:
        yield from (smallest, 2 * smallest, 5 * smallest)
        smallest *= 10


def step_line(first: date, lines: Sequence[Line], flags: Sequence[Flag], *, language: str, words: str) -> Markup:
    """Amounts day by day from `first`, as lines that step; flags name the days that stand out, on the first line.

    `words` says in a sentence what is to be seen: that is the chart for whoever hears it.
    """
    days = len(lines[0].cents)
    scale = scale_for((cents for line in lines for cents in line.cents), smallest_step=_SMALLEST_MONEY)
    top = _FLAG * len(flags) + _HEAD
    drawn = Markup("").join(_path(line, scale) for line in lines)
    placed = sorted((_Placed(flag, _day_of(flag, first, days), days) for flag in flags), key=_Placed.row)
    parts = (
        _grid(scale, top),
        Markup('<svg y="{}" width="100%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>').format(
            top, PLOT, days, PLOT, drawn
        ),
        *(one.drawn(row, top, top + scale.y(lines[0].cents[one.nth])) for row, one in enumerate(placed)),
        *_months(first, days, top + PLOT, language),
    )
    names = [formats.number(Decimal(value) / 100, language) for value in scale.ticks()]
    return _framed(parts, top, words, _axis(scale, top, names), scale)


def bars(columns: Sequence[Bar], *, language: str, words: str, money: bool) -> Markup:
    """A column for each value, with the value on top; `words` as in `step_line`."""
    scale = scale_for((bar.value for bar in columns), smallest_step=_SMALLEST_MONEY if money else 1)
    top = _HEAD + _FLAG
    parts = [_grid(scale, top)]
    is_beside = False  # of two values beside each other the second goes first where there is no room
    for nth, bar in enumerate(columns):
        centre, y = (nth + 0.5) * 100 / len(columns), scale.y(bar.value)
        is_beside = bool(bar.value) and nth > 0 and bool(columns[nth - 1].value) and not is_beside
        said = formats.number(round(Decimal(bar.value) / 100), language) if money else formats.number(bar.value, language)
        parts.append(
            Markup('<rect class="bar" x="{}%" width="{}%" y="{}" height="{}"/><text class="value{}" x="{}%" y="{}">{}</text>').format(
                *(_short(centre - _BAR / 2 / len(columns)), _short(_BAR / len(columns)), _short(top + y), _short(scale.y(0) - y)),
                *(" minor" if is_beside else "", _short(centre), _short(top + y - 6), said if bar.value else ""),
            )
        )
        parts.append(_below(centre, top + PLOT, bar.words, minor=bool(nth % 2)))
    unit = [formats.number(Decimal(value) / 100 if money else value, language) for value in scale.ticks()]
    return _framed(parts, top, words, _axis(scale, top, unit, money=money), scale)


class _Placed(msgspec.Struct, frozen=True):
    """A flag where it stands."""

    flag: Flag
    nth: int
    days: int

    @property
    def across(self) -> float:
        return (self.nth + 0.5) * 100 / self.days

    @property
    def turned(self) -> bool:
        return self.across > _TURNS_AT

    def row(self) -> tuple[bool, bool, float]:
        """The chosen one on top, then outermost first: so the words of one flag are not crossed by the pole of the next."""
        return not self.flag.kind.startswith("chosen"), self.turned, -self.across if self.turned else self.across

    def drawn(self, row: int, top: float, y: float) -> Markup:
        kind = f"{self.flag.kind} turned" if self.turned else self.flag.kind
        return Markup(
            '<svg class="flag {}" x="{}%" overflow="visible"><path class="pole" d="M0 {}V{}"/><circle class="spot" cy="{}" r="5"/>'
            '<text y="{}">{}</text></svg>'
        ).format(kind, _short(self.across), row * _FLAG + 4, _short(top + PLOT), _short(y), row * _FLAG + 15, self.flag.words)


def _day_of(flag: Flag, first: date, days: int) -> int:
    return min(max((flag.day - first).days, 0), days - 1)


def _path(line: Line, scale: Scale) -> Markup:
    """Only where the eye can see a change: `H` goes there along the old amount, `V` to the new one."""
    drawn = scale.y(line.cents[0])
    outline = f"M0 {_short(drawn)}"
    for day, cents in enumerate(line.cents):
        if abs((y := scale.y(cents)) - drawn) >= _VISIBLE:
            drawn = y
            outline += f"H{day}V{_short(y)}"
    outline += f"H{len(line.cents)}"
    area = Markup('<path class="area" d="{}"/>').format(f"{outline}V{_short(scale.y(0))}H0Z") if line.kind == "main" else Markup("")
    return area + Markup('<path class="line {}" d="{}" vector-effect="non-scaling-stroke"/>').format(line.kind, outline)


def _grid(scale: Scale, top: float) -> Markup:
    drawn = (
        Markup('<line class="{}" x2="100%" y1="{y}" y2="{y}"/>').format("" if value else "zero", y=_short(top + scale.y(value)))
        for value in scale.ticks()
    )
    return Markup('<g class="grid">{}</g>').format(Markup("").join(drawn))


def _axis(scale: Scale, top: float, names: Sequence[str], *, money: bool = True) -> Markup:
    said = [
        Markup('<text x="100%" y="{}">{}</text>').format(_short(top + scale.y(value) + 4), name)
        for value, name in zip(scale.ticks(), names, strict=True)
    ]
    unit = Markup('<text x="100%" y="{}">EUR</text>').format(_short(top - 12)) if money else Markup("")
    return unit + Markup("").join(said)


def _months(first: date, days: int, y: float, language: str) -> Iterator[Markup]:
    """Names under the first days of months: of every one, every second, quarter, half or whole year, as many as fit."""
    starts = []
    month = add_months(first_of_month(first), 1)
    while (nth := (month - first).days) < days:
        starts.append((nth * 100 / days, month))
        month = add_months(month, 1)
    every = next(count for count in (1, 2, 3, 6, 12, 24, 60, 120, 1200) if len(starts) <= count * _MOST_MONTHS)
    named = [(across, month) for across, month in starts if _months_since(month) % every == 0 and _EDGE < across < 100 - _EDGE]
    for nth, (across, month) in enumerate(named):
        words = formats.short_month(month, language, year=month.month == 1 or nth == 0)
        yield _below(across, y, words, minor=bool(_months_since(month) // every % 2))


def _months_since(month: date) -> int:
    return month.year * 12 + month.month - 1


def _below(across: float, y: float, words: str, *, minor: bool) -> Markup:
    return Markup('<text class="below{}" x="{}%" y="{}">{}</text>').format(" minor" if minor else "", _short(across), _short(y + 20), words)


def _framed(parts: Iterable[Markup], top: int, words: str, axis: Markup, scale: Scale) -> Markup:
    height = top + PLOT + _FOOT
    return Markup(
        '<div class="chart"><svg class="axis" height="{}" aria-hidden="true" focusable="false">{}</svg>'
        '<svg class="plot" height="{}" role="img" aria-label="{}" data-top="{}" data-height="{}" data-low="{}" data-high="{}">{}</svg></div>'
    ).format(height, axis, height, words, top, PLOT, scale.low, scale.high, Markup("").join(parts))


def _short(value: float) -> str:
    """At most one decimal, as the eye has it."""
    return f"{value:.1f}".removesuffix(".0")
