"""Partners, members, keys, customers, contacts, locations, and how people come in; and what every tenant-owned row shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self
from uuid import UUID as Id  # noqa: N811  # Piccolo's column has the same name

from piccolo.columns import UUID, Array, Boolean, Bytea, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import Acting, NewId
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import NotFound

from . import policy, workflow

if TYPE_CHECKING:
    # Piccolo reads columns off a plain mixin class; mypy sees the table that it becomes.
    Mixin = Table
else:
    Mixin = object


class Tenant(Table, tablename="tenant", help_text="Partners; the provider itself is the house"):
    """An organisation whose data is apart from all others': a partner, or the provider itself (the house)."""

    id = UUID(primary_key=True, default=NewId())
    code = Varchar(8, unique=True, help_text="Kort; begint elk nummer van deze partner, bijvoorbeeld NRD")
    name = Varchar(200)
    kind = Varchar(10, default=policy.TenantKind.PARTNER, choices=policy.TenantKind)
    bills = Varchar(20, default=policy.WhoBills.DIRECT, choices=policy.WhoBills)
    language = Varchar(5, default="nl")
    email = Varchar(320)
    phone = Varchar(20, null=True, default=None)
    website = Varchar(200, null=True, default=None)
    shown_name = Varchar(80, null=True, default=None)
    brand_colour = Varchar(7, default="#1f4e79")
    logo = UUID(null=True, default=None)
    logo_mark = Varchar(64, null=True, default=None)
    address = Text(default="")
    country = Varchar(2, default="NL")
    vat_id = Varchar(20, null=True, default=None)
    suspended_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())

    tenant_code_plain = Check("code ~ '^[A-Z0-9]{2,8}$'")
    tenant_colour_hex = Check("brand_colour ~ '^#[0-9a-fA-F]{6}$'")

    @classmethod
    def get_readable(cls) -> Readable:
        """Partners are called by name."""
        return Readable("%s (%s)", [cls.name, cls.code])


class OwnedByTenant(Mixin):
    """A row of exactly one tenant; the database shows it to that tenant only."""

    id = UUID(primary_key=True, default=NewId())
    tenant = ForeignKey(Tenant, null=False, on_delete=OnDelete.restrict, default=Acting())

    @classmethod
    async def find(cls, id: Id) -> Self:  # noqa: A002  # the field's own name
        """The row, locked until the unit of work ends; NotFound when it is not there or another tenant's."""
        row: Self | None = await cls.objects().where(cls.id == id).first().lock_rows()
        if row is None:
            raise NotFound(what=cls.__name__.lower(), id=str(id))
        return row

    @classmethod
    async def get(cls, id: Id) -> Self:  # noqa: A002  # the field's own name
        """The row, only to be read; NotFound when it is not there or another tenant's."""
        return (await cls.some([id]))[id]

    @classmethod
    async def some(cls, wanted: Sequence[Id]) -> dict[Id, Self]:
        """These rows by their id, only to be read; NotFound when one is not there or another tenant's."""
        rows: list[Self] = await cls.objects().where(cls.id.is_in(list(wanted))) if wanted else []
        found = {row.id: row for row in rows}
        if lost := [id for id in wanted if id not in found]:  # noqa: A001  # the field's own name
            raise NotFound(what=cls.__name__.lower(), id=str(lost[0]))
        return found


class Credential(Table, tablename="credential"):
    """What proves a person: one password per address, whatever accounts it has. Nobody's tenant; behind the staff door only."""

    id = UUID(primary_key=True, default=NewId())
    email = Varchar(320, unique=True)
    password_hash = Varchar(255, secret=True)
    changed_at = Timestamptz(default=TimestamptzNow())

    credential_email_lower = Check("email = lower(email)")


class PasswordLink(Table, tablename="password_link"):
    """A link by which whoever reads the mail of `email` chooses a new password, once; only the hash of its token is kept."""

    id = UUID(primary_key=True, default=NewId())
    email = Varchar(320)
    token_sha256 = Bytea(unique=True)
    expires_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())


class Member(OwnedByTenant, Table, tablename="member"):
    """A person who works for a partner; it can sign in as long as `accepted_as`, the address that took the invitation, is its address."""

    email = Varchar(320)
    name = Varchar(200)
    role = Varchar(10, default=Role.READER, choices=Role)
    language = Varchar(5, default="nl")
    accepted_as = Varchar(320, null=True, default=None)
    signed_in_at = Timestamptz(null=True, default=None)
    disabled_at = Timestamptz(null=True, default=None)
    seen_hints = Array(base_column=Varchar(40), default=list)
    version = Integer(default=1)
    created_at = Timestamptz(default=TimestamptzNow())

    @classmethod
    def get_readable(cls) -> Readable:
        """Members are called by name."""
        return Readable("%s (%s)", [cls.name, cls.email])


class ApiKey(OwnedByTenant, Table, tablename="api_key"):
    """A key for a partner's software: found by its prefix, proven by its hash, shown once."""

    name = Varchar(100)
    prefix = Varchar(16, unique=True)
    secret_sha256 = Varchar(64, secret=True)
    scopes = Varchar(400)
    expires_on = Date(null=True, default=None)
    used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    created_by = UUID(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())


class Customer(OwnedByTenant, Table, tablename="customer"):
    """An end customer of a partner (or of the house)."""

    number = Varchar(30)
    name = Varchar(200)
    segment = Varchar(15, default=policy.Segment.UNKNOWN, choices=policy.Segment)
    staff_count = Integer(null=True, default=None)
    language = Varchar(5, default="nl")
    country = Varchar(2, default="NL")
    vat_id = Varchar(20, null=True, default=None)
    chamber_number = Varchar(12, null=True, default=None)
    version = Integer(default=1)
    created_at = Timestamptz(default=TimestamptzNow())

    customer_number_once = Unique(["tenant", "number"])

    @classmethod
    def get_readable(cls) -> Readable:
        """Customers are called by number and name."""
        return Readable("%s %s", [cls.number, cls.name])


class Contact(OwnedByTenant, Table, tablename="contact"):
    """A person at a customer; exactly one of them is the main user, who has every right. Signs in as a member does."""

    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    name = Varchar(200)
    email = Varchar(320)
    phone = Varchar(20, null=True, default=None)
    language = Varchar(5, null=True, default=None, help_text="Leeg: die van de klant")
    is_main = Boolean(default=False)
    is_administrative = Boolean(default=False)
    is_technical = Boolean(default=False)
    may_sign = Boolean(default=False)
    active_until = Date(null=True, default=None)
    accepted_as = Varchar(320, null=True, default=None)
    signed_in_at = Timestamptz(null=True, default=None)
    seen_hints = Array(base_column=Varchar(40), default=list)
    version = Integer(default=1)
    created_at = Timestamptz(default=TimestamptzNow())

    contact_main_stays = Check("NOT is_main OR active_until IS NULL")

    @classmethod
    def get_readable(cls) -> Readable:
        """Contacts are called by name."""
        return Readable("%s (%s)", [cls.name, cls.email])


class Invitation(OwnedByTenant, Table, tablename="invitation"):
    """A link by which a member or a contact takes its account, once; the next replaces it. Only the hash of its token is kept."""

    member = ForeignKey(Member, null=True, default=None, on_delete=OnDelete.restrict)
    contact = ForeignKey(Contact, null=True, default=None, on_delete=OnDelete.restrict)
    email = Varchar(320)
    token_sha256 = Bytea(unique=True)
    expires_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)
    replaced_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())

    invitation_of_one = Check("(member IS NULL) <> (contact IS NULL)")


class Location(OwnedByTenant, Table, tablename="location"):
    """An address of a customer: where it is billed, or where it is visited."""

    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    kind = Varchar(10, default=policy.LocationKind.BILLING, choices=policy.LocationKind)
    street = Varchar(200)
    postcode = Varchar(12)
    city = Varchar(100)
    country = Varchar(2, default="NL")

    @classmethod
    def get_readable(cls) -> Readable:
        """Locations are called by street and city."""
        return Readable("%s, %s", [cls.street, cls.city])


class WebhookEndpoint(OwnedByTenant, Table, tablename="webhook_endpoint"):
    """Where a partner's software is told what happens; `types` has a word for each kind of event that is wanted, and none for all of them."""

    url = Varchar(1000)
    description = Varchar(200, default="")
    types = Text(default="")
    off_since = Timestamptz(null=True, default=None)
    off_because = Varchar(10, null=True, default=None, choices=workflow.OffBecause)
    failing_since = Timestamptz(null=True, default=None)
    failures = Integer(default=0)
    resting_until = Timestamptz(null=True, default=None)
    delivered_at = Timestamptz(null=True, default=None)
    version = Integer(default=1)
    created_by = Varchar(120)
    created_at = Timestamptz(default=TimestamptzNow())
    removed_at = Timestamptz(null=True, default=None)

    webhook_endpoint_off_has_reason = Check("(off_since IS NULL) = (off_because IS NULL)")


class WebhookSecret(OwnedByTenant, Table, tablename="webhook_secret"):
    """A secret that signs what goes to an endpoint, until it ends. The secret itself is derived from the row's id, and stands nowhere."""

    endpoint = ForeignKey(WebhookEndpoint, null=False, on_delete=OnDelete.restrict)
    created_at = Timestamptz(default=TimestamptzNow())
    ends_at = Timestamptz(null=True, default=None)


class WebhookDelivery(OwnedByTenant, Table, tablename="webhook_delivery"):
    """One event on its way to one endpoint: the very words, how often they were sent, and what became of them."""

    endpoint = ForeignKey(WebhookEndpoint, null=False, on_delete=OnDelete.restrict)
    message = UUID(null=False)
    type = Varchar(80)
    key = Varchar(200)
    body = Text()
    state = Varchar(10, default=workflow.DeliveryState.WAITING, choices=workflow.DeliveryState)
    attempts = Integer(default=0)
    failed_in_a_row = Integer(default=0)
    due_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())

    webhook_delivery_once = Unique(["tenant", "endpoint", "key"])
    webhook_delivery_waits_for_a_moment = Check("(state = 'waiting') = (due_at IS NOT NULL)")


class WebhookAttempt(OwnedByTenant, Table, tablename="webhook_attempt"):
    """One try of a delivery: when, what came back and how long it took."""

    delivery = ForeignKey(WebhookDelivery, null=False, on_delete=OnDelete.restrict)
    nth = Integer()
    at = Timestamptz(default=TimestamptzNow())
    status = Integer(null=True, default=None)
    why = Varchar(30, default="")
    ms = Integer(default=0)
    excerpt = Text(default="")

    webhook_attempt_once = Unique(["tenant", "delivery", "nth"])
