"""What people read when money cannot be booked, paid, collected or given back."""

from __future__ import annotations

from billing.policy.settling import MoreThanLeft, MoreThanOpen
from billing.service.debits import CreditorUnknown, NothingToCollect
from billing.service.gateways.chosen import NotPayableOnline
from billing.service.gateways.port import ForeignMoney, GatewayRefuses, GatewayUnavailable
from billing.service.gateways.sandbox import NotOpen
from billing.service.mandate_links import InvitationOver, NobodyToInvite
from billing.service.mandates import MandateEnded, MandateInForce
from billing.service.moving import NotAsSeen, NotMovable
from billing.service.paying import NothingOpen
from billing.service.payments import NotADebtorsPayment
from billing.service.payouts import PayoutLookedAt
from billing.service.refunds import NothingToGiveBack, RefundDecided, RefundNeedsSecondPerson
from billing.service.refused_files import FileCarriedOut
from billing.service.sepa import FileNotValid
from billing.service.setting_off import NothingToSettle, NothingWasPaid
from billing.service.statements.booking import EntryDecided
from billing.service.statements.importing import StatementDecided
from billing.service.statements.read import StatementUnreadable
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import Problem
from partner_portal.web.problems import Words

PROBLEMS: dict[type[Problem], Words] = {
    MoreThanOpen: Words(sentence("More than is open"), sentence("No more is settled of a document than is open of it.")),
    MoreThanLeft: Words(sentence("More than there is"), sentence("No more can be used or paid back than is left of the payment.")),
    NothingToSettle: Words(sentence("Nothing to settle"), sentence("Nothing of it is left, or its debtor owes nothing at the moment.")),
    NothingWasPaid: Words(
        sentence("Nothing to put on account"), sentence("Nothing is left of the credit note, or nothing was paid of what it takes back.")
    ),
    NotADebtorsPayment: Words(
        sentence("That is somebody else's"),
        sentence("Money of one debtor does not settle what another owes, nor what is owed to another sender."),
    ),
    NotMovable: Words(
        sentence("It cannot be moved"),
        sentence(
            "Nothing of it is free, or it did not come in by transfer from a customer: what was paid online, collected, or booked by the accounting package"
            " goes back to who paid it, where it came from."
        ),
    ),
    NotAsSeen: Words(
        sentence("Something has changed"),
        sentence("Something of this money was used, moved or given back since you looked. Nothing is moved; look again."),
    ),
    NotPayableOnline: Words(
        sentence("Not payable online"), sentence("These invoices are paid by transfer: their sender takes no payments online.")
    ),
    NothingOpen: Words(sentence("Nothing is open"), sentence("These invoices are paid already.")),
    GatewayUnavailable: Words(sentence("The payment provider does not answer"), sentence("Please try again in a moment.")),
    GatewayRefuses: Words(sentence("The payment provider refuses"), sentence("Nothing was paid and nothing was paid back.")),
    ForeignMoney: Words(
        sentence("Money that is no euros"),
        sentence(
            "The payment provider tells of %(amount)s. Everything here is in euros: nothing of it is booked until somebody has looked."
        ),
    ),
    NothingToCollect: Words(sentence("Nothing to put into a file"), sentence("There is nothing to collect and nothing to pay out now.")),
    CreditorUnknown: Words(sentence("The creditor id is missing"), sentence("Enter the creditor id (Incassant-ID) of the issuer first.")),
    MandateInForce: Words(sentence("There is a mandate already"), sentence("End the mandate that is in force first.")),
    MandateEnded: Words(sentence("The mandate has ended"), sentence("The customer signs a new mandate.")),
    NobodyToInvite: Words(sentence("Nobody to invite"), sentence("Enter an e-mail address for the customer's invoices first.")),
    InvitationOver: Words(sentence("This link no longer works"), sentence("It was used, or is too old. Ask for a new one.")),
    FileNotValid: Words(sentence("The bank would refuse this file"), sentence("Something in it is not as the schema wants: %(reason)s")),
    FileCarriedOut: Words(
        sentence("The bank carried it out"),
        sentence("Something of this file was carried out, or nothing of it is under way. Name the transactions that the bank refused."),
    ),
    EntryDecided: Words(sentence("Somebody dealt with it already"), sentence("This entry is booked or set aside; look at the list again.")),
    StatementDecided: Words(sentence("Somebody decided already"), sentence("This statement is booked or refused; look at the list again.")),
    StatementUnreadable: Words(
        sentence("The file cannot be booked"),
        sentence("It is no CAMT.053, CAMT.054 or MT940 of one of our accounts in euros (%(why)s %(value)s). Nothing of it is booked."),
    ),
    NothingToGiveBack: Words(sentence("Nothing of this document is left to give back"), sentence("Look at the list again.")),
    RefundDecided: Words(sentence("Somebody decided about this refund already"), sentence("Look at the list again.")),
    RefundNeedsSecondPerson: Words(
        sentence("A second person must agree"), sentence("You ordered this refund; from this sum on somebody else of finance agrees to it.")
    ),
    PayoutLookedAt: Words(sentence("Somebody looked at this payout already"), sentence("Look at the list again.")),
    NotOpen: Words(sentence("This payment is over"), sentence("Go back to the invoice and begin again.")),
}
FIELDS = {
    "choose-a-file": sentence("Choose a file."),
    "statement-empty": sentence("The file is empty. Download it from the bank again."),
    "statement-too-large": sentence("The file is too large. Choose a shorter period when you download it from the bank."),
    "statement-not-a-statement": sentence(
        "This is no CAMT.053, CAMT.054 or MT940 file. Choose one of these when you download it from the bank, and unpack it if it is a ZIP."
    ),
    "statement-namespace": sentence(
        "This XML is no CAMT.053 or CAMT.054; it says %(value)s. Choose CAMT.053 when you download it from the bank."
    ),
    "statement-document-type": sentence("The file has a document type (DOCTYPE), which no bank writes. Download it from the bank again."),
    "statement-damaged": sentence("The file is damaged: %(value)s. Download it from the bank again."),
    "statement-currency": sentence("Something in the file is in %(value)s. Only accounts and entries in euros can be taken in."),
    "statement-account": sentence(
        "The file is of account %(value)s, which belongs to nobody who sends invoices here. Check the account of the issuer, or take another file."
    ),
    "statement-amount": sentence("An amount on line %(line)s cannot be read: %(value)s. Ask the bank for a file that is right."),
    "statement-day": sentence("A day on line %(line)s cannot be read: %(value)s. Ask the bank for a file that is right."),
    "statement-no-statement": sentence("There is no statement in the file. Choose a period in which something was booked."),
    "unknown-invoice": sentence("There is no invoice %(value)s of this account's issuer."),
    "several-debtors-divided": sentence(
        "These invoices are of several customers. Say behind each number how much of it is for that one (number=amount), together exactly %(amount)s."
    ),
    "nobody-who-owes-here": sentence("No customer with number %(value)s owes this account's issuer anything."),
    "no-customer-of-that-number": sentence("There is no customer with number %(value)s."),
    "payments-divided": sentence("Write an amount behind each key, no more than %(amount)s together; what is left are costs of the bank."),
    "not-under-way": sentence("Nothing of this file is under way under the id %(value)s."),
    "unknown-payment": sentence("There is no payment %(value)s that can be taken back."),
    "money-that-left": sentence("Money that left settles no invoice."),
    "is-there-already": sentence("It stands on the account of %(value)s already: name the customer that it belongs to."),
    "say-why": sentence("Say why, in a few words."),
    "taken-off-this": sentence("The payment is taken off invoice %(value)s: name the one it was for."),
    "nothing-open-of-it": sentence("Nothing of invoice %(value)s is open that is left to settle it with."),
    "in-the-future": sentence("This day is still to come."),
    "agree-first": sentence("Mark that you agree, or leave the page; nothing happens then."),
    "words-changed": sentence("The words have changed; read them again and press once more."),
    "mandate-lapsed": sentence("A mandate that was signed so long ago and never used has ended."),
    "choose-an-invoice": sentence("Mark at least one invoice."),
    "too-many-invoices": sentence("Pay at most %(at_most)s invoices at once."),
    "paid-by-several": sentence("Invoices that are paid together belong to one customer and one sender."),
    "nothing-to-pay": sentence("A credit note is not paid by the customer; leave it out."),
}
