"""Every page of the portal in every state worth looking at: what is measured, photographed and held to the rules of accessibility.

A page's path names the things it needs in braces (`/portal/customers/{customer}`); whoever walks the pages brings a world in which they exist. A test
compares this table with the routes of the application, so that no page is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

_THING = re.compile(r"\{(\w+)\}")


class Reader(StrEnum):
    """For whom a page is."""

    EVERYBODY = "everybody"  # nobody is signed in
    OWNER = "owner"
    CLERK = "clerk"
    CONTACT = "contact"  # of a business
    CONSUMER = "consumer"
    STAFF = "staff"  # of finance and the desk, in the admin


class Surface(msgspec.Struct, frozen=True):
    """One page in one state."""

    name: str
    path: str
    reader: Reader = Reader.OWNER
    status: int = 200
    language: str = ""
    """The language it is in, where that is what the customer chose and not what the browser prefers."""
    statements: int = 12
    """At most so many are sent to the database for it."""
    sends: str = ""
    """The selector of a form that is sent as it stands, without what the browser would ask for first: the page's state with errors."""

    @property
    def things(self) -> frozenset[str]:
        """What must exist for it."""
        return frozenset(_THING.findall(self.path))

    def address(self, things: Mapping[str, object]) -> str:
        """Its path in a world that has all it needs."""
        return _THING.sub(lambda found: str(things[found[1]]), self.path)

    @property
    def slug(self) -> str:
        """Its name as a file's."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


_NO_LINK = "A" * 43
_PUBLIC = [
    Surface("start page", "/", Reader.EVERYBODY),
    Surface("customer's answer: waiting", "/confirm/{waiting}", Reader.EVERYBODY, language="nl"),
    Surface("customer's answer: given", "/confirm/{answered}", Reader.EVERYBODY, language="nl"),
    Surface("customer's answer: refused", "/confirm/{refused}", Reader.EVERYBODY, language="nl"),
    Surface("customer's answer: too late", "/confirm/{too_late}", Reader.EVERYBODY, 410, language="nl"),
    Surface("customer's answer: withdrawn meanwhile", "/confirm/{withdrawn}", Reader.EVERYBODY, 410, language="nl"),
    Surface("customer's answer: a buyout is proposed", "/confirm/{proposal}", Reader.EVERYBODY, language="nl"),
    Surface("customer's answer: another sum was named", "/confirm/{countered}", Reader.EVERYBODY, language="nl"),
    Surface("customer's answer: no such link", f"/confirm/{_NO_LINK}", Reader.EVERYBODY, 404),
    Surface("notice by anybody, to the house", "/end-contract", Reader.EVERYBODY),
    Surface("notice by anybody", "/end-contract/{partner_code}", Reader.EVERYBODY),
    Surface("notice by anybody, incomplete", "/end-contract/{partner_code}", Reader.EVERYBODY, 422, sends="main form"),
    Surface("notice by anybody: received", "/end-contract/{partner_code}/{notice}", Reader.EVERYBODY),
    Surface("withdrawal by anybody, to the house", "/withdraw-contract", Reader.EVERYBODY),
    Surface("withdrawal by anybody", "/withdraw-contract/{partner_code}", Reader.EVERYBODY),
    Surface("withdrawal by anybody: received", "/withdraw-contract/{partner_code}/{withdrawal}", Reader.EVERYBODY),
    Surface("notice to a partner that is not there", "/end-contract/ZZZZ", Reader.EVERYBODY, 404),
    Surface("paying an invoice", "/pay/{pay_link}", Reader.EVERYBODY, language="nl"),
    Surface("giving a mandate", "/mandate/{mandate_link}", Reader.EVERYBODY, language="nl"),
    Surface("paying an invoice: no such link", f"/pay/{_NO_LINK}", Reader.EVERYBODY, 404),
    Surface("practice payment", "/sandbox-gateway/{practice_payment}", Reader.EVERYBODY),
    Surface("nothing here, for strangers", "/nowhere", Reader.EVERYBODY, 404),
]
_PEOPLE = [
    Surface("sign in", "/portal/sign-in", Reader.EVERYBODY),
    Surface("sign in, incomplete", "/portal/sign-in", Reader.EVERYBODY, 422, sends="main form"),
    Surface("password forgotten", "/portal/password", Reader.EVERYBODY),
    Surface("new password", "/portal/password/{password_link}", Reader.EVERYBODY),
    Surface("new password, no such link", f"/portal/password/{_NO_LINK}", Reader.EVERYBODY, 404),
    Surface("invitation", "/portal/invitation/{invitation}", Reader.EVERYBODY),
    Surface("invitation, no such link", f"/portal/invitation/{_NO_LINK}", Reader.EVERYBODY, 404),
    Surface("password and sessions", "/portal/account"),
    Surface("password again", "/portal/password-again"),
    Surface("password and sessions, for contacts", "/portal/account", Reader.CONTACT),
    Surface("members", "/portal/settings/members"),
    Surface("members, not for clerks", "/portal/settings/members", Reader.CLERK, 403),
    Surface("new member", "/portal/settings/members/new"),
    Surface("new member, incomplete", "/portal/settings/members/new", status=422, sends="main form"),
    Surface("member", "/portal/settings/members/{member}"),
    Surface("customer's contacts", "/portal/customers/{customer}/contacts"),
    Surface("new contact", "/portal/customers/{customer}/contacts/new"),
    Surface("new contact, incomplete", "/portal/customers/{customer}/contacts/new", status=422, sends="main form"),
    Surface("contact", "/portal/customers/{customer}/contacts/{contact}"),
    Surface("own services", "/portal/own", Reader.CONTACT),
    Surface("own service", "/portal/own/services/{service_to_end}", Reader.CONTACT),
    Surface("own service, ending", "/portal/own/services/{answered_service}", Reader.CONTACT),
    Surface("own termination: waiting", "/portal/own/terminations/{waiting_case}", Reader.CONTACT),
    Surface("own termination: a buyout is proposed", "/portal/own/terminations/{proposal_case}", Reader.CONTACT),
    Surface("own termination: ended", "/portal/own/terminations/{ended_case}", Reader.CONTACT),
    Surface("ending own services: which", "/portal/own/end", Reader.CONTACT),
    Surface("ending own services: when", "/portal/own/end/when?service={service_to_end}", Reader.CONTACT),
    Surface("ending own services: when, with a buyout", "/portal/own/end/when?service={service_with_data}", Reader.CONTACT),
    Surface("ending own services: check", "/portal/own/end/check?service={service_to_end}&when=free", Reader.CONTACT),
    Surface("withdrawing from an own contract", "/portal/own/services/{new_service}/withdrawal", Reader.CONSUMER),
    Surface("own service, just agreed", "/portal/own/services/{new_service}", Reader.CONSUMER),
    Surface("no withdrawing any more", "/portal/own/services/{service_to_end}", Reader.CONSUMER, 404),
    Surface("paying own invoices", "/portal/own/pay", Reader.CONTACT),
    Surface("own mandate, none", "/portal/own/mandate", Reader.CONSUMER),
    Surface("own mandate", "/portal/own/mandate", Reader.CONTACT),
    Surface("withdrawing an own mandate", "/portal/own/mandate/{mandate}/withdrawal", Reader.CONTACT),
    Surface("own contacts", "/portal/own/contacts", Reader.CONTACT),
    Surface("new own contact", "/portal/own/contacts/new", Reader.CONTACT),
    Surface("own contact", "/portal/own/contacts/{contact}", Reader.CONTACT),
]
_SETTINGS = [
    Surface("house style", "/portal/settings/brand"),
    Surface("house style, incomplete", "/portal/settings/brand", status=422, sends="main form[enctype]"),
    Surface("house style: a colour looked at", "/portal/settings/brand/look?colour=%23ffd400"),
    Surface("keys", "/portal/settings/keys"),
    Surface("new key", "/portal/settings/keys/new"),
    Surface("new key, incomplete", "/portal/settings/keys/new", status=422, sends="main form"),
    Surface("revoking a key", "/portal/settings/keys/{key}/revocation"),
    Surface("webhooks", "/portal/settings/webhooks"),
    Surface("new webhook", "/portal/settings/webhooks/new"),
    Surface("new webhook, incomplete", "/portal/settings/webhooks/new", status=422, sends="main form"),
    Surface("webhook", "/portal/settings/webhooks/{endpoint}"),
    Surface("change of a webhook", "/portal/settings/webhooks/{endpoint}/data"),
    Surface("new secret of a webhook", "/portal/settings/webhooks/{endpoint}/secret"),
    Surface("removing a webhook", "/portal/settings/webhooks/{endpoint}/removal"),
    Surface("sender of invoices", "/portal/settings/billing"),
    Surface("sender of invoices: the provider's business", "/portal/settings/billing/data", status=403),
    Surface("delivery of a webhook", "/portal/settings/webhooks/{endpoint}/deliveries/{delivery}"),
]
_CUSTOMERS = [
    Surface("customers", "/portal/customers"),
    Surface("customers, found", "/portal/customers?q=Linde", Reader.CLERK),
    Surface("customers, none found", "/portal/customers?q=xyzzy"),
    Surface("new customer", "/portal/customers/new", Reader.CLERK),
    Surface("new customer, incomplete", "/portal/customers/new", status=422, sends="main form[method=post]"),
    Surface("import of customers", "/portal/customers/import"),
    Surface("customer", "/portal/customers/{customer}"),
    Surface("customer, empty", "/portal/customers/{empty_customer}"),
    Surface("customer, long names", "/portal/customers/{long_customer}"),
    Surface("change of a customer", "/portal/customers/{customer}/edit"),
    Surface("change of a customer, long names", "/portal/customers/{long_customer}/edit"),
    Surface("customer's services", "/portal/customers/{customer}/services", Reader.CLERK),
    Surface("customer's services, none", "/portal/customers/{empty_customer}/services"),
    Surface("customer's services, long names", "/portal/customers/{long_customer}/services"),
    Surface("customer's terminations", "/portal/customers/{customer}/terminations"),
    Surface("customer's terminations, none", "/portal/customers/{empty_customer}/terminations"),
    Surface("customer's documents", "/portal/customers/{customer}/documents"),
    Surface("customer's documents, none", "/portal/customers/{empty_customer}/documents"),
    Surface("customer's locations", "/portal/customers/{customer}/locations"),
    Surface("customer's history", "/portal/customers/{customer}/history"),
    Surface("customer's history, none", "/portal/customers/{empty_customer}/history"),
    Surface("service", "/portal/services/{service}"),
    Surface("service, long names", "/portal/services/{long_service}"),
    Surface("pausing a service", "/portal/services/{service}/pause"),
    Surface("no such customer", "/portal/customers/00000000-0000-7000-8000-000000000000", status=404),
]
_ORDERS = [
    Surface("orders", "/portal/orders"),
    Surface("order", "/portal/orders/{order}"),
    Surface("no such order", "/portal/orders/00000000-0000-7000-8000-000000000000", status=404),
    Surface("customer's orders", "/portal/customers/{customer}/orders", Reader.CLERK),
    Surface("customer's orders, none", "/portal/customers/{empty_customer}/orders"),
    Surface("own orders", "/portal/own/orders", Reader.CONTACT),
    Surface("own orders, none", "/portal/own/orders", Reader.CONSUMER),
    Surface("own order", "/portal/own/orders/{order}", Reader.CONTACT),
    Surface("new order", "/portal/customers/{customer}/orders/new", Reader.CLERK),
    Surface("new order, incomplete", "/portal/customers/{customer}/orders/new", status=422, sends="main form"),
]
_INVOICES = [
    Surface("invoices", "/portal/invoices"),
    Surface("invoices, overdue", "/portal/invoices?state=overdue", Reader.CLERK),
    Surface("invoices, none found", "/portal/invoices?q=xyzzy"),
    Surface("invoice: open", "/portal/invoices/{open_invoice}"),
    Surface("invoice: overdue", "/portal/invoices/{overdue_invoice}", Reader.CLERK),
    Surface("invoice: paid", "/portal/invoices/{paid_invoice}"),
    Surface("invoice: credited", "/portal/invoices/{credited_invoice}"),
    Surface("invoice: long", "/portal/invoices/{long_invoice}"),
    Surface("credit note", "/portal/invoices/{credit_note}"),
    Surface("no such invoice", "/portal/invoices/00000000-0000-7000-8000-000000000000", status=404),
    Surface("customer's invoices", "/portal/customers/{customer}/invoices"),
    Surface("customer's mandate", "/portal/customers/{customer}/mandate"),
    Surface("customer's mandate, none", "/portal/customers/{empty_customer}/mandate", Reader.CLERK),
    Surface("customer's invoices, none", "/portal/customers/{empty_customer}/invoices", Reader.CLERK),
    Surface("own invoices", "/portal/own/invoices", Reader.CONTACT),
    Surface("own invoices, none", "/portal/own/invoices", Reader.CONSUMER),
    Surface("own invoice: open", "/portal/own/invoices/{open_invoice}", Reader.CONTACT),
    Surface("own invoice: paid", "/portal/own/invoices/{paid_invoice}", Reader.CONTACT),
]
_OPEN_ITEMS = [
    Surface("open items", "/portal/open-items"),
    Surface("open items, none of that age", "/portal/open-items?age=1-30&q=xyzzy", Reader.CLERK),
    Surface("open items of the partner itself", "/portal/open-items?whose=own"),
    Surface("open items of a customer", "/portal/open-items?customer={customer}"),
    Surface("agreements about paying", "/portal/open-items/customers/{customer}/agreements"),
    Surface("payment plan", "/portal/open-items/customers/{customer}/agreements/plan"),
    Surface("reminders that wait", "/portal/open-items/customers/{customer}/agreements/hold"),
    Surface("own open items", "/portal/own/open-items", Reader.CONTACT),
]
_WIZARD = [
    Surface("ending services: whose", "/portal/terminations/new", Reader.CLERK),
    Surface("ending services: which", "/portal/terminations/new?customer={customer}"),
    Surface("ending services: none there", "/portal/terminations/new?customer={empty_customer}"),
    Surface("costs of ending, only looked at", "/portal/terminations/preview?service={service_to_end}"),
    *(
        Surface(f"ending services: {step}", f"/portal/drafts/{{draft}}/{step}")
        for step in ("services", "when", "costs", "reason", "contact", "check")
    ),
    Surface("ending services: numbers and data", "/portal/drafts/{draft_with_data}/afterwards"),
    Surface("ending services: when, with a buyout", "/portal/drafts/{draft_with_data}/when"),
    Surface("ending services: costs, with a buyout", "/portal/drafts/{draft_with_data}/costs"),
    Surface("ending services: filed", "/portal/drafts/{filed_draft}/filed"),
]
_CASES = [
    Surface("terminations", "/portal/terminations"),
    Surface("terminations, those of finance", "/portal/terminations?waits_for=finance", Reader.CLERK),
    Surface("terminations, none", "/portal/terminations?q=xyzzy"),
    *(
        Surface(f"termination: {state.replace('_', ' ')}", f"/portal/terminations/{{{state}_case}}", reader)
        for state, reader in (
            ("waiting", Reader.OWNER),
            ("answered", Reader.CLERK),
            ("ended", Reader.OWNER),
            ("refused", Reader.OWNER),
            ("too_late", Reader.OWNER),
            ("withdrawn", Reader.OWNER),
            ("at_finance", Reader.OWNER),
            ("proposal", Reader.CLERK),
            ("countered", Reader.OWNER),
            ("declined", Reader.OWNER),
            ("long", Reader.OWNER),
        )
    ),
    Surface("withdrawing a termination", "/portal/terminations/{answered_case}/withdrawal", Reader.CLERK),
    Surface("no such termination", "/portal/terminations/00000000-0000-7000-8000-000000000000", status=404),
    Surface("notices", "/portal/notices"),
    Surface("notices, all", "/portal/notices?state=all", Reader.CLERK),
    Surface("notice", "/portal/notices/{received}"),
]
_DEADLINES = [
    Surface("deadlines", "/portal/deadlines"),
    Surface("deadlines, missed", "/portal/deadlines?window=overdue"),
    Surface("deadlines, under way", "/portal/deadlines?window=365&state=ending"),
    Surface("deadlines, none", "/portal/deadlines?q=xyzzy", Reader.CLERK),
    Surface("ending many services", "/portal/deadlines/bulk/{round}"),
    Surface("calendar of deadlines", "/portal/deadlines/calendar"),
    Surface("stopping the weekly mail", "/calendar/{digest}/digest", Reader.EVERYBODY),
    Surface("ending many services, unanswered", "/portal/deadlines/bulk/{round}", status=422, sends="main form.narrow"),
    Surface("ending many services: filed", "/portal/deadlines/bulk/{filed_round}"),
    Surface("ending many services: none chosen", "/portal/deadlines/bulk", Reader.CLERK),
    Surface("calendar of deadlines, no address yet", "/portal/deadlines/calendar", Reader.CLERK),
    Surface("stopping the weekly mail, no such address", f"/calendar/{_NO_LINK}/digest", Reader.EVERYBODY, 404),
]
_MEMBERS = [
    Surface("today", "/portal"),
    Surface("found", "/portal/search?q=Linde"),
    Surface("nothing found", "/portal/search?q=xyzzy"),
    Surface("words explained", "/portal/help/glossary"),
    Surface("nothing here", "/portal/nowhere", status=404),
]
_STAFF = [
    # What five jobs would do, each asked by the same function that does it.
    Surface("admin: reminders of tonight", "/admin/reminders", Reader.STAFF, statements=22),
    *(
        Surface(f"admin: {name}", f"/admin/{path}", Reader.STAFF)
        for name, path in (
            ("what waits", "waiting"),
            ("work list of buyouts", "work-list"),
            ("notices by anybody", "notices"),
            ("reminders that are held", "reminders?show=held"),
            ("debtors by age", "reminders?show=debtors"),
            ("policies of reminders", "reminders?show=policies"),
            ("payment plans", "late"),
            ("costs of being late", "late?show=costs"),
            ("written off", "late?show=written-off"),
            ("invoices as sent", "invoices"),
            ("invoices as sent, none found", "invoices?q=xyzzy"),
            ("payments", "payments"),
            ("payments, none found", "payments?q=xyzzy"),
            ("payment", "payments/{payment}"),
            ("taking off a payment", "payments/{payment}/{paid_invoice}"),
            ("moving a payment", "payments/{payment}/move"),
            ("pro forma", "pro-forma"),
            ("credit notes for two", "credit-notes"),
            ("refunds", "refunds"),
            ("payouts", "payouts"),
            ("statements", "statements"),
            ("direct debits", "direct-debits"),
            ("how partners are billed", "partner-billing"),
            ("how a partner is billed", "partner-billing/{debtor_partner}"),
            ("mandates", "mandates"),
            ("mandate", "mandates/{mandate}"),
            ("indexation", "indexation"),
            ("accounting", "accounting"),
            ("orders", "orders"),
            ("orders, a customer found", "orders?q=Linde"),
            ("new order", "orders/new?customer={customer}"),
            ("order", "orders/{order}"),
            ("password again", "password-again"),
        )
    ),
]

SURFACES: tuple[Surface, ...] = (
    *_PUBLIC,
    *_PEOPLE,
    *_SETTINGS,
    *_MEMBERS,
    *_CUSTOMERS,
    *_ORDERS,
    *_INVOICES,
    *_OPEN_ITEMS,
    *_CASES,
    *_WIZARD,
    *_DEADLINES,
    *_STAFF,
)
