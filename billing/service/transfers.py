"""To which account, in whose name and with which reference what is open is transferred: as the invoices themselves say."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from partner_portal.infra import db

from . import announcing
from .parties import Party


class Claim(msgspec.Struct, frozen=True):
    """An invoice to be transferred: by this reference it is known what was paid."""

    id: UUID
    number: str
    reference: str
    open_cents: int


class Account(msgspec.Struct, frozen=True):
    """Where to transfer, and for which invoices."""

    holder: str
    iban: str
    claims: Sequence[Claim]


_OPEN = """
SELECT i.id, i.number, i.reference, s.open_cents, i.issuer_details
  FROM billing_invoice i JOIN billing_standing s ON s.tenant = i.tenant AND s.invoice = i.id
 WHERE i.id = ANY($1::uuid[]) AND s.open_cents > 0 AND s.due_on IS NOT NULL ORDER BY i.due_on, i.number
"""


async def of(invoices: Sequence[UUID]) -> list[Account]:
    """The accounts to which what is open of these documents is to be transferred: nearly always one; none for what will be collected."""
    collected = await announcing.now(invoices)
    accounts: dict[tuple[str, str], list[Claim]] = {}
    for row in await db.fetch(_OPEN, list(invoices)):
        issuer = msgspec.json.decode(row["issuer_details"], type=Party)
        if issuer.iban and row["id"] not in collected:
            claim = Claim(*(row[name] for name in Claim.__struct_fields__))
            accounts.setdefault((issuer.name, issuer.iban), []).append(claim)
    return [Account(holder, iban, claims) for (holder, iban), claims in accounts.items()]
