"""Who comes in: somebody invited, somebody who forgot a password, and a customer's contact with an account."""

from __future__ import annotations

from partner_portal.kernel.actor import Actor, Role

from .stage import Stage, account

_INVITATION = "SELECT id FROM invitation WHERE tenant = $1 AND {whom} IS NOT NULL ORDER BY created_at DESC LIMIT 1"


async def invite(stage: Stage) -> None:
    """A member and a contact are invited, and the owner asked for a new password."""
    email = f"karel@{stage.owner.tenant}.example.com"
    await stage.fill_in("/portal/settings/members/new", name="Karel Nieuw", email=email, role=Role.READER.value, language="nl")
    new = f"/portal/customers/{stage.things['customer']}/contacts/new"
    await stage.fill_in(new, name="Tom Techniek", email="tom@delinde.example.com", is_technical="yes", invite="yes")
    stage.things |= {
        "invitation": await stage.secret(_INVITATION.format(whom="member"), stage.owner.tenant),
        "member": (await stage.row("SELECT id FROM member WHERE tenant = $1 AND name = 'Karel Nieuw'", stage.owner.tenant))["id"],
        "contact": (await stage.row("SELECT id FROM contact WHERE customer = $1 AND NOT is_main LIMIT 1", stage.things["customer"]))["id"],
    }
    own = await stage.row("SELECT email FROM member WHERE id::text = $1", stage.owner.id)
    await stage.stranger.post("/portal/password", data={"email": own["email"]})
    stage.things["password_link"] = await stage.secret("SELECT id FROM password_link ORDER BY created_at DESC LIMIT 1")


async def contact(stage: Stage, customer: str) -> Actor:
    """The main contact of a customer, who took the invitation."""
    row = await stage.row("UPDATE contact SET accepted_as = email WHERE customer = $1 AND is_main RETURNING id", stage.things[customer])
    return await account(f"contact:{row['id']}")
