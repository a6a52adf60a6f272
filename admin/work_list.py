"""What waits for finance, with everything a decision needs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from partner_portal.kernel.actor import Actor
from partner_portal.kernel.money import Money
from terminations.service import buyouts, cases, letters
from terminations.service.letters import Dossier, LineWords, SheetWords
from terminations.tables import Termination
from terminations.workflow import State


class Sum(msgspec.Struct, frozen=True):
    """One sum as the payer's prices are given, and including VAT."""

    given: Money
    including: Money


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One case that waits for finance."""

    number: str
    customer: str
    segment: str
    partner: str
    payer: str
    since: datetime
    days: int
    ends_on: date
    waits_until: datetime | None
    is_withdrawal: bool
    computed: Sum
    countered: Sum | None
    counter_note: str
    agreed: Sum | None
    agreed_by: str | None
    agreed_by_me: bool
    needs_two: bool
    includes_vat: bool
    lines: tuple[LineWords, ...]
    sheet: SheetWords

    @property
    def asked(self) -> Sum:
        """The sum that an approval settles."""
        return self.countered or self.computed


class _Found(msgspec.Struct, frozen=True):
    """One case as it stands: what is on file, each step, and who agreed first."""

    segment: str
    told: Dossier
    history: Sequence[Any]
    first: Any


async def waiting(actor: Actor, language: str, now: datetime) -> list[Waiting]:
    """The cases that wait for finance, the longest waiting first; through the staff door."""
    rows = await buyouts.work_list()
    ids = [row["id"] for row in rows]
    known = await Termination.some(ids)  # only read: whoever looks keeps nobody from deciding
    told = await letters.dossiers([known[case] for case in ids])
    histories, agreed = await cases.histories(ids), await buyouts.first_agreements(ids)
    found = [_Found(row["segment"], one, histories[row["id"]], agreed.get(row["id"])) for row, one in zip(rows, told, strict=True)]
    return [_shown(actor, one, language, now) for one in found]


def _shown(actor: Actor, found: _Found, language: str, now: datetime) -> Waiting:
    told, history, first = found.told, found.history, found.first
    case = told.case
    is_withdrawal = State(case.state) is State.SCHEDULED
    counter = next((step for step in reversed(history) if step["action"] == "counter"), None) if case.state == State.COUNTERED else None
    since = case.withdrawal_asked_at if is_withdrawal else history[-1]["at"] if counter is None else counter["at"]
    asked_cents = int(msgspec.json.decode(counter["facts"])["amount_cents"] if counter else case.computed_cents)
    return Waiting(
        number=case.number,
        customer=told.customer_name,
        segment=found.segment,
        partner=told.partner_name,
        payer=told.customer_name if told.customer_pays else told.partner_name,
        since=since,
        days=(now - since).days,
        ends_on=case.ends_on,
        waits_until=case.waits_until,
        is_withdrawal=is_withdrawal,
        computed=_sum(told, case.computed_cents),
        countered=_sum(told, asked_cents) if counter else None,
        counter_note=counter["note"] if counter else "",
        agreed=_sum(told, first["amount_cents"]) if first else None,
        agreed_by=first["decided_by_label"] if first else None,
        agreed_by_me=bool(first and first["decided_by"] == actor.trail),
        needs_two=buyouts.needs_two(case, asked_cents),
        includes_vat=letters.prices_include_vat(told),
        lines=letters.line_words(told, language),
        sheet=letters.sheet(told, language, only=cases.EXTRA_COSTS),
    )


def _sum(told: Dossier, given: int) -> Sum:
    return Sum(Money(given), letters.buyout_sum(told, given))
