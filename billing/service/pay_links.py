"""Links that lead to paying: made for documents of one debtor, the same for the same documents, and found by their secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db, settings, tokens
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from tenants.policy import TenantKind

from ..policy.debit import Collection
from ..policy.instalments import Instalment
from ..policy.ledger import Kind
from ..policy.money_in import IntentState
from . import announcing, plans
from .gateways import chosen
from .parties import Party

MOST = 100
"""Documents in one link."""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A document of a link, and what is open of it now, in cents."""

    id: UUID
    number: str
    reference: str
    due_on: date
    gross_cents: int
    open_cents: int
    paid_on: date | None
    collects: Collection | None = None
    """How it will be collected, where nobody has to pay it."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a link shows. `online` says whether it can be paid there; `attempt` is the newest, with its state and where it goes on."""

    id: UUID
    tenant: UUID
    owed: tuple[Owed, ...]
    issuer: Party
    language: str
    online: bool
    attempt: IntentState | None
    checkout_url: str | None
    attempt_cents: int
    instalment: Instalment | None = None
    """Where all that is open is in one payment plan: what the plan asks for now, and since when."""

    @property
    def open_cents(self) -> int:
        """What is still to be paid, all together."""
        return sum(max(one.open_cents, 0) for one in self.owed)

    @property
    def asked_cents(self) -> int:
        """What is asked first: all that is open, or the instalment of the payment plan."""
        return min(self.instalment.amount_cents, self.open_cents) if self.instalment else self.open_cents

    @property
    def is_all_collected(self) -> bool:
        """Whether everything that is open will be collected, so that nothing has to be paid here."""
        return self.open_cents > 0 and all(one.collects for one in self.owed if one.open_cents > 0)

    def goes_on(self, *, everything: bool) -> bool:
        """Whether the attempt that was begun is for what is asked now, or for everything that is open."""
        cents = self.open_cents if everything else self.asked_cents
        return self.attempt is IntentState.OPEN and self.checkout_url is not None and self.attempt_cents == cents


_DOCUMENTS = "SELECT id, kind, tenant, customer, issuer FROM billing_invoice WHERE id = ANY($1::uuid[])"
_SAME = """
SELECT l.id FROM billing_pay_link l JOIN billing_pay_link_invoice i ON i.tenant = l.tenant AND i.link = l.id
 WHERE l.tenant = $1 AND l.id IN (SELECT link FROM billing_pay_link_invoice WHERE tenant = $1 AND invoice = $2)
 GROUP BY l.id HAVING array_agg(i.invoice ORDER BY i.invoice) = $3::uuid[] ORDER BY l.id LIMIT 1
"""
_LINK = "INSERT INTO billing_pay_link (id, tenant, customer, issuer, token_sha256, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
_OF_LINK = "INSERT INTO billing_pay_link_invoice (id, tenant, link, invoice) SELECT gen_random_uuid(), $1, $2, unnest($3::uuid[])"
_OWED = """
SELECT i.id, i.number, i.reference, i.due_on, i.gross_cents, s.open_cents, s.paid_on, i.issuer_details, i.language, i.kind
  FROM billing_pay_link_invoice p JOIN billing_invoice i ON i.tenant = p.tenant AND i.id = p.invoice JOIN billing_standing s ON s.invoice = i.id
 WHERE p.link = $1 ORDER BY i.due_on, i.number
"""
_NEWEST = "SELECT state, checkout_url, amount_cents FROM billing_intent WHERE link = $1 ORDER BY id DESC LIMIT 1"


async def make(actor: Actor, invoices: Sequence[UUID]) -> UUID:
    """A link with which anybody pays these documents; for the same documents the same one.

    Raises NotFound for what the actor does not see, Invalid for none, too many, of several debtors, or what is nobody's to pay.
    """
    wanted = sorted(set(invoices))
    if not wanted:
        raise Invalid(FieldError("/invoice_ids", "choose-an-invoice"))
    if len(wanted) > MOST:
        raise Invalid(FieldError("/invoice_ids", "too-many-invoices", {"at_most": MOST}))
    rows = await db.fetch(_DOCUMENTS, wanted)
    if missing := set(wanted) - {row["id"] for row in rows}:
        raise NotFound(what="invoice", id=str(min(missing)))
    if len({(row["tenant"], row["customer"], row["issuer"]) for row in rows}) > 1:
        raise Invalid(FieldError("/invoice_ids", "paid-by-several"))
    if any(row["kind"] == Kind.CREDIT_NOTE for row in rows):
        raise Invalid(FieldError("/invoice_ids", "nothing-to-pay"))
    return await _find_or_make(actor, rows[0], wanted)


async def _find_or_make(actor: Actor, whose: Any, wanted: Sequence[UUID]) -> UUID:
    tenant = whose["tenant"]
    # Whoever asks for the same documents at the same moment waits, and finds the link.
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"pay link {wanted[0]} {wanted[-1]} {len(wanted)}")
    known = await db.fetch_one(_SAME, tenant, wanted[0], list(wanted))
    if known:
        found: UUID = known["id"]
        return found
    link = new_id()
    secret = tokens.sha256(tokens.token(link))
    await db.execute(_LINK, link, tenant, whose["customer"], whose["issuer"], secret, actor.trail, clock.now())
    await db.execute(_OF_LINK, tenant, link, list(wanted))
    return link


def address(link: UUID) -> str:
    """The address of a link with a placeholder for its secret, as a stored mail may hold it."""
    return f"{settings.current().public_url}/pay/{tokens.placeholder('token', link)}"


def path(link: UUID) -> str:
    """Where the link leads on this very portal, its secret filled in: for whoever may see the documents anyway."""
    return f"/pay/{tokens.token(link)}"


async def bearer(token: str) -> Actor:
    """Whoever holds this link, found before anything else is known; NotFound when it is nobody's."""
    async with db.apart(Principal(Door.STAFF, actor="system:link")):
        row = await db.fetch_one("SELECT id, tenant FROM billing_pay_link WHERE token_sha256 = $1", tokens.sha256(token))
    if row is None:
        raise NotFound(what="link")
    return Actor(kind=ActorKind.CUSTOMER, id=str(row["id"]), tenant=row["tenant"], label="pay link", channel="link")


async def look(link: UUID) -> View:
    """The documents of the link as they stand now, to whom they are owed, and how far paying is."""
    row = await db.fetch_one(
        "SELECT l.tenant, l.issuer, t.kind FROM billing_pay_link l JOIN tenant t ON t.id = l.tenant WHERE l.id = $1", link
    )
    if row is None:
        raise NotFound(what="link")
    rows = await db.fetch(_OWED, link)
    newest = await db.fetch_one(_NEWEST, link)
    collects = await announcing.now([one["id"] for one in rows])
    instalment = await plans.asked_now([one["id"] for one in rows if one["open_cents"] > 0])
    return View(
        id=link,
        tenant=row["tenant"],
        owed=tuple(_owed(one, collects.get(one["id"])) for one in rows),
        issuer=msgspec.json.decode(rows[0]["issuer_details"], type=Party),
        language=rows[0]["language"],
        # The gateway pays out to the provider: what is owed to a partner who bills in its own name must not end up there.
        online=chosen.current() is not None and (row["issuer"] != row["tenant"] or row["kind"] == TenantKind.HOUSE),
        attempt=IntentState(newest["state"]) if newest else None,
        checkout_url=newest["checkout_url"] if newest else None,
        attempt_cents=newest["amount_cents"] if newest else 0,
        instalment=instalment,
    )


def _owed(row: Any, collects: Collection | None) -> Owed:
    return Owed(**{name: row[name] for name in Owed.__struct_fields__ if name != "collects"}, collects=collects)
