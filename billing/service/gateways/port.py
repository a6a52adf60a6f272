"""What the portal asks of a payment gateway, in words of our own; every adapter answers in these and raises nothing else."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Protocol

import msgspec

from partner_portal.kernel.errors import Refused, Unavailable

from ...policy.money_in import IntentState


class GatewayUnavailable(Unavailable):
    """The gateway does not answer, or not in a way that can be read; the same question may be answered later."""


class GatewayRefuses(Refused):
    """The gateway understood and said no; asking again brings the same answer. `detail` is for operators."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A payment to be made: under which key of ours (the same key twice is one payment), how much in cents, and where payer and news go."""

    key: str
    amount_cents: int
    description: str
    back_to: str
    tell_at: str
    language: str = "nl"


class BackKind(StrEnum):
    """Why money went back: we said so, or the payer's bank did."""

    REFUND = "refund"
    CHARGEBACK = "chargeback"


class GoneBack(msgspec.Struct, frozen=True, kw_only=True):
    """Money of a payment that went back; `key` is ours where we ordered it."""

    id: str
    kind: BackKind
    cents: int
    on: date
    key: str | None = None


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the gateway has it now."""

    id: str
    key: str
    state: IntentState
    amount_cents: int
    currency: str
    checkout_url: str | None = None
    method: str = ""
    paid_on: date | None = None
    backs: tuple[GoneBack, ...] = ()


class Gateway(Protocol):
    """A payment gateway. Raises GatewayUnavailable and GatewayRefuses, nothing else."""

    @property
    def name(self) -> str:
        """Its short name, which stands before every id of its."""

    async def create(self, wanted: Wanted) -> Remote:
        """The payment exists there; again under the same key it is the same one."""

    async def fetch(self, payment: str) -> Remote | None:
        """The payment as it is now, with all that went back; None where there is none of this id."""

    async def refund(self, payment: str, *, key: str, cents: int, description: str) -> GoneBack:
        """So much of the payment goes back to the payer; again under the same key it is the same refund."""
