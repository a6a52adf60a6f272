"""Master data as staff change it in the generated screens: only named columns, each new value judged as everywhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from piccolo.table import Table
from piccolo_api.crud.hooks import Hook, HookType
from starlette.requests import Request

from billing.policy import agreed, peppol
from billing.policy.agreed import ScaleKind
from billing.service import services
from billing.service.services import AgreedTerms
from billing.tables.agreed import Service
from knowledge_base.policy import Audience
from partner_portal.infra import brand, clock, db
from partner_portal.kernel.actor import Actor, Role, StaffRole
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Problem
from partner_portal.web import decoding
from tenants import policy
from tenants.service import contacts, members, partners
from tenants.service.customers import Address, Country, Email, Language, MainContact, Name, Phone
from terminations.policy.facts import Band, Scale

from . import access
from .saying import LastAdministrator, OwnAccount, refusal


class Partner(msgspec.Struct, kw_only=True):
    """A partner's own data."""

    code: Annotated[str, Meta(pattern=r"^[A-Z0-9]{2,8}$")]
    name: Name
    kind: policy.TenantKind = policy.TenantKind.PARTNER
    bills: policy.WhoBills = policy.WhoBills.DIRECT
    language: Language = "nl"
    email: Email
    phone: Phone | None = None
    website: Annotated[str, Meta(max_length=200, pattern=r"^(https?://\S+)?$")] | None = None
    brand_colour: str = "#1f4e79"
    address: Annotated[str, Meta(max_length=500)] = ""
    country: Country = "NL"
    vat_id: Annotated[str, Meta(max_length=20)] | None = None
    suspended_at: datetime | None = None


class Person(msgspec.Struct, kw_only=True):
    """A partner's user as staff may change it."""

    name: Name
    role: Role
    language: Language
    disabled_at: datetime | None = None


class CustomerData(msgspec.Struct, kw_only=True):
    """A customer's own data."""

    name: Name
    segment: policy.Segment
    language: Language
    country: Country
    vat_id: Annotated[str, Meta(max_length=20)] | None = None
    chamber_number: Annotated[str, Meta(pattern=r"^[0-9]{8}$")] | None = None
    staff_count: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None


class Contact(MainContact, frozen=True, kw_only=True):
    """Somebody at a customer."""

    customer: UUID
    language: Language | None = None
    active_until: date | None = None


class ContactWithRights(Contact, frozen=True, kw_only=True):
    """Somebody at a customer, as staff may change it."""

    is_administrative: bool
    is_technical: bool
    may_sign: bool


class Place(Address, frozen=True, kw_only=True):
    """An address of a customer."""

    customer: UUID
    kind: policy.LocationKind


class BillingData(msgspec.Struct, kw_only=True):
    """How a debtor is billed where it differs from the usual; empty: as usual."""

    buyer_reference: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")] | None = None
    endpoint_scheme: str | None = None
    endpoint_id: str | None = None
    email: Email | None = None
    payment_days: Annotated[int, Meta(ge=0, le=120)] | None = None
    is_collective: bool = True


class BillingOf(BillingData, kw_only=True):
    """The same of a customer."""

    customer: UUID


class Product(msgspec.Struct, kw_only=True):
    """What is sold."""

    code: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")]
    name_nl: Name
    name_en: Name
    kind: agreed.ServiceKind
    is_domain: bool = False
    has_numbers: bool = False
    has_data: bool = False
    retired_on: date | None = None


class Rule(msgspec.Struct, kw_only=True):
    """How leaving early is priced."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
    method: agreed.Method
    scale: agreed.ScaleKind
    percentage: Decimal
    bands: str = "[]"
    handling_cents: services.Cents = 0
    avoided_percentage: Decimal = Decimal(0)


class Article(msgspec.Struct, kw_only=True):
    """A question with its answer."""

    language: Language
    audience: Audience
    question: Annotated[str, Meta(min_length=1, max_length=300, pattern=r"\S")]
    answer: Annotated[str, Meta(min_length=1, max_length=100_000, pattern=r"\S")]
    published_at: datetime | None = None
    review_on: date | None = None


class Label(msgspec.Struct, kw_only=True):
    """What of a service is no term of its contract."""

    label: services.Label
    location: UUID | None = None


class StaffAccount(msgspec.Struct, kw_only=True):
    """An account as an administrator may change it."""

    first_name: Annotated[str, Meta(max_length=255)] | None = None
    last_name: Annotated[str, Meta(max_length=255)] | None = None
    email: Email
    active: bool


class RoleGiven(msgspec.Struct, kw_only=True):
    """A role for an account."""

    user: int
    role: StaffRole


class RoleNamed(msgspec.Struct):
    """A staff role by its name."""

    role: StaffRole


class Mailbox(msgspec.Struct):
    """An e-mail address."""

    email: Email


Saved = Callable[..., Awaitable[Any]]


def answered(hook: Saved) -> Saved:
    """What the hook refuses is told on the screen; the transaction is rolled back with the answer."""

    @wraps(hook)
    async def answering(request: Request, **given: Any) -> Any:
        try:
            return await hook(request=request, **given)
        except Problem as problem:
            raise refusal(problem, request) from problem

    return answering


def adding(kind: type[msgspec.Struct], prepare: Saved | None = None) -> Hook:
    """A new row has the values of `kind`, judged, and nothing else that was sent; `prepare` completes it."""

    @answered
    async def pre_save(row: Table, request: Request) -> Table:
        sent = {name: getattr(row, name) for name in kind.__struct_fields__}
        fresh = type(row)(_ignore_missing=True, **msgspec.structs.asdict(decoding.convert(kind, sent)))
        for instant in {"created_at", "changed_at"} & {column._meta.name for column in row._meta.columns}:  # noqa: SLF001
            setattr(fresh, instant, clock.now())
        if prepare is not None:
            completed: Table = await prepare(fresh, row, access.acting(request))
            return completed
        return fresh

    return Hook(HookType.pre_save, pre_save)


def changing(kind: type[msgspec.Struct], columns: tuple[str, ...], after: Saved | None = None) -> Hook:
    """Only `columns` change, the row as a whole stays a good `kind`, and `after` adds what follows; another change is refused."""

    @answered
    async def pre_patch(row_id: Any, values: dict[Any, Any], request: Request) -> dict[Any, Any]:
        table = next(iter(values))._meta.table  # noqa: SLF001  # Piccolo's way from a column to its table
        now = await table.objects().get(table._meta.primary_key == row_id)  # noqa: SLF001
        sent = {column._meta.name: value for column, value in values.items()}  # noqa: SLF001
        changed = {name: value for name, value in sent.items() if value != getattr(now, name)}
        # The screens send the whole row along, its instants cut off to the second.
        others = [name for name, value in changed.items() if name not in columns and not isinstance(value, datetime)]
        if others:
            raise Invalid(*(FieldError(f"/{name}", "not-changed-here") for name in others))
        whole = {name: changed.get(name, getattr(now, name)) if name in columns else getattr(now, name) for name in kind.__struct_fields__}
        judged = msgspec.structs.asdict(decoding.convert(kind, whole))
        wanted = {getattr(table, name): judged[name] for name in columns if name in changed}
        if wanted and after is not None:
            wanted |= await after(now, {name: judged[name] for name in columns if name in changed}, access.acting(request))
        return wanted or {getattr(table, columns[0]): getattr(now, columns[0])}

    return Hook(HookType.pre_patch, pre_patch)


async def of_customer(fresh: Any, _sent: Any, _actor: Actor) -> Any:
    """The row belongs to the partner of its customer."""
    fresh.tenant = await tenant_of(fresh.customer)
    return fresh


async def new_billing(fresh: Any, sent: Any, actor: Actor) -> Any:
    """The address in Peppol is one, and its customer had no such row before."""
    peppol.must_be_one(fresh.endpoint_scheme, fresh.endpoint_id)
    if await db.fetch_one("SELECT 1 FROM billing_account WHERE customer = $1", fresh.customer):
        raise Invalid(FieldError("/customer", "has-billing-data"))
    return await of_customer(fresh, sent, actor)


async def changed_billing(now: Any, changed: dict[str, Any], actor: Actor) -> dict[Any, Any]:
    """The address in Peppol is one."""
    peppol.must_be_one(*(changed.get(name, getattr(now, name)) for name in ("endpoint_scheme", "endpoint_id")))
    return await new_version(now, changed, actor)


async def tenant_of(customer: UUID) -> UUID:
    """The partner to which the customer belongs, acting from here on; NotFound when there is no such customer."""
    row = await db.fetch_one("SELECT tenant FROM customer WHERE id = $1", customer)
    if row is None:
        raise NotFound(what="customer", id=str(customer))
    tenant: UUID = row["tenant"]
    await acting_for(tenant)
    return tenant


async def acting_for(tenant: UUID) -> None:
    """What follows in this unit of work is done in the tenant: its numbers are given, its rows made."""
    await db.execute("SELECT set_config('app.tenant', $1, true)", str(tenant))


def readable_colour(colour: str) -> None:
    """Invalid when `colour` is none."""
    try:
        brand.readable(colour.lower(), on=brand.PAPER_LIGHT)
    except brand.NotAColour as error:
        raise Invalid(FieldError("/brand_colour", "not-a-colour")) from error


async def changed_customer(now: Any, changed: dict[str, Any], actor: Actor) -> dict[Any, Any]:
    """The VAT number is one, as it is kept."""
    return _vat_id(now, changed) | await new_version(now, changed, actor)


def _vat_id(now: Any, changed: dict[str, Any]) -> dict[Any, Any]:
    if "vat_id" not in changed:
        return {}
    return {type(now).vat_id: policy.vat_id(changed["vat_id"], changed.get("country", now.country))}


async def new_partner(fresh: Any, _sent: Any, _actor: Actor) -> Any:
    """The colour can be used, and the VAT number is one."""
    readable_colour(fresh.brand_colour)
    fresh.vat_id = policy.vat_id(fresh.vat_id, fresh.country)
    return fresh


async def changed_partner(now: Any, changed: dict[str, Any], _actor: Actor) -> dict[Any, Any]:
    """The colour can be used, and the VAT number is one; a partner that is suspended is out at once, with its people, its customers and its software."""
    if "brand_colour" in changed:
        readable_colour(changed["brand_colour"])
    if "suspended_at" in changed:
        await partners.let_in_changed(now.id)
    return _vat_id(now, changed)


async def changed_contact(now: Any, changed: dict[str, Any], _actor: Actor) -> dict[Any, Any]:
    """The main user stays; whoever gets another address, or no access any more, is signed out."""
    last_day = changed.get("active_until")
    if now.is_main and last_day is not None:
        raise contacts.MainUserStays(name=now.name)
    moved = changed.get("email", now.email).lower() != now.email.lower()
    contacts.changed(now.id, signed_out=moved or (last_day is not None and last_day < clock.today()))
    return {type(now).version: now.version + 1}


async def changed_member(now: Any, changed: dict[str, Any], _actor: Actor) -> dict[Any, Any]:
    """A blocked user is signed out everywhere, and a new role counts at once."""
    members.changed(now.id, disabled_at=changed.get("disabled_at"))
    return {type(now).version: now.version + 1}


async def new_version(now: Any, _changed: dict[str, Any], _actor: Actor) -> dict[Any, Any]:
    """Whoever read the row before must read it again to change it."""
    return {type(now).version: now.version + 1}


async def new_rule(fresh: Any, _sent: Any, _actor: Actor) -> Any:
    """Percentages are possible ones, and the bands of a scale are in order."""
    for name, most in (("percentage", 1000), ("avoided_percentage", 100)):
        if not 0 <= getattr(fresh, name) <= most:
            raise Invalid(FieldError(f"/{name}", "too-large", {"limit": most}))
    try:
        bands = msgspec.json.decode(fresh.bands, type=tuple[Band, ...])
    except msgspec.DecodeError as error:
        raise Invalid(FieldError("/bands", "out-of-order")) from error
    if fresh.scale != agreed.ScaleKind.PERCENTAGE:
        try:
            Scale(ScaleKind(fresh.scale), bands)
        except Invalid as error:
            raise Invalid(FieldError("/bands", "out-of-order")) from error
    return fresh


async def changed_article(now: Any, _changed: dict[str, Any], _actor: Actor) -> dict[Any, Any]:
    """The article says since when it reads like this."""
    return {type(now).changed_at: clock.now()}


async def changed_account(now: Any, changed: dict[str, Any], actor: Actor) -> dict[Any, Any]:
    """A closed account is signed out everywhere; nobody closes their own."""
    if changed.get("active") is False:
        if actor.id == str(now.id):
            raise OwnAccount
        await access.close(now.id)
    return {}


@answered
async def keep_an_administrator(row_id: Any, request: Request) -> None:  # noqa: ARG001  # piccolo-api passes it by name
    """Raises LastAdministrator when nobody could let others in any more."""
    others = await db.fetch_one("SELECT 1 FROM staff_role WHERE role = $1 AND id <> $2", StaffRole.ADMINISTRATOR.value, row_id)
    if others is None:
        raise LastAdministrator


@answered
async def enter_service(row: Service, request: Request) -> Service:
    """The service is entered as the API enters it; the screen gets the row that is there then."""
    names = [name for name in AgreedTerms.__struct_fields__ if name != "buyout_rule"]
    rule = await db.fetch_one("SELECT name FROM billing_buyout_rule WHERE id = $1", row.buyout_rule)
    product = await db.fetch_one("SELECT code FROM billing_product WHERE id = $1", row.product)
    terms = decoding.convert(AgreedTerms, {name: getattr(row, name) for name in names} | {"buyout_rule": rule["name"] if rule else None})
    actor = msgspec.structs.replace(access.acting(request), tenant=await tenant_of(row.customer))
    service = await services.enter(
        actor, customer=row.customer, product=product["code"] if product else "", terms=terms, number=row.number.strip() or None
    )
    entered: Service | None = await Service.objects().get(Service.id == service)
    assert entered is not None  # noqa: S101  # it was just entered in this transaction
    entered.location = row.location
    return entered


ENTER_SERVICE = Hook(HookType.pre_save, enter_service)
KEEP_AN_ADMINISTRATOR = Hook(HookType.pre_delete, keep_an_administrator)
