"""What an invoice is made of: kinds of documents and lines, and the words both are drafted in before they have a number."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import msgspec

from .tax import Vat


class Layer(StrEnum):
    """Which of the two prices a document bills: toward the end customer, or toward the partner who bills in its own name."""

    CUSTOMER = "customer"
    PARTNER = "partner"


class Kind(StrEnum):
    """What a document is. Damages stand outside VAT and EN 16931 forbids to mix them with anything else (BR-O-11)."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit note"
    DAMAGES = "damages"
    COSTS = "costs"  # interest and collection costs of what was paid too late


class LineKind(StrEnum):
    """What a line bills."""

    RECURRING = "recurring"
    SETUP = "setup"
    USAGE = "usage"
    BUYOUT = "buyout"
    CLAWBACK = "clawback"
    RESIDUAL = "residual"
    HANDLING = "handling"
    CREDIT = "credit"
    EARLY_USE = "early use"
    DAMAGES = "damages"
    INTEREST = "interest"
    COLLECTION = "collection"
    OTHER = "other"


class Unit(StrEnum):
    """Units of UN/ECE recommendation 20 that our lines count in."""

    MONTH = "MON"
    DAY = "DAY"
    PIECE = "C62"


class Label(StrEnum):
    """What is written on a document about its payment."""

    UNPAID = "unpaid"
    PAID = "paid"
    OVERDUE = "overdue"
    CREDITED = "credited"
    WRITTEN_OFF = "written off"


class DraftLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line before it has a document.

    `amount_cents` is the line as prices are given: with VAT inside where `vat.prices_include_vat`, else without. A credit within an invoice has a
    negative quantity; a price is never negative (EN 16931 BR-27). `period` is half-open. `why` holds the rule, its inputs and its source for whoever asks.
    """

    kind: LineKind
    description: str
    amount_cents: int
    unit_price: Decimal
    vat: Vat
    quantity: Decimal = Decimal(1)
    unit: Unit = Unit.PIECE
    service: UUID | None = None
    period: tuple[date, date] | None = None
    credits: UUID | None = None
    charge: UUID | None = None
    why: dict[str, str | int] = {}
