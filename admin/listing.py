"""Every table that the admin serves, by hand: in which group, to whom, with which columns, and what may be done with it."""

from __future__ import annotations

import msgspec
from piccolo.apps.user.tables import BaseUser

from billing.service.services import AgreedTerms
from billing.tables.agreed import BuyoutRule, Product, Service, TermsChange
from knowledge_base.tables import Article
from partner_portal.infra.tables import AuditEntry, Document, OutboxMessage, OutgoingMail
from tenants.tables import ApiKey, Contact, Customer, Location, Member, Tenant
from terminations.tables import BuyoutDecision, Quote, ReceivedNotice, Termination, TerminationLine, TerminationStep

from . import masters
from .listed import ADMINISTRATOR, DESK, EDITOR, EVERYBODY, FINANCE, WORKERS, Listed
from .masters import adding, changing
from .screens import Rights
from .tables import RoleHeld


def _struct(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(kind.__struct_fields__)


_PARTNER = ("name", "bills", "language", "email", "phone", "website", "brand_colour", "address", "country", "vat_id", "suspended_at")
_CONTACT = ("name", "email", "phone", "language", "may_sign", "is_administrative", "is_technical", "active_until")
_PLACE = ("street", "postcode", "city", "country")
_PRODUCT = ("name_nl", "name_en", "kind", "is_domain", "has_numbers", "has_data", "retired_on")
_SERVICE = ("customer", "product", "location", "number", *AgreedTerms.__struct_fields__)

TABLES = (
    Listed(
        table=Termination, group="terminations", rights=Rights(see=WORKERS), order="-filed_at",
        columns="number customer tenant state is_buyout computed_cents agreed_cents payer ends_on waits_until filed_at",
        filters="number customer tenant state is_buyout payer ends_on filed_at",
    ),
    Listed(
        table=TerminationLine, group="terminations", rights=Rights(see=WORKERS), order="-ends_on",
        columns="termination service ends_on billing_ends_on kind is_open",
    ),
    Listed(
        table=TerminationStep, group="terminations", rights=Rights(see=WORKERS), order="-at",
        columns="termination nth action state actor_label channel note at", filters="termination action state actor_label at",
    ),
    Listed(
        table=BuyoutDecision, group="terminations", rights=Rights(see=WORKERS), order="-decided_at",
        columns="termination decision amount_cents reason is_final decided_by_label decided_at",
        filters="termination decision is_final decided_by_label decided_at",
    ),
    Listed(
        table=ReceivedNotice, group="terminations", rights=Rights(see=WORKERS), order="-received_at",
        columns="number name tenant kind contract_text state why look_by received_at", filters="number name tenant kind state why received_at",
    ),
    Listed(
        table=Quote, group="terminations", rights=Rights(see=WORKERS), order="-created_at",
        columns="number customer tenant valid_until created_at",
    ),
    Listed(
        table=Customer, group="customers", order="name",
        rights=Rights(see=WORKERS, change=DESK, columns=_struct(masters.CustomerData)),
        columns="number name tenant segment language country",
        hooks=(changing(masters.CustomerData, _struct(masters.CustomerData), masters.changed_customer),),
    ),
    Listed(
        table=Contact, group="customers", order="name", rights=Rights(see=WORKERS, create=DESK, change=DESK, columns=_CONTACT),
        columns="name customer email phone is_main may_sign active_until signed_in_at", fields=_struct(masters.Contact),
        hooks=(adding(masters.Contact, masters.of_customer), changing(masters.ContactWithRights, _CONTACT, masters.changed_contact)),
    ),
    Listed(
        table=Location, group="customers", order="city", rights=Rights(see=WORKERS, create=DESK, change=DESK, columns=_PLACE),
        columns="street postcode city customer kind country", fields=_struct(masters.Place),
        hooks=(adding(masters.Place, masters.of_customer), changing(masters.Place, _PLACE)),
    ),
    Listed(
        table=Service, group="customers", order="number",
        rights=Rights(see=WORKERS, create=DESK, change=DESK, columns=_struct(masters.Label)),
        columns="number label customer product quantity fee_cents starts_on minimum_months paid_until ends_on",
        filters="number label customer tenant product starts_on paid_until ends_on", fields=_SERVICE,
        hooks=(masters.ENTER_SERVICE, changing(masters.Label, _struct(masters.Label), masters.new_version)),
    ),
    Listed(
        table=TermsChange, group="customers", rights=Rights(see=WORKERS), order="-decided_at",
        columns="service reason changes decided_by decided_at", filters="service reason decided_at",
    ),
    Listed(
        table=Tenant, group="partners", order="name",
        rights=Rights(see=WORKERS, create=ADMINISTRATOR, change=ADMINISTRATOR, columns=_PARTNER),
        columns="name code kind bills email suspended_at", fields=_struct(masters.Partner),
        hooks=(adding(masters.Partner, masters.new_partner), changing(masters.Partner, _PARTNER, masters.changed_partner)),
    ),
    Listed(
        table=Member, group="partners", order="name", rights=Rights(see=WORKERS, change=DESK, columns=_struct(masters.Person)),
        columns="name email tenant role signed_in_at disabled_at",
        hooks=(changing(masters.Person, _struct(masters.Person), masters.changed_member),),
    ),
    Listed(
        table=ApiKey, group="partners", rights=Rights(see=DESK), order="-created_at",
        columns="name tenant prefix scopes expires_on used_at revoked_at",
    ),
    Listed(
        table=Product, group="catalogue", order="code",
        rights=Rights(see=WORKERS, create=ADMINISTRATOR, change=ADMINISTRATOR, columns=_PRODUCT),
        columns="name_nl code kind is_domain has_numbers has_data retired_on", fields=_struct(masters.Product),
        hooks=(adding(masters.Product), changing(masters.Product, _PRODUCT)),
    ),
    Listed(
        table=BuyoutRule, group="catalogue", rights=Rights(see=WORKERS, create=FINANCE), order="name",
        columns="name method scale percentage handling_cents avoided_percentage",
        filters="name method scale", fields=_struct(masters.Rule), hooks=(adding(masters.Rule, masters.new_rule),),
    ),
    Listed(
        table=Article, group="knowledge base", order="-changed_at",
        rights=Rights(see=EVERYBODY, create=EDITOR, change=EDITOR, columns=_struct(masters.Article)),
        columns="question language audience published_at review_on changed_at", fields=_struct(masters.Article),
        hooks=(adding(masters.Article), changing(masters.Article, _struct(masters.Article), masters.changed_article)),
    ),
    Listed(
        table=OutboxMessage, group="administration", rights=Rights(see=WORKERS), order="-occurred_at",
        columns="topic handler attempts occurred_at done_at dead_at last_error", filters="topic handler done_at dead_at occurred_at",
    ),
    Listed(
        table=OutgoingMail, group="administration", rights=Rights(see=WORKERS), order="-queued_at",
        columns="subject recipient name language queued_at sent_at",
    ),
    Listed(
        table=Document, group="administration", rights=Rights(see=WORKERS), order="-created_at",
        columns="filename kind media_type size created_at",
    ),
    Listed(
        table=AuditEntry, group="administration", rights=Rights(see=ADMINISTRATOR), order="-at",
        columns="at actor relation action changes", filters="actor relation action row at",
    ),
    Listed(
        table=BaseUser, group="administration", order="username",
        rights=Rights(see=ADMINISTRATOR, change=ADMINISTRATOR, columns=_struct(masters.StaffAccount)),
        columns="username first_name last_name email active last_login", filters="username email active",
        hooks=(changing(masters.StaffAccount, _struct(masters.StaffAccount), masters.changed_account),),
    ),
    Listed(
        table=RoleHeld, group="administration", order="role",
        rights=Rights(see=ADMINISTRATOR, create=ADMINISTRATOR, remove=ADMINISTRATOR),
        columns="role user given_at", fields=_struct(masters.RoleGiven),
        hooks=(adding(masters.RoleGiven), masters.KEEP_AN_ADMINISTRATOR),
    ),
)  # fmt: skip
