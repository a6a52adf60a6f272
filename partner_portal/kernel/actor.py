"""Who acts: a partner's member, its software, a customer's contact, a customer with a link, provider staff, or the portal itself."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec


class ActorKind(StrEnum):
    """The kinds of actors; they never turn into one another."""

    MEMBER = "member"
    KEY = "key"
    CONTACT = "contact"
    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


class Role(StrEnum):
    """What a partner's member may do; scopes of an API key are mapped onto the same words."""

    OWNER = "owner"
    CLERK = "clerk"
    READER = "read-only"


class ContactRight(StrEnum):
    """What a customer's contact may do for its own organisation; every contact may look."""

    MAIN = "main user"  # exactly one per customer: manages the other contacts
    ADMINISTRATIVE = "administrative"
    TECHNICAL = "technical"
    SIGNS = "may sign"  # ends services in the customer's name


class StaffRole(StrEnum):
    """What provider staff may do in the admin."""

    FINANCE = "finance"
    SERVICE_DESK = "service desk"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, for which tenant, with which roles; `tenant` is None only for staff and the portal itself, `customer` is a contact's only.

    `seen_hints`: which explanations this person has put away. `is_proven`: the person gave the password again a moment ago, in this very browser.
    """

    kind: ActorKind
    id: str
    tenant: UUID | None = None
    customer: UUID | None = None
    roles: frozenset[str] = frozenset()
    label: str = ""
    channel: str = "api"
    language: str = "nl"
    seen_hints: frozenset[str] = frozenset()
    is_proven: bool = False

    @property
    def trail(self) -> str:
        """How the audit trail names the actor: kind and id, no personal data."""
        return f"{self.kind.value}:{self.id}"

    def has_any(self, *roles: str) -> bool:
        """Whether the actor holds one of `roles`."""
        return not self.roles.isdisjoint(roles)


SYSTEM = Actor(kind=ActorKind.SYSTEM, id="portal", channel="job", label="portal")
