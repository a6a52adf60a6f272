"""Customers that may be the same: told before somebody enters one twice."""

from __future__ import annotations

from uuid import UUID

import msgspec

from partner_portal.infra import db

from .customers import NewCustomer

_MOST = 10
# Each is found by a word of its own in the index; the comparison that counts comes after it.
_ALIKE = """
SELECT c.id, c.number, c.name, found.by FROM (
    SELECT k.customer AS id, 'email' AS by FROM infra_search_word w JOIN contact k ON k.id = w."row"
     WHERE w.kind = 'contact' AND w.word = (portal_words($1))[1] AND lower(k.email) = lower($1)
    UNION ALL
    SELECT o.id, 'chamber_number' FROM infra_search_word w JOIN customer o ON o.id = w."row"
     WHERE w.kind = 'customer' AND w.word = (portal_words($2))[1] AND o.chamber_number = $2
    UNION ALL
    SELECT o.id, 'vat_id' FROM customer o WHERE o.vat_id = $3
    UNION ALL
    SELECT o.id, 'name' FROM infra_search_word w JOIN customer o ON o.id = w."row"
     WHERE w.kind = 'customer' AND w.word = (SELECT word FROM unnest(portal_words($4)) word ORDER BY length(word) DESC LIMIT 1)
       AND portal_words(o.name) = portal_words($4)) found
  JOIN customer c ON c.id = found.id ORDER BY c.name, c.id, found.by
"""


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """A customer that is there already, and by what it is like the new one: email, chamber_number, vat_id, name."""

    id: UUID
    number: str
    name: str
    by: tuple[str, ...]


async def of(new: NewCustomer) -> list[Alike]:
    """The acting tenant's customers with the same e-mail, registration or name (however written) as `new`, ten at most."""
    rows = await db.fetch(_ALIKE, new.main_contact.email, new.chamber_number, new.vat_id, new.name)
    found: dict[UUID, Alike] = {}
    for row in rows:
        before = found[row["id"]].by if row["id"] in found else ()
        found[row["id"]] = Alike(id=row["id"], number=row["number"], name=row["name"], by=tuple(dict.fromkeys((*before, row["by"]))))
    return list(found.values())[:_MOST]
