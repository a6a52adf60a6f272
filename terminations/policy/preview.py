"""The preview of a termination: for each service when it ends, why, and what it costs; and what the case costs together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

import msgspec

from billing.policy.agreed import CreditMode, ServiceKind
from billing.policy.tax import VatTotal
from partner_portal.kernel.dates import ONE_DAY, add_months, months_started

from . import dates, early_use
from .buyout import Advance, Reckoning, Stay, stay_of
from .cooling_off import cooling_off_ends, has_cooling_off
from .cost_sheet import CostLine, CostSheet, LineCode, Occasion, cost_sheet, totals, with_nets
from .facts import Applied, Asked, ServiceFacts, flat
from .grounds import GroundEffect, effect_of
from .protection import DUTCH_LAW, Law, Protected, follows_telecom_rules, is_protected, protected


class EndKind(StrEnum):
    """How a service ends: by notice, by buying out what still binds, or on a ground of its own."""

    ORDINARY = "ORDINARY"
    BUYOUT = "BUYOUT"
    EXTRAORDINARY = "EXTRAORDINARY"


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """One way a service can end: its last day, the last day billed, and the cost sheet for it."""

    kind: EndKind
    ends_on: date
    billing_ends_on: date
    sheet: CostSheet


class ServicePreview(msgspec.Struct, frozen=True, kw_only=True):
    """One service: what the rules say, the ending chosen, and, where an earlier day was wished, what that would cost."""

    ref: str
    name: str
    first_possible_end: date
    minimum_end: date | None
    last_notice_day: date | None
    served_on: date
    committed_until: date | None
    switch_end: date | None
    in_tacit_renewal: bool
    already_ended: bool
    buyout_allowed: bool
    ending: Ending
    offer: Ending | None
    applied: tuple[Applied, ...]
    notes: tuple[Applied, ...]


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What the endings of all services cost together: the lines of the final bill and their totals per way of taxing.

    `fee_totals` are the ordinary fees until the ends. `total_cents` is the final bill, with VAT; `total_to_pay_cents` adds
    those fees.
    """

    lines: tuple[CostLine, ...]
    totals: tuple[VatTotal, ...]
    fee_totals: tuple[VatTotal, ...]
    total_cents: int
    total_to_pay_cents: int


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle in the case: its services, and the last day that binds them all, set by the strictest of them (P10)."""

    ref: str
    services: tuple[str, ...]
    strictest: str
    last_day: date


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The whole case. `offer_bill` is what it would cost with every offer of an earlier end taken; None without offers."""

    services: tuple[ServicePreview, ...]
    bill: Bill
    offer_bill: Bill | None
    bundles: tuple[Bundle, ...]


class Plan(msgspec.Struct, frozen=True):
    """How a service ends, before any amount. `exit_right` says that the law lets the customer go free."""

    kind: EndKind
    ends_on: date
    billing_ends_on: date
    exit_right: bool


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules say about one service, before any amount: shared by the preview and the calendar."""

    case: Protected
    effect: GroundEffect
    first_possible_end: date
    lawful_end: date
    committed_until: date | None


def preview(services: Sequence[ServiceFacts], asked: Asked, law: Law = DUTCH_LAW) -> Preview:
    """Return dates and costs of ending these services of one price layer, for the day and wish asked.

    A wish later than possible is honoured; an earlier one ends on the first possible day, with the buyout for the wished
    day as an offer beside it, unless `asked.early` says that the buyout is wanted.
    """
    bundles = bundles_of(services, asked.received_on, law)
    previews = tuple(_service_preview(judged(facts, asked, bundles, law), asked) for facts in services)
    chosen = [service.ending for service in previews]
    offered = [service.offer or service.ending for service in previews]
    return Preview(
        services=previews,
        bill=bill_of(chosen),
        offer_bill=bill_of(offered) if any(service.offer for service in previews) else None,
        bundles=bundles,
    )


def judged(facts: ServiceFacts, asked: Asked, bundles: Sequence[Bundle] = (), law: Law = DUTCH_LAW) -> Judged:
    """Return what the rules say about one service: its terms after protection, its ends, and until when it binds."""
    bundle = next((bundle for bundle in bundles if facts.ref in bundle.services), None)
    if bundle is not None and facts.kind is not ServiceKind.BUNDLE:
        facts = msgspec.structs.replace(facts, kind=ServiceKind.BUNDLE)
    bundle_end = None if bundle is None or facts.term_restart_agreed else bundle.last_day
    case = protected(facts, asked.received_on, asked.wished_on, bundle_end=bundle_end, law=law)
    return Judged(
        case=case,
        effect=effect_of(case, asked),
        first_possible_end=dates.earliest_end(case),
        lawful_end=dates.earliest_end(case, asked.wished_on),
        committed_until=dates.committed_until(case),
    )


def bundles_of(services: Sequence[ServiceFacts], received_on: date, law: Law = DUTCH_LAW) -> tuple[Bundle, ...]:
    """Return the bundles with telecom in them whose customer the law protects, each with its strictest service.

    A service that ends alone is still part of its bundle: the services beside it count.
    """
    groups: dict[str, dict[str, ServiceFacts]] = {}
    for facts in services:
        if facts.bundle is not None and is_protected(facts):
            groups[facts.bundle] = groups.get(facts.bundle, {}) | {one.ref: one for one in (*facts.beside, facts)}
    found = []
    for ref, parts in groups.items():
        group = list(parts.values())
        if not any(follows_telecom_rules(facts) for facts in group):
            continue
        ends = [
            (end, facts.ref)
            for facts in group
            if (end := protected(msgspec.structs.replace(facts, kind=ServiceKind.BUNDLE), received_on, law=law).minimum_end)
        ]
        if ends:
            last_day, strictest = min(ends)
            services_of = tuple(facts.ref for facts in group)
            found.append(Bundle(ref=ref, services=services_of, strictest=strictest, last_day=last_day))
    return tuple(found)


def reckoning_for(verdict: Judged, *, exit_right: bool) -> Reckoning:
    """Return the exact costs of leaving a service; `exit_right` says that the customer leaves on a right to go free."""
    facts = verdict.case.facts
    caps = facts.caps
    if exit_right or verdict.case.buyout_barred:
        caps = msgspec.structs.replace(
            caps,
            undone=verdict.effect.undoes,
            eecc_equipment=caps.eecc_equipment or exit_right,
            consumer_zero=caps.consumer_zero or verdict.case.buyout_barred,
        )
    stay = stay_of(facts, verdict.committed_until, caps)
    if verdict.effect.percentage is not None:
        rule = msgspec.structs.replace(facts.buyout, scale=flat(verdict.effect.percentage))
        stay = msgspec.structs.replace(stay, rule=rule)
    return Reckoning(stay)


def occasion_for(facts: ServiceFacts, ends_on: date, billing_ends_on: date) -> Occasion:
    """Return what the cost sheet of a service is made for: leaving so that nothing is owed for later than billing."""
    advance = None
    if facts.paid_until is not None:
        advance = Advance(facts.billed_from or facts.terms.start, facts.paid_until, facts.fee_cents, facts.credit_mode)
    return Occasion(
        service=facts.ref,
        gone_on=max(ends_on, billing_ends_on) + ONE_DAY,
        vat=facts.vat,
        usage_cents=facts.usage_cents,
        advance=advance,
        charged_until=facts.charged_until,
        billed_until=billing_ends_on + ONE_DAY,
        proration=facts.proration,
    )


def may_buy_out(verdict: Judged) -> bool:
    """Whether leaving before the commitment is over can be bought: the contract names a price, or the law sets it to nothing."""
    return verdict.effect.percentage is not None or verdict.case.facts.buyout.scale is not None or verdict.case.buyout_barred


def early_billing_end(verdict: Judged, ends_on: date) -> date:
    """Return the last day billed when leaving on `ends_on`, before the first lawful end.

    What is bought out is billed to the day itself; where the law bars the buyout, to the end of the notice. Where nothing
    is bought out (no commitment, or no price agreed), to the first lawful end.
    """
    if verdict.committed_until is None or not may_buy_out(verdict):
        return verdict.first_possible_end
    return max(ends_on, verdict.case.served_on) if verdict.case.buyout_barred else ends_on


def ending_plan(verdict: Judged, ends_on: date) -> Plan:
    """Return how a service ends on a given day, lawful or early, before any amount."""
    early = ends_on < verdict.first_possible_end
    bought = early and verdict.committed_until is not None and may_buy_out(verdict)
    return Plan(
        kind=EndKind.BUYOUT if bought else EndKind.ORDINARY,
        ends_on=ends_on,
        billing_ends_on=early_billing_end(verdict, ends_on) if early else ends_on,
        exit_right=verdict.case.free_exit and not bought,
    )


def ending(verdict: Judged, plan: Plan) -> Ending:
    """Return the ending of a service as planned, with its cost sheet."""
    occasion = occasion_for(verdict.case.facts, plan.ends_on, plan.billing_ends_on)
    if verdict.effect.undoes and occasion.advance is not None:
        occasion = msgspec.structs.replace(occasion, advance=_all_paid(occasion.advance, verdict.case.facts.terms.start))
    sheet = cost_sheet(reckoning_for(verdict, exit_right=plan.exit_right), occasion)
    if verdict.effect.undoes:
        undone = early_use.undone_lines(verdict.case.facts, verdict.case.received_on)
        sheet = msgspec.structs.replace(sheet, lines=with_nets((*sheet.lines, *undone)))
    return Ending(kind=plan.kind, ends_on=plan.ends_on, billing_ends_on=plan.billing_ends_on, sheet=sheet)


def credited(facts: ServiceFacts, plan: Plan, *, undoes: bool) -> tuple[CostLine, ...]:
    """Return the lines that give back what was billed, as `facts` say: days in advance; set-up too where the contract never was (`undoes`)."""
    occasion = occasion_for(facts, plan.ends_on, plan.billing_ends_on)
    if undoes and occasion.advance is not None:
        occasion = msgspec.structs.replace(occasion, advance=_all_paid(occasion.advance, facts.terms.start))
    nothing_binds = Reckoning(Stay(start=facts.terms.start, committed_until=None, fee_cents=facts.fee_cents))
    days = tuple(line for line in cost_sheet(nothing_binds, occasion).lines if line.code is LineCode.CREDIT)
    return (*days, *early_use.set_up_back(facts)) if undoes else days


def _all_paid(advance: Advance, start: date) -> Advance:
    """Return all that was paid, earlier bills as well, to be counted back as it was charged whatever the contract says of credits (BW 6:230r)."""
    whole_months = add_months(start, months_started(start, advance.billed_until)) == advance.billed_until
    return msgspec.structs.replace(advance, billed_from=start, mode=CreditMode.MONTHS if whole_months else CreditMode.CAL)


def bill_of(endings: Sequence[Ending]) -> Bill:
    """Return what endings cost together, VAT per way of taxing over all their lines."""
    lines = with_nets([line for ending in endings for line in ending.sheet.lines])
    lines_totals = totals(lines)
    fee_totals = totals(line for ending in endings for line in ending.sheet.fees)
    total = sum(total.total_cents for total in lines_totals)
    return Bill(
        lines=lines,
        totals=lines_totals,
        fee_totals=fee_totals,
        total_cents=total,
        total_to_pay_cents=total + sum(total.total_cents for total in fee_totals),
    )


def _service_preview(verdict: Judged, asked: Asked) -> ServicePreview:
    case = verdict.case
    plan, offered = plans(verdict, asked)
    return ServicePreview(
        ref=case.facts.ref,
        name=case.facts.name,
        first_possible_end=verdict.first_possible_end,
        minimum_end=case.minimum_end,
        last_notice_day=dates.last_notice_day(case, verdict.lawful_end, asked.wished_on),
        served_on=case.served_on,
        committed_until=verdict.committed_until,
        switch_end=dates.earliest_switch_end(case, verdict.first_possible_end),
        in_tacit_renewal=case.in_tacit_renewal,
        already_ended=dates.already_ended(case),
        buyout_allowed=case.buyout_allowed,
        ending=ending(verdict, plan),
        offer=None if offered is None else ending(verdict, offered),
        applied=case.applied,
        notes=case.notes + verdict.effect.notes + _cooling_off_note(case),
    )


def plans(verdict: Judged, asked: Asked) -> tuple[Plan, Plan | None]:
    """Return how the service ends, and the earlier ending offered beside it."""
    effect = verdict.effect
    if effect.ends_on is not None and effect.undoes:
        # No fee is billed, not even for the days it ran: the last day billed lies before the first one. What those cost at most is a line of its own.
        return Plan(EndKind.EXTRAORDINARY, effect.ends_on, verdict.case.facts.terms.start - ONE_DAY, exit_right=True), None
    if effect.ends_on is not None and effect.ends_on < verdict.lawful_end:
        if effect.free:
            return Plan(EndKind.EXTRAORDINARY, effect.ends_on, effect.ends_on, exit_right=True), None
        return ending_plan(verdict, effect.ends_on), None
    wished_on = asked.wished_on
    ordinary = ending_plan(verdict, verdict.lawful_end)
    if wished_on is None or dates.already_ended(verdict.case):
        return ordinary, None
    day = max(wished_on, asked.first_day)
    if day >= verdict.first_possible_end:
        return ordinary, None
    early = ending_plan(verdict, day)
    return (early, None) if asked.early else (ordinary, early)


def _cooling_off_note(case: Protected) -> tuple[Applied, ...]:
    facts = case.facts
    if facts.signed_on is None or not has_cooling_off(facts.segment, facts.channel):
        return ()
    last_day = cooling_off_ends(facts.signed_on, facts.withdrawal_right_told_on, extra_holidays=facts.extra_holidays)
    return (Applied("cooling_off", "BW 6:230o", {"last_on": last_day.isoformat()}),) if case.received_on <= last_day else ()
