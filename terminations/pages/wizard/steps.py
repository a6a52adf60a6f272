"""The questions of the wizard: in which order, which are answered, and how far one may go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from partner_portal.infra import clock
from partner_portal.infra.catalogue import sentence

from ...policy.afterwards import Plan, Thing, Wish, faults
from ...service import cases, drafts
from ...service.choices import Look
from ...service.drafts import Answers, Draft
from ...service.quotes import Shown


class Step(StrEnum):
    """The questions, in their order; the last is whether all is right."""

    SERVICES = "services"
    WHEN = "when"
    AFTERWARDS = "afterwards"
    COSTS = "costs"
    REASON = "reason"
    CONTACT = "contact"
    CHECK = "check"


WORDS: dict[Step, str] = {
    Step.SERVICES: sentence("Services"),
    Step.WHEN: sentence("When"),
    Step.AFTERWARDS: sentence("Numbers and data"),
    Step.COSTS: sentence("Costs"),
    Step.REASON: sentence("Reason"),
    Step.CONTACT: sentence("Who confirms"),
    Step.CHECK: sentence("Check"),
}


class Left(msgspec.Struct, frozen=True):
    """Something that a service leaves behind, and what was wished for it."""

    service: UUID
    label: str
    thing: Thing
    wish: Wish | None

    @property
    def plan(self) -> Plan:
        """The plan so far."""
        return self.wish.plan if self.wish else Plan.UNDECIDED

    @property
    def field(self) -> str:
        """The name of its field in the form."""
        return f"{self.thing.value}-{self.service}"


class Link(msgspec.Struct, frozen=True):
    """A step as the row of steps shows it."""

    word: str
    address: str
    is_current: bool
    is_answered: bool
    is_open: bool


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A draft with what it means now."""

    draft: Draft
    shown: Shown
    left: tuple[Left, ...]
    answered: frozenset[Step]
    look: Look | None = None

    @classmethod
    def of(cls, draft: Draft, shown: Shown, look: Look | None = None) -> View:
        """The draft as these services were looked at."""
        left = left_of(draft.answers, shown)
        return cls(draft=draft, shown=shown, look=look, left=left, answered=frozenset(_answered(draft.answers, shown, left)))

    @property
    def answers(self) -> Answers:
        """What was answered so far."""
        return self.draft.answers

    @property
    def steps(self) -> list[Step]:
        """The questions that this draft asks."""
        return [step for step in Step if step is not Step.AFTERWARDS or self.left]

    @property
    def open(self) -> Step:
        """The first question without an answer."""
        return next(step for step in self.steps if step not in self.answered)

    def may_see(self, step: Step) -> bool:
        """Whether everything before this question is answered."""
        return step in self.steps and self.steps.index(step) <= self.steps.index(self.open)

    def after(self, step: Step) -> Step:
        """Where one goes on: to the next question; to the first open one, once all of them had been answered."""
        if self.answers.has_mandate is not None or step not in self.steps:
            return self.open
        return min(self.steps[self.steps.index(step) + 1], self.open, key=self.steps.index)

    def before(self, step: Step) -> Step | None:
        """The question before this one."""
        place = self.steps.index(step)
        return self.steps[place - 1] if place else None

    def links(self, current: Step) -> list[Link]:
        """The row of steps: those that may be seen lead there."""
        return [
            Link(WORDS[step], self.address(step), step is current, step in self.answered, step is not current and self.may_see(step))
            for step in self.steps
        ]

    def address(self, step: Step) -> str:
        """Where the question is asked."""
        return f"/portal/drafts/{self.draft.id}/{step}"

    @property
    def names(self) -> list[str]:
        """The services as the customer knows them."""
        return [row["label"] for row in self.shown.rows]


def at_the_start() -> list[Link]:
    """The row of steps before there is a draft; whether numbers and data are asked about is not known yet."""
    return [Link(WORDS[step], "", step is Step.SERVICES, is_answered=False, is_open=False) for step in Step if step is not Step.AFTERWARDS]


def left_of(answers: Answers, shown: Shown) -> tuple[Left, ...]:
    """Everything that the services leave behind, with what was wished for it."""
    wishes = {(wish.service_id, wish.thing): wish for wish in answers.afterwards}
    return tuple(
        Left(row["id"], row["label"], thing, wishes.get((row["id"], thing))) for row in shown.rows for thing in cases.things_of(row)
    )


def _answered(answers: Answers, shown: Shown, left: Sequence[Left]) -> Iterator[Step]:
    """The questions with an answer that still stands."""
    known = (
        (Step.SERVICES, bool(answers.services)),
        (Step.WHEN, answers.choice is not None and (answers.choice.wished_on or clock.today()) >= clock.today()),
        (Step.AFTERWARDS, all(one.wish for one in left) and not faults(answers.afterwards, cases.leaving(shown), clock.today())),
        (Step.COSTS, drafts.is_still_so(answers, shown)),
        (Step.REASON, answers.reason is not None),
        (Step.CONTACT, answers.has_mandate is not None),
    )
    return (step for step, is_known in known if is_known)
