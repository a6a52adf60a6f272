"""What a case makes billing do: charges when the end is planned, the final bill when it has come, all of it taken back when it does not come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from billing.policy.ledger import Layer, LineKind
from billing.service import charges, final_bills, ordered
from billing.service.charges import Charge
from billing.service.final_bills import Whose
from billing.service.ordered import Ordered
from partner_portal.infra import catalogue, db, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import SYSTEM
from partner_portal.kernel.dates import ONE_DAY
from partner_portal.kernel.errors import NotFound

from ..policy.cost_sheet import CostLine, LineCode
from ..policy.facts import ServiceFacts
from ..policy.preview import EndKind, Plan, Preview, ServicePreview, credited
from ..tables import Quote, Termination
from . import bills, cases, explain, quotes
from .bills import SheetLine
from .buyouts import Payer
from .facts import in_order

_KINDS = {
    LineCode.BUYOUT: LineKind.BUYOUT,
    LineCode.CLAWBACK: LineKind.CLAWBACK,
    LineCode.RESIDUAL: LineKind.RESIDUAL,
    LineCode.HANDLING: LineKind.HANDLING,
    LineCode.USAGE: LineKind.USAGE,
    LineCode.CREDIT: LineKind.CREDIT,
    LineCode.CREDIT_SETUP: LineKind.CREDIT,
    LineCode.EARLY_USE: LineKind.EARLY_USE,
}
_CREDITS = frozenset({LineCode.CREDIT, LineCode.CREDIT_SETUP})
_UNDONE = sentence("The contract was withdrawn from within the cooling-off period (%(number)s)")
_WAS_AGREED = "SELECT 1 FROM termination_step WHERE termination = $1 AND state = 'scheduled' LIMIT 1"
_HELD_BACK = """
SELECT t.id FROM termination t WHERE t.tenant = $1 AND ($2::uuid IS NULL OR t.customer = $2) AND EXISTS (
       SELECT FROM billing_charge c JOIN termination_line l ON l.tenant = c.tenant AND l.termination = t.id AND l.service = c.service
        WHERE c.tenant = t.tenant AND c.layer = $3 AND c.line IS NULL AND c.dropped_at IS NULL
          AND (c.kind = 'usage' OR starts_with(c.key, $4 || t.id || ':'))) ORDER BY t.id
"""
_OF_TENANT = "SELECT 1 FROM customer WHERE id = $1 AND tenant = $2"
_LANGUAGES = "SELECT c.language, t.language AS partner_language FROM customer c JOIN tenant t ON t.id = c.tenant WHERE c.id = $1"


class _Told(msgspec.Struct, frozen=True):
    """A case with what was agreed, as the documents of one price layer say it."""

    case: Termination
    quote: str
    layer: Layer
    preview: Preview
    facts: dict[str, ServiceFacts]
    language: str

    @property
    def key(self) -> str:
        return f"{charges.ON_THEIR_OWN}{self.case.id}:"

    @property
    def customer(self) -> UUID | None:
        return self.case.customer if self.layer is Layer.CUSTOMER else None


async def _told(case: Termination) -> list[_Told]:
    quote: Quote = await Quote.get(case.quote)
    row = await db.fetch_one(_LANGUAGES, case.customer)
    assert row is not None  # noqa: S101  # a case has its customer
    looked_at = quotes.facts_of(quote)
    return [
        _Told(case, quote.number, layer, preview, {facts.ref: facts for facts in looked_at[layer]}, _language(row, layer))
        for layer, preview in quotes.outcome_of(quote).previews.items()
    ]


def _language(row: asyncpg.Record, layer: Layer) -> str:
    language: str = row["language"] if layer is Layer.CUSTOMER else row["partner_language"]
    return language


async def charge(case: Termination) -> None:
    """What the agreed sheet of each layer makes of the end waits to be billed after it; what is given back is counted when it has come."""
    for told in await _told(case):
        await charges.put(case.tenant, _charges(told))


def _charges(told: _Told) -> Iterator[Charge]:
    several = len(told.preview.services) > 1
    for service in told.preview.services:
        places: dict[LineCode, int] = {}
        for line in service.ending.sheet.lines:
            if line.code not in _CREDITS:
                places[line.code] = places.get(line.code, 0) + 1
                yield _charge(told, service, line, place=places[line.code], of=service.name if several else "")
    yield from _adjustment(told)


def _charge(told: _Told, service: ServicePreview, line: CostLine, *, place: int = 1, of: str = "") -> Charge:
    said = bills.line_words(line, told.language, of=of)
    quantity, unit_price = charges.of_sum(line.amount_cents)
    nth = "" if place == 1 else f":{place}"
    return Charge(
        key=f"{told.key}{service.ref}:{line.code.value}{nth}",
        kind=_KINDS[line.code],
        description=f"{said.label} ({said.formula})" if said.formula else said.label,
        amount_cents=line.amount_cents,
        unit_price=unit_price,
        quantity=quantity,
        bill_from=charges.WHEN_IT_HAS_ENDED,
        customer=told.customer,
        service=UUID(service.ref),
        layer=told.layer,
        period=_days(line),
        why=_why(told, line, said, service.ending.ends_on),
    )


def _days(line: CostLine) -> tuple[date, date] | None:
    if "from_on" not in line.parameters:
        return None
    since, last = (date.fromisoformat(str(line.parameters[name])) for name in ("from_on", "last_on"))
    return since, last + ONE_DAY


def _why(told: _Told, line: CostLine, said: SheetLine, ends_on: date) -> dict[str, str | int]:
    return {
        "rule": line.rule,
        "explanation": said.explanation or "",
        "formula": said.formula or "",
        "basis": explain.basis(line, told.language),
        "exact": line.unrounded,
        "ends_on": ends_on.isoformat(),
        "case": told.case.number,
        "quote": told.quote,
    }


def _adjustment(told: _Told) -> Iterator[Charge]:
    """What finance took off the computed sum, or added, in the layer of whoever pays."""
    payer = Layer.PARTNER if told.case.payer == Payer.PARTNER else Layer.CUSTOMER
    agreed = told.case.agreed_cents
    if told.layer is not payer or agreed is None or agreed == told.case.computed_cents:
        return
    service = next((one for one in told.preview.services if one.ending.kind is not EndKind.ORDINARY), told.preview.services[0])
    amount = int(agreed) - int(told.case.computed_cents)
    quantity, unit_price = charges.of_sum(amount)
    yield Charge(
        key=f"{told.key}{service.ref}:ADJUSTED",
        kind=LineKind.BUYOUT,
        description=catalogue.text("Adjusted by %(provider)s", told.language, provider=settings.current().provider_name),
        amount_cents=amount,
        unit_price=unit_price,
        quantity=quantity,
        bill_from=charges.WHEN_IT_HAS_ENDED,
        customer=told.customer,
        service=UUID(service.ref),
        layer=told.layer,
        why={
            "rule": "line.adjusted",
            "computed_cents": int(told.case.computed_cents),
            "agreed_cents": int(agreed),
            "case": told.case.number,
            "quote": told.quote,
        },
    )


async def bill(case: Termination, layer: Layer) -> tuple[UUID, ...]:
    """The final bill of those services of the case that have ended is issued in this layer; nothing is billed twice. Runs through the staff door."""
    if await db.fetch_one(_WAS_AGREED, case.id) is None:
        return ()
    layers = await _told(case)
    told = next((one for one in layers if one.layer is layer), None)
    if told is None:
        return ()
    days = await final_bills.billed_days([UUID(service.ref) for service in told.preview.services])
    undone = [UUID(service.ref) for service in told.preview.services if cases.is_undone(service)]
    over = {str(service) for service, row in days.items() if row["ended_at"] is not None}
    for one in layers:
        await charges.put(case.tenant, [charge for charge in _charges(one) if str(charge.service) in over])
    orders = await _orders(case, [service for service in undone if str(service) in over], told.language)
    returned = [
        charge
        for one in layers
        for service in one.preview.services
        if service.ref in over
        for charge in _credits(one, service, days, orders)
    ]
    await final_bills.give_back(case.tenant, returned)
    whose = Whose(tenant=case.tenant, customer=case.customer, layer=layer, key=told.key, is_undone=bool(undone))
    return await final_bills.bill(SYSTEM, whose, [UUID(ref) for ref in over])


async def held_back(tenant: UUID, customer: UUID) -> list[Termination]:
    """The cases of the customer of which something still waits to be billed. Through the staff door; NotFound where it is not the tenant's."""
    if await db.fetch_one(_OF_TENANT, customer, tenant) is None:
        raise NotFound(what="customer", id=str(customer))
    return await _waiting_cases(tenant, customer, Layer.CUSTOMER)


async def held_back_of_partner(tenant: UUID) -> list[Termination]:
    """The cases of the partner of which something that it owes itself still waits to be billed. Through the staff door."""
    return await _waiting_cases(tenant, None, Layer.PARTNER)


async def _waiting_cases(tenant: UUID, customer: UUID | None, layer: Layer) -> list[Termination]:
    rows = await db.fetch(_HELD_BACK, tenant, customer, layer.value, charges.ON_THEIR_OWN)
    return [await Termination.find(row["id"]) for row in rows]


async def _orders(case: Termination, undone: Sequence[UUID], language: str) -> dict[UUID, Ordered]:
    """What was agreed by order of services whose contract was withdrawn from; of what was not billed yet for setting them up nothing will be."""
    if not undone:
        return {}
    await ordered.drop_setup(case.tenant, undone, catalogue.text(_UNDONE, language, number=case.number))
    return await ordered.of_services(undone)


def _credits(told: _Told, service: ServicePreview, days: Mapping[UUID, asyncpg.Record], orders: Mapping[UUID, Ordered]) -> Iterator[Charge]:
    """What is given back of the service, counted from what was billed by now: that of the agreed sheet, unless more or less was billed since."""
    row = days[UUID(service.ref)]
    facts = msgspec.structs.replace(
        told.facts[service.ref],
        paid_until=row["paid_until"],
        billed_from=row["billed_from"],
        ordered=in_order(orders.get(UUID(service.ref)), told.layer),
    )
    ending = service.ending
    plan = Plan(ending.kind, ending.ends_on, ending.billing_ends_on, exit_right=False)
    for line in credited(facts, plan, undoes=cases.is_undone(service)):
        yield _charge(told, service, line, of=service.name)


async def take_back(case: Termination) -> None:
    """Services that go on pay nothing for an end that does not come; what was billed of it is credited. Runs through the staff door."""
    told = await _told(case)
    services = [UUID(service.ref) for service in told[0].preview.services]
    going_on = [service for service, row in (await final_bills.billed_days(services)).items() if row["ended_at"] is None]
    reason = catalogue.text("Termination %(number)s was withdrawn", told[0].language, number=case.number)
    await final_bills.take_back(SYSTEM, case.tenant, going_on, told[0].key, reason)
