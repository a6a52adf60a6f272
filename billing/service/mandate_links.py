"""A mandate by a click: a link that goes to the debtor's own address for invoices, the words it shows, and the record of who pressed them, when and where.

Whoever invites never types the account: only the debtor does, behind the link.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from partner_portal.infra import catalogue, clock, db, outbox, settings, tokens
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..events import MandateInvited, MandateSigned
from ..policy.debit import ANNOUNCED_DAYS
from ..policy.ledger import Layer
from . import mandates, parties
from .debits import CreditorUnknown
from .mandates import MandateInForce, NewMandate
from .parties import Party

_VALID = timedelta(days=30)
_STAFF_DOOR = Principal(Door.STAFF, actor="system:mandates")

TEXT = sentence(
    "By pressing the button you authorise %(creditor)s (creditor id %(creditor_id)s, %(address)s) to send instructions to your bank to debit your account"
    " for what you owe by its invoices, and your bank to debit your account in accordance with those instructions. You are told the amount and the day at"
    " least %(days)s days before. You can have your bank take a debit back within eight weeks. You can end the mandate at any time by telling us."
)


class NobodyToInvite(Refused):
    """The customer has no address to which its invoices go."""


class InvitationOver(Refused):
    """The link has been used, or is too old; a new one is asked for."""


class Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the debtor types behind the link. `words` is the hash of what it read."""

    holder: Annotated[str, Meta(min_length=2, max_length=70)]
    iban: Annotated[str, Meta(min_length=5, max_length=42)]
    agrees: bool = False
    words: Annotated[str, Meta(max_length=64)] = ""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the page behind the link shows; `signed_at` once it has been given."""

    id: UUID
    tenant: UUID
    customer: str
    creditor: Party
    language: str
    text: str
    expires_at: datetime
    signed_at: datetime | None
    reference: str | None
    iban: str | None
    email: str

    @property
    def words(self) -> str:
        """The hash of the text, by which the record says what was read."""
        return hashed(self.text)


_INSERT = """
INSERT INTO billing_mandate_invitation (id, tenant, customer, issuer, email, token_sha256, expires_at, made_by, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def invite(actor: Actor, customer: UUID) -> UUID:
    """The customer gets a link by mail with which it gives a mandate; an earlier one no longer works.

    NotFound for somebody else's customer, MandateInForce, CreditorUnknown where its issuer does not collect, NobodyToInvite without an address.
    """
    made, tenant = await _made(actor, customer)
    await outbox.publish(MandateInvited(tenant_id=tenant, invitation_id=made))
    return made


async def _made(actor: Actor, customer: UUID) -> tuple[UUID, UUID]:
    row = await db.fetch_one("SELECT id, tenant FROM customer WHERE id = $1", customer)
    if row is None:
        raise NotFound(what="customer", id=str(customer))
    sender, email = await _looked_up(row["tenant"], customer)
    if not sender.party.creditor_id:
        raise CreditorUnknown
    if not email:
        raise NobodyToInvite
    if await mandates.in_force(row["tenant"], customer, sender.tenant):
        raise MandateInForce
    made, now = new_id(), clock.now()
    await db.execute(
        "UPDATE billing_mandate_invitation SET expires_at = $2 WHERE customer = $1 AND signed_at IS NULL AND expires_at > $2", customer, now
    )
    secret = tokens.sha256(tokens.token(made))
    await db.execute(_INSERT, made, row["tenant"], customer, sender.tenant, email, secret, now + _VALID, actor.trail, now)
    return made, row["tenant"]


async def _looked_up(tenant: UUID, customer: UUID) -> tuple[parties.Sender, str]:
    """Who collects is known on the provider's side of the wall only."""
    async with db.apart(_STAFF_DOOR):
        sender = await parties.sender(tenant, Layer.CUSTOMER)
        debtor = await parties.debtor(tenant, customer, clock.today())
    return sender, debtor.party.email or ""


def address(invitation: UUID) -> str:
    """The address of the link with a placeholder for its secret, as a stored mail may hold it."""
    return f"{settings.current().public_url}/mandate/{tokens.placeholder('token', invitation)}"


def path(invitation: UUID) -> str:
    """Where the link leads on this portal, its secret filled in."""
    return f"/mandate/{tokens.token(invitation)}"


async def bearer(token: str) -> Actor:
    """Whoever holds this link; NotFound where it is nobody's."""
    async with db.apart(_STAFF_DOOR):
        row = await db.fetch_one("SELECT id, tenant, email FROM billing_mandate_invitation WHERE token_sha256 = $1", tokens.sha256(token))
    if row is None:
        raise NotFound(what="link")
    return Actor(kind=ActorKind.CUSTOMER, id=str(row["id"]), tenant=row["tenant"], label=row["email"], channel="link")


_LOOK = """
SELECT v.*, c.name AS customer_name, c.language, m.reference, m.iban FROM billing_mandate_invitation v JOIN customer c ON c.id = v.customer
  LEFT JOIN billing_mandate m ON m.tenant = v.tenant AND m.id = v.mandate WHERE v.id = $1
"""


async def look(invitation: UUID, language: str = "") -> View:
    """What the link shows, in this language or the customer's; changes nothing."""
    row = await db.fetch_one(_LOOK, invitation)
    if row is None:
        raise NotFound(what="link")
    sender, _email = await _looked_up(row["tenant"], row["customer"])
    said_in = language or row["language"]
    return View(
        id=invitation,
        tenant=row["tenant"],
        customer=row["customer_name"],
        creditor=sender.party,
        language=said_in,
        text=text(sender.party, said_in),
        expires_at=row["expires_at"],
        signed_at=row["signed_at"],
        reference=row["reference"],
        iban=row["iban"],
        email=row["email"],
    )


def text(creditor: Party, language: str) -> str:
    """What whoever gives a mandate to this creditor reads and agrees to."""
    return catalogue.text(
        TEXT,
        language,
        creditor=creditor.name,
        creditor_id=creditor.creditor_id or "",
        address=f"{creditor.street}, {creditor.postcode} {creditor.city}",
        days=ANNOUNCED_DAYS,
    )


def hashed(words: str) -> str:
    """By which the record says what was read."""
    return hashlib.sha256(words.encode()).hexdigest()


async def give_own(actor: Actor, given: Given, seen: dict[str, str]) -> UUID:
    """The contact's own organisation has given its mandate, signed in: on record with who it was, and with the copy to where its invoices go.

    Raises as `give` and `invite`.
    """
    assert actor.customer is not None  # noqa: S101  # contacts have one, and no others come here
    async with db.as_the_tenant():
        made, _tenant = await _made(actor, actor.customer)
        return await give(actor, await look(made, actor.language), given, seen | {"by": actor.trail, "name": actor.label})


async def give(actor: Actor, view: View, given: Given, seen: dict[str, str]) -> UUID:
    """The mandate is in force, with a record of what was shown and from where it was pressed (`seen`), and the debtor has a copy by mail.

    InvitationOver, MandateInForce, Invalid without agreement, for other words than were shown, or an account that cannot be.
    """
    row: Any = await db.fetch_one("SELECT * FROM billing_mandate_invitation WHERE id = $1 FOR UPDATE", view.id)
    if row["signed_at"] is not None or row["expires_at"] <= clock.now():
        raise InvitationOver
    if not given.agrees:
        raise Invalid(FieldError("/agrees", "agree-first"))
    if given.words != view.words:
        raise Invalid(FieldError("/agrees", "words-changed"))
    consent = {"text": view.text, "sha256": view.words, "at": clock.now().isoformat(), "email": row["email"], **seen}
    new = NewMandate(holder=given.holder, iban=given.iban, signed_on=clock.today())
    made = await mandates.sign(actor, row["tenant"], row["customer"], row["issuer"], new, consent)
    await db.execute("UPDATE billing_mandate_invitation SET mandate = $2, signed_at = $3 WHERE id = $1", view.id, made, clock.now())
    await outbox.publish(MandateSigned(tenant_id=row["tenant"], mandate_id=made, invitation_id=view.id))
    return made


class Stands(msgspec.Struct, frozen=True, kw_only=True):
    """How a customer's mandate stands: the one in force, and the invitation that is open."""

    mandate: Any | None
    invitation: Any | None


async def of_customer(customer: UUID) -> Stands:
    """The customer's mandate and invitation, on the asking side of the wall; NotFound for somebody else's customer."""
    if await db.fetch_one("SELECT 1 FROM customer WHERE id = $1", customer) is None:
        raise NotFound(what="customer", id=str(customer))
    return Stands(
        mandate=await db.fetch_one(
            "SELECT * FROM billing_mandate WHERE customer = $1 AND ended_on IS NULL ORDER BY id DESC LIMIT 1", customer
        ),
        invitation=await db.fetch_one(
            "SELECT * FROM billing_mandate_invitation WHERE customer = $1 AND signed_at IS NULL AND expires_at > $2 ORDER BY id DESC LIMIT 1",
            *(customer, clock.now()),
        ),
    )
