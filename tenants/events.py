"""What happened to the people of a partner and of its customers, and to the webhooks of its software."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from partner_portal.kernel.events import Event


class PersonInvited(Event, frozen=True, kw_only=True):
    """A member or a contact is to take its account by the link of this invitation."""

    invitation_id: UUID


class PasswordForgotten(Event, frozen=True, kw_only=True):
    """Somebody asked for a new password; of no tenant (`db.NOBODY`) where the address has no account, so that both are the same work."""

    link_id: UUID
    account: str


class PasswordChanged(Event, frozen=True, kw_only=True):
    """The address of this account ("member:<id>") has another password; each change has an id of its own."""

    account: str
    change_id: UUID
    changed_at: datetime


class WebhookDue(Event, frozen=True, kw_only=True):
    """The time has come for the `nth` attempt of a delivery."""

    delivery_id: UUID
    nth: int


class WebhookSwitchedOff(Event, frozen=True, kw_only=True):
    """The portal stopped sending to an endpoint: it is gone, or has only failed for days."""

    endpoint_id: UUID
    off_since: datetime
