"""How money comes in."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """Where a payment was seen: at the payment gateway, on a bank statement, in a direct debit, by somebody of staff, or in the accounting package."""

    GATEWAY = "gateway"
    STATEMENT = "statement"
    DEBIT = "debit"
    MANUAL = "manual"
    ACCOUNTING = "accounting"


class IntentState(StrEnum):
    """How far an attempt to pay at the gateway is; what is paid may still be charged back, which is no state of the attempt."""

    NEW = "new"  # the gateway has not been asked yet
    OPEN = "open"  # the payer can pay
    PAID = "paid"
    FAILED = "failed"
    ABANDONED = "abandoned"
    EXPIRED = "expired"


class StatementState(StrEnum):
    """Whether what a statement says is believed: one that does not add up waits for a person."""

    PARKED = "parked"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class EntryState(StrEnum):
    """What has become of an entry of a statement."""

    NEW = "new"  # its statement is parked
    MATCHED = "matched"  # a rule knows what it is for; a job books it
    WAITING = "waiting"  # a person decides
    BOOKED = "booked"
    SETTLED = "settled"  # known money that was booked where it was seen first: a payout of the gateway, a refund of ours
    IGNORED = "ignored"  # a person said that it is no debtor's
    OUT = "out"  # money that left, and is nobody's return


class Rule(StrEnum):
    """By what an entry was known, the surest first; never by its amount alone."""

    REFERENCE = "reference"
    COLLECTION = "collection"
    SETTLEMENT = "settlement"
    NUMBER = "number"
    ACCOUNT = "account"
    RETURN = "return"
    REFUND = "refund"
    PERSON = "person"


class Scheme(StrEnum):
    """The SEPA direct debit schemes: core can be refunded for eight weeks, business to business not at all."""

    CORE = "CORE"
    B2B = "B2B"


class Sequence(StrEnum):
    """Which of a mandate's collections one is, as the schemes call them."""

    FIRST = "FRST"
    RECURRENT = "RCUR"
    ONCE = "OOFF"
    FINAL = "FNAL"


class BatchKind(StrEnum):
    """What a file for the bank asks: to collect, or to pay out."""

    DEBIT = "debit"
    REFUND = "refund"


class DebitState(StrEnum):
    """How far a collection is."""

    SENT = "sent"
    PAID = "paid"
    RETURNED = "returned"  # taken back after it was collected; or refused before, and then without a payment
    REFUSED = "refused"  # its whole file was: it goes into another


class Signed(StrEnum):
    """How a mandate was given: on paper, by a click behind a link that only the debtor got, or in the portal by a contact who was signed in."""

    PAPER = "paper"
    LINK = "link"
    PORTAL = "portal"


class RefundState(StrEnum):
    """How far money is on its way back."""

    WANTED = "wanted"  # a second person is to agree
    AGREED = "agreed"  # it leaves with the next file, or the gateway is being asked
    SENT = "sent"  # in a file for the bank, or taken on by the gateway
    DONE = "done"  # it has left
    REFUSED = "refused"  # the second person said no
    FAILED = "failed"  # bank or gateway did not pay it out: it is on account again


class RefundWay(StrEnum):
    """By which way money goes back: the gateway it came through, or a file for the bank."""

    GATEWAY = "gateway"
    BANK = "bank"


class PartKind(StrEnum):
    """What a part of a payout is."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"


class ByTwo(StrEnum):
    """What two people of finance decide, from the limit on."""

    CREDIT_NOTE = "credit note"
    REFUND = "refund"
    WRITE_OFF = "write-off"
