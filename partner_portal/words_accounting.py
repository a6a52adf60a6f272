"""What people read when something of the accounting link is refused."""

from __future__ import annotations

from billing.policy.accounting import CodeMissing
from billing.service.accounting.chosen import PackageUnknown
from billing.service.accounting.connections import ConnectedAlready, ConnectionEnded
from billing.service.accounting.deciding import ConflictSolved, NotToBeDecided
from billing.service.accounting.port import AccountingRefuses, AccountingUnavailable, CredentialRefused
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import Problem
from partner_portal.web.problems import Words

PROBLEMS: dict[type[Problem], Words] = {
    AccountingUnavailable: Words(sentence("The accounting package does not answer"), sentence("It is tried again by itself.")),
    AccountingRefuses: Words(sentence("The accounting package refuses"), sentence("It says: %(detail)s")),
    CredentialRefused: Words(
        sentence("The accounting package does not know us"), sentence("An operator has to replace the secret of the connection.")
    ),
    PackageUnknown: Words(sentence("This package is not known"), sentence("This portal has no link with %(package)s.")),
    ConnectedAlready: Words(
        sentence("There is a connection already"),
        sentence("End the present connection of this issuer first, or choose another name than %(code)s."),
    ),
    ConnectionEnded: Words(sentence("This connection has ended"), sentence("Make a new connection.")),
    ConflictSolved: Words(sentence("Somebody solved it already"), sentence("Look at the list again.")),
    NotToBeDecided: Words(
        sentence("It cannot be solved like that"),
        sentence("Settle it at the package or by hand here, and then leave it as it is with a reason."),
    ),
    CodeMissing: Words(sentence("A code is missing"), sentence("The connection has no code for %(wanted)s.")),
}
FIELDS = {
    "unknown-package": sentence("There is no such package; possible: %(possible)s."),
    "not-a-code-line": sentence("Write one name and its code a line, for example default = 8000; this is none: %(value)s"),
}
