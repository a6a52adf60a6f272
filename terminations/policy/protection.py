"""The protection layer: which statutory rules change what the contract says, for one service and one day of receipt.

The rules are numbered P1 to P15. A rule is listed as applied only if it changed the terms, or took the buyout away, when
its turn came. P4, P9, P10, P11 and P12 inform; they are returned as notes. P13 means that the contract stands as written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import msgspec

from billing.policy import terms as contract
from billing.policy.agreed import Channel, ServiceKind
from billing.policy.terms import Align, Notice, NoticeUnit, Renewal, Terms
from partner_portal.kernel.dates import ONE_DAY, add_months
from tenants.policy import Segment

from .data_act import DATA_ACT, SwitchingLimits
from .facts import Applied, ServiceFacts


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the protection rules: parameters for counsel to confirm, not constants of the code."""

    short_notice_months: int = 1
    requested_notice_months: int = 3
    consumer_minimum_months: int = 12
    commitment_months: int = 24
    inform_before_months: int = 2
    data_act: tuple[SwitchingLimits, ...] = DATA_ACT


DUTCH_LAW = Law()


class NoticeRight(msgspec.Struct, frozen=True):
    """A notice period the customer may use for notices received from `since` on."""

    notice: Notice
    since: date = date.min


class Protected(msgspec.Struct, frozen=True, kw_only=True):
    """A service's terms after the rules, for one day of receipt.

    `served_on` is the last day of the notice period; `binds` says whether a commitment runs on the day of receipt;
    `free_exit` that the customer is past a tacit renewal and owes nothing but the fee during notice (P7).
    """

    facts: ServiceFacts
    received_on: date
    terms: Terms
    minimum_end: date | None
    own_end: date | None
    served_on: date
    rights: tuple[NoticeRight, ...]
    in_tacit_renewal: bool
    binds: bool
    free_exit: bool
    buyout_barred: bool
    applied: tuple[Applied, ...]
    notes: tuple[Applied, ...]

    @property
    def buyout_allowed(self) -> bool:
        """Whether leaving early may cost a buyout: a commitment runs and no rule sets it to zero."""
        return self.binds and not self.buyout_barred


def protected(
    facts: ServiceFacts, received_on: date, wished_on: date | None = None, *, bundle_end: date | None = None, law: Law = DUTCH_LAW
) -> Protected:
    """Return the terms of a service after the statutory rules, for a notice received on `received_on`.

    `bundle_end` is the last day that binds the bundle the service belongs to (P10).
    """
    case = _Case(facts, received_on, wished_on, law)
    case.note_what_is_worth_knowing()
    case.follow_bundle(bundle_end)
    for rule in _CONSUMER_RULES if case.segment is Segment.CONSUMER else _BUSINESS_RULES:
        rule(case)
    return case.result()


def follows_telecom_rules(facts: ServiceFacts) -> bool:
    """Whether the rules for electronic communication hold: for it, and for a bundle of a consumer or protected business."""
    if facts.kind is ServiceKind.BUNDLE:
        return is_protected(facts)
    return facts.kind is ServiceKind.ECS


def is_protected(facts: ServiceFacts) -> bool:
    """Whether the customer is a consumer or a protected business; unknown size counts as protected."""
    return facts.segment not in (Segment.OTHER_BIZ, Segment.GOV)


class _Case:
    """The working state while the rules take their turns."""

    def __init__(self, facts: ServiceFacts, received_on: date, wished_on: date | None, law: Law) -> None:
        terms = facts.terms
        self.facts, self.received_on, self.wished_on, self.law = facts, received_on, wished_on, law
        self.segment = _EFFECTIVE_SEGMENT.get(facts.segment, facts.segment)
        self.telecom = follows_telecom_rules(facts)
        self.renewal, self.align = terms.renewal, terms.align
        self.own_end = self.minimum_end = contract.minimum_end(terms)
        self.rights = [NoticeRight(terms.notice)]
        self.notice = terms.notice
        self.served_on = contract.notice_last_day(received_on, terms.notice, facts.extra_holidays)
        self.free_exit = self.buyout_barred = False
        self.applied: list[Applied] = []
        self.notes: list[Applied] = []

    def last_day_of(self, notice: Notice, received_on: date) -> date:
        return contract.notice_last_day(received_on, notice, self.facts.extra_holidays)

    def months_of_notice(self, months: int) -> Notice:
        """A cap takes over from the contract whether the day of receipt counts."""
        return Notice(months, NoticeUnit.MONTHS, self.facts.terms.notice.count_from)

    def allow(self, notice: Notice, since: date = date.min) -> bool:
        """Let the customer use `notice`; whether it ends earlier than what could be used so far. On a tie that stays."""
        if notice == self.notice:
            return False
        self.rights.append(NoticeRight(notice, since))
        if since > self.received_on:
            return False
        last = self.last_day_of(notice, self.received_on)
        if last >= self.served_on:
            return False
        self.served_on, self.notice = last, notice
        return True

    def limit_minimum(self, last_day: date) -> bool:
        """Let the minimum term end on `last_day` at most; whether that made it shorter."""
        if self.minimum_end is None or self.minimum_end <= last_day:
            return False
        self.minimum_end = last_day
        return True

    def apply(self, key: str, **parameters: str | int | bool) -> None:
        self.applied.append(Applied(key, LAW_SOURCES[key], parameters))

    def note(self, key: str, **parameters: str | int | bool) -> None:
        self.notes.append(Applied(key, LAW_SOURCES[key], parameters))

    @property
    def in_tacit_renewal(self) -> bool:
        renewed = self.renewal is not Renewal.NONE and self.minimum_end is not None
        return renewed and self.received_on > self.minimum_end  # type: ignore[operator]

    @property
    def binds(self) -> bool:
        if self.minimum_end is not None and self.received_on <= self.minimum_end:
            return True
        return self.renewal is Renewal.FIXED

    def follow_bundle(self, bundle_end: date | None) -> None:
        if bundle_end is not None and self.limit_minimum(bundle_end):
            self.note("P10", last_on=bundle_end.isoformat())

    def note_what_is_worth_knowing(self) -> None:
        facts = self.facts
        if self.segment is Segment.CONSUMER:
            if facts.channel is Channel.ONLINE:
                self.note("P4")
            if facts.is_domain:
                self.note("P11")
        elif self.segment is Segment.PROTECTED_BIZ and facts.kind is ServiceKind.OTHER:
            self.note("P12")
        if self.telecom and self.own_end is not None and self.renewal is not Renewal.NONE and self.received_on <= self.own_end:
            inform_by = add_months(self.own_end + ONE_DAY, -self.law.inform_before_months)
            self.note("P9", inform_on=inform_by.isoformat(), term_ends_on=self.own_end.isoformat())

    def result(self) -> Protected:
        terms = self.facts.terms
        changed = self.minimum_end != self.own_end or self.renewal is not terms.renewal
        if changed or self.align is not terms.align or self.notice is not terms.notice:
            explicit_end = terms.explicit_end if self.minimum_end == self.own_end else self.minimum_end
            terms = msgspec.structs.replace(terms, explicit_end=explicit_end, renewal=self.renewal, align=self.align, notice=self.notice)
        return Protected(
            facts=self.facts,
            received_on=self.received_on,
            terms=terms,
            minimum_end=self.minimum_end,
            own_end=self.own_end,
            served_on=self.served_on,
            rights=tuple(self.rights),
            in_tacit_renewal=self.in_tacit_renewal,
            binds=self.binds,
            free_exit=self.free_exit,
            buyout_barred=self.buyout_barred,
            applied=tuple(sorted(self.applied, key=lambda rule: int(rule.key[1:]))),
            notes=tuple(self.notes),
        )


def _p1(case: _Case) -> None:
    """No tacit renewal for a fixed time; continued, a consumer may leave at any time on a month's notice."""
    if case.renewal is Renewal.NONE:
        return
    cut = case.allow(case.months_of_notice(case.law.short_notice_months))
    freed = case.renewal is not Renewal.INDEF or case.align is not Align.NONE
    case.renewal, case.align = Renewal.INDEF, Align.NONE
    if cut or freed:
        case.apply("P1", months=case.law.short_notice_months)


def _p2(case: _Case) -> None:
    """A consumer may leave other services after a year, whatever the term says; arguable, hence marked so."""
    months = case.law.consumer_minimum_months
    if case.facts.kind is ServiceKind.OTHER and case.limit_minimum(add_months(case.facts.terms.start, months) - ONE_DAY):
        case.apply("P2", months=months, arguable=True)


def _p3(case: _Case) -> None:
    """A consumer's notice is no longer than a month, nor than the provider's own."""
    cut = case.allow(case.months_of_notice(case.law.short_notice_months))
    if case.facts.provider_notice is not None:
        cut = case.allow(case.facts.provider_notice) or cut
    if cut:
        case.apply("P3", n=case.notice.n, unit=case.notice.unit.value)


def _p5(case: _Case) -> None:
    """Telecom binds a consumer for at most 24 months from signing the contract now running."""
    _limit_commitment(case, "P5")


def _p6(case: _Case) -> None:
    """The same for a small business, unless it waived this in writing."""
    if case.segment is Segment.PROTECTED_BIZ and not case.facts.waiver_on_file:
        _limit_commitment(case, "P6")


def _limit_commitment(case: _Case, key: str) -> None:
    signed_on = case.facts.signed_on or case.facts.terms.start
    if case.telecom and case.limit_minimum(add_months(signed_on, case.law.commitment_months) - ONE_DAY):
        case.apply(key, months=case.law.commitment_months, signed_on=signed_on.isoformat())


def _p7_and_p8(case: _Case) -> None:
    """After a tacit renewal any telecom customer may leave at any time on at most a month's notice (P7).

    A large business that asked for a longer notice itself is held to at most three months (P8).
    """
    end = case.minimum_end
    if not case.telecom or case.facts.m2m or end is None or case.renewal is Renewal.NONE:
        return
    reach = case.served_on if case.wished_on is None else max(case.served_on, case.wished_on)
    if reach <= end:
        return
    case.free_exit = True
    short = case.months_of_notice(case.law.short_notice_months)
    cap = short
    if case.segment is Segment.OTHER_BIZ and case.facts.long_notice_request_on_file:
        cap = case.months_of_notice(case.law.requested_notice_months)
    starts_counting = max(case.received_on, end + ONE_DAY)
    served_before = case.served_on
    cut = case.allow(cap, since=end + ONE_DAY)
    case.served_on = min(case.served_on, case.last_day_of(cap, starts_counting))
    if case.served_on > min(served_before, case.last_day_of(short, starts_counting)):
        case.apply("P8", months=case.law.requested_notice_months)
    freed = case.renewal is not Renewal.INDEF or case.align is not Align.NONE
    case.renewal, case.align = Renewal.INDEF, Align.NONE
    if cut or freed or case.served_on < served_before:
        case.apply("P7", months=cap.n, renewed_on=(end + ONE_DAY).isoformat())


def _p14(case: _Case) -> None:
    """A consumer may end an assignment at any time and owes no damages: no buyout unless a person decides otherwise."""
    if case.facts.kind is ServiceKind.OTHER and case.binds:
        case.buyout_barred = True
        case.apply("P14")


def _p15(case: _Case) -> None:
    """A cloud customer gives at most two months' notice, by the limits in force."""
    if case.facts.kind is not ServiceKind.CLOUD:
        return
    for limits in case.law.data_act:
        if case.allow(case.months_of_notice(limits.max_notice_months), since=limits.since):
            case.apply("P15", months=limits.max_notice_months, since_on=limits.since.isoformat())


_EFFECTIVE_SEGMENT = {Segment.GOV: Segment.OTHER_BIZ, Segment.UNKNOWN: Segment.PROTECTED_BIZ}
_CONSUMER_RULES: Sequence[Callable[[_Case], None]] = (_p1, _p2, _p3, _p5, _p7_and_p8, _p15, _p14)
_BUSINESS_RULES: Sequence[Callable[[_Case], None]] = (_p6, _p7_and_p8, _p15)

LAW_SOURCES = {
    "P1": "BW 6:236 j, r",
    "P2": "BW 6:237 k",
    "P3": "BW 6:237 l, o",
    "P4": "BW 6:236 o",
    "P5": "Tw 7.2a; Directive (EU) 2018/1972 art. 105(1); C-612/23",
    "P6": "Directive (EU) 2018/1972 art. 105(2)",
    "P7": "Tw 7.2a; Directive (EU) 2018/1972 art. 105(3)",
    "P8": "Tw 7.2a",
    "P9": "Directive (EU) 2018/1972 art. 105(3)",
    "P10": "Directive (EU) 2018/1972 art. 107",
    "P11": "BW 6:236 j",
    "P12": "HR 21-9-2007, LJN BA7627",
    "P14": "BW 7:408, 7:411, 7:413",
    "P15": "Regulation (EU) 2023/2854 art. 25",
}
