"""Mails about coming in: invitations, forgotten passwords, passwords that were changed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from partner_portal.infra import clock, db, mail, outbox, settings, tokens
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.errors import NotFound
from partner_portal.kernel.events import Event

from ..events import PasswordChanged, PasswordForgotten, PersonInvited
from ..service import accounts, brands, forgotten, invitations
from ..service.accounts import Account

_LINKS_KEPT = timedelta(days=2)


async def send_invitation(event: PersonInvited) -> None:
    """Whoever was invited has the link, unless the invitation was replaced or taken back meanwhile."""
    row = await invitations.one(event.invitation_id)
    if row is None:
        return
    await mail.queue(
        f"invitation:{event.invitation_id}",
        "tenants/member_invited" if row["member"] else "tenants/contact_invited",
        to=row["email"],
        language=row["language"],
        brand=await brands.of_tenant(event.tenant_id),
        envelope=Envelope(about=row["member"] or row["contact"]),
        customer=row["customer"],
        valid_until=row["expires_at"],
        link=f"{settings.current().public_url}/portal/invitation/{tokens.placeholder('token', event.invitation_id)}",
    )


@outbox.through_staff_door
async def send_password_link(event: PasswordForgotten) -> None:
    """Whoever reads the mail of the address has the link, if the address has an account."""
    account = await _account(event.tenant_id, event.account) if event.account else None
    row = await forgotten.open_link(event.link_id)
    # The link is for one address: an account that has another by now is somebody else's.
    if account is None or row is None or account.email.lower() != row["email"]:
        return
    await mail.queue(
        f"password:{event.link_id}",
        "tenants/password_forgotten",
        to=account.email,
        language=account.actor.language,
        brand=await brands.of_tenant(event.tenant_id),
        valid_until=row["expires_at"],
        link=f"{settings.current().public_url}/portal/password/{tokens.placeholder('token', event.link_id)}",
    )


@outbox.through_staff_door
async def tell_password_changed(event: PasswordChanged) -> None:
    """The owner of the address knows that its password is another, and what to do if somebody else chose it."""
    account = await _account(event.tenant_id, event.account)
    if account is None:
        return
    await mail.queue(
        f"password-changed:{event.change_id}",
        "tenants/password_changed",
        to=account.email,
        language=account.actor.language,
        brand=await brands.of_tenant(event.tenant_id),
        changed_at=event.changed_at,
        link=f"{settings.current().public_url}/portal/password",
    )


async def _account(tenant: UUID, who: str) -> Account | None:
    # These handlers see every tenant's rows: the mail is kept with the tenant of the account, and with no other.
    account = await accounts.now(who)
    if account is not None and account.actor.tenant != tenant:
        raise NotFound(what="account", id=who)
    return account


async def forget_links() -> None:
    """Links for new passwords that nobody can use any more are gone, with the addresses that were asked about."""
    async with db.unit_of_work(Principal(Door.STAFF, actor="system:daily")):
        await forgotten.purge(clock.now() - _LINKS_KEPT)


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {
    PersonInvited: [send_invitation],
    PasswordForgotten: [send_password_link],
    PasswordChanged: [tell_password_changed],
}
DAILY = [forget_links]
