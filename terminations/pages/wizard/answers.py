"""What was typed and marked, as answers; Invalid names every field that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from partner_portal.infra import clock
from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web.forms import Form

from ...policy.afterwards import Plan, Thing, Wish, faults
from ...service import cases, choices, drafts
from ...service.cases import Reason
from ...service.choices import Choice, When
from ...service.drafts import Answers
from ...service.quotes import Shown
from .steps import Step, View

LONGEST_COMMENT = 2000
MAIN = "main"
"""The main contact among those who may be asked to confirm."""

Change = Callable[[Answers], Answers]


class Confirms(StrEnum):
    """Who confirms, and what that means for the day."""

    LATER = "later"
    """The customer; the end is moved to leave it time."""
    CUSTOMER = "customer"
    MANDATE = "mandate"


def day_typed(text: str) -> date | None:
    """The day that was typed, as 2026-12-31, or 31-12-2026, 31/12/2026, 31.12.2026, 31 12 2026; None for anything else."""
    parts = text.replace("/", "-").replace(".", "-").replace(" ", "-").split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):  # noqa: PLR2004  # day, month, year
        return None
    year, month, day = parts if len(parts[0]) == 4 else reversed(parts)  # noqa: PLR2004
    try:
        return date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        return None


def services_marked(sent: Sequence[str]) -> tuple[UUID, ...]:
    """The services that were marked, each once; what is no id was sent by no page of ours."""
    found: dict[UUID, None] = {}
    for text in sent:
        try:
            found[UUID(text)] = None
        except ValueError:
            continue
    return tuple(found)


def choice_of(said: Callable[[str], str]) -> Choice:
    """The answer to "when?", by its fields; Invalid where there is none, or no day that can be read."""
    given = said("when")
    if given not in set(When):
        raise Invalid(FieldError("/when", "choose-when"))
    when = When(given)
    if when is When.FREE:
        return Choice()
    typed = said("early_on" if when is When.EARLY else "wished_on")
    day = day_typed(typed)
    if typed and day is None:
        raise Invalid(FieldError("/wished_on", "not-a-day"))
    return Choice(when=when, wished_on=day)


def tried(request: Request[Any, Any, Any]) -> Choice | None:
    """The answer to "when?" that the address tries out: by the radios, or by a day of the table."""
    asked = request.query_params
    if "on" in asked:
        return Choice(when=When.DATE, wished_on=day_typed(asked["on"]))
    if "when" not in asked:
        return None
    return choice_of(lambda name: asked.get(name, ""))


def when(view: View, form: Form) -> Change:
    """The end: free of a buyout, early, or on a day of one's own, which must fit."""
    chosen = choice_of(form.one)
    if chosen.when is not When.FREE:
        assert view.look is not None  # noqa: S101  # this page shows the calendar
        choices.must_fit(view.look.shown, chosen)
    return lambda answers: answers.with_choice(chosen)


def afterwards(view: View, form: Form) -> Change:
    """What becomes of everything that the services leave behind."""
    wishes, wrong, fields = [], [], []
    for left in view.left:
        plan, typed = form.one(left.field), form.one(f"until-{left.service}")
        if plan not in set(Plan):
            wrong.append(FieldError(f"/{left.field}", "choose-one"))
            continue
        wants_export = left.thing is Thing.DATA and plan == Plan.TAKE_ALONG
        until = day_typed(typed) if wants_export else None
        if wants_export and typed and until is None:
            wrong.append(FieldError(f"/until-{left.service}", "not-a-day"))
        wishes.append(Wish(service_id=left.service, thing=left.thing, plan=Plan(plan), until=until))
        fields.append(f"/until-{left.service}")
    told = faults(wishes, cases.leaving(view.shown), clock.today())
    wrong += [msgspec.structs.replace(fault, pointer=fields[int(fault.pointer.split("/")[2])]) for fault in told]
    if wrong:
        raise Invalid(*wrong)
    return lambda answers: msgspec.structs.replace(answers, afterwards=tuple(wishes))


def costs(view: View, form: Form) -> Change:
    """The costs were read, as they are now."""
    seen = _as_promised(view.shown, form.one("promise"))
    return lambda answers: msgspec.structs.replace(answers, seen=seen)


def _as_promised(shown: Shown, promise: str) -> drafts.Seen:
    seen = drafts.seen(shown)
    if seen.promise != promise:
        raise Invalid(FieldError("/promise", "costs-differ"))
    return seen


def reason(_view: View, form: Form) -> Change:
    """Why the customer leaves, as far as it says."""
    given, comment = form.one("reason"), form.one("comment")
    wrong = []
    if given not in set(Reason):
        wrong.append(FieldError("/reason", "choose-one"))
    if len(comment) > LONGEST_COMMENT:
        wrong.append(FieldError("/comment", "too-long", {"limit": LONGEST_COMMENT}))
    if wrong:
        raise Invalid(*wrong)
    return lambda answers: msgspec.structs.replace(answers, reason=Reason(given), comment=comment)


def contact(view: View, form: Form) -> Change:
    """Who confirms; where the end moves with it, that it does was shown."""
    given = form.one("confirms")
    if given not in set(Confirms):
        raise Invalid(FieldError("/confirms", "choose-one"))
    base = unmoved(view)
    later = choices.proposal(base, choice_unmoved(view.answers)) if given == Confirms.LATER else None
    shown = later.shown if later else base
    chosen = later.choice if later else choice_unmoved(view.answers)
    seen = _as_promised(shown, form.one(f"promise-{given}"))
    asked = _asked(form.one("contact"))
    return lambda answers: msgspec.structs.replace(answers, choice=chosen, has_mandate=given == Confirms.MANDATE, seen=seen, contact=asked)


def _asked(typed: str) -> UUID | None:
    """Who was chosen to be asked; None for the main contact, also where there was no choice."""
    try:
        return UUID(typed) if typed not in ("", MAIN) else None
    except ValueError as error:
        raise Invalid(FieldError("/contact", "choose-one")) from error


def choice_unmoved(answers: Answers) -> Choice:
    """The end that was chosen, before it was moved to leave the customer time."""
    return Choice() if answers.is_moved or answers.choice is None else answers.choice


def unmoved(view: View) -> Shown:
    """What that end means."""
    return choices.wishing(view.shown, choice_unmoved(view.answers)) if view.answers.is_moved else view.shown


TAKE: dict[Step, Callable[[View, Form], Change]] = {
    Step.WHEN: when,
    Step.AFTERWARDS: afterwards,
    Step.COSTS: costs,
    Step.REASON: reason,
    Step.CONTACT: contact,
}
