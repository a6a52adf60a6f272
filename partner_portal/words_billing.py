"""What people read when billing refuses."""

from __future__ import annotations

from billing.policy.crediting import MoreThanCharged, NothingToCredit
from billing.policy.drafting import MixedPrices, NothingToBill
from billing.service.archive import InTheMaking
from billing.service.charges import ChargeBilled, ChargeExists
from billing.service.credit_notes import LaterDaysBilled, NotCreditable
from billing.service.credit_requests import AskerCannotAgree, CreditDecided, CreditDiffers, CreditWaits
from billing.service.indexations import IndexationDiffers
from billing.service.invoice_list import TooManyInvoices
from billing.service.issuers import ProviderSendsInvoices
from billing.service.orders import TermsDiffer
from billing.service.parties import DebtorIncomplete, IssuerUnknown
from billing.service.partner_accounts import BillingDataChanged
from billing.service.pauses import PauseUnderWay
from billing.service.places import PlaceUnknown
from billing.service.prices import BilledAlready, ChangesLater, IndexedOtherwise
from billing.service.runs import RunUnderWay
from billing.service.usage import UsageDiffers
from billing.workflow import IllegalPortStep
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import Problem
from partner_portal.web.problems import Words

PROBLEMS: dict[type[Problem], Words] = {
    MoreThanCharged: Words(
        sentence("That is more than was charged"), sentence("Choose lines, days and amounts that were not credited yet.")
    ),
    NothingToCredit: Words(
        sentence("There is nothing to credit"), sentence("What was chosen was credited before, or nothing was charged.")
    ),
    NotCreditable: Words(sentence("A credit note is not credited"), sentence("Charge again what %(number)s gave back by mistake.")),
    LaterDaysBilled: Words(
        sentence("These days cannot be billed again"),
        sentence("Days after %(since)s are billed still, or the same days toward the other party: credit those first."),
    ),
    CreditWaits: Words(
        sentence("A credit note waits already"),
        sentence("A credit note of %(number)s waits for a second person; decide about that one first."),
    ),
    AskerCannotAgree: Words(
        sentence("Somebody else has to agree"), sentence("You asked for this credit note; another person of finance agrees to it.")
    ),
    CreditDecided: Words(sentence("This was decided before"), sentence("%(by)s decided about this credit note.")),
    CreditDiffers: Words(
        sentence("The sum has changed"), sentence("Something of the invoice was credited since it was asked. Decline it, and ask again.")
    ),
    ChargeExists: Words(sentence("This is charged already"), sentence("There is a charge with the key %(key)s.")),
    ChargeBilled: Words(sentence("This was billed already"), sentence("Credit the invoice on which it stands.")),
    NothingToBill: Words(sentence("There is nothing to bill"), sentence("A document has at least one line.")),
    MixedPrices: Words(
        sentence("These lines do not go together"),
        sentence("Put prices with and without VAT, and amounts outside VAT, on documents of their own."),
    ),
    IssuerUnknown: Words(
        sentence("The sender of the invoice is not complete"),
        sentence("Enter name, address, VAT number, KvK number and IBAN of the issuer first."),
    ),
    TermsDiffer: Words(
        sentence("The terms have changed"),
        sentence("A price or term changed since it was shown: look at the terms again, and let the customer accept them."),
    ),
    BilledAlready: Words(
        sentence("These days have been billed"),
        sentence("Choose a day from %(paid_until)s on, or credit what was billed first."),
    ),
    ChangesLater: Words(sentence("A later price was decided already"), sentence("Choose a day after %(since)s.")),
    IndexationDiffers: Words(
        sentence("The prices have changed"), sentence("Somebody changed an offer since you looked: look again at what it would do.")
    ),
    IndexedOtherwise: Words(
        sentence("The services have changed"), sentence("Since you looked, services or prices changed: look again at what it would do.")
    ),
    PauseUnderWay: Words(sentence("The pause has begun"), sentence("It can be taken back before %(since)s only.")),
    UsageDiffers: Words(
        sentence("This key was used before"), sentence("Other usage was entered under the key %(key)s; give each message a key of its own.")
    ),
    RunUnderWay: Words(sentence("The run is under way"), sentence("Services are being billed at this moment; wait until that is done.")),
    IllegalPortStep: Words(sentence("That is not possible now"), sentence("The number is in state %(state)s; possible: %(possible)s.")),
    InTheMaking: Words(sentence("The document is being made"), sentence("Look again in a minute.")),
    TooManyInvoices: Words(
        sentence("Too many for one file"), sentence("Choose fewer, by customer or by days: a file holds at most %(most)s.")
    ),
    ProviderSendsInvoices: Words(
        sentence("The provider sends your invoices"), sentence("There are no details of your own on the invoices of your customers.")
    ),
    PlaceUnknown: Words(
        sentence("Nobody knows where this consumer is taxed"),
        sentence("Enter what points at its country first: two pieces of evidence must agree."),
    ),
    DebtorIncomplete: Words(sentence("The invoice has no address"), sentence("Enter a billing address of the customer first.")),
    BillingDataChanged: Words(
        sentence("Somebody else changed this meanwhile"),
        sentence("Open the page of %(partner)s again to see what is on record now, and enter what you wanted once more."),
    ),
}
FIELDS = {
    "unknown-line": sentence("The invoice has no line %(value)s."),
    "line-twice": sentence("Name each line once."),
    "not-in-period": sentence("Choose a day on which the line's service was billed."),
    "more-than-charged": sentence("This is more than is left of the line."),
    "more-than-document": sentence("This is more than is left of the invoice."),
    "not-by-hand": sentence("%(value)s is not charged by hand."),
    "key-is-reserved": sentence("Choose another key: this one belongs to a termination."),
    "changes-nothing": sentence("This changes nothing."),
    "not-a-day-ahead": sentence("Choose a day from %(first)s to %(last)s."),
    "nothing-due": sentence("Nothing would be billed on that day: nothing is due by then, or what is due waits for a person."),
    "not-in-the-future": sentence("Choose a day after today."),
    "nothing-used": sentence("Give more than nothing."),
    "too-much": sentence("This amount is too large to be right."),
    "price-missing": sentence("Give the price toward the customer, toward the partner, or both."),
    "has-billing-data": sentence("This customer is in the list already; change it there."),
    "not-a-peppol-scheme": sentence("Choose a scheme of Peppol's list, such as 0106 (KvK) or 0190 (OIN)."),
    "not-a-peppol-address": sentence("This is no address of that scheme: a KvK number has 8 figures, an OIN 20."),
    "not-a-vat-id": sentence(
        "This is no valid VAT number. Begin with the letters of its country, as in NL123456782B90, and check every figure."
    ),
    "not-an-iban": sentence("This is no valid IBAN."),
    "not-on-offer": sentence("%(value)s is not on offer (any more)."),
    "not-for-this-customer": sentence("This offer is for another kind of customer: prices for consumers include VAT, others do not."),
    "no-wholesale-price": sentence("The provider has set no price toward you for this offer."),
    "price-is-fixed": sentence("The price is the provider's; leave it out."),
    "price-needed": sentence("Give the price that your customer pays per month."),
    "too-far-ahead": sentence("Choose a day within a year."),
    "has-no-numbers": sentence("No telephone number goes with this offer."),
    "not-a-number": sentence("%(value)s is no telephone number; write it like 0201234567 or +31201234567."),
    "donor-needed": sentence("Say from which provider the numbers come."),
    "acceptance-needed": sentence("The customer must expressly accept that the present provider may charge for leaving early."),
    "billed-already": sentence("These days have been billed: choose a later day, or credit them first."),
    "nothing-paused": sentence("Choose a day after the first day of the pause."),
    "after-the-end": sentence("The service ends before that day."),
    "paused-already": sentence("It is paused on some of these days already."),
    "paused-too-long": sentence("The offer allows %(months)s months of pause a year, all pauses together."),
    "percentage-or-index": sentence("Give a percentage, or both figures of the index."),
    "not-an-index": sentence("Figures of an index are above zero."),
    "too-soon": sentence("Partners are told at least %(days)s days ahead: choose a later day."),
    "nothing-to-index": sentence("There is nothing to index: every offer has a later price already, or none is on sale then."),
    "not-a-bic": sentence("This is no valid BIC."),
}
