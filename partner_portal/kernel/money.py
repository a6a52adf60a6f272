"""Money in whole cents, and the one way it is rounded: half up, the same for debts and credits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from .errors import Invalid


class CurrenciesDiffer(Invalid):
    """Two amounts in different currencies cannot be added or compared."""


class NothingToSplitBy(Invalid):
    """An amount is split by weights that are not negative and not all zero."""


class TooPreciseAmount(Invalid):
    """An amount that must be in whole cents has parts of a cent."""


def round_half_up(numerator: int, denominator: int = 1) -> int:
    """Return the whole number nearest to the fraction (denominator above zero); a half goes away from zero, also below it."""
    if numerator < 0:
        return -round_half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def cents(amount: Decimal | Fraction | int) -> int:
    """Return an amount in euros (or another currency with cents) as whole cents, rounded half up."""
    numerator, denominator = amount.as_integer_ratio()
    return round_half_up(numerator * 100, denominator)


def exact_cents(amount: Decimal | str) -> int:
    """Return an amount that is known to be in whole cents as cents; refuses what would need rounding."""
    scaled = Decimal(amount).scaleb(2)
    if scaled != scaled.to_integral_value():
        raise TooPreciseAmount(amount=str(amount))
    return int(scaled)


def decimal_text(numerator: int, denominator: int, places: int = 2) -> str:
    """Return a fraction as a plain decimal with `places` (at least one) decimals, rounded half up: 2/3 gives 0.67."""
    scaled = round_half_up(numerator * 10**places, denominator)
    whole, rest = divmod(abs(scaled), 10**places)
    return f"{'-' if scaled < 0 else ''}{whole}.{rest:0{places}d}"


class Money(msgspec.Struct, frozen=True):
    """An amount in whole cents of one currency."""

    cents: int
    currency: str = "EUR"

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str = "EUR") -> Money:
        """Return the amount given in units (euros), rounded half up to whole cents."""
        return cls(cents(Decimal(amount)), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in units (euros), with two decimals."""
        return Decimal(self.cents).scaleb(-2)

    def __bool__(self) -> bool:
        """Whether there is anything to pay or to give back."""
        return self.cents != 0

    def __add__(self, other: Money) -> Money:
        """Return the sum; both must be in the same currency."""
        return Money(self.cents + self._same_currency(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        """Return the difference; both must be in the same currency."""
        return Money(self.cents - self._same_currency(other), self.currency)

    def __neg__(self) -> Money:
        """Return the same amount the other way: a charge becomes a credit."""
        return Money(-self.cents, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Whether this is the smaller amount of the same currency."""
        return self.cents < self._same_currency(other)

    def __le__(self, other: Money) -> bool:
        """Whether this is at most the other amount of the same currency."""
        return self.cents <= self._same_currency(other)

    def times(self, factor: Decimal | Fraction | int) -> Money:
        """Return the amount times `factor`, rounded half up once."""
        numerator, denominator = factor.as_integer_ratio()
        return Money(round_half_up(self.cents * numerator, denominator), self.currency)

    def percent(self, percentage: Decimal | int) -> Money:
        """Return `percentage` per cent of the amount, rounded half up once: 21 of 100.00 is 21.00."""
        numerator, denominator = percentage.as_integer_ratio()
        return Money(round_half_up(self.cents * numerator, denominator * 100), self.currency)

    def split(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Return parts in proportion to `weights` that add up to the amount exactly.

        The cents that remain after rounding down go to the parts that lost most, the first of equals first.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise NothingToSplitBy(weights=list(weights))
        sign = -1 if self.cents < 0 else 1
        shares = [divmod(abs(self.cents) * weight, total) for weight in weights]
        left_over = abs(self.cents) - sum(whole for whole, _ in shares)
        by_loss = sorted(range(len(shares)), key=lambda part: -shares[part][1])
        favoured = frozenset(by_loss[:left_over])
        return tuple(Money(sign * (whole + (part in favoured)), self.currency) for part, (whole, _) in enumerate(shares))

    def _same_currency(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrenciesDiffer(left=self.currency, right=other.currency)
        return other.cents


ZERO = Money(0)
