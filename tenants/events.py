"""What happened to the people of a partner and of its customers."""

from __future__ import annotations

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
    """The password of the address of this account ("member:<id>") is another since `change_id`."""

    account: str
    change_id: UUID
