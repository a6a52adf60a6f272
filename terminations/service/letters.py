"""What mails, letters and the customer's page say about a case: the same words everywhere, from the quote that was agreed on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from billing.policy.ledger import Layer
from billing.policy.tax import Vat, VatTotal, vat_total
from billing.service import services
from partner_portal.infra import catalogue, clock, db, settings
from partner_portal.infra.brand import Brand
from partner_portal.kernel.money import Money
from tenants.service import brands

from ..policy.afterwards import Plan, Wish, kept_until
from ..policy.cost_sheet import CostLine, LineCode, totals
from ..policy.preview import Ending, EndKind, Preview
from ..tables import Termination
from ..workflow import Action
from . import bills, cases, explain, quotes
from .bills import SheetLine
from .buyouts import Payer


class CaseWords(msgspec.Struct, frozen=True, kw_only=True):
    """The case as people call it."""

    number: str
    customer: str
    partner: str
    requested_by: str
    received_at: datetime


class LineWords(msgspec.Struct, frozen=True, kw_only=True):
    """One service that ends; `fees` are the ordinary fees still to come where billing goes on after the last day, including VAT."""

    service: str
    reference: str
    location: str | None
    ends_on: date
    billing_ends_on: date
    fees: Money | None
    notice_rule: str | None


class SheetWords(msgspec.Struct, frozen=True, kw_only=True):
    """A bill that explains itself; `total` includes VAT."""

    lines: tuple[SheetLine, ...]
    base: Money
    vat: Money
    total: Money


class Adjustment(msgspec.Struct, frozen=True):
    """What finance made of the computed sum (including VAT), and why."""

    computed: Money
    reason: str


class Afterwards(msgspec.Struct, frozen=True):
    """Something to arrange around the end: a number, domain, mailbox, data or equipment, and what the customer wants with it."""

    kind: str
    what: str
    until: date | None = None
    plan: str = Plan.UNDECIDED


class Person(msgspec.Struct, frozen=True):
    """To whom something is sent."""

    name: str
    email: str
    language: str


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about a case when something is written about it.

    `contact` speaks for the customer: whoever filed the case signed in (`by_customer`), else whoever the partner chose, else the main contact.
    """

    case: Termination
    brand: Brand
    rows: Sequence[Any]
    previews: dict[Layer, Preview]
    customer_name: str
    partner_name: str
    filed_by: str
    received_at: datetime
    contact: Person | None
    partner: Person
    main_contact: Person | None = None
    by_notice: bool = False
    by_customer: bool = False

    @property
    def payer_layer(self) -> Layer:
        """The layer whose prices the payer knows."""
        return Layer.PARTNER if self.case.payer == Payer.PARTNER else Layer.CUSTOMER

    @property
    def customer_pays(self) -> bool:
        """Whether the customer is billed by the provider."""
        return bool(self.case.payer == Payer.CUSTOMER)


async def dossier(case: Termination) -> Dossier:
    """What is on file about the case, read in its tenant's unit of work."""
    [told] = await dossiers([case])
    return told


async def dossiers(some: Sequence[Termination]) -> list[Dossier]:
    """What is on file about each of these cases, in their order, with as many questions for many as for one."""
    agreed = await quotes.some([case.quote for case in some])
    previews = {case.id: quotes.outcome_of(agreed[case.quote]).previews for case in some}
    refs = {case: [UUID(service.ref) for service in told[Layer.CUSTOMER].services] for case, told in previews.items()}
    about = _PEOPLE if db.current().principal.customer is None else _PEOPLE_FOR_CONTACTS
    people = {row["id"]: row for row in await db.fetch(about, [case.id for case in some], clock.today())}
    faces = await brands.of_tenants({case.tenant for case in some})
    ending = await services.by_id(list({ref for named in refs.values() for ref in named}))
    return [
        _dossier(case, people[case.id], faces[case.tenant], previews[case.id], [row for row in ending if row["id"] in refs[case.id]])
        for case in some
    ]


def _dossier(case: Termination, row: Any, brand: Brand, previews: dict[Layer, Preview], rows: Sequence[Any]) -> Dossier:
    main = Person(row["contact_name"], row["contact_email"], row["language"]) if row["contact_email"] else None
    filer, chosen = (
        Person(row[f"{who}_name"], row[f"{who}_email"], row[f"{who}_language"] or row["language"]) if row[f"{who}_email"] else None
        for who in ("filer", "chosen")
    )
    return Dossier(
        case=case,
        brand=brand,
        rows=rows,
        previews=previews,
        customer_name=row["customer"],
        partner_name=row["partner"],
        filed_by=row["filed_by"] or row["partner"],
        received_at=_received_at(case, row),
        contact=filer or chosen or main,
        main_contact=main,
        partner=Person(
            row["filed_by"] if row["member_email"] else row["partner"],
            row["member_email"] or row["partner_email"],
            row["member_language"] or row["partner_language"],
        ),
        by_notice=row["noticed_at"] is not None,
        by_customer=row["filed_as"] in _BY_CUSTOMER,
    )


def _received_at(case: Termination, row: Any) -> datetime:
    """When notice was given: at the click on the public page, by filing, or by the customer's yes."""
    by_filing = case.has_mandate or row["filed_as"] in _BY_CUSTOMER
    at: datetime = row["noticed_at"] or (None if by_filing else row["consented_at"]) or case.filed_at
    return at


_BY_CUSTOMER = {Action.FILE_BY_CUSTOMER, Action.FILE_BUYOUT_BY_CUSTOMER}
_ABOUT = """
SELECT t.id, c.name AS customer, c.language, coalesce(p.shown_name, p.name) AS partner, p.email AS partner_email, p.language AS partner_language,
       k.name AS contact_name, k.email AS contact_email, w.name AS filer_name, w.email AS filer_email, w.language AS filer_language,
       a.name AS chosen_name, a.email AS chosen_email, a.language AS chosen_language, {member},
       f.actor_label AS filed_by, f.action AS filed_as, (f.facts ->> 'received_at')::timestamptz AS noticed_at,
       (SELECT max(at) FROM termination_step s WHERE s.termination = t.id AND s.action IN ('approve', 'accept_with_consent')) AS consented_at
  FROM termination t JOIN customer c ON c.id = t.customer JOIN tenant p ON p.id = t.tenant
  LEFT JOIN contact k ON k.customer = c.id AND k.tenant = c.tenant AND k.is_main
  LEFT JOIN contact w ON w.customer = c.id AND w.tenant = c.tenant AND 'contact:' || w.id = t.filed_by AND (w.active_until IS NULL OR w.active_until >= $2)
  LEFT JOIN termination_step f ON f.termination = t.id AND f.tenant = t.tenant AND f.nth = 1
  LEFT JOIN contact a ON a.customer = c.id AND a.tenant = c.tenant AND a.id = (f.facts ->> 'contact')::uuid AND (a.is_main OR a.may_sign)
   AND (a.active_until IS NULL OR a.active_until >= $2)
   AND NOT EXISTS (SELECT FROM termination_step n WHERE n.termination = t.id AND n.tenant = t.tenant AND n.action = 'not_me') {joined}
 WHERE t.id = ANY($1::uuid[])
"""
_PEOPLE = _ABOUT.format(
    member="m.email AS member_email, m.language AS member_language", joined="LEFT JOIN member m ON 'member:' || m.id = t.filed_by"
)
# Who works for a partner does not exist for its customers' contacts.
_PEOPLE_FOR_CONTACTS = _ABOUT.format(member="NULL AS member_email, NULL AS member_language", joined="")


def provider() -> Person:
    """Finance of the provider; its mails are in Dutch."""
    return Person(settings.current().provider_name, settings.current().finance_email, "nl")


def provider_brand() -> Brand:
    """The provider's own face, for mails to its own people."""
    return Brand(name=settings.current().provider_name, email=settings.current().finance_email)


def case_words(told: Dossier) -> CaseWords:
    """The case in words; without the customer's mandate the notice was received when the customer agreed."""
    return CaseWords(
        number=told.case.number,
        customer=told.customer_name,
        partner=told.partner_name,
        requested_by=told.filed_by,
        received_at=told.received_at,
    )


def line_words(told: Dossier, language: str) -> tuple[LineWords, ...]:
    """The services that end, each with the rule that was applied to its notice."""
    rows = {str(row["id"]): row for row in told.rows}
    return tuple(
        LineWords(
            service=service.name,
            reference=rows[service.ref]["number"],
            location=_place(rows[service.ref]),
            ends_on=service.ending.ends_on,
            billing_ends_on=service.ending.billing_ends_on,
            fees=_fees(told, service.ending),
            notice_rule=explain.notice_rule(service, language),
        )
        for service in told.previews[Layer.CUSTOMER].services
    )


def _fees(told: Dossier, ending: Ending) -> Money | None:
    if not told.customer_pays or ending.billing_ends_on == ending.ends_on:
        return None
    due = sum(total.total_cents for total in totals(ending.sheet.fees))
    return Money(due) if due else None


def _place(row: Any) -> str | None:
    return f"{row['location_street']}, {row['location_city']}" if row["location_street"] else None


def sheet(told: Dossier, language: str, *, layer: Layer | None = None, only: frozenset[LineCode] = frozenset(LineCode)) -> SheetWords:
    """The bill of one layer (the payer's by default), of these kinds of lines, with finance's adjustment as a line of its own."""
    chosen = layer or told.payer_layer
    lines = [line for line in cases.lines_of(told.previews[chosen]) if line.code in only]
    shown = [_line(told, line, language) for line in lines]
    sums = list(totals(lines))
    difference = _adjusted_by(told) if chosen is told.payer_layer else 0
    if difference:
        shown.append(
            SheetLine(
                label=catalogue.text("Adjusted by %(provider)s", language, provider=settings.current().provider_name),
                explanation=None,
                formula=None,
                basis=None,
                amount=Money(difference),
                includes_vat=_main_vat(told).prices_include_vat,
            )
        )
        sums = _with_difference(told, lines, difference)
    base, total = sum(one.base_cents for one in sums), sum(one.total_cents for one in sums)
    return SheetWords(lines=tuple(shown), base=Money(base), vat=Money(total - base), total=Money(total))


def _line(told: Dossier, line: CostLine, language: str) -> SheetLine:
    return bills.line_words(line, language, of="" if len(told.rows) == 1 else _names(told)[line.service])


def _names(told: Dossier) -> dict[str, str]:
    return {service.ref: service.name for service in told.previews[Layer.CUSTOMER].services}


def _adjusted_by(told: Dossier) -> int:
    agreed = told.case.agreed_cents
    return 0 if agreed is None else int(agreed) - int(told.case.computed_cents)


def _with_difference(told: Dossier, lines: Sequence[CostLine], difference: int) -> list[VatTotal]:
    groups: dict[Vat, list[int]] = {_main_vat(told): [difference]}
    for line in lines:
        groups.setdefault(line.vat, []).append(line.amount_cents)
    return [vat_total(amounts, taxed) for taxed, amounts in groups.items()]


def _main_vat(told: Dossier) -> Vat:
    """How a buyout of this case is taxed: as its own lines, or, where it has none, as the fees."""
    services = told.previews[told.payer_layer].services
    lines = cases.lines_of(told.previews[told.payer_layer])
    fees = [line for service in services for line in service.ending.sheet.fees]
    extra = [line for line in lines if line.code in cases.EXTRA_COSTS]
    return next((line.vat for line in [*extra, *lines, *fees]), Vat())


def buyout_sum(told: Dossier, cents: int) -> Money:
    """A sum as the payer's prices are given, including VAT."""
    vat = _main_vat(told)
    return Money(vat_total([cents], vat).total_cents)


def prices_include_vat(told: Dossier) -> bool:
    """Whether the payer's prices, and so the sums of a buyout, are given including VAT."""
    return _main_vat(told).prices_include_vat


def without_vat(told: Dossier, including: Money) -> int:
    """The cents, as the payer's prices are given, of a sum including VAT: the inverse of `buyout_sum`, to the cent nearest."""
    vat = _main_vat(told)
    if vat.prices_include_vat:
        return including.cents
    return vat_total([including.cents], msgspec.structs.replace(vat, prices_include_vat=True)).base_cents


def amount_for(told: Dossier, reader: str) -> Money | None:
    """What the reader pays in the end, including VAT; None for a customer whose partner settles the costs."""
    if reader == "customer" and not told.customer_pays:
        return None
    return sheet(told, "en").total


def afterwards(told: Dossier) -> tuple[Afterwards, ...]:
    """What is to be arranged around the end of each service, as it was wished when the case was filed."""
    wishes = {(wish.service_id, wish.thing): wish for wish in wishes_of(told.case)}
    found = []
    for row, service in zip(told.rows, told.previews[Layer.CUSTOMER].services, strict=True):
        for thing in cases.things_of(row):
            wish = wishes.get((row["id"], thing))
            until = wish.until if wish and wish.until else kept_until(thing, service.ending.ends_on)
            found.append(Afterwards(thing.value, row["label"], until, wish.plan if wish else Plan.UNDECIDED))
        if row["equipment_cents"]:
            found.append(Afterwards("equipment", row["label"]))
    return tuple(found)


def wishes_of(case: Termination) -> tuple[Wish, ...]:
    """What was wished for afterwards when the case was filed."""
    return msgspec.json.decode(case.afterwards, type=tuple[Wish, ...])


def asked_content(told: Dossier, language: str) -> str:
    """What was asked, in one phrase."""
    if has_buyout(told):
        return catalogue.text("an early end with a buyout, for %(customer)s", language, customer=told.customer_name)
    if told.case.is_buyout:
        return catalogue.text("an end on a ground of its own, for %(customer)s", language, customer=told.customer_name)
    if any(cases.is_undone(service) for service in told.previews[Layer.CUSTOMER].services):
        return catalogue.text("a withdrawal within the cooling-off period, for %(customer)s", language, customer=told.customer_name)
    return catalogue.text("an ordinary end, for %(customer)s", language, customer=told.customer_name)


def has_buyout(told: Dossier) -> bool:
    """Whether something that still binds is bought out; finance also decides on grounds, where nothing is."""
    return any(service.ending.kind is EndKind.BUYOUT for service in told.previews[Layer.CUSTOMER].services)


def payer_name(told: Dossier) -> str:
    """Who pays."""
    return told.customer_name if told.customer_pays else told.partner_name


def withdraw_until(told: Dossier) -> date | None:
    """The last day on which the case can be withdrawn without asking finance; None once it has passed."""
    last: date = told.case.ends_on - timedelta(days=settings.current().withdrawal_free_days)
    return last if last >= clock.today() else None


async def adjustment(told: Dossier) -> Adjustment | None:
    """What the sum was changed from and why (no reason of finance's own where it took the counter-proposal); None where it was not."""
    if not _adjusted_by(told):
        return None
    row = await db.fetch_one(
        "SELECT reason FROM termination_buyout_decision WHERE termination = $1 AND amount_cents = $2 AND decision = 'adjust'"
        " ORDER BY decided_at LIMIT 1",
        *(told.case.id, told.case.agreed_cents),
    )
    return Adjustment(buyout_sum(told, told.case.computed_cents), row["reason"] if row else "")


def masked(address: str) -> str:
    """An e-mail address that its owner recognises and nobody else can use."""
    name, at, domain = address.partition("@")
    return f"{name[:2]}***{at}{domain}"
