"""Services with their terms: read, entered, changed by decision, ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from partner_portal.infra import clock, db, numbers
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.web.lists import Column, Listing, Window, contains
from tenants.policy import LocationKind

from ..policy import agreed
from ..policy.charges import Proration
from ..policy.terms import Align, CountFrom, NoticeUnit, Renewal
from ..tables.agreed import Service

Cents = Annotated[int, Meta(ge=0, le=100_000_000_00)]
Months = Annotated[int, Meta(ge=0, le=600)]
Label = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Number = Annotated[str, Meta(min_length=1, max_length=30, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./_-]*$")]


class AgreedTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a contract fixes for one service; amounts in cents, per unit and month for fees; `paid_until` is the first day not paid."""

    label: Label
    fee_cents: Cents
    starts_on: date
    paid_until: date
    wholesale_cents: Cents | None = None
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    signed_on: date | None = None
    channel: agreed.Channel = agreed.Channel.ONLINE
    minimum_months: Months = 0
    explicit_end: date | None = None
    renewal: Renewal = Renewal.INDEF
    renewal_months: Months = 0
    notice_n: Annotated[int, Meta(ge=0, le=1000)] = 1
    notice_unit: NoticeUnit = NoticeUnit.MONTHS
    notice_from: CountFrom = CountFrom.NEXT
    align: Align = Align.NONE
    billing_months: Annotated[int, Meta(ge=1, le=120)] = 1
    billed_from: date | None = None
    credit_mode: agreed.CreditMode = agreed.CreditMode.CAL
    in_advance: bool = True
    cycle_day: Annotated[int, Meta(ge=1, le=31)] | None = None
    proration: Proration = Proration.CAL
    buyout_rule: str | None = None
    discount_cents: Cents = 0
    discount_months: Months = 0
    discount_full: bool = False
    equipment_cents: Cents = 0
    equipment_months: Months = 0
    equipment_by_day: bool = False
    bundle: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    waiver_document: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    long_notice_document: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    provider_notice_months: Months | None = None
    is_m2m: bool = False


_TERMS = msgspec.structs.fields(AgreedTerms)
_COLUMNS = [field.name for field in _TERMS if field.name != "buyout_rule"]
_WRITTEN = ", ".join(["id", "tenant", "customer", "product", "number", "buyout_rule", "location", "version", "created_at", *_COLUMNS])
# A number that is taken, also by an earlier one of the same, leaves its service out.
_INSERT = f"""
INSERT INTO billing_service ({_WRITTEN})
SELECT {_WRITTEN} FROM jsonb_populate_recordset(NULL::billing_service, $1::jsonb) WITH ORDINALITY ORDER BY ordinality
    ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608  # names of our own fields
_AT_A_TIME = 1000
_LOCATIONS = """
SELECT DISTINCT ON (w.customer, w.said) w.customer, w.said, l.id FROM unnest($1::uuid[], $2::text[]) AS w (customer, said)
  JOIN location l ON l.customer = w.customer AND (l.kind = w.said OR l.id::text = w.said) ORDER BY w.customer, w.said, l.id
"""
_SELECT = """
SELECT {service}, p.code AS product_code, p.name_nl AS product_nl, p.name_en AS product_en, p.kind AS product_kind, p.is_domain, p.has_numbers, p.has_data,
       r.name AS rule_name, r.method AS rule_method, r.scale AS rule_scale, r.percentage AS rule_percentage, r.bands AS rule_bands,
       r.handling_cents AS rule_handling, r.avoided_percentage AS rule_avoided, l.street AS location_street, l.city AS location_city
  FROM billing_service s JOIN billing_product p ON p.id = s.product LEFT JOIN billing_buyout_rule r ON r.id = s.buyout_rule
  LEFT JOIN location l ON l.id = s.location AND l.tenant = s.tenant
"""
READ = _SELECT.format(service="s.*")
_FOR_CONTACTS = [column._meta.name for column in Service.all_columns(exclude=[Service.wholesale_cents])]  # noqa: SLF001  # Piccolo's way to a column's name
_READ_BY_CONTACTS = _SELECT.format(service=", ".join(f"s.{name}" for name in _FOR_CONTACTS))
"""What a partner pays the provider is none of its customers': the database shows a contact everything else of a service."""
_OF_CUSTOMER = " WHERE s.customer = $1 AND s.ended_at IS NULL ORDER BY s.number, s.id"
_BESIDE = (
    " WHERE s.customer = $1 AND s.bundle = ANY($2::varchar[]) AND s.ended_at IS NULL AND s.id <> ALL($3::uuid[]) ORDER BY s.number, s.id"
)
_FOUND = (
    " WHERE s.customer = $1 AND s.ended_at IS NULL AND (s.id = ANY($2::uuid[]) OR s.label ILIKE $3 OR s.number ILIKE $3)"
    " ORDER BY s.id <> ALL($2::uuid[]), s.number, s.id LIMIT $4"
)
_BY_ID = " WHERE s.id = ANY($1::uuid[]) ORDER BY s.number, s.id"

LISTING = Listing("services of a customer", {"number": Column("s.number", "varchar", "number")}, usual="number", id_sql="s.id")
_PAGE = {
    False: READ + " WHERE s.customer = $1 AND s.ended_at IS NULL AND ",
    True: READ + " WHERE s.customer = $1 AND s.ended_at IS NOT NULL AND ",
}
_CHANGES = "SELECT id, reason, changes, decided_by, decided_at FROM billing_terms_change WHERE service = $1 ORDER BY decided_at DESC, id DESC LIMIT 100"


async def of_customer(customer: UUID) -> list[asyncpg.Record]:
    """The customer's services that have not ended, with product and buyout rule, in order of number."""
    return await db.fetch(READ + _OF_CUSTOMER, customer)


async def found(customer: UUID, q: str, chosen: Sequence[UUID], *, limit: int | None) -> list[asyncpg.Record]:
    """The customer's running services, at most `limit`: the chosen ones, then those with `q` in name or number, in order of number."""
    return await db.fetch(_read() + _FOUND, customer, list(chosen), contains(q), limit)


async def page(window: Window, customer: UUID, *, ended: bool = False) -> list[asyncpg.Record]:
    """The customer's services in the window, those that run or those that have ended; one row more than shown."""
    unseen, values = window.where(2)
    return await db.fetch(f"{_PAGE[ended]}{unseen} ORDER BY {window.order}", customer, *values)  # fragments are ours, values are bound


async def changes_of(service: UUID) -> list[asyncpg.Record]:
    """The decisions to change the service's terms, the newest first, a hundred at most."""
    return await db.fetch(_CHANGES, service)


async def by_id(services: Sequence[UUID]) -> list[asyncpg.Record]:
    """These services in order of number; NotFound when one of them is not the acting tenant's."""
    rows = await db.fetch(_read() + _BY_ID, list(services))
    if len(rows) != len(set(services)):
        known = {row["id"] for row in rows}
        raise NotFound(what="service", id=str(next(service for service in services if service not in known)))
    return rows


async def beside(rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """The other running services in the bundles of these services of one customer, in order of number."""
    bundles = {row["bundle"] for row in rows if row["bundle"]}
    return await db.fetch(_read() + _BESIDE, rows[0]["customer"], list(bundles), [row["id"] for row in rows]) if bundles else []


def _read() -> str:
    return READ if db.current().principal.customer is None else _READ_BY_CONTACTS


async def with_wholesale(rows: Sequence[asyncpg.Record]) -> Sequence[Any]:
    """The same rows with what the provider charges the partner, also where a contact acts: what its partner owes at an end rests on it."""
    if not rows or db.current().principal.customer is None:
        return rows
    async with db.as_the_tenant():
        found = await db.fetch("SELECT id, wholesale_cents FROM billing_service WHERE id = ANY($1::uuid[])", [row["id"] for row in rows])
    cents = {row["id"]: row["wholesale_cents"] for row in found}
    return [{**row, "wholesale_cents": cents[row["id"]]} for row in rows]


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """A service to be entered: whose, which product (its code), its terms, and the customer's address of that kind or id."""

    customer: UUID
    product: str
    terms: AgreedTerms
    number: str | None = None
    location: LocationKind | UUID | None = None


async def enter(
    actor: Actor,
    *,
    customer: UUID,
    product: str,
    terms: AgreedTerms,
    number: str | None = None,
    location: LocationKind | UUID | None = None,
) -> UUID:
    """The service exists with these terms, at the customer's address of that kind or id; Invalid names everything that cannot be."""
    wanted = Entered(customer=customer, product=product, terms=terms, number=number, location=location)
    (made,) = await enter_all(actor, [wanted])
    if isinstance(made, UUID):
        return made
    raise Invalid(*made)


async def enter_all(actor: Actor, wanted: Sequence[Entered]) -> list[UUID | list[FieldError]]:
    """Each of them exists, in this order, or is answered with everything that is wrong with it: by a few statements for a thousand. NotFound for no customer.

    One that cannot be keeps nothing of the others out: whoever wants all or none takes back what was written.
    """
    known = await _known(wanted)
    made: list[UUID | list[FieldError]] = [faults or new_id() for faults in (_faults(one, known) for one in wanted)]
    good = [nth for nth, answer in enumerate(made) if isinstance(answer, UUID)]
    for nth in good:
        if wanted[nth].customer not in known.customers:
            raise NotFound(what="customer", id=str(wanted[nth].customer))
    given = await _numbers([wanted[nth] for nth in good])
    rows = [_row(actor, made[nth], wanted[nth], known) | {"number": number} for nth, number in zip(good, given, strict=True)]
    entered = set[UUID]()
    for first in range(0, len(rows), _AT_A_TIME):
        written = await db.fetch(_INSERT, msgspec.json.encode(rows[first : first + _AT_A_TIME]).decode())
        entered |= {row["id"] for row in written}
    for nth, number in zip(good, given, strict=True):
        if made[nth] not in entered:
            made[nth] = [FieldError("/number", "taken", {"value": number})]
    return made


class _Known(msgspec.Struct, frozen=True):
    """What is there of what services to be entered name."""

    customers: frozenset[UUID]
    products: Mapping[str, UUID]
    rules: Mapping[str, UUID]
    locations: Mapping[tuple[UUID, str], UUID]


async def _known(wanted: Sequence[Entered]) -> _Known:
    customers = await db.fetch(
        "SELECT id FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id FOR SHARE", list({one.customer for one in wanted})
    )
    products = await db.fetch("SELECT code, id FROM billing_product WHERE code = ANY($1::text[])", list({one.product for one in wanted}))
    names = {one.terms.buyout_rule for one in wanted if one.terms.buyout_rule}
    rules = await db.fetch("SELECT name, id FROM billing_buyout_rule WHERE name = ANY($1::text[])", list(names)) if names else []
    places = {(one.customer, str(one.location)) for one in wanted if one.location}
    found = await db.fetch(_LOCATIONS, *(list(column) for column in zip(*places, strict=True))) if places else []
    return _Known(
        frozenset(row["id"] for row in customers),
        {row["code"]: row["id"] for row in products},
        {row["name"]: row["id"] for row in rules},
        {(row["customer"], row["said"]): row["id"] for row in found},
    )


def _faults(one: Entered, known: _Known) -> list[FieldError]:
    faults, rule = contradictions(one.terms), one.terms.buyout_rule
    if one.product not in known.products:
        faults.append(FieldError("/product", "unknown-product", {"value": one.product}))
    if rule and rule not in known.rules:
        faults.append(FieldError("/terms/buyout_rule", "unknown-buyout-rule", {"value": rule}))
    if one.location and (one.customer, str(one.location)) not in known.locations:
        faults.append(FieldError("/location", "no-such-location", {"value": str(one.location)}))
    return faults


async def _numbers(wanted: Sequence[Entered]) -> list[str]:
    """The number of each: as given, else the next of the series."""
    missing = sum(not one.number for one in wanted)
    following = iter(await numbers.several_in("S", missing) if missing else ())
    return [one.number or next(following) for one in wanted]


def _row(actor: Actor, service: object, one: Entered, known: _Known) -> dict[str, Any]:
    terms = {name: getattr(one.terms, name) for name in _COLUMNS}
    return terms | {
        "id": service,
        "tenant": actor.tenant,
        "customer": one.customer,
        "product": known.products[one.product],
        "buyout_rule": known.rules[one.terms.buyout_rule] if one.terms.buyout_rule else None,
        "location": known.locations[one.customer, str(one.location)] if one.location else None,
        "version": 1,
        "created_at": clock.now(),
        "signed_on": one.terms.signed_on or one.terms.starts_on,
    }


def contradictions(terms: AgreedTerms) -> list[FieldError]:
    """Everything in `terms` that cannot be true together."""
    wrong = [
        ("renewal_months", "needs-renewal-months", terms.renewal is Renewal.FIXED and terms.renewal_months < 1),
        ("minimum_months", "needs-an-end", terms.renewal is not Renewal.INDEF and terms.minimum_months < 1 and terms.explicit_end is None),
        ("explicit_end", "before-start", terms.explicit_end is not None and terms.explicit_end < terms.starts_on),
        ("discount_months", "needs-months", terms.discount_cents > 0 and terms.discount_months < 1),
        ("equipment_months", "needs-months", terms.equipment_cents > 0 and terms.equipment_months < 1),
        ("billed_from", "after-paid-until", terms.billed_from is not None and terms.billed_from > terms.paid_until),
        ("paid_until", "before-start", terms.paid_until < terms.starts_on),
    ]
    return [FieldError(f"/terms/{name}", code) for name, code, is_wrong in wrong if is_wrong]


class TermsChangeWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New values for terms in force, by name, and the reason."""

    values: dict[str, Any]
    reason: Annotated[str, Meta(min_length=3, max_length=2000)]


async def change_terms(actor: Actor, service: UUID, wanted: TermsChangeWanted) -> None:
    """The service has the new values from now on, and the decision with its reason stays on record; Invalid names what cannot be."""
    rows = await db.fetch(READ + " WHERE s.id = $1 FOR UPDATE OF s", service)
    if not rows:
        raise NotFound(what="service", id=str(service))
    terms = _changed(rows[0], wanted.values)
    faults = contradictions(terms)
    rule = await db.fetch_one("SELECT id FROM billing_buyout_rule WHERE name = $1", terms.buyout_rule) if terms.buyout_rule else None
    if terms.buyout_rule and rule is None:
        faults.append(FieldError("/terms/buyout_rule", "unknown-buyout-rule", {"value": terms.buyout_rule}))
    if faults:
        raise Invalid(*faults)
    assigned = ", ".join(f"{name} = ${place}" for place, name in enumerate(_COLUMNS, 3))
    await db.execute(
        f"UPDATE billing_service SET version = version + 1, buyout_rule = $2, {assigned} WHERE id = $1",  # noqa: S608  # names of our own fields
        *(service, rule["id"] if rule else None, *(getattr(terms, name) for name in _COLUMNS)),
    )
    await db.execute(
        "INSERT INTO billing_terms_change (id, tenant, service, reason, changes, decided_by, decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(new_id(), rows[0]["tenant"], service, wanted.reason, msgspec.json.encode(wanted.values).decode(), actor.trail, clock.now()),
    )


def _changed(row: asyncpg.Record, values: dict[str, Any]) -> AgreedTerms:
    now = {name: row[name] for name in _COLUMNS} | {"buyout_rule": row["rule_name"]}
    try:
        return msgspec.convert({**now, **values}, AgreedTerms, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(FieldError("/values", "not-valid", {"reason": str(error)})) from error


async def plan_end(service: UUID, *, ends_on: date, billing_ends_on: date) -> None:
    """The service is to end after `ends_on` and is billed up to and including `billing_ends_on`."""
    await db.execute(
        "UPDATE billing_service SET ends_on = $2, billing_ends_on = $3, version = version + 1 WHERE id = $1",
        service,
        ends_on,
        billing_ends_on,
    )


async def drop_planned_end(service: UUID) -> None:
    """The service goes on as if no end had been planned."""
    await db.execute(
        "UPDATE billing_service SET ends_on = NULL, billing_ends_on = NULL, version = version + 1 WHERE id = $1 AND ended_at IS NULL",
        service,
    )


async def end(service: UUID) -> None:
    """The service has ended; ending it twice changes nothing."""
    await db.execute(
        "UPDATE billing_service SET ended_at = coalesce(ended_at, $2), version = version + 1 WHERE id = $1", service, clock.now()
    )
