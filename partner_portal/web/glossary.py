"""The words of the trade as the portal explains them to partners and customers, one click away wherever they stand."""

from __future__ import annotations

import msgspec

from partner_portal.infra import templates
from partner_portal.infra.catalogue import sentence


class Word(msgspec.Struct, frozen=True):
    """A word and what it means here; both are source sentences."""

    word: str
    meaning: str


WORDS: dict[str, Word] = {
    "buyout": Word(
        sentence("Buyout"),
        sentence(
            "What is paid for leaving before the contract allows it: a part of the fees up to the end of the term, as the contract says."
        ),
    ),
    "calendar": Word(
        sentence("What-if calendar"),
        sentence(
            "For each possible end date, what is still to be paid in total until the end of the contract: fees, buyout, and what comes back."
        ),
    ),
    "claw-back": Word(
        sentence("Claw-back of a discount"),
        sentence("A discount was given for staying the whole term; who leaves earlier pays back the part that was not earned."),
    ),
    "committed-until": Word(
        sentence("Bound until"), sentence("The day on which the term that runs now is over; ending on or after it costs no buyout.")
    ),
    "consent": Word(
        sentence("The customer's approval"),
        sentence("The customer's own yes, given by a button behind a link in a mail; opening the mail or the link decides nothing."),
    ),
    "cooling-off": Word(
        sentence("Cooling-off period"),
        sentence(
            "Consumers may undo a contract made at a distance within 14 days, without giving a reason. "
            "Who expressly asked for an earlier start pays for the days used."
        ),
    ),
    "counter-proposal": Word(
        sentence("Counter-proposal"),
        sentence("Another sum that whoever pays a buyout proposes; the provider's finance department answers it."),
    ),
    "earliest-end": Word(
        sentence("First free end date"), sentence("The first day on which the service can end without a buyout, if notice is given today.")
    ),
    "end-date": Word(sentence("End date"), sentence("The last day on which the service works; that day is included.")),
    "billing-end": Word(
        sentence("Billing end"),
        sentence(
            "The last day that is charged. It can be later than the end date when somebody stops using a service before the notice is over."
        ),
    ),
    "four-eyes": Word(
        sentence("Four eyes"), sentence("Above a certain sum two people of the provider's finance department must agree to a buyout.")
    ),
    "last-notice-day": Word(
        sentence("Last day to give notice"),
        sentence("Notice received on this day still counts for the end of the running term; a day later the next term begins."),
    ),
    "mandate": Word(
        sentence("Mandate"),
        sentence(
            "You hold the customer's assignment to end the contract, for example in writing. Notice then counts from the day you file it."
        ),
    ),
    "minimum-term": Word(
        sentence("Minimum term"),
        sentence("The period that was agreed at the start and before which the contract cannot end free of charge."),
    ),
    "notice": Word(
        sentence("Notice"), sentence("The message that somebody wants to end a contract, and the day on which it was received.")
    ),
    "notice-period": Word(
        sentence("Notice period"), sentence("How long before the end notice must have been received, for example one month.")
    ),
    "payer": Word(sentence("Who pays"), sentence("The customer, or the partner where the provider sends its invoices to the partner.")),
    "quote": Word(
        sentence("Quote"),
        sentence(
            "The dates and costs as computed and kept. They hold until the day named; if something changes, you hear what, before anything is filed."
        ),
    ),
    "renewal": Word(
        sentence("Renewal"), sentence("What happens after the term if nobody gives notice: a new fixed term, or going on until notice.")
    ),
    "residual-value": Word(
        sentence("Residual value of equipment"),
        sentence("The part of the price of equipment, given with the contract, that has not been paid off yet."),
    ),
    "segment": Word(
        sentence("Kind of customer"),
        sentence(
            "Consumers and small businesses are protected by law, for example by shorter notice; larger businesses follow the contract."
        ),
    ),
    "termination": Word(
        sentence("Termination"), sentence("The whole case of ending one or more services of a customer, from the request to the last day.")
    ),
    "withdrawal": Word(sentence("Withdrawal"), sentence("Taking back a termination before its end date: the services then simply go on.")),
}
"""By a key that stands in templates: `ui.term("buyout")`."""

templates.environment().globals["glossary"] = WORDS.__getitem__
