"""Terminations that somebody prepares: answers are kept one by one, left and taken up again, and filed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, outbox
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..events import FilingLetterWanted
from ..policy.afterwards import Wish
from ..policy.inputs import canonical_inputs, changed_inputs
from . import cases, choices, quotes
from .cases import Filing, QuoteOutdated, Reason
from .choices import Choice, When
from .quotes import Shown

KEPT = timedelta(days=30)
"""How long a draft is kept after it was last changed."""


class DraftChanged(Refused):
    """The draft was changed after this page was opened, by another page or another person; nothing of this page was kept."""


class DraftFiled(Refused):
    """A case came of this draft: nothing in it changes any more."""


class NotAnswered(Refused):
    """A question is still open, so there is nothing to file."""


class Seen(msgspec.Struct, frozen=True):
    """The costs as they were shown: a hash of what they promise, and per price layer what they rested on."""

    promise: str
    inputs: dict[str, str]


class Answers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was answered so far; None is a question still open."""

    services: tuple[UUID, ...] = ()
    choice: Choice | None = None
    afterwards: tuple[Wish, ...] = ()
    seen: Seen | None = None
    reason: Reason | None = None
    comment: str = ""
    has_mandate: bool | None = None
    contact: UUID | None = None
    """Who is asked to confirm, if not the main contact."""

    @property
    def is_moved(self) -> bool:
        """Whether the end was moved to leave the customer time to say yes."""
        return self.choice is not None and self.choice.when is When.FREE and self.choice.wished_on is not None

    def with_services(self, chosen: tuple[UUID, ...]) -> Answers:
        """Other services: what was wished for those that stay is kept; costs are shown anew, and an end that was moved is as it was."""
        if chosen == self.services:
            return self
        kept = tuple(wish for wish in self.afterwards if wish.service_id in chosen)
        changed = msgspec.structs.replace(self, services=chosen, afterwards=kept, seen=None)
        return msgspec.structs.replace(changed, choice=Choice(), has_mandate=None) if self.is_moved else changed

    def with_choice(self, choice: Choice) -> Answers:
        """Another end: costs are shown anew, and who confirms is asked again where the end had been moved for that."""
        stays_free = choice.when is When.FREE and self.choice is not None and self.choice.when is When.FREE
        if stays_free or choice == self.choice:
            return self
        return msgspec.structs.replace(self, choice=choice, seen=None, has_mandate=None if self.is_moved else self.has_mandate)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as it is kept."""

    id: UUID
    customer: UUID
    answers: Answers
    version: int
    termination: UUID | None
    begun_by: str
    begun_by_label: str
    changed_at: datetime

    @property
    def kept_until(self) -> date:
        """The last day on which it can be taken up again."""
        return clock.civil_day(self.changed_at + KEPT)


_FIND = "SELECT * FROM termination_draft WHERE id = $1 AND changed_at > $2"
_UNTOUCHED = "SELECT id FROM termination_draft WHERE customer = $1 AND begun_by = $2 AND changed_at > $3 AND answers = $4::text::jsonb AND termination IS NULL"
_LIST = """
SELECT d.*, c.number AS customer_number, c.name AS customer_name FROM termination_draft d JOIN customer c ON c.id = d.customer AND c.tenant = d.tenant
 WHERE d.termination IS NULL AND d.changed_at > $1
"""


async def begin(actor: Actor, customer: UUID, chosen: tuple[UUID, ...]) -> UUID:
    """A draft for these services exists, the same one for who presses twice; raises NotFound, and Invalid for a service that cannot be chosen."""
    await _choosable(customer, chosen)
    answers = _json(Answers(services=chosen))
    same = await db.fetch_one(_UNTOUCHED, customer, actor.trail, clock.now() - KEPT, answers)
    if same is not None:
        return UUID(str(same["id"]))
    draft = new_id()
    await db.execute(
        "INSERT INTO termination_draft (id, tenant, customer, answers, version, begun_by, begun_by_label, changed_at)"
        " VALUES ($1, $2, $3, $4, 1, $5, $6, $7)",
        *(draft, actor.tenant, customer, answers, actor.trail, actor.label, clock.now()),
    )
    return draft


async def _choosable(customer: UUID, chosen: tuple[UUID, ...]) -> None:
    if not chosen:
        raise Invalid(FieldError("/services", "choose-a-service"))
    if len(chosen) > choices.MOST_CHOSEN:
        raise Invalid(FieldError("/services", "too-many-services", {"most": choices.MOST_CHOSEN}))
    free = {one.row["id"] for one in (await choices.candidates(customer, chosen, most=0)).services if one.can_end}
    if not free.issuperset(chosen):
        raise Invalid(FieldError("/services", "service-cannot-end"))


async def find(draft: UUID) -> Draft:
    """The draft; NotFound when it is not there, another tenant's, or too old."""
    return _draft(await db.fetch_one(_FIND, draft, clock.now() - KEPT), draft)


def _draft(row: Any, draft: UUID) -> Draft:
    if row is None:
        raise NotFound(what="draft", id=str(draft))
    values = {name: row[name] for name in Draft.__struct_fields__} | {"answers": msgspec.json.decode(row["answers"], type=Answers)}
    return Draft(**values)


async def own(actor: Actor) -> list[asyncpg.Record]:
    """The actor's drafts that became no case yet, with their customers, the newest first."""
    return await db.fetch(f"{_LIST} AND d.begun_by = $2 ORDER BY d.changed_at DESC LIMIT 30", clock.now() - KEPT, actor.trail)


async def of_customer(customer: UUID) -> list[asyncpg.Record]:
    """Everybody's drafts for this customer that became no case yet, the newest first."""
    return await db.fetch(f"{_LIST} AND d.customer = $2 ORDER BY d.changed_at DESC LIMIT 3", clock.now() - KEPT, customer)


async def answer(draft: UUID, version: int, change: Callable[[Answers], Answers]) -> Draft:
    """The draft's answers are changed; the same again changes nothing. Raises NotFound, DraftFiled, and DraftChanged for a page that is too old."""
    kept = await _locked(draft)
    if kept.termination is not None:
        raise DraftFiled(termination=str(kept.termination))
    answers = change(kept.answers)
    if answers == kept.answers:
        return kept
    if version != kept.version:
        raise DraftChanged(changed_at=kept.changed_at)
    now = clock.now()
    await db.execute(
        "UPDATE termination_draft SET answers = $2, version = version + 1, changed_at = $3 WHERE id = $1", draft, _json(answers), now
    )
    return msgspec.structs.replace(kept, answers=answers, version=kept.version + 1, changed_at=now)


async def choose(draft: UUID, version: int, chosen: tuple[UUID, ...]) -> Draft:
    """As `answer`, for the services; Invalid for one that cannot be chosen."""
    kept = await find(draft)
    await _choosable(kept.customer, chosen)
    return await answer(draft, version, lambda answers: answers.with_services(chosen))


async def _locked(draft: UUID) -> Draft:
    return _draft(await db.fetch_one(f"{_FIND} FOR UPDATE", draft, clock.now() - KEPT), draft)


async def remove(draft: UUID) -> None:
    """The draft is gone; a case that came of it stays. NotFound when it is not there or another tenant's."""
    tag = await db.execute("DELETE FROM termination_draft WHERE id = $1", draft)
    if tag == "DELETE 0":
        raise NotFound(what="draft", id=str(draft))


async def remove_old() -> int:
    """Drafts that nobody took up again are gone; returns how many."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:drafts")):
        tag = await db.execute("DELETE FROM termination_draft WHERE changed_at <= $1", clock.now() - KEPT)
    return int(tag.removeprefix("DELETE "))


def seen(shown: Shown) -> Seen:
    """What somebody to whom this preview is shown has seen."""
    promise = hashlib.sha256(msgspec.json.encode(cases.essence(shown.previews), order="deterministic")).hexdigest()
    asked = quotes.asked_of(shown.request)
    return Seen(promise, {layer: canonical_inputs(looked_at, asked).decode() for layer, looked_at in shown.facts.items()})


def is_still_so(answers: Answers, shown: Shown) -> bool:
    """Whether the preview promises what was seen."""
    return answers.seen is not None and answers.seen.promise == seen(shown).promise


def changes(then: Seen, shown: Shown) -> list[dict[str, Any]]:
    """Every input that is no longer what it was when the costs were seen, in the words of `QuoteOutdated`."""
    now = seen(shown)
    return [
        {"input": change.key, "then": change.then, "now": change.now}
        for layer in now.inputs
        for change in changed_inputs(then.inputs.get(layer, "null").encode(), now.inputs[layer].encode())
    ]


async def file(actor: Actor, draft: UUID, version: int) -> UUID:
    """A case came of the draft, the same one however often it is sent.

    Raises what `cases.file` and `quotes.show` raise, NotAnswered, DraftChanged, and QuoteOutdated when costs are no longer what was seen.
    """
    kept = await _locked(draft)
    if kept.termination is not None:
        return kept.termination
    if version != kept.version:
        raise DraftChanged(changed_at=kept.changed_at)
    answers = kept.answers
    if not answers.services or answers.choice is None or answers.seen is None or answers.reason is None or answers.has_mandate is None:
        raise NotAnswered
    quote = await quotes.keep(actor, answers.choice.request(answers.services))
    if not is_still_so(answers, quote.shown):
        raise QuoteOutdated(changed=changes(answers.seen, quote.shown), quote=quote.number)
    filing = Filing(
        reason=answers.reason,
        comment=answers.comment,
        has_mandate=answers.has_mandate,
        afterwards=answers.afterwards,
        contact=answers.contact,
    )
    case = await cases.file(actor, quote.id, filing)
    await db.execute("UPDATE termination_draft SET termination = $2, version = version + 1 WHERE id = $1", draft, case.id)
    await outbox.publish(FilingLetterWanted(tenant_id=case.tenant, termination_id=case.id, language=actor.language))
    return case.id


def _json(answers: Answers) -> str:
    return msgspec.json.encode(answers).decode()
