"""Everything that the entries of a statement may point at, looked up at once: a handful of statements, however many entries there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from partner_portal.infra import db

from ...policy.ledger import Kind
from ...policy.matching import Known, Number, OpenItem, Owner, Seen, numbers_in, references_in

_ITEM = """
SELECT i.id, i.number, i.reference, i.series, i.year, i.sequence, i.tenant, i.customer, i.issuer, i.kind, i.debtor_details ->> 'name' AS debtor_name,
       s.open_cents FROM billing_invoice i JOIN billing_standing s ON s.invoice = i.id
"""
_BY_REFERENCE = f"{_ITEM} WHERE i.issuer = $1 AND i.reference = ANY($2::text[])"
_BY_NUMBER = (
    f"{_ITEM} JOIN unnest($2::text[], $3::int[], $4::int[]) AS n (series, year, sequence)"
    " ON i.series = n.series AND i.year = n.year AND i.sequence = n.sequence WHERE i.issuer = $1"
)
_OPEN_OF = (
    f"{_ITEM} JOIN unnest($2::uuid[], $3::uuid[]) AS o (tenant, customer) ON i.tenant = o.tenant AND i.customer IS NOT DISTINCT FROM o.customer"
    " WHERE i.issuer = $1 AND s.open_cents > 0 AND i.kind <> 'credit note'"
)
# Of each sum a few only: they help a person, and many debtors owe the same round sum.
_ALIKE = f"""
SELECT x.* FROM unnest($2::bigint[]) AS a (cents), LATERAL (
{_ITEM} WHERE i.issuer = $1 AND s.open_cents = a.cents AND i.kind <> 'credit note' ORDER BY i.due_on LIMIT 5) x
"""  # noqa: S608  # put together of our own parts
_CODE = "SELECT code FROM tenant WHERE id = $1"
# Only of whose account it is: what one issuer's statement says moves nothing of another's.
_DEBITS = "SELECT d.id, d.end_to_end FROM billing_debit d JOIN billing_bank_batch b ON b.id = d.batch WHERE b.issuer = $1 AND d.end_to_end = ANY($2::text[])"
_BATCHES = "SELECT id, reference, kind FROM billing_bank_batch WHERE issuer = $1 AND reference = ANY($2::text[])"
_REFUNDS = "SELECT r.id, r.end_to_end FROM billing_refund r JOIN billing_payment p ON p.id = r.payment WHERE p.issuer = $1 AND r.end_to_end = ANY($2::text[])"
# The gateway pays out to the house, for which it collects.
_PAYOUTS = "SELECT p.id, p.reference FROM billing_payout p JOIN tenant t ON t.id = $1 AND t.kind = 'house' WHERE p.entry IS NULL"
# Whose payment was moved to another customer's account is not known by it: a person says who paid.
_PAYERS = """
SELECT DISTINCT e.iban, p.tenant, p.customer FROM billing_statement_entry e JOIN billing_payment p ON p.id = e.payment
 WHERE e.iban = ANY($2::text[]) AND p.issuer = $1
   AND NOT EXISTS (SELECT FROM billing_payment m WHERE m.tenant = p.tenant AND m.reverses = p.id AND m.method = 'moved')
 UNION SELECT m.iban, m.tenant, m.customer FROM billing_mandate m WHERE m.iban = ANY($2::text[]) AND m.issuer = $1
"""


async def look_up(issuer: UUID, entries: Sequence[Seen]) -> Known:
    """What of the issuer's the entries may point at."""
    references = sorted({one for entry in entries for one in references_in(entry.reference, entry.end_to_end, entry.text)})
    numbers = {one for entry in entries for one in numbers_in(entry.text, entry.end_to_end, entry.reference)}
    ids = sorted({one for entry in entries for one in (entry.end_to_end, entry.batch) if one})
    owners = await _owners(issuer, entries)
    batches = await _rows(_BATCHES, issuer, ids)
    return Known(
        references={row["reference"]: _item(row) for row in await _rows(_BY_REFERENCE, issuer, references)},
        numbers=await _numbers(issuer, numbers),
        collections={row["end_to_end"]: row["id"] for row in await _rows(_DEBITS, issuer, ids)},
        batches={row["reference"]: row["id"] for row in batches if row["kind"] == "debit"},
        payouts={row["reference"]: row["id"] for row in await db.fetch(_PAYOUTS, issuer)},
        refunds={row["end_to_end"]: row["id"] for row in await _rows(_REFUNDS, issuer, ids)}
        | {row["reference"]: row["id"] for row in batches if row["kind"] == "refund"},
        owners=owners,
        items=await _open_of(issuer, {owner for found in owners.values() for owner in found}),
    )


async def _rows(sql: str, issuer: UUID, wanted: Sequence[Any]) -> list[Any]:
    return await db.fetch(sql, issuer, list(wanted)) if wanted else []


async def _numbers(issuer: UUID, wanted: set[Number]) -> dict[Number, OpenItem]:
    if not wanted:
        return {}
    columns = sorted({(one.series, one.year, one.sequence) for one in wanted})
    rows = await db.fetch(_BY_NUMBER, issuer, *(list(column) for column in zip(*columns, strict=True)))
    code = await db.fetch_one(_CODE, issuer)
    own = str(code["code"]) if code else ""
    by_place = {(row["series"], row["year"], row["sequence"]): _item(row) for row in rows}
    # With the letters of somebody else it is somebody else's number.
    return {
        one: by_place[place]
        for one in wanted
        if (place := (one.series, one.year, one.sequence)) in by_place and (one.code is None or one.code == own)
    }


async def _owners(issuer: UUID, entries: Iterable[Seen]) -> dict[str, frozenset[Owner]]:
    ibans = sorted({entry.iban for entry in entries if entry.iban and entry.amount_cents > 0})
    found: dict[str, set[Owner]] = {}
    for row in await _rows(_PAYERS, issuer, ibans):
        found.setdefault(row["iban"], set()).add(Owner(row["tenant"], row["customer"], issuer))
    return {iban: frozenset(owners) for iban, owners in found.items()}


async def _open_of(issuer: UUID, owners: set[Owner]) -> dict[Owner, list[OpenItem]]:
    if not owners:
        return {}
    rows = await db.fetch(_OPEN_OF, issuer, [owner.tenant for owner in owners], [owner.customer for owner in owners])
    items: dict[Owner, list[OpenItem]] = {}
    for row in rows:
        item = _item(row)
        items.setdefault(item.owner, []).append(item)
    return items


async def alike(issuer: UUID, amounts: set[int]) -> dict[int, list[OpenItem]]:
    """A few of the documents that are open for exactly these sums."""
    found: dict[int, list[OpenItem]] = {}
    for row in await _rows(_ALIKE, issuer, sorted(amounts)):
        found.setdefault(row["open_cents"], []).append(_item(row))
    return found


def _item(row: Any) -> OpenItem:
    return OpenItem(
        invoice=row["id"],
        number=row["number"],
        owner=Owner(row["tenant"], row["customer"], row["issuer"]),
        debtor_name=row["debtor_name"] or "",
        open_cents=row["open_cents"],
        is_claim=row["kind"] != Kind.CREDIT_NOTE,
    )
