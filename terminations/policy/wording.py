"""The sentence behind every key the rules return: English source text, with the facts it names in braces.

Catalogues translate these; nothing here is shown as it stands. A fact's name says how to write it: `*_cents` as an amount
of money, `*_on` as a day, `percentage` and `*_percentage` as a number with its decimals, anything else as it is. `key.one` is said instead of `key`
where there is one month.
"""

from __future__ import annotations

from collections.abc import Mapping


def N_(message: str) -> str:  # noqa: N802 - the name gettext tools look for
    """Mark a sentence for the catalogues and return it unchanged."""
    return message


WORDING: Mapping[str, str] = {
    "P1": N_("The contract may not be renewed for a new fixed term. You can end it at any time, with at most {months} month's notice."),
    "P2": N_("After {months} months you can leave with one month's notice, although the contract names a longer term."),
    "P3": N_("The notice period in the contract is too long for a consumer, or longer than ours. The shorter period applies."),
    "P4": N_("A contract concluded online can be ended online."),
    "P5": N_("A telecom contract binds a consumer for at most {months} months, counted from its signing on {signed_on}."),
    "P6": N_(
        "A telecom contract binds a small business for at most {months} months from its signing on {signed_on}, unless it waived this in writing."
    ),
    "P7": N_(
        "From {renewed_on} the telecom contract runs on without a fixed term. You can end it at any time, free of charge, on at most {months} month(s) notice."
    ),
    "P8": N_("You asked in writing for a longer notice period. It is limited to {months} months."),
    "P9": N_(
        "Before {term_ends_on} the customer must be told of the end date, how to terminate and the best tariff: at the latest on {inform_on}."
    ),
    "P10": N_("All parts of a bundle follow the strictest part: nothing in it binds after {last_on}."),
    "P11": N_("Domain names of consumers are treated as covered by consumer law: unused months are repaid."),
    "P12": N_("A small business acting outside its own trade may invoke consumer protection. A person should look at this."),
    "P14": N_("A consumer may end this service early without damages. No buyout is charged, unless a person decides otherwise."),
    "P15": N_("Since {since_on} a cloud service can be left with at most {months} months' notice."),
    "cooling_off": N_("Within the cooling-off period: up to and including {last_on} the contract can be withdrawn from without a reason."),
    "ground.change": N_("The contract is changed against your interest: it can end free of charge, up to the day of the change."),
    "ground.price_3m": N_("The price rises within three months of signing: a consumer can end the contract free of charge."),
    "ground.non_conformity": N_("The service falls short in a way that is not minor: the contract can end free of charge."),
    "ground.force_majeure": N_("The service fails through no one's fault: the contract can end free of charge, without damages."),
    "ground.unforeseen": N_("Unforeseen circumstances: only a court can change or end the contract. The ordinary dates apply meanwhile."),
    "ground.relocation": N_("You are moving and the service cannot move along: the price for leaving because of a move applies."),
    "ground.death": N_("The contract holder has died: the heirs can end the contract on any day, free of charge."),
    "ground.bankruptcy": N_("A bankruptcy ends no contract by itself: the trustee is asked whether it will be performed."),
    "ground.port_out": N_("The request to port the number counts as notice. The service ends on the day of porting."),
    "ground.non_payment": N_("Ending for non-payment requires reminders and a notice of default first."),
    "ground.cooling_off": N_(
        "Within the cooling-off period the contract is undone: all that was paid is paid back by {refund_on} at the latest, goods are sent back by {return_on}."
    ),
    "ground.cooling_off_used": N_(
        "Within the cooling-off period the contract is undone: what was paid is paid back by {refund_on} at the latest, less the price of the days"
        " used at the customer's express wish; goods are sent back by {return_on}."
    ),
    "ground.early_use.not_on_record": N_(
        "Nothing is owed for the days that the service ran since {from_on}: no express wish to let it begin within the cooling-off period is on record."
    ),
    "ground.early_use.not_asked": N_(
        "Nothing is owed for the days that the service ran since {from_on}: the customer did not expressly ask for it to begin within the cooling-off period."
    ),
    "ground.early_use.not_told": N_(
        "Nothing is owed for the days that the service ran since {from_on}: it is not on record that the customer was told"
        " of its right, and of what early use costs, when it ordered."
    ),
    "ground.early_use.not_delivered": N_(
        "Nothing is owed for the days since {from_on}: the numbers that come along from another provider had not come."
    ),
    "ground.consumers_only": N_("This ground is for consumers only. The ordinary dates apply."),
    "ground.telecom_only": N_("This ground is for telecom services only. The ordinary dates apply."),
    "ground.no_date": N_("The day of the announcement or of its effect is missing. Until it is known, the ordinary dates apply."),
    "ground.too_late": N_("The time to use this ground has passed. The ordinary dates apply."),
    "ground.needs_person": N_("A person decides on this ground."),
    "evidence.change_notice": N_("Still needed: the announcement of the change."),
    "evidence.default_notice": N_("Still needed: the notice of default with a reasonable term."),
    "evidence.outage_record": N_("Still needed: the record of the failure."),
    "evidence.new_address": N_("Still needed: proof of the new address."),
    "evidence.death_certificate": N_("Still needed: the death certificate."),
    "evidence.curator_letter": N_("Still needed: the letter to the trustee and the answer."),
    "evidence.port_mandate": N_("Still needed: the mandate in which the customer accepts a possible buyout."),
    "cap.undone": N_("The contract is undone within the cooling-off period: leaving costs nothing."),
    "cap.consumer_zero": N_("The law lets a consumer leave this service without paying for leaving: those costs are nil."),
    "cap.exit_right": N_("You leave on a statutory right: only retained equipment is charged, never more than the fees that remained."),
    "cap.whole_contract": N_("Leaving never costs more than the fees up to the end of the contract: the costs were lowered to that."),
    "line.buyout.started_months": N_("Buyout of the remaining months; a month begun counts whole"),
    "line.buyout.months_and_days": N_("Buyout of the remaining whole months and days"),
    "line.buyout.calendar_days": N_("Buyout of the remaining days, each by the length of its month"),
    "line.clawback.pro_rata": N_("Discount claimed back for the months not completed"),
    "line.clawback.full": N_("Discount claimed back, because its term was not completed"),
    "line.residual.months": N_("Residual value of the equipment, by months"),
    "line.residual.days": N_("Residual value of the equipment, by days"),
    "line.handling": N_("Handling fee for leaving early"),
    "line.usage": N_("Use up to and including the last day"),
    "line.credit.calendar_days": N_("Repaid: {from_on} to {last_on}, each day by the length of its month"),
    "line.credit.year_days": N_("Repaid: {from_on} to {last_on}, by days of a 365-day year"),
    "line.credit.commercial_days": N_("Repaid: {from_on} to {last_on}, by months of 30 days"),
    "line.credit.months": N_("Repaid: the whole months paid in advance that begin after the last day"),
    "line.credit_setup": N_("Paid back: what was billed once for setting up, because the contract is undone"),
    "line.early_use": N_(
        "Used at the customer's express wish, from {from_on} to {last_on}: their share of the whole price agreed. The day of the withdrawal does not count."
    ),
    "line.early_use.day": N_(
        "Used at the customer's express wish on {from_on}: its share of the whole price agreed. The day of the withdrawal does not count."
    ),
    "line.fees": N_("Ordinary fees from {from_on} to {last_on}"),
    "formula.months": N_("{months} months x {fee_cents} x {percentage} %"),
    "formula.months.one": N_("{months} month x {fee_cents} x {percentage} %"),
    "formula.months_and_days": N_("({months} months + {days}/{of} month) x {fee_cents} x {percentage} %"),
    "formula.calendar_days": N_("{days} days x {fee_cents} per month x {percentage} %"),
    "formula.months_less_avoided": N_("{months} months x {fee_cents} x {percentage} %, less {avoided_percentage} % costs avoided"),
    "formula.months_less_avoided.one": N_("{months} month x {fee_cents} x {percentage} %, less {avoided_percentage} % costs avoided"),
    "formula.months_and_days_less_avoided": N_(
        "({months} months + {days}/{of} month) x {fee_cents} x {percentage} %, less {avoided_percentage} % costs avoided"
    ),
    "formula.calendar_days_less_avoided": N_(
        "{days} days x {fee_cents} per month x {percentage} %, less {avoided_percentage} % costs avoided"
    ),
    "formula.share": N_("{remaining}/{total} x {value_cents}"),
    "formula.whole": N_("{value_cents}"),
    "formula.calendar_days_returned": N_("{days} days x {fee_cents} per month"),
    "formula.year_days_returned": N_("{days} days x 12 x {fee_cents} / 365"),
    "formula.commercial_days_returned": N_("{days} days of 30-day months x {fee_cents} / 30"),
    "formula.months_returned": N_("{months} months x {fee_cents}"),
    "formula.months_returned.one": N_("{months} month x {fee_cents}"),
    "formula.days_used": N_("{days} days x {fee_cents} per month"),
    "formula.days_used.day": N_("{days} day x {fee_cents} per month"),
    "formula.days_used_with_setup": N_("{days} days x ({fee_cents} + {setup_cents} / {term} months) per month"),
    "formula.days_used_with_setup.day": N_("{days} day x ({fee_cents} + {setup_cents} / {term} months) per month"),
    "formula.period": N_("{days} days x {fee_cents} per month"),
    "saving": N_("Waiting {wait_days} days, until {day_on}, saves {saves_cents}."),
}
