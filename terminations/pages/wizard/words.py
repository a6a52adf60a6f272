"""What each question shows: the words and amounts that its template asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from litestar import Request

from billing.policy.ledger import Layer
from partner_portal.infra import catalogue, clock, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.money import Money
from partner_portal.web.forms import Typed
from tenants.service import contacts

from ...policy.afterwards import Thing, kept_until
from ...service import bills, cases, choices, drafts, explain
from ...service.choices import Choice, Look, Way, When
from ...service.drafts import Draft
from ...service.quotes import Shown
from ..calendars import Marks, calendar_words
from .answers import MAIN, Confirms, choice_unmoved, unmoved
from .steps import Left, Step, View

Words = dict[str, Any]


class WayWords(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to "when?": its last days, and what it costs with VAT toward the customer; `partner_pays` is what the provider charges the partner."""

    when: When
    first: date
    last: date
    final: Money
    to_pay: Money
    partner_pays: Money | None
    needs_finance: bool


class LeftWords(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a service leaves behind, until when it can be taken along, and its field."""

    left: Left
    kept_until: date


class Confirming(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to "who confirms?": until when the customer can say yes, and the end and costs that go with it."""

    value: Confirms
    answer_by: date
    first: date
    last: date
    to_pay: Money
    promise: str


def way_words(way: Way) -> WayWords:
    """The way with its price."""
    bill, partner = way.preview.bill, way.shown.previews.get(Layer.PARTNER)
    first, last = way.ends
    return WayWords(
        when=way.choice.when,
        first=first,
        last=last,
        final=Money(bill.total_cents),
        to_pay=Money(bill.total_to_pay_cents),
        partner_pays=Money(partner.bill.total_cents) if partner else None,
        needs_finance=cases.needs_finance(way.preview),
    )


def looked(look: Look, request: Request[Any, Any, Any], language: str) -> Words:
    """The ways, the calendar and the bill of one look; the address may unfold a month of the table."""
    calendar = look.shown.calendar
    assert calendar is not None  # noqa: S101  # a look has one
    chosen = look.chosen
    first, last = chosen.ends
    marks = Marks(
        chosen=chosen.choice.wished_on or (last if first == last else None),
        free=[(service.name, service.ending.ends_on) for service in look.free.preview.services],
        month=request.query_params.get("month", ""),
    )
    return {
        "free": way_words(look.free),
        "early": way_words(look.early) if look.early else None,
        "chosen": way_words(chosen),
        "calendar": calendar_words(calendar, look.points, marks, language),
        "bills": bills.bills(chosen.shown, language),
        "today": clock.today(),
        "horizon": calendar.rows[-1].day,
        "services": chosen.preview.services,
        "terms": look.free.preview.services,
        "typed": _when_typed(look),
        "is_part": "hx-request" in request.headers,
    }


async def when(view: View, request: Request[Any, Any, Any], language: str) -> Words:
    """When the services are to end."""
    assert view.look is not None  # noqa: S101  # this page shows the calendar
    return looked(view.look, request, language)


def _when_typed(look: Look) -> Typed:
    """The fields of this question, as answered or tried."""
    choice = look.chosen.choice
    early = look.early.choice.wished_on if look.early else None
    return Typed.of({"when": choice.when, "wished_on": choice.wished_on if choice.when is When.DATE else None, "early_on": early})


async def afterwards(view: View, _request: Request[Any, Any, Any], _language: str) -> Words:
    """What becomes of numbers, domain names and data."""
    ends = {service.ref: service.ending.ends_on for service in view.shown.previews[Layer.CUSTOMER].services}
    left = [LeftWords(left=left, kept_until=kept_until(left.thing, ends[str(left.service)])) for left in view.left]
    return {"left": left, "typed": _afterwards_typed(view)}


def _afterwards_typed(view: View) -> Typed:
    """The fields of this question; undecided where nothing was said."""
    plans: dict[str, object] = {left.field: left.plan for left in view.left}
    days = {f"until-{left.service}": left.wish.until for left in view.left if left.wish and left.thing is Thing.DATA}
    return Typed.of(plans | days)


async def costs(view: View, request: Request[Any, Any, Any], language: str) -> Words:
    """Every line with its reason, per price layer; and what changed, where the costs were seen before as something else."""
    assert view.look is not None  # noqa: S101  # this page shows the calendar
    was_seen = view.answers.seen
    changed = drafts.changes(was_seen, view.shown) if was_seen and Step.COSTS not in view.answered else []
    return looked(view.look, request, language) | {
        "promise": drafts.seen(view.shown).promise,
        "changed": list(dict.fromkeys(_change(change, view.shown, language) for change in changed)),
        "payer": view.shown.parties.payer_layer,
    }


_CHANGED = {
    "monthly_fee_cents": sentence("%(service)s: the fee is now %(now)s a month."),
    "paid_until": sentence("%(service)s: it has been billed up to another day."),
    "buyout": sentence("%(service)s: the rule for a buyout is another."),
    "discount": sentence("%(service)s: the discount is another."),
    "equipment": sentence("%(service)s: the equipment is another."),
    "usage_cents": sentence("%(service)s: there is other use to bill."),
}
_TERMS = sentence("%(service)s: the terms of the contract are others.")


def _change(change: Mapping[str, Any], shown: Shown, language: str) -> str:
    """One changed input as a person would say it."""
    of, _, rest = str(change["input"]).partition(".")
    if of != "services":
        return catalogue.text("Notice would now be received on another day than when you looked.", language)
    ref, _, name = rest.partition(".")
    labels = {str(row["id"]): row["label"] for row in shown.rows}
    now = Money(change["now"]) if name.endswith("_cents") and change["now"] is not None else ""
    return catalogue.text(_CHANGED.get(name.partition(".")[0], _TERMS), language, service=labels.get(ref, ""), now=now)


async def reason(view: View, _request: Request[Any, Any, Any], language: str) -> Words:
    """Why the customer leaves."""
    typed = Typed.of({"reason": view.answers.reason or cases.Reason.NOT_SAID, "comment": view.answers.comment})
    return {"reasons": [(value, catalogue.text(words, language), "") for value, words in explain.REASONS.items()], "typed": typed}


async def contact(view: View, _request: Request[Any, Any, Any], _language: str) -> Words:
    """Who confirms, and what that means for the day."""
    base, choice = unmoved(view), choice_unmoved(view.answers)
    later = choices.proposal(base, choice)
    offered = [
        *([_confirming(Confirms.LATER, later.shown, later.answer_by)] if later else []),
        _confirming(Confirms.CUSTOMER, base, cases.last_day_to_answer(base)),
        _confirming(Confirms.MANDATE, base, min(service.ending.ends_on for service in base.previews[Layer.CUSTOMER].services)),
    ]
    return {
        "signers": await contacts.signers(view.draft.customer),
        "confirming": offered,
        "needs_finance": cases.needs_finance(base.previews[Layer.CUSTOMER]),
        "today": clock.today(),
        "valid_days": settings.current().approval_valid_days,
        "typed": _contact_typed(view, offered),
    }


def _confirming(value: Confirms, shown: Shown, answer_by: date) -> Confirming:
    preview = shown.previews[Layer.CUSTOMER]
    first, last = Way(Choice(), shown).ends
    promise = drafts.seen(shown).promise
    to_pay = Money(preview.bill.total_to_pay_cents)
    return Confirming(value=value, answer_by=answer_by, first=first, last=last, to_pay=to_pay, promise=promise)


def _contact_typed(view: View, offered: Sequence[Confirming]) -> Typed:
    """The field of this question; what leaves the customer time goes first."""
    if view.answers.has_mandate:
        return Typed.of({"confirms": Confirms.MANDATE, "contact": view.answers.contact or MAIN})
    kept_the_day = view.answers.has_mandate is False and not view.answers.is_moved
    return Typed.of({"confirms": Confirms.CUSTOMER if kept_the_day else offered[0].value, "contact": view.answers.contact or MAIN})


async def whom(draft: Draft) -> Any:
    """Who gets the mail: the contact that was chosen, while it may sign; else the main contact."""
    found = await contacts.signers(draft.customer)
    return next((one for one in found if one["id"] == draft.answers.contact), found[0])


async def check(view: View, _request: Request[Any, Any, Any], language: str) -> Words:
    """All answers, and what follows from them."""
    preview = view.shown.previews[Layer.CUSTOMER]
    answers = view.answers
    way = Way(answers.choice or Choice(), view.shown)
    withdraw_until = way.ends[0] - timedelta(days=settings.current().withdrawal_free_days)
    return {
        "asked": await whom(view.draft),
        "services": preview.services,
        "way": way_words(way),
        "withdraw_until": withdraw_until if withdraw_until >= clock.today() else None,
        "left": view.left,
        "bills": bills.bills(view.shown, language),
        "reason": catalogue.text(explain.REASONS[answers.reason or cases.Reason.NOT_SAID], language),
        "answers": answers,
        "answer_by": None if answers.has_mandate else cases.last_day_to_answer(view.shown),
        "needs_finance": cases.needs_finance(preview),
    }


WORDS = {
    Step.WHEN: when,
    Step.AFTERWARDS: afterwards,
    Step.COSTS: costs,
    Step.REASON: reason,
    Step.CONTACT: contact,
    Step.CHECK: check,
}
