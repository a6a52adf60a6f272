"""What every page behind the sign-in stands in: the partner's face, and where each kind of person may go."""

from __future__ import annotations

from collections.abc import Sequence

from partner_portal.infra.brand import Brand
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import Actor, ActorKind, Role
from partner_portal.web.frame import Entry
from tenants.service import brands

_MEMBERS = (
    Entry(sentence("Today"), "/portal", "house"),
    Entry(sentence("Customers"), "/portal/customers", "people", ("/portal/services",)),
    Entry(sentence("Orders"), "/portal/orders", "cart"),
    Entry(sentence("Invoices"), "/portal/invoices", "receipt"),
    Entry(sentence("Open items"), "/portal/open-items", "cash-coin"),
    Entry(sentence("Terminations"), "/portal/terminations", "file-earmark-text", ("/portal/drafts",)),
    Entry(sentence("Deadlines"), "/portal/deadlines", "calendar3"),
    Entry(sentence("Notices"), "/portal/notices", "inbox"),
)
_SETTINGS = Entry(sentence("Settings"), "/portal/settings/members", "gear", ("/portal/settings",))
_CONTACTS = (
    Entry(sentence("Services"), "/portal/own", "house"),
    Entry(sentence("Orders"), "/portal/own/orders", "cart"),
    Entry(sentence("Invoices"), "/portal/own/invoices", "receipt"),
    Entry(sentence("Open items"), "/portal/own/open-items", "cash-coin", ("/portal/own/pay",)),
    Entry(sentence("Direct debit"), "/portal/own/mandate", "arrow-repeat"),
    Entry(sentence("Contacts"), "/portal/own/contacts", "people"),
)


class Furniture:
    """As web/pages.py asks for it."""

    async def brand(self, actor: Actor) -> Brand:
        """The face of the actor's partner."""
        assert actor.tenant is not None  # noqa: S101  # whoever sees such a page has one
        return await brands.of_tenant(actor.tenant)

    def menu(self, actor: Actor) -> Sequence[Entry]:
        """Where the actor may go."""
        if actor.kind is ActorKind.CONTACT:
            return _CONTACTS
        return (*_MEMBERS, _SETTINGS) if actor.has_any(Role.OWNER) else _MEMBERS
