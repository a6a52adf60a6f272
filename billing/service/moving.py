"""Money that was booked on the wrong customer: what is free of it moves to the account of another customer of the same partner, owed to the same issuer.

Payments are never changed: one below zero takes it from the one, one above zero gives it to the other, of the same day and seen in the same place; their keys
name each other. Through the staff door, in the order of locks of `payments`.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from partner_portal.infra import db
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, Refused

from ..policy.money_in import Source
from ..policy.settling import MoreThanLeft
from . import payments
from .payments import Back, Debtor, Receipt

# ruff: noqa: S608  # nothing but queries of our own is put into them

METHOD = "moved"
"""How money left a customer's account without leaving ours."""
_KEY, _OUT, _IN = "moved:", ":out", ":in"
_BY = frozenset({Source.STATEMENT, Source.MANUAL})


class NotMovable(Refused):
    """Its way back leads to who paid it: the payment provider and the bank of a mandate take it back from there, and the package tells of its own."""


class NotAsSeen(Refused):
    """Something of the money was used, moved or given back since it was looked at."""


class Move(msgspec.Struct, frozen=True):
    """To the customer of which number, what was free when somebody looked, and why, for whoever asks later."""

    to: Annotated[str, Meta(min_length=1, max_length=30, pattern=r"\S")]
    left: int
    reason: Annotated[str, Meta(min_length=3, max_length=500, pattern=r"\S")]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as whoever moves money to it sees it: what it owes the issuer, and what it has coming."""

    id: UUID
    number: str
    name: str
    open_cents: int
    on_account_cents: int


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """Where the money of a payment came from, if it was moved here, and where it went, each with the other payment and its customer."""

    came: Any
    went: list[Any]


_TO = """
SELECT c.id, c.number, c.name,
       (SELECT coalesce(sum(s.open_cents), 0)::bigint FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
         WHERE i.tenant = c.tenant AND i.customer = c.id AND i.issuer = $3 AND i.kind <> 'credit note' AND s.open_cents > 0) AS open_cents,
       (SELECT coalesce(sum(o.left_cents), 0)::bigint FROM billing_on_account o
         WHERE o.tenant = c.tenant AND o.customer = c.id AND o.issuer = $3) AS on_account_cents
  FROM customer c WHERE c.tenant = $1 AND c.number = $2
"""
_CAME = f"""
SELECT o.id, m.note, m.booked_by, m.booked_at, c.number, c.name FROM billing_payment m
  JOIN billing_payment g ON g.source = m.source AND g.source_key = replace(m.source_key, '{_IN}', '{_OUT}')
  JOIN billing_payment o ON o.tenant = g.tenant AND o.id = g.reverses JOIN customer c ON c.tenant = o.tenant AND c.id = o.customer
 WHERE m.id = $1 AND starts_with(m.source_key, '{_KEY}')
"""
_WENT = f"""
SELECT m.id, m.amount_cents, g.note, g.booked_by, g.booked_at, c.number, c.name FROM billing_payment g
  JOIN billing_payment m ON m.source = g.source AND m.source_key = replace(g.source_key, '{_OUT}', '{_IN}')
  JOIN customer c ON c.tenant = m.tenant AND c.id = m.customer
 WHERE g.reverses = $1 AND g.method = '{METHOD}' ORDER BY g.booked_at, g.id
"""


def can_move(payment: Any) -> bool:
    """Whether what is free of the payment, by its row, may stand on another customer's account: it came by transfer, and a customer paid it."""
    return payment["source"] in _BY and payment["customer"] is not None and payment["left_cents"] > 0


async def account(payment: UUID, number: str) -> Account:
    """The customer of this number as the payment's money may go to it. NotFound, NotMovable; Invalid where the partner has none, or it is its own."""
    return await _account(_movable(await payments.one(payment)), number)


def _movable(money: Any) -> Any:
    if not can_move(money):
        raise NotMovable
    return money


async def _account(money: Any, number: str) -> Account:
    row = await db.fetch_one(_TO, money["tenant"], number.strip(), money["issuer"])
    if row is None:
        raise Invalid(FieldError("/to", "unknown-customer"))
    if row["id"] == money["customer"]:
        raise Invalid(FieldError("/to", "is-there-already", {"value": row["number"]}))
    return Account(**dict(row))


async def move(actor: Actor, payment: UUID, wanted: Move, *, cents: int | None = None) -> UUID:
    """So much of what is free of the payment (all, unless said) is on the other customer's account; returns the payment that stands there.

    It counts as received on the day on which it came in, settles nothing yet, and nobody is mailed. All or nothing: NotAsSeen where anything of it was used,
    moved or given back since somebody looked; MoreThanLeft, NotMovable, NotFound, Invalid for a number that cannot be.
    """
    money = await payments.held(payment)
    if money["left_cents"] != wanted.left:
        raise NotAsSeen
    to = await _account(_movable(money), wanted.to)
    moved = money["left_cents"] if cents is None else cents
    if not 0 < moved <= money["left_cents"]:
        raise MoreThanLeft(left_cents=money["left_cents"])
    key, seen = f"{_KEY}{new_id()}", Source(money["source"])
    await payments.refund(
        actor,
        Back(
            payment=payment,
            source=seen,
            source_key=f"{key}{_OUT}",
            on=money["received_on"],  # as it arrives there: on no day is there more in the bank, or less
            amount_cents=moved,
            method=METHOD,
            note=wanted.reason.strip(),
        ),
    )
    return await payments.book(
        actor,
        Receipt(
            debtor=Debtor(money["tenant"], to.id, money["issuer"]),
            source=seen,
            source_key=f"{key}{_IN}",
            amount_cents=moved,
            received_on=money["received_on"],
            method=money["method"],
            note=wanted.reason.strip(),
            invoices=(),
        ),
    )


async def trail(payment: UUID) -> Trail:
    """Where the money of the payment came from and went by being moved."""
    return Trail(came=await db.fetch_one(_CAME, payment), went=await db.fetch(_WENT, payment))
