"""What a run says: one row per figure, with the floor it was measured beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import quantiles

import msgspec
from rich.table import Table

_QUARTERS = 4
_FEWEST = 2


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A figure beside its floor, both in `unit`; `ratio` is figure / floor, and meets the target from the `better` side. No target: for information."""

    name: str
    figure: float
    floor: float | None
    unit: str
    ratio: float | None
    target: float | None
    better: str

    @property
    def is_met(self) -> bool:
        """Whether the ratio is on the right side of the target, if there is one."""
        if self.target is None or self.ratio is None:
            return True
        return self.ratio >= self.target if self.better == "higher" else self.ratio <= self.target


class Measured(msgspec.Struct, frozen=True):
    """A row, and between which ratios the middle half of its slices lay."""

    row: Row
    spread: tuple[float, float] | None = None


class Goal(msgspec.Struct, frozen=True):
    """What a measurement is called, what it is counted in, and what its ratio must be."""

    name: str
    unit: str
    target: float | None
    better: str


def beside(goal: Goal, ours: Callable[[], float], floor: Callable[[], float], *, slices: int) -> Measured:
    """Both measured in turn, slice by slice, so that what else the machine does hits both alike; the pair in the middle counts."""
    pairs = [(ours(), floor()) for _ in range(slices)]
    return compared(goal, [pair[0] for pair in pairs], [pair[1] for pair in pairs])


def compared(goal: Goal, ours: Sequence[float], floor: Sequence[float]) -> Measured:
    """The row of two series that were measured in turn: of all pairs the one whose ratio is the median.

    Not the ratio of two medians: a machine that is slow for a while is slow for both of a pair, but not for half of all pairs.
    """
    pairs = sorted(zip(ours, floor, strict=True), key=lambda pair: pair[0] / pair[1])
    ratios = [figure / ground for figure, ground in pairs]
    figure, ground = pairs[(len(pairs) - 1) // 2]
    row = Row(
        name=goal.name,
        figure=_short(figure),
        floor=_short(ground),
        unit=goal.unit,
        ratio=round(figure / ground, 3),
        target=goal.target,
        better=goal.better,
    )
    quarters = quantiles(ratios, n=_QUARTERS) if len(ratios) >= _FEWEST else [ratios[0]] * 3
    return Measured(row, (round(quarters[0], 2), round(quarters[2], 2)))


def within(goal: Goal, figure: float, most: float) -> Measured:
    """The row of a figure that has an allowance, which stands for the floor."""
    row = Row(
        name=goal.name, figure=_short(figure), floor=_short(most), unit=goal.unit, ratio=round(figure / most, 3), target=1.0, better="lower"
    )
    return Measured(row)


def told(goal: Goal, figure: float) -> Measured:
    """The row of a figure that is only told."""
    return Measured(Row(name=goal.name, figure=_short(figure), floor=None, unit=goal.unit, ratio=None, target=None, better=goal.better))


def _short(value: float) -> float:
    return round(value, 3 if value < 10 else 1)  # noqa: PLR2004  # three or four digits that mean something


def as_json(rows: Sequence[Measured]) -> str:
    """The rows as a JSON list."""
    return msgspec.json.format(msgspec.json.encode([one.row for one in rows]), indent=1).decode()


def as_table(rows: Sequence[Measured], said: str) -> Table:
    """The rows for people."""
    table = Table(title=said, title_justify="left")
    for column in ("what", "figure", "floor", "unit", "ratio", "middle half", "target", ""):
        table.add_column(column, justify="left" if column in ("what", "unit", "") else "right")
    for one in rows:
        row = one.row
        sign = "≥" if row.better == "higher" else "≤"
        table.add_row(
            row.name,
            f"{row.figure:g}",
            "" if row.floor is None else f"{row.floor:g}",
            row.unit,
            "" if row.ratio is None else f"{row.ratio:.2f}",
            "" if one.spread is None else f"{one.spread[0]:.2f}–{one.spread[1]:.2f}",
            "" if row.target is None else f"{sign} {row.target:g}",
            "" if row.target is None else "[green]met[/green]" if row.is_met else "[red]missed[/red]",
        )
    return table
