"""How money comes in."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """Where a payment was seen: at the payment gateway, on a bank statement, in a direct debit, or by somebody of staff."""

    GATEWAY = "gateway"
    STATEMENT = "statement"
    DEBIT = "debit"
    MANUAL = "manual"
