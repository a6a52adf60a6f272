"""Another bank account of a debtor is told where the debtor is known, and where it was known until lately."""

from __future__ import annotations

import msgspec

from partner_portal.infra import clock, mail, outbox
from partner_portal.infra.mail import Envelope
from partner_portal.kernel.events import Event
from tenants.service import brands

from ..events import AccountChanged
from ..service import account_changes, parties
from ..service.account_changes import ChangeTold


@outbox.through_staff_door
async def tell_of_account(event: AccountChanged) -> None:
    """Everybody who reads, or lately read, the debtor's mail about invoices knows of the account, from when it is used and what to do against it."""
    earlier = await account_changes.earlier_addresses(event.tenant_id, event.customer_id)
    debtor = await parties.debtor(event.tenant_id, event.customer_id, clock.today())
    told = msgspec.convert({name: getattr(event, name) for name in ChangeTold.__struct_fields__}, ChangeTold)
    brand = await brands.of_tenant(event.tenant_id)
    for address in dict.fromkeys(one.lower() for one in (*earlier, debtor.party.email) if one):
        await mail.queue(
            f"account:{event.about_id}:{event.at.isoformat()}:{address}",
            "billing/account_changed",
            to=address,
            language=debtor.language,
            brand=brand,
            envelope=Envelope(about=event.about_id),
            told=told,
            debtor=debtor.party.name,
        )


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {AccountChanged: [tell_of_account]}
