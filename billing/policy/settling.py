"""How a payment is divided over what is open: as the debtor says, else what fell due first (BW 6:43), its costs and interest before it (BW 6:44)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from partner_portal.kernel.errors import Refused

from . import collection


class MoreThanOpen(Refused):
    """No more is settled of a document than is open of it."""


class MoreThanLeft(Refused):
    """No more is used, taken back or paid out than there is."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What is open of one document, in cents; a document in the debtor's favour is no claim.

    `adds_to`: the documents whose interest and costs it charges; `due_on` is then when the first of them was due. What `is_given_up` was written off.
    """

    invoice: UUID
    number: str
    due_on: date
    open_cents: int
    adds_to: frozenset[UUID] = frozenset()
    is_given_up: bool = False


class Share(msgspec.Struct, frozen=True):
    """So much of a payment settles so much of an invoice, in cents."""

    invoice: UUID
    cents: int


class Division(msgspec.Struct, frozen=True):
    """What a payment settles, in the order in which it does, and what is left on account, in cents."""

    shares: tuple[Share, ...]
    left_cents: int


def divide(cents: int, claims: Iterable[Claim], indicated: Sequence[UUID] | None = None) -> Division:
    """Divide a payment: over the documents that the debtor indicates, in that order, then over what paying those late cost, and no others.

    Without any, the one due first goes first (BW 6:43): what is due is older than what is not due yet, and of those due on one day the lower number goes
    first. Interest and costs are documents of their own, and go before what they belong to (BW 6:44): costs before interest, as they stand on it. What was
    written off goes last. Each is filled before the next, and none beyond what is open of it; what is left over stays on account.
    """
    by_id = {claim.invoice: claim for claim in claims if claim.open_cents > 0}
    if indicated is None:
        order = sorted(by_id.values(), key=_oldest_first)
    else:
        order = [by_id[invoice] for invoice in dict.fromkeys(indicated) if invoice in by_id]
        # Who names an invoice pays that one first, and the creditor agrees to it (BW 6:44(2)).
        order += sorted(
            (claim for claim in by_id.values() if claim.invoice not in indicated and claim.adds_to & set(indicated)), key=_oldest_first
        )
    shares, left = [], cents
    for claim in order:
        settled = collection.allocate(left, [collection.Debt(id=claim.number, due_on=claim.due_on, principal_cents=claim.open_cents)])
        if left > settled.left_cents:
            shares.append(Share(claim.invoice, left - settled.left_cents))
        left = settled.left_cents
    return Division(tuple(shares), left)


def _oldest_first(claim: Claim) -> tuple[bool, date, bool, str]:
    return (claim.is_given_up, claim.due_on, not claim.adds_to, claim.number)


def must_fit(shares: Sequence[Share], open_cents: Mapping[UUID, int], left_cents: int) -> None:
    """MoreThanOpen or MoreThanLeft unless every share fits what is open of its document, and all together what there is to divide."""
    wanted: dict[UUID, int] = {}
    for share in shares:
        wanted[share.invoice] = wanted.get(share.invoice, 0) + share.cents
    for invoice, cents in wanted.items():
        if cents <= 0 or cents > open_cents.get(invoice, 0):
            raise MoreThanOpen(open_cents=max(open_cents.get(invoice, 0), 0))
    if sum(wanted.values()) > left_cents:
        raise MoreThanLeft(left_cents=left_cents)


def take_back(cents: int, left_cents: int, allocated: Sequence[Share]) -> tuple[Share, ...]:
    """What is taken back of the documents that a payment settled, the last of them first, so that `cents` of it can go back; what is on account goes first.

    Raises MoreThanLeft where the payment never was that much.
    """
    missing, taken = cents - left_cents, []
    for share in reversed(allocated):
        if missing <= 0:
            break
        part = min(share.cents, missing)
        taken.append(Share(share.invoice, part))
        missing -= part
    if missing > 0:
        raise MoreThanLeft(left_cents=cents - missing)
    return tuple(taken)
