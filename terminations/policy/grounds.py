"""Grounds for ending a service outside its terms: when it may end, whether it is free, and what must be shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from partner_portal.kernel.dates import add_months
from tenants.policy import Segment

from . import early_use
from .cooling_off import is_open, refund_by, return_by, runs_until
from .facts import Applied, Asked, Ground, ServiceFacts
from .protection import Protected, follows_telecom_rules

UNDONE, UNDONE_BUT_FOR_DAYS_USED = "ground.cooling_off", "ground.cooling_off_used"
"""The notes of a contract that is withdrawn from: all that was paid comes back, or all but the price of the days used."""


class EndsBy(StrEnum):
    """How a ground sets the end: the wished day, the day an announced change takes effect at the latest, the last day on which an undone
    contract may run and still be paid back in time, or as usual.
    """

    WISHED = "WISHED"
    UNTIL_EFFECT = "UNTIL_EFFECT"
    UNDONE = "UNDONE"
    ORDINARY = "ORDINARY"


class GroundRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a ground does where its conditions are met.

    `free` means no buyout, handling or claw-back; `within_months` counts from the announcement, or from signing where
    `counts_from_signing`; `evidence` is the key of what must be on file; `needs_person` that a person decides.
    """

    ends_by: EndsBy
    law: str
    free: bool = False
    consumers_only: bool = False
    telecom_only: bool = False
    within_months: int | None = None
    counts_from_signing: bool = False
    evidence: str | None = None
    needs_person: bool = False


GROUND_RULES: Mapping[Ground, GroundRule] = {
    Ground.CHANGE: GroundRule(
        ends_by=EndsBy.UNTIL_EFFECT,
        law="Tw 7.2; Directive (EU) 2018/1972 art. 105(4)",
        free=True,
        telecom_only=True,
        within_months=1,
        evidence="evidence.change_notice",
    ),
    Ground.PRICE_3M: GroundRule(
        ends_by=EndsBy.WISHED,
        law="BW 6:236 i",
        free=True,
        consumers_only=True,
        within_months=3,
        counts_from_signing=True,
        evidence="evidence.change_notice",
    ),
    Ground.NON_CONFORMITY: GroundRule(
        ends_by=EndsBy.WISHED, law="BW 6:265; Directive (EU) 2018/1972 art. 105(5)", free=True, evidence="evidence.default_notice"
    ),
    Ground.FORCE_MAJEURE: GroundRule(
        ends_by=EndsBy.WISHED, law="BW 6:75, 6:265", free=True, evidence="evidence.outage_record", needs_person=True
    ),
    Ground.UNFORESEEN: GroundRule(ends_by=EndsBy.ORDINARY, law="BW 6:258", needs_person=True),
    Ground.RELOCATION: GroundRule(ends_by=EndsBy.WISHED, law="contract", evidence="evidence.new_address"),
    Ground.DEATH: GroundRule(ends_by=EndsBy.WISHED, law="contract", free=True, consumers_only=True, evidence="evidence.death_certificate"),
    Ground.BANKRUPTCY: GroundRule(
        ends_by=EndsBy.ORDINARY, law="Fw 37, 37b, 53, 128", evidence="evidence.curator_letter", needs_person=True
    ),
    Ground.PORT_OUT: GroundRule(ends_by=EndsBy.WISHED, law="Tw 4.10", evidence="evidence.port_mandate"),
    Ground.NON_PAYMENT: GroundRule(ends_by=EndsBy.ORDINARY, law="BW 6:82, 6:265", evidence="evidence.default_notice", needs_person=True),
    Ground.COOLING_OFF: GroundRule(ends_by=EndsBy.UNDONE, law="BW 6:230o", free=True, consumers_only=True),
}


class GroundEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What the ground asked for does to one service; `ends_on` is None where it changes no date.

    `undoes`: the contract is taken back altogether, so that no fee is owed for the time it ran, and all that was paid is paid back; days used at the
    customer's express wish are priced apart (`early_use`).
    """

    ends_on: date | None = None
    free: bool = False
    undoes: bool = False
    percentage: Decimal | None = None
    notes: tuple[Applied, ...] = ()


NO_EFFECT = GroundEffect()


def effect_of(case: Protected, asked: Asked, rules: Mapping[Ground, GroundRule] = GROUND_RULES) -> GroundEffect:
    """Return what the ground does to the service; where its conditions are not met, only the note that says so."""
    if asked.ground is None:
        return NO_EFFECT
    rule = rules[asked.ground]
    unmet = _unmet_condition(case, asked, rule)
    if unmet is not None:
        return GroundEffect(notes=(Applied(unmet, rule.law, {"ground": asked.ground.value}),))
    undoes = rule.ends_by is EndsBy.UNDONE
    notes = _undone(case.facts, asked, rule) if undoes else [Applied(f"ground.{asked.ground.value.lower()}", rule.law)]
    if rule.evidence is not None and not asked.evidence_on_file:
        notes.append(Applied(rule.evidence, rule.law))
    if rule.needs_person:
        notes.append(Applied("ground.needs_person", rule.law))
    if rule.ends_by is EndsBy.ORDINARY:
        return GroundEffect(notes=tuple(notes))
    return GroundEffect(
        ends_on=_end(asked, rule),
        free=rule.free,
        undoes=undoes,
        percentage=case.facts.buyout.relocation_percentage if asked.ground is Ground.RELOCATION else None,
        notes=tuple(notes),
    )


def _undone(facts: ServiceFacts, asked: Asked, rule: GroundRule) -> list[Applied]:
    used = early_use.early_use(facts, asked.received_on)
    key = UNDONE_BUT_FOR_DAYS_USED if used and used.owed_cents else UNDONE
    return [Applied(key, rule.law, _paying_back(asked.received_on)), *early_use.note(used)]


def _paying_back(declared_on: date) -> dict[str, str | int | bool]:
    return {"refund_on": refund_by(declared_on).isoformat(), "return_on": return_by(declared_on).isoformat()}


def _unmet_condition(case: Protected, asked: Asked, rule: GroundRule) -> str | None:
    facts = case.facts
    if rule.consumers_only and facts.segment is not Segment.CONSUMER:
        return "ground.consumers_only"
    if rule.telecom_only and not follows_telecom_rules(facts):
        return "ground.telecom_only"
    if rule.ends_by is EndsBy.UNTIL_EFFECT and asked.ground_effective_on is None:
        return "ground.no_date"
    if rule.ends_by is EndsBy.UNDONE and not _can_be_undone(facts, asked.received_on):
        return "ground.too_late"
    if rule.within_months is not None:
        since = (facts.signed_on or facts.terms.start) if rule.counts_from_signing else asked.ground_told_on
        if since is None:
            return "ground.no_date"
        told = asked.ground_told_on or asked.received_on
        judged = told if rule.counts_from_signing else asked.received_on
        if judged > add_months(since, rule.within_months):
            return "ground.too_late"
    return None


def _can_be_undone(facts: ServiceFacts, declared_on: date) -> bool:
    signed_on = facts.signed_on or facts.terms.start
    return is_open(facts.segment, facts.channel, signed_on, declared_on, informed_on=facts.withdrawal_right_told_on)


def _end(asked: Asked, rule: GroundRule) -> date:
    """Return the day of the wish, not before receipt or today; without one the day of effect, the last of an undone contract, or the first possible."""
    latest = {EndsBy.UNTIL_EFFECT: asked.ground_effective_on, EndsBy.UNDONE: runs_until(asked.received_on)}.get(rule.ends_by)
    end = asked.wished_on or latest or asked.first_day
    if latest is not None:
        end = min(end, latest)
    return max(end, asked.first_day)
