"""What people read when money cannot be booked, paid, collected or given back."""

from __future__ import annotations

from billing.policy.settling import MoreThanLeft, MoreThanOpen
from billing.service.gateways.chosen import NotPayableOnline
from billing.service.gateways.port import GatewayRefuses, GatewayUnavailable
from billing.service.gateways.sandbox import NotOpen
from billing.service.payments import NotADebtorsPayment
from billing.service.paying import NothingOpen
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import Problem
from partner_portal.web.problems import Words

PROBLEMS: dict[type[Problem], Words] = {
    MoreThanOpen: Words(sentence("More than is open"), sentence("No more is settled of a document than is open of it.")),
    MoreThanLeft: Words(sentence("More than there is"), sentence("No more can be used or paid back than is left of the payment.")),
    NotADebtorsPayment: Words(
        sentence("That is somebody else's"),
        sentence("Money of one debtor does not settle what another owes, nor what is owed to another sender."),
    ),
    NotPayableOnline: Words(
        sentence("Not payable online"), sentence("These invoices are paid by transfer: their sender takes no payments online.")
    ),
    NothingOpen: Words(sentence("Nothing is open"), sentence("These invoices are paid already.")),
    GatewayUnavailable: Words(sentence("The payment provider does not answer"), sentence("Please try again in a moment.")),
    GatewayRefuses: Words(sentence("The payment provider refuses"), sentence("Nothing was paid and nothing was paid back.")),
    NotOpen: Words(sentence("This payment is over"), sentence("Go back to the invoice and begin again.")),
}
FIELDS = {
    "choose-an-invoice": sentence("Mark at least one invoice."),
    "too-many-invoices": sentence("Pay at most %(at_most)s invoices at once."),
    "several-debtors": sentence("Invoices that are paid together belong to one customer and one sender."),
    "nothing-to-pay": sentence("A credit note is not paid by the customer; leave it out."),
}
