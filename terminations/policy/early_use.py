"""What a consumer owes for the days a service ran before it withdrew within the cooling-off period, and what else its order gives back.

In proportion to what was delivered, of the whole price agreed (BW 6:230s(4)), and only where it expressly asked for the early start and was told of its
right (6:230s(5)). Whole days count, each by the length of its month; the day of the withdrawal itself does not. What is agreed once for setting up belongs
to the price of the whole term and is spread over it; where no term binds there is nothing to spread it over, and all of it is paid back.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from fractions import Fraction

import msgspec

from billing.policy.charges import PARTS_OF_MONTH, Proration, parts
from partner_portal.kernel.dates import Period
from partner_portal.kernel.money import decimal_text

from .cooling_off import open_for_certain_until, price_of_early_use
from .cost_sheet import CENTS, CostLine, LineCode, Parameters
from .facts import Applied, ServiceFacts

PAYS_LAW, FREE_LAW, REPAYS_LAW = "BW 6:230s(4)", "BW 6:230s(5)", "BW 6:230r"


class WhyFree(StrEnum):
    """Why nothing is owed for days that the service ran; the values are keys of sentences."""

    NOT_ON_RECORD = "ground.early_use.not_on_record"
    NOT_ASKED = "ground.early_use.not_asked"
    NOT_TOLD = "ground.early_use.not_told"
    NOT_DELIVERED = "ground.early_use.not_delivered"


class EarlyUse(msgspec.Struct, frozen=True, kw_only=True):
    """The days a service ran before its contract was withdrawn from, and what they cost: a share of the price agreed for `months`, or of one month's."""

    days: Period
    months: int
    total_cents: int
    share: Fraction
    owed_cents: int
    why_free: WhyFree | None


def early_use(facts: ServiceFacts, declared_on: date) -> EarlyUse | None:
    """Return the days used and their price in cents, as the layer's prices are given; None where the service had not begun on the day before."""
    begun = facts.terms.start if facts.ordered is None else facts.ordered.delivered_from or facts.terms.start
    if declared_on <= begun:
        return None
    days, months = Period(begun, declared_on), facts.terms.minimum_months
    total = facts.fee_cents * months + _set_up(facts) if months else facts.fee_cents
    share = min(Fraction(parts(Proration.CAL, days.start, days.until), PARTS_OF_MONTH * max(months, 1)), Fraction(1))
    why_free = _why_free(facts, declared_on)
    owed = price_of_early_use(
        total,
        share,
        expressly_asked=why_free not in {WhyFree.NOT_ON_RECORD, WhyFree.NOT_ASKED},
        informed=why_free is not WhyFree.NOT_TOLD,
    )
    return EarlyUse(
        days=days,
        months=months,
        total_cents=total,
        share=share,
        owed_cents=0 if why_free is WhyFree.NOT_DELIVERED else owed,
        why_free=why_free,
    )


def _set_up(facts: ServiceFacts) -> int:
    return facts.ordered.setup_cents if facts.ordered else 0


def _why_free(facts: ServiceFacts, declared_on: date) -> WhyFree | None:
    ordered = facts.ordered
    if ordered is None:
        return WhyFree.NOT_ON_RECORD
    if not ordered.asked_early:
        return WhyFree.NOT_ASKED
    # Whoever lets a later withdrawal stand judges that the consumer was never told; then nothing is owed either.
    last = open_for_certain_until(facts.segment, facts.channel, facts.signed_on or facts.terms.start)
    if not ordered.told or last is None or declared_on > last:
        return WhyFree.NOT_TOLD
    return None if ordered.delivered_from else WhyFree.NOT_DELIVERED


def note(used: EarlyUse | None) -> tuple[Applied, ...]:
    """Return why nothing is owed for days that the service ran; nothing where something is, or it did not run."""
    if used is None or used.why_free is None:
        return ()
    return (Applied(used.why_free.value, FREE_LAW, {"from_on": used.days.start.isoformat()}),)


def undone_lines(facts: ServiceFacts, declared_on: date) -> tuple[CostLine, ...]:
    """Return what the sheet of an undone contract has beside the credit of fees: set-up paid back, and the days used."""
    return (*set_up_back(facts), *_used(facts, declared_on))


def set_up_back(facts: ServiceFacts) -> tuple[CostLine, ...]:
    """Return the line that pays back what was billed once for setting the service up; none where nothing of it is left to give back."""
    cents = facts.ordered.setup_billed_cents if facts.ordered else 0
    if cents <= 0:
        return ()
    words = ("line.credit_setup", "formula.whole", REPAYS_LAW)
    return (_line(facts, LineCode.CREDIT_SETUP, Fraction(-cents), -cents, words, {"value_cents": cents}),)


def _used(facts: ServiceFacts, declared_on: date) -> tuple[CostLine, ...]:
    used = early_use(facts, declared_on)
    if used is None or not used.owed_cents:
        return ()
    parameters: Parameters = {
        "days": used.days.days,
        "fee_cents": facts.fee_cents,
        "from_on": used.days.start.isoformat(),
        "last_on": used.days.last_day.isoformat(),
    }
    formula = "formula.days_used"
    if used.months and _set_up(facts):
        parameters |= {"setup_cents": _set_up(facts), "term": used.months}
        formula = "formula.days_used_with_setup"
    one = ".day" if used.days.days == 1 else ""
    return (
        _line(
            facts,
            LineCode.EARLY_USE,
            used.total_cents * used.share,
            used.owed_cents,
            (f"line.early_use{one}", f"{formula}{one}", PAYS_LAW),
            parameters,
        ),
    )


def _line(
    facts: ServiceFacts, code: LineCode, exact: Fraction, cents: int, words: tuple[str, str, str], parameters: Parameters
) -> CostLine:
    rule, formula, law = words
    text = decimal_text(exact.numerator, exact.denominator * CENTS, 6)
    return CostLine(
        code=code,
        service=facts.ref,
        quantity={"days": parameters["days"]} if "days" in parameters else {},
        before_caps=text,
        unrounded=text,
        amount_cents=cents,
        net_cents=cents,
        vat=facts.vat,
        rule=rule,
        formula=formula,
        basis=law,
        parameters=parameters,
    )
