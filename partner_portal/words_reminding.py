"""What people read when reminders, holds and plans are refused, and when a list is too long for a file."""

from __future__ import annotations

from billing.service.open_items import TooManyOpenItems
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import Problem
from partner_portal.web.problems import Words

PROBLEMS: dict[type[Problem], Words] = {
    TooManyOpenItems: Words(
        sentence("Too many for one file"), sentence("Choose an age or a customer: a file holds at most %(most)s items.")
    ),
}
FIELDS = {
    "not-after-the-first": sentence("The second reminder comes after the first: give more days."),
    "not-after-the-second": sentence("The third reminder comes after the second: give more days."),
    "hold-day-past": sentence("Choose a day after today."),
    "already-paid": sentence("One of these invoices is paid already."),
    "several-debtors": sentence("A plan is with one debtor: leave out the invoices of others."),
    "days-in-order": sentence("Each instalment comes after the one before, the first after today."),
    "instalments-sum": sentence("The instalments do not add up to what is open."),
}
