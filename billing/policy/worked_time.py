"""Time that was worked as it is billed: begin, end and duration rounded to whole steps, each the way that was agreed.

Nothing writes worked time yet: the service desk will. Until then only `portal conformance` and its own tests call this.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

_SECONDS = 60


class Rounding(StrEnum):
    """Which way times go: outward (begun steps count whole), or all of them up, down, or to the nearest."""

    OUTWARD = "default"
    UP = "ceil"
    DOWN = "floor"
    NEAREST = "closest"


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """To how many minutes begin, end and duration are rounded; 0 leaves them as they are."""

    begin: int = 0
    end: int = 0
    duration: int = 0


class Worked(msgspec.Struct, frozen=True):
    """From when to when, in seconds of the day, and how many seconds are billed."""

    begin: int
    end: int
    seconds: int


def rounded(begin: int, end: int, steps: Steps, way: Rounding) -> Worked:
    """Return the time as it is billed: begin and end are rounded first, then what lies between them."""
    outward = way is Rounding.OUTWARD
    begun = _rounded(begin, steps.begin, Rounding.DOWN if outward else way)
    ended = _rounded(end, steps.end, Rounding.UP if outward else way)
    return Worked(begun, ended, _rounded(ended - begun, steps.duration, Rounding.UP if outward else way))


def _rounded(seconds: int, minutes: int, way: Rounding) -> int:
    step = minutes * _SECONDS
    if step <= 0 or seconds % step == 0:
        return seconds
    goes_up = way is Rounding.UP or (way is Rounding.NEAREST and 2 * (seconds % step) > step)
    return seconds - seconds % step + (step if goes_up else 0)
