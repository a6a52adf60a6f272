"""The cost of leaving for one day after another: computed anew where it may jump, carried along where it only shrinks.

Between two jumps what is counted in months stays the same, and what is counted in days shrinks evenly. The amounts are
those of `Reckoning.leaving` to the cent; where a cap bites, each day is reckoned in full.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from billing.policy.agreed import Method, ResidualMode, ScaleKind
from partner_portal.kernel.money import round_half_up

from .buyout import BandCost, Leaving, Reckoning


class LeavingCents(NamedTuple):
    """What leaving costs, rounded line by line, in cents."""

    buyout: int
    clawback: int
    residual: int
    handling: int


def leaving_cents(leaving: Leaving, unit: int) -> LeavingCents:
    """Return the cost of leaving as the cost sheet rounds it: each line on its own."""
    costs = leaving.after
    return LeavingCents(
        sum([round_half_up(band, unit) for band in costs.buyout]),
        round_half_up(costs.clawback, unit),
        round_half_up(costs.residual, unit),
        round_half_up(costs.handling, unit),
    )


class _Shrinking(NamedTuple):
    """What stays the same until the next jump, and the one band whose days are running out (its value per part of a month)."""

    other_bands_exact: int
    other_bands_cents: int
    other_costs_exact: int
    parts_after_band: int
    weight: int
    cents: LeavingCents


class LeavingByDay:
    """Ask for rising days; each answer equals the cost sheet's amounts for that first day without service."""

    def __init__(self, reckoning: Reckoning) -> None:
        self._reckoning = reckoning
        self._cents = LeavingCents(0, 0, 0, 0)
        self._same_until = self._next_jump = date.min
        self._shrinking: _Shrinking | None = None
        caps, equipment = reckoning.stay.caps, reckoning.stay.equipment
        self._may_shrink = not (caps.undone or caps.consumer_zero or caps.eecc_equipment)
        self._equipment_by_day = equipment if equipment is not None and equipment.mode is ResidualMode.DAYS else None

    def on(self, gone_on: date) -> LeavingCents:
        """Return what leaving costs when `gone_on` is the first day without service."""
        if gone_on < self._same_until:
            return self._cents
        if self._shrinking is not None and gone_on < self._next_jump:
            shrunk = self._shrunk(self._shrinking, gone_on)
            if shrunk is not None:
                return shrunk
        return self._afresh(gone_on)

    def _afresh(self, gone_on: date) -> LeavingCents:
        reckoning = self._reckoning
        leaving = reckoning.leaving(gone_on)
        self._cents = leaving_cents(leaving, reckoning.unit)
        self._same_until = reckoning.next_change(gone_on)
        if gone_on >= self._next_jump:
            self._next_jump = reckoning.next_jump(gone_on)
        self._shrinking = None
        if self._may_shrink and not leaving.caps and self._one_band_shrinks():
            self._shrinking = self._carry(leaving, gone_on)
        return self._cents

    def _one_band_shrinks(self) -> bool:
        rule = self._reckoning.stay.rule
        by_month = rule.scale is not None and rule.scale.kind is ScaleKind.BY_CONTRACT_MONTH
        return rule.method is Method.CAL_DAYS or not by_month

    def _carry(self, leaving: Leaving, gone_on: date) -> _Shrinking:
        reckoning, bands = self._reckoning, leaving.bands
        in_a_band = bool(bands) and reckoning.begins[0] <= gone_on
        shrinking, others = (bands[0], bands[1:]) if in_a_band else (None, bands)
        weight = 0 if shrinking is None else shrinking.exact // shrinking.counted.parts
        after, before = leaving.after, leaving.before
        fixed_residual = 0 if self._equipment_by_day is not None else before.residual
        return _Shrinking(
            other_bands_exact=sum([band.exact for band in others]),
            other_bands_cents=sum([round_half_up(band.exact, reckoning.unit) for band in others]),
            other_costs_exact=after.handling + after.clawback + fixed_residual,
            parts_after_band=_parts(others),
            weight=weight,
            cents=self._cents,
        )

    def _shrunk(self, carried: _Shrinking, gone_on: date) -> LeavingCents | None:
        """Return the day's cost from what is carried along; None where the whole-contract cap bites."""
        reckoning, unit = self._reckoning, self._reckoning.unit
        parts = reckoning.remaining(gone_on).parts
        band = (parts - carried.parts_after_band) * carried.weight
        residual_cents, together = carried.cents.residual, carried.other_costs_exact + carried.other_bands_exact + band
        if self._equipment_by_day is not None:
            residual = reckoning.residual(gone_on).exact
            residual_cents, together = round_half_up(residual, unit), together + residual
        if reckoning.stay.caps.whole_contract and together > parts * reckoning.part_value:
            return None
        buyout_cents = carried.other_bands_cents + round_half_up(band, unit)
        return LeavingCents(buyout_cents, carried.cents.clawback, residual_cents, carried.cents.handling)


def _parts(bands: tuple[BandCost, ...]) -> int:
    return sum([band.counted.parts for band in bands])
