"""Payments and settlements in the words of Xero's accounting API, and back.

It takes nothing back by a payment below zero: what was taken back is removed, and what stays of it paid anew. An allocation keeps no key of ours; it is told
from others of the same two documents by which of them we know.
"""

from __future__ import annotations

import msgspec

from . import xero_words as words
from .port import AccountingRefuses, Booking, Remote, SeenPayment, Settlement
from .speaking import NUMBERS, cents_of, fingerprint, units
from .xero_words import ALLOCATIONS, CREDITS, GONE, INVOICES, PAYMENTS, TheirAllocation, TheirCreditNote, TheirPayment

OURS = "portal:"
"""Stands before our key in what a payment is called there."""
REMOVED = msgspec.json.encode({"Status": "DELETED"})
"""What is written over a payment to remove it."""


def payment_body(booking: Booking, cents: int) -> bytes:
    """A payment of so many cents by this booking, as it is written there."""
    place, _, guid = booking.document.partition("/")
    paid = {"CreditNote": {"CreditNoteID": guid}} if place == CREDITS else {"Invoice": {"InvoiceID": guid}}
    told = paid | {
        "Account": {"Code": booking.ledger},
        "Date": words.written(booking.on),
        "Amount": units(cents),
        "Reference": OURS + booking.key,
    }
    return NUMBERS.encode({PAYMENTS: [told]})


def payment_remote(there: TheirPayment) -> Remote:
    """The payment in words of the port."""
    paid = words.day_of(there.day)
    return Remote(
        id=f"{PAYMENTS}/{there.id}",
        version=fingerprint(cents_of(there.amount), paid),
        key=key_of(there),
        says={"total": f"EUR {units(cents_of(there.amount))}", "paid": paid.isoformat() if paid else ""},
    )


def removed(booking: Booking) -> Remote:
    """What took back all of a payment: nothing of it is there."""
    return Remote(id=f"{PAYMENTS}/none-{booking.key}", version="", key=booking.key)


def not_removed(booking: Booking, why: str) -> AccountingRefuses:
    """A payment cannot be removed there: what a person can do."""
    taken = f"EUR {units(-booking.amount_cents)} of {booking.number} was taken back: the payment has to be removed there by hand"
    return AccountingRefuses(detail=f"{taken}, then this sent again ({why})")


def seen(there: TheirPayment) -> SeenPayment | None:
    """The payment as news; None of what pays no sales document."""
    on, paid = words.day_of(there.day), there.invoice or there.credit_note
    if there.payment_type not in {"ACCRECPAYMENT", "ARCREDITPAYMENT"} or paid is None or on is None:
        return None
    return SeenPayment(
        id=f"{PAYMENTS}/{there.id}",
        document=f"{INVOICES if there.invoice else CREDITS}/{paid.id}",
        amount_cents=cents_of(there.amount),
        on=on,
        currency=paid.currency_code,
        key=key_of(there),
        is_gone=there.status in GONE,
    )


def key_of(payment: TheirPayment) -> str | None:
    """Our key of a payment; None where it is none of ours."""
    called = payment.reference or ""
    return called.removeprefix(OURS) if called.startswith(OURS) else None


def allocation_body(settlement: Settlement) -> bytes:
    """The settlement as it is written there."""
    told = {
        "Invoice": {"InvoiceID": settlement.document.partition("/")[2]},
        "Amount": units(settlement.amount_cents),
        "Date": words.written(settlement.on),
    }
    return NUMBERS.encode({ALLOCATIONS: [told]})


def allocation_remote(credit: str, there: TheirAllocation) -> Remote:
    """The allocation in words of the port; `credit` is the id of its credit note."""
    day = words.day_of(there.day)
    return Remote(
        id=f"{credit}/{ALLOCATIONS}/{there.id}",
        version=fingerprint(there.invoice.id, cents_of(there.amount), day),
        says={"total": f"EUR {units(cents_of(there.amount))}", "paid": day.isoformat() if day else ""},
    )


def among(settlement: Settlement, note: TheirCreditNote) -> Remote | None:
    """The settlement among what the note settles: of this invoice, so much, and none that we know by another name."""
    for one in note.allocations:
        is_same = f"{INVOICES}/{one.invoice.id}" == settlement.document and cents_of(one.amount) == settlement.amount_cents
        found = allocation_remote(settlement.credit, one)
        if is_same and one.id and not one.is_deleted and found.id not in settlement.known:
            return found
    return None
