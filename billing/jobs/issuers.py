"""Another account on a partner's invoices is told to its owners, so that a thief is found out in time."""

from __future__ import annotations

from partner_portal.infra import mail, outbox, settings
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.events import Event
from tenants.service import brands
from tenants.service.webhooks import endpoints

from ..events import IssuerAccountChanged
from ..service import account_changes, issuers


async def tell_of_own_account(event: IssuerAccountChanged) -> None:
    """Every owner knows, and whoever read or lately read the sender's own mail: whoever changes an account often changes the address first."""
    own = await issuers.address(event.issuer_id)
    brand = await brands.of_tenant(event.tenant_id)
    owners = {row["email"].lower(): row["language"] for row in await endpoints.owners()}
    known = [*await account_changes.earlier_addresses(event.tenant_id, None), own]
    usual = next(iter(owners.values()), "nl")
    for address, language in {**dict.fromkeys((one.lower() for one in known if one), usual), **owners}.items():
        await mail.queue(
            f"issuer-account:{event.tenant_id}:{event.at.isoformat()}:{address}",
            "billing/issuer_account_changed",
            to=address,
            language=language,
            brand=brand,
            envelope=Envelope(about=event.tenant_id),
            told=event,
            link=f"{settings.current().public_url}/portal/settings/billing",
        )


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {IssuerAccountChanged: [tell_of_own_account]}
