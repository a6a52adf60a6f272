"""What the portal asks of a payment gateway, in words of our own; every adapter answers in these and raises nothing else."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from typing import Protocol

import msgspec

from partner_portal.kernel.errors import Refused, Unavailable

from ...policy.money_in import IntentState, PartKind


class GatewayUnavailable(Unavailable):
    """The gateway does not answer, or not in a way that can be read; the same question may be answered later."""


class GatewayRefuses(Refused):
    """The gateway understood and said no; asking again brings the same answer. `detail` is for operators."""


class ForeignMoney(Refused):
    """The gateway tells `of` something an `amount` that is no euros: nothing of it is booked, and somebody looks."""


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


class BackState(StrEnum):
    """How far money on its way back is: also one that was taken on may fail."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class GoneBack(msgspec.Struct, frozen=True, kw_only=True):
    """Money of a payment that went back, goes, or did not after all; `key` is ours where we ordered it."""

    id: str
    kind: BackKind
    cents: int
    on: date
    key: str | None = None
    state: BackState = BackState.DONE


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the gateway has it now."""

    id: str
    key: str
    state: IntentState
    amount_cents: int
    checkout_url: str | None = None
    method: str = ""
    paid_on: date | None = None
    backs: tuple[GoneBack, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One payment, refund or chargeback in a settlement, by its id at the gateway; below zero where money went back."""

    id: str
    kind: PartKind
    cents: int


class PaidOut(msgspec.Struct, frozen=True, kw_only=True):
    """That the gateway paid something out: under which reference on the bank's statement, and on which day."""

    id: str
    reference: str
    day: date


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid out in one sum, and what was in it; of all that is no euros what and how much, which is in no sum."""

    paid_cents: int
    fee_cents: int
    parts: tuple[Part, ...]
    foreign: tuple[str, ...] = ()


class Gateway(Protocol):
    """A payment gateway. Raises GatewayUnavailable, GatewayRefuses and ForeignMoney, nothing else."""

    @property
    def name(self) -> str:
        """Its short name, which stands before every id of its."""

    async def create(self, wanted: Wanted) -> Remote:
        """The payment exists there; again under the same key it is the same one."""

    async def fetch(self, payment: str) -> Remote | None:
        """The payment as it is now, with all that went back; None where there is none of this id."""

    async def refund(self, payment: str, *, key: str, cents: int, description: str) -> GoneBack:
        """So much of the payment goes back to the payer; again under the same key it is the same refund."""

    async def settlements(self, since: date, known: Collection[str] = ()) -> list[PaidOut]:
        """What was paid out from that day on; not those `known` by their ids."""

    async def settlement(self, number: str) -> Settlement:
        """All that was in the one of this id."""
