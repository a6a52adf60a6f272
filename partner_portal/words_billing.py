"""What people read when billing refuses."""

from __future__ import annotations

from billing.policy.drafting import MixedPrices, NothingToBill
from billing.service.parties import DebtorIncomplete, IssuerUnknown
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import Problem
from partner_portal.web.problems import Words

PROBLEMS: dict[type[Problem], Words] = {
    NothingToBill: Words(sentence("There is nothing to bill"), sentence("A document has at least one line.")),
    MixedPrices: Words(
        sentence("These lines do not go together"),
        sentence("Put prices with and without VAT, and amounts outside VAT, on documents of their own."),
    ),
    IssuerUnknown: Words(
        sentence("The sender of the invoice is not complete"),
        sentence("Enter name, address, VAT number, KvK number and IBAN of the issuer first."),
    ),
    DebtorIncomplete: Words(sentence("The invoice has no address"), sentence("Enter a billing address of the customer first.")),
}
FIELDS = {
    "not-a-vat-id": sentence("This is no valid VAT number."),
    "not-an-iban": sentence("This is no valid IBAN."),
    "not-a-bic": sentence("This is no valid BIC."),
}
