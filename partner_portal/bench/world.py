"""Databases of any size for measuring: partners that all look alike, written by set in a moment.

Of six customers of a partner one has five services and the others one each, so a partner with 100 services has 60 customers. Rows of all partners
lie mixed, as they do where partners work at the same time. Ids follow from numbers, so nobody has to look them up.
"""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

_TENANT, _MEMBER, _CUSTOMER, _CONTACT, _SERVICE, _PRODUCT, _RULE = range(1, 8)
_OF_SIX = 6
_SERVICES_OF_SIX = 10
_MOST_SERVICES = 5
_PLACES = 8
"""Ids kept free per customer for its services."""


class Size(msgspec.Struct, frozen=True):
    """How many partners, and how many services in all."""

    tenants: int
    services: int

    @property
    def customers(self) -> int:
        """How many customers in all."""
        return self.services * _OF_SIX // _SERVICES_OF_SIX

    @property
    def _of_each(self) -> int:
        return self.customers // self.tenants

    def tenant(self, nth: int) -> UUID:
        """A partner, counted from 0."""
        return _id(_TENANT, nth % self.tenants)

    def member(self, nth: int) -> UUID:
        """The owner at that partner."""
        return _id(_MEMBER, nth % self.tenants)

    def customer(self, tenant: int, nth: int) -> UUID:
        """A customer with five services of the partner."""
        return _id(_CUSTOMER, self._customer(tenant, nth))

    def service(self, tenant: int, nth: int, kind: int) -> UUID:
        """A service of that customer: 0 runs on, 1 binds with a buyout, 2 binds with a discount and equipment besides."""
        return _id(_SERVICE, self._customer(tenant, nth) * _PLACES + kind)

    def _customer(self, tenant: int, nth: int) -> int:
        # Spread over all that the partner has, not the first ones only.
        groups = self._of_each // _OF_SIX
        place = nth % groups * 7919 % groups if groups > 7919 else nth % groups  # noqa: PLR2004  # a prime: each group once
        return place * _OF_SIX * self.tenants + tenant % self.tenants


def _id(kind: int, nth: int) -> UUID:
    return UUID(int=(kind << 96) | (0x7000 << 64) | (0x8000 << 48) | nth)


def _sql_id(kind: int, nth: str) -> str:
    return f"('{kind:08x}-0000-7000-8000-' || lpad(to_hex({nth}), 12, '0'))::uuid"


def _statements(size: Size) -> list[str]:
    tenant, customers = f"n % {size.tenants}", f"generate_series(0::bigint, {size.customers - 1}) n"
    product, rule = _sql_id(_PRODUCT, "CASE WHEN k = 0 THEN 0 ELSE 1 END"), _sql_id(_RULE, "0")
    services = f"{customers} CROSS JOIN LATERAL generate_series(0, CASE WHEN n / {size.tenants} % {_OF_SIX} = 0 THEN {_MOST_SERVICES - 1} ELSE 0 END) k"
    return [
        "SET session_replication_role = replica",  # nothing is audited or checked row by row: what is written is right by construction
        f"INSERT INTO billing_product (id, code, name_nl, name_en, kind) SELECT {_sql_id(_PRODUCT, 'n')}, 'product' || n, 'Product', 'Product',"
        " CASE n WHEN 0 THEN 'ECS' ELSE 'OTHER' END FROM generate_series(0, 1) n",
        "INSERT INTO billing_buyout_rule (id, name, method, scale, percentage, bands, handling_cents, avoided_percentage)"
        f" VALUES ({rule}, '75 %', 'FULL_STARTED', 'percentage', 75, '[]', 2500, 0)",
        "INSERT INTO tenant (id, code, name, kind, bills, email, language, brand_colour, address, country)"
        f" SELECT {_sql_id(_TENANT, 'n')}, 'P' || n, 'Partner ' || n, 'partner', 'direct', 'service@p' || n || '.example.com', 'nl', '#1f4e79', '', 'NL'"
        f" FROM generate_series(0, {size.tenants - 1}) n",
        "INSERT INTO member (id, tenant, email, name, role, language)"
        f" SELECT {_sql_id(_MEMBER, 'n')}, {_sql_id(_TENANT, 'n')}, 'owner@p' || n || '.example.com', 'Owner ' || n, 'owner', 'nl'"
        f" FROM generate_series(0, {size.tenants - 1}) n",
        "INSERT INTO customer (id, tenant, number, name, segment, language, country)"
        f" SELECT {_sql_id(_CUSTOMER, 'n')}, {_sql_id(_TENANT, tenant)}, 'C-' || n, 'Customer ' || left(md5(n::text), 12), 'OTHER_BIZ', 'nl', 'NL' FROM {customers}",
        "INSERT INTO contact (id, tenant, customer, name, email, is_main)"
        f" SELECT {_sql_id(_CONTACT, 'n')}, {_sql_id(_TENANT, tenant)}, {_sql_id(_CUSTOMER, 'n')}, 'Contact ' || n, 'contact' || n || '@klant.example.com', true FROM {customers}",
        "INSERT INTO billing_service (id, tenant, customer, product, number, label, quantity, fee_cents, starts_on, signed_on, minimum_months, renewal,"
        " renewal_months, paid_until, buyout_rule, discount_cents, discount_months, equipment_cents, equipment_months)"
        f" SELECT {_sql_id(_SERVICE, f'n * {_PLACES} + k')}, {_sql_id(_TENANT, tenant)}, {_sql_id(_CUSTOMER, 'n')}, {product}, 'S-' || n || '-' || k, 'Service ' || k,"
        " 1 + n % 3, 4995 + 100 * k, CURRENT_DATE - 200 - (n % 100)::int, CURRENT_DATE - 200 - (n % 100)::int, CASE WHEN k = 0 THEN 0 ELSE 24 END,"
        " CASE WHEN k = 0 THEN 'INDEF' ELSE 'FIXED' END, CASE WHEN k = 0 THEN 0 ELSE 12 END, (date_trunc('month', CURRENT_DATE) + interval '1 month')::date,"
        f" CASE WHEN k > 0 THEN {rule} END, CASE WHEN k > 1 THEN 12000 ELSE 0 END, CASE WHEN k > 1 THEN 24 ELSE 0 END,"
        f" CASE WHEN k > 1 THEN 18000 ELSE 0 END, CASE WHEN k > 1 THEN 36 ELSE 0 END FROM {services}",
    ]


async def fill(url: str, size: Size) -> None:
    """The migrated, empty database at `url` (reached by a superuser) holds a world of this size, its statistics up to date."""
    line = await asyncpg.connect(url)
    try:
        for statement in _statements(size):
            await line.execute(statement)
        await line.execute("VACUUM (ANALYZE)")
    finally:
        await line.close()
