"""How long a run looks, and at what."""

from __future__ import annotations

import msgspec

from .world import Size


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured how often."""

    slices: int
    """How often figure and floor take turns."""
    seconds: float
    """How long each turn takes."""
    cases: int
    """How many cases are filed in a turn."""
    letters: int
    """How many letters are drawn."""
    billed: Size
    """The world that the daily run bills."""
    months: int
    """How many months of it."""
    entries: int = 10_000
    """How many entries the bank statement has."""
    kept: Size
    """A world whose invoices go to the books."""
    books: int
    """How often all of them go there."""
    owed: Size
    """A world with very many invoices."""
    few: Size = Size(10, 1_000, 20_000)
    """What it is held against."""
    worlds: dict[str, Size]
    """The large worlds that are held against the small one, by what a row says of them."""


SMALL = Size(10, 1_000)
QUICK = Plan(
    slices=5,
    seconds=0.12,
    cases=6,
    letters=4,
    billed=Size(10, 5_000),
    months=2,
    kept=Size(1, 10, 100),
    books=1,
    owed=Size(10, 4_000, 40_000),
    worlds={"1 000 and 100 000 services of 10 and 100 partners": Size(100, 100_000)},
)
FULL = Plan(
    slices=20,
    seconds=0.4,
    cases=8,
    letters=30,
    billed=Size(100, 100_000),
    months=3,
    kept=Size(1, 100, 1_000),
    books=3,
    owed=Size(10, 100_000, 1_000_000),
    worlds={"1 000 and 1 000 000 services": Size(10, 1_000_000), "10 and 1 000 partners": Size(1_000, 100_000)},
)
