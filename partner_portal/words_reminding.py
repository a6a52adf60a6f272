"""What people read when reminders, holds and plans are refused, and when a list is too long for a file."""

from __future__ import annotations

from billing.service.agreements import ProviderDecides, StaffPlaced
from billing.service.late import NoLongerCharged, NothingToWaive
from billing.service.late_rest import NothingRanOn
from billing.service.open_items import TooManyOpenItems
from billing.service.write_offs import NothingToWriteOff, NotWrittenOff, ProposerCannotAgree, WriteOffDecided, WriteOffWaits
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import Problem
from partner_portal.web.problems import Words

PROBLEMS: dict[type[Problem], Words] = {
    TooManyOpenItems: Words(
        sentence("Too many for one file"), sentence("Choose an age or a customer: a file holds at most %(most)s items.")
    ),
    ProviderDecides: Words(
        sentence("The provider decides about this"),
        sentence("Ask the provider to wait, or to agree on a payment plan: it is to get the money."),
    ),
    StaffPlaced: Words(sentence("The provider has placed this hold"), sentence("Ask the provider to lift it.")),
    NothingToWaive: Words(
        sentence("There is nothing to let go"), sentence("Interest and costs of this invoice were let go before, or it never bears any.")
    ),
    NoLongerCharged: Words(
        sentence("Nothing is charged for this invoice any more"),
        sentence("It is paid or credited, so no interest and costs will come, and none of it is still owed that was charged."),
    ),
    NothingRanOn: Words(
        sentence("There is no interest left to charge"),
        sentence("Nothing was charged for this invoice before, it was let go or waits, or no rate of the days that are left is known."),
    ),
    NothingToWriteOff: Words(sentence("There is nothing to write off"), sentence("Nothing of this document is open.")),
    NotWrittenOff: Words(sentence("This is not written off"), sentence("Nothing of this document was given up, or it was paid since.")),
    WriteOffWaits: Words(
        sentence("This waits already"), sentence("Writing off %(number)s was proposed; a second person decides about it.")
    ),
    WriteOffDecided: Words(sentence("Somebody decided already"), sentence("Look at the list again.")),
    ProposerCannotAgree: Words(sentence("Somebody else has to agree"), sentence("Above the limit two people of finance are needed.")),
}
FIELDS = {
    "not-after-the-first": sentence("The second reminder comes after the first: give more days."),
    "not-after-the-second": sentence("The third reminder comes after the second: give more days."),
    "hold-day-past": sentence("Choose a day after today."),
    "hold-too-long": sentence("Choose a day within %(days)s days; lengthen it then if need be."),
    "already-paid": sentence("One of these invoices is paid already."),
    "several-debtors": sentence("A plan is with one debtor: leave out the invoices of others."),
    "days-in-order": sentence("Each instalment comes after the one before, the first after today."),
    "instalments-sum": sentence("The instalments do not add up to what is open: %(owed)s."),
    "no-document-or-customer": sentence("There is no invoice and no customer with number %(value)s."),
    "not-days-of-a-product": sentence(
        "Line %(line)s is not a product with its days: write its code, a colon and a number, or a dash for never."
    ),
    "not-a-half-year": sentence("A rate begins on 1 January or 1 July, from 2016 on."),
    "half-year-before-it": sentence("Enter the rate from %(value)s first: no half-year is left out."),
    "not-a-percentage": sentence("Write a percentage below a hundred with at most two decimals, for example 10,40."),
    "no-such-document": sentence("There is no document %(value)s."),
    "in-a-plan": sentence("One of these invoices is in a payment plan already; withdraw that one first."),
    "not-an-instalment": sentence(
        "Line %(line)s is no instalment: write a day and an amount, for example 31-12-2026 150,00 (at most %(most)s lines)."
    ),
}
