"""Partners, members, keys, customers, contacts, locations; and what every tenant-owned row shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from uuid import UUID as Id  # noqa: N811  # Piccolo's column has the same name

from piccolo.columns import UUID, Boolean, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import Acting, NewId
from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import NotFound

from . import policy

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
    brand_colour = Varchar(7, default="#1f4e79")
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
        row: Self | None = await cls.objects().where(cls.id == id).first()
        if row is None:
            raise NotFound(what=cls.__name__.lower(), id=str(id))
        return row


class Member(OwnedByTenant, Table, tablename="member"):
    """A person who signs in for a partner."""

    email = Varchar(320)
    name = Varchar(200)
    role = Varchar(10, default=Role.READER, choices=Role)
    language = Varchar(5, default="nl")
    password_hash = Varchar(255, null=True, default=None, secret=True)
    signed_in_at = Timestamptz(null=True, default=None)
    disabled_at = Timestamptz(null=True, default=None)
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
    """A person at a customer; exactly one of them is the main contact."""

    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    name = Varchar(200)
    email = Varchar(320)
    phone = Varchar(20, null=True, default=None)
    is_main = Boolean(default=False)
    active_until = Date(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())

    @classmethod
    def get_readable(cls) -> Readable:
        """Contacts are called by name."""
        return Readable("%s (%s)", [cls.name, cls.email])


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
