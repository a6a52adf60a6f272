"""Amounts of money on the wire: {"amount": "12.50", "currency": "EUR"}."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from partner_portal.kernel.money import Money, exact_cents


class MoneyOut(msgspec.Struct, frozen=True):
    """An amount as answers show it: two decimals, as text, so that no reader makes a float of it."""

    amount: Annotated[str, Meta(examples=["12.50"])]
    currency: str = "EUR"

    @classmethod
    def of(cls, money: Money) -> MoneyOut:
        """The amount as people and machines both read it."""
        return cls(text(money.cents), money.currency)


class MoneyIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount as requests give it, in whole cents, below a hundred milliard."""

    amount: Annotated[str, Meta(pattern=r"^-?\d{1,11}(\.\d{1,2})?$", examples=["12.50"])]
    currency: Annotated[str, Meta(pattern=r"^EUR$")] = "EUR"

    def money(self) -> Money:
        """The amount to reckon with."""
        return Money(exact_cents(Decimal(self.amount)), self.currency)


def text(cents: int) -> str:
    """Whole cents as units with two decimals: -5 is "-0.05"."""
    whole, part = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{part:02d}"
