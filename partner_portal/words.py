"""What people read when a domain refuses: a title, and what to do about it."""

from __future__ import annotations

from billing.policy.terms import RenewalHasNoLength
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.mail import RepeatedEnough
from partner_portal.infra.spreadsheet import ImportRefused
from partner_portal.infra.step_up import PasswordNeeded
from partner_portal.overview.service.customers import TooManyToExport
from partner_portal.web import problems
from partner_portal.web.problems import Words
from tenants.service.contacts import ContactEnded, MainUserStays, TooManyContacts
from tenants.service.forgotten import PasswordLinkNotOpen
from tenants.service.invitations import InvitationNotOpen, WrongPassword
from tenants.service.keys import KeyMadeBefore
from tenants.service.members import AccountClosed, HasAccount, LastOwner
from tenants.service.sign_in import ChooseAccount, SignInFailed
from tenants.service.webhooks.deliveries import EndpointIsOff
from tenants.service.webhooks.endpoints import TooManyEndpoints, TooManySecrets
from terminations.service.buyouts import PayerDecides, SecondPersonNeeded
from terminations.service.case_list import TooManyCases
from terminations.service.cases import EndsInThePast, QuoteOutdated, QuoteUsed, ServiceAlreadyEnding
from terminations.service.deadlines import TooManyDeadlines
from terminations.service.drafts import DraftChanged, DraftFiled, NotAnswered
from terminations.service.earlier import NothingEarlier
from terminations.service.notices import DealtWithBefore, NothingToAnswer
from terminations.service.options import ProposalChanged
from terminations.service.own_ends import CoolingOffOver, OfferChanged
from terminations.service.quotes import DifferentCustomers, NothingToEnd, NoWholesalePrice, QuoteExpired
from terminations.service.scheduling import WithdrawalNotAsked
from terminations.service.sending import MayNotSign, NobodyToAsk
from terminations.service.steps import TooLate
from terminations.workflow import IllegalStep

from . import words_accounting, words_billing, words_payments, words_reminding

PROBLEMS = {
    SignInFailed: Words(sentence("Signing in failed"), sentence("E-mail and password do not belong together.")),
    ChooseAccount: Words(
        sentence("Choose an account"),
        sentence("This address has several accounts; send the request again with one of those in `accounts`."),
    ),
    PasswordNeeded: Words(
        sentence("Give your password again first"),
        sentence("This is asked before bank accounts change, so that nobody else does it in your name."),
    ),
    WrongPassword: Words(sentence("Signing in failed"), sentence("This address has a password already, and this is another.")),
    InvitationNotOpen: Words(
        sentence("The invitation cannot be used"), sentence("It was used, replaced or has expired; ask whoever invited you for a new one.")
    ),
    PasswordLinkNotOpen: Words(
        sentence("The link cannot be used any more"), sentence("It works once, within an hour. Ask for a new one on the sign-in page.")
    ),
    LastOwner: Words(sentence("The last owner stays"), sentence("Nobody else could manage the users: make somebody else an owner first.")),
    HasAccount: Words(sentence("There is an account already"), sentence("%(name)s has taken the invitation and can sign in.")),
    AccountClosed: Words(sentence("The account is closed"), sentence("Open the account of %(name)s again first.")),
    MainUserStays: Words(
        sentence("The main user stays"),
        sentence("A customer always has a main user: make somebody else the main user before %(name)s goes."),
    ),
    ContactEnded: Words(
        sentence("The access has an end"), sentence("The access of %(name)s has ended or is going to; take that back first.")
    ),
    TooManyContacts: Words(sentence("Too many contacts"), sentence("A customer has at most %(most)s contacts.")),
    ImportRefused: Words(sentence("Nothing was imported"), sentence("Correct the cells named below and send the file again.")),
    RenewalHasNoLength: Words(sentence("The renewal has no length"), sentence("Say for how many months the contract renews.")),
    DifferentCustomers: Words(
        sentence("Services of different customers"), sentence("One case ends services of one customer; make a case for each.")
    ),
    NothingToEnd: Words(sentence("The service has ended"), sentence("Choose services that are still running.")),
    NoWholesalePrice: Words(
        sentence("The wholesale price is not known"),
        sentence("The provider has yet to set what it charges you for %(services)s; until then no cost can be given."),
    ),
    QuoteExpired: Words(sentence("The quote has expired"), sentence("It was valid until %(valid_until)s; make a new quote.")),
    QuoteUsed: Words(
        sentence("The quote was used before"), sentence("A case was filed on quote %(quote)s; make a new quote for another one.")
    ),
    QuoteOutdated: Words(
        sentence("The quote is out of date"), sentence("What quote %(quote)s rested on has changed, see `changed`; make a new quote.")
    ),
    ServiceAlreadyEnding: Words(
        sentence("The service is ending already"),
        sentence("Another open case holds %(service)s; withdraw that one first, or leave the service out."),
    ),
    TooManyDeadlines: Words(
        sentence("Too many for one file"), sentence("One file holds at most %(most)s services. Narrow the list first.")
    ),
    TooManyToExport: Words(
        sentence("Too many customers for one file"),
        sentence("A file holds at most %(most)s customers; narrow the filter and take the rest along in another file."),
    ),
    EndsInThePast: Words(sentence("That day has passed"), sentence("%(service)s would have ended on %(ends_on)s; ask for a later day.")),
    DraftChanged: Words(sentence("The draft was changed meanwhile"), sentence("Open it again and go on with the newest answers.")),
    DraftFiled: Words(sentence("The draft was filed"), sentence("A case came of it; see there how it stands.")),
    NotAnswered: Words(sentence("A question is still open"), sentence("Answer it first; then the termination can be filed.")),
    NobodyToAsk: Words(
        sentence("There is nobody to ask"),
        sentence("Customer %(customer)s has no main contact with an e-mail address, so nobody could confirm; enter one first."),
    ),
    MayNotSign: Words(
        sentence("That contact may not sign"),
        sentence("It has no right to sign for the customer, or no longer: choose another contact."),
    ),
    DealtWithBefore: Words(
        sentence("This notice was dealt with before"),
        sentence("Somebody, or the portal itself, was a moment earlier: look at how it stands now."),
    ),
    NothingToAnswer: Words(
        sentence("The sender gave no address"),
        sentence("No mail can be sent; note how the sender was answered instead, for example by phone."),
    ),
    TooLate: Words(sentence("The time to answer has passed"), sentence("It ended at %(until)s; the termination can be filed again.")),
    IllegalStep: Words(
        sentence("This step is not possible now"),
        sentence("The case is in state %(state)s; `legal` names what can happen, and somebody may just have decided."),
    ),
    PayerDecides: Words(sentence("Only the payer answers"), sentence("The %(payer)s pays this buyout and has the proposal in its mail.")),
    SecondPersonNeeded: Words(
        sentence("A second person must agree"), sentence("You agreed already. Above the limit two different people of finance decide.")
    ),
    ProposalChanged: Words(
        sentence("The proposal has changed"), sentence("The sum is no longer the one you read. Read the proposal again and answer then.")
    ),
    RepeatedEnough: Words(
        sentence("Sent often enough"), sentence("This mail was sent again %(times)s times. Check the address, or call instead.")
    ),
    TooManyCases: Words(
        sentence("Too many terminations for one file"),
        sentence("A file holds at most %(most)s; narrow the filter down, by the last day for example."),
    ),
    OfferChanged: Words(
        sentence("Dates or costs have changed"),
        sentence("Since you opened the page dates or costs have become others. Please look at them again."),
    ),
    CoolingOffOver: Words(
        sentence("The days to withdraw are over"),
        sentence("The days to withdraw from the contract without a reason are over; you can end it by notice."),
    ),
    NothingEarlier: Words(sentence("There is no earlier day"), sentence("Termination %(number)s ends on the day that was wished.")),
    WithdrawalNotAsked: Words(
        sentence("Nobody asks to withdraw this case"), sentence("It may have been answered already, or the request has lapsed.")
    ),
    KeyMadeBefore: Words(
        sentence("This key was made before"),
        sentence("Its secret was shown then, and is shown once only. If it was lost, revoke the key and make another."),
    ),
    TooManyEndpoints: Words(
        sentence("There are enough webhook endpoints"), sentence("A partner has at most %(most)s; remove one that is no longer used.")
    ),
    TooManySecrets: Words(
        sentence("There are enough new secrets"),
        sentence("Earlier secrets still sign, the first until %(until)s. Use the newest one, or end the earlier ones at once."),
    ),
    EndpointIsOff: Words(
        sentence("The endpoint is switched off"), sentence("Switch it on first, then send again what it has missed since %(since)s.")
    ),
}
FIELDS = {
    "taken": sentence("This is in use already."),
    "no-address": sentence("No mail can be sent to this address: write it as name@example.com."),
    "no-day-ahead": sentence("Give a day from today on, within ten years, for example 31-12-2027."),
    "no-day": sentence("Write the day as 31-12-2027."),
    "name-missing": sentence("Give your name, or that of your organisation."),
    "contract-missing": sentence("Say which contract you mean."),
    "email-missing": sentence("Give the e-mail address to which the confirmation is to go."),
    "reason-missing": sentence("Give your reason, or choose an ordinary notice."),
    "empty-answer": sentence("Write what the sender is to read."),
    "no-such-service": sentence("No service has the number %(value)s."),
    "several-services": sentence("Several services have the number %(value)s."),
    "empty": sentence("Give at least one."),
    "twice": sentence("The same one stands here twice."),
    "one-customer": sentence("These belong to different customers."),
    "choose-a-reason": sentence("Choose why the customers leave."),
    "choose-from-when": sentence("Choose from when the notice counts."),
    "too-many-services": sentence("At most %(most)s services can be ended in one go."),
    "in-the-past": sentence("This day has passed."),
    "reason-needed": sentence("Give a reason; the partner and the customer read it."),
    "amount-needed": sentence("Give the new amount in euros, for example 350,00."),
    "amount-only-when-adjusting": sentence("An amount is given only when you adjust."),
    "choose-one": sentence("Choose one of these."),
    "choose-a-service": sentence("Choose at least one service."),
    "service-cannot-end": sentence("One of these services cannot be chosen (any more): it ends already, or has no price."),
    "choose-when": sentence("Choose when it must end."),
    "day-needed": sentence("Type the last day, for example 31-12-2026."),
    "not-a-day": sentence("This is no day. Type it as 31-12-2026."),
    "day-has-passed": sentence("This day has passed. The first possible day is %(first)s."),
    "day-too-far": sentence("Choose a day up to and including %(last)s."),
    "day-within-term": sentence(
        "The contract then runs for another term, so it cannot end on this day. Possible are %(before)s and %(after)s."
    ),
    "costs-differ": sentence("The costs were computed anew since you opened this page. Please look at them again."),
    "not-of-the-service": sentence("This service has no such thing."),
    "only-for-data": sentence("Only an export of data has such a day."),
    "not-kept-then": sentence("Choose a day from %(first)s to %(last)s."),
    "not-a-counter-proposal": sentence("Propose another amount than the one on the table, zero or more."),
    "not-offered": sentence("This page does not offer that choice."),
    "password-length": sentence("A password has %(at_least)s to %(at_most)s characters."),
    "has-password": sentence("This person has a password of its own already; leave this empty and an invitation is mailed."),
    "wrong-password": sentence("This is not your password."),
    "last-owner": sentence("Nobody else could manage the users: make somebody else an owner first."),
    "needs-renewal-months": sentence("A renewal for a fixed time needs its number of months."),
    "needs-an-end": sentence("A contract that does not go on indefinitely needs a minimum term or an end date."),
    "before-start": sentence("This lies before the start."),
    "needs-months": sentence("An amount needs the number of months it is spread over."),
    "after-paid-until": sentence("This lies after the first day not paid."),
    "unknown-product": sentence("There is no such product."),
    "unknown-buyout-rule": sentence("There is no such buyout rule."),
    "no-such-location": sentence("The customer has no address of this kind."),
    "unknown-customer": sentence("The partner has no customer with this number."),
    "set-by-provider": sentence("The wholesale price is set by the provider."),
    "not-an-address": sentence("Give a whole address, for example https://hooks.example.com/portal."),
    "not-https": sentence("The address must begin with https://."),
    "credentials-in-address": sentence("Leave name and password out of the address: the signature shows that a webhook is ours."),
    "port-not-allowed": sentence("Use the usual port of https, without a number, or 8443."),
    "private-network": sentence("This address lies in a private network, which cannot be reached from here."),
    "not-valid": sentence("This is not valid."),
    "unknown-column": sentence("There is no such column."),
    "column-twice": sentence("This column stands here twice."),
    "no-heading": sentence("The first row must name the columns."),
    "too-many-cells": sentence("This row has more cells than the heading."),
    "too-many-rows": sentence("An import has at most %(most)s rows; split the file."),
    "in-use": sentence("A service stands at this address; give the service another address first."),
    "name-form": sentence("Give a name, not only spaces."),
    "email-form": sentence("This is no e-mail address; it looks like name@example.com."),
    "colour-form": sentence("Write the colour as # and six digits or letters from a to f, for example #1f4e79."),
    "website-form": sentence("Write the whole address, for example https://www.example.com."),
    "changed-meanwhile": sentence("Somebody changed this meanwhile: look again, then choose once more."),
    "enough-secrets": sentence("Enough new secrets were made for today: use the newest one, or end the earlier ones at once."),
    "no-kind": sentence("Mark at least one kind of event, or choose everything."),
    "no-file": sentence("Choose a file first."),
    "not-a-picture": sentence("This file is no picture that can be read: send a PNG, JPEG or WebP."),
    "picture-too-large": sentence("This picture is too large: at most 2 MB and 16 million pixels."),
    "picture-too-small": sentence("This picture is too small: at least 16 by 16 pixels."),
    "phone-form": sentence("This is no telephone number; write it like +31612345678 or 0612345678."),
    "number-form": sentence("A number has letters, figures, spaces, dots, dashes and slashes only, for example K-1024."),
    "chamber-form": sentence("A chamber of commerce number has eight figures, for example 12345678."),
    "not-csv": sentence("This row is no CSV: a quote is not closed."),
}


def explain() -> None:
    """The answers of the portal say these words."""
    problems.explain(PROBLEMS)
    problems.explain_fields(FIELDS)
    for part in (words_accounting, words_billing, words_payments, words_reminding):
        problems.explain(part.PROBLEMS)
        problems.explain_fields(part.FIELDS)
