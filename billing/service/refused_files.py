"""What the bank did not carry out, of which no statement tells: a file that it refused or never got, or some of what is in one. Through the staff door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from partner_portal.infra import clock, db
from partner_portal.kernel.actor import Actor
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused

from ..policy.money_in import BatchKind, DebitState, RefundState
from . import debits, refunds


class FileCarriedOut(Refused):
    """Something of this file was carried out, or nothing of it is under way any more."""


_DEBITS = "SELECT id, mandate, end_to_end, state, payment FROM billing_debit WHERE batch = $1 ORDER BY id FOR UPDATE"
_REFUNDS = "SELECT * FROM billing_refund WHERE batch = $1 ORDER BY id FOR UPDATE"


async def whole(actor: Actor, batch: UUID, because: str) -> None:
    """Nothing of the file was carried out: what it was to collect can be collected anew, and refunds leave with the next file.

    FileCarriedOut, NotFound; Invalid without a reason.
    """
    row, under_way, rest = await _look(batch, because)
    if not under_way or any(one["payment"] is not None for one in rest):
        raise FileCarriedOut
    ids = [one["id"] for one in under_way]
    if row["kind"] == BatchKind.DEBIT:
        await db.execute(
            "UPDATE billing_debit SET state = $2, reason = NULL, changed_at = $3 WHERE id = ANY($1::uuid[])",
            *(ids, DebitState.REFUSED.value, clock.now()),
        )
    else:
        await db.execute(
            "UPDATE billing_refund SET state = $2, batch = NULL, changed_at = $3 WHERE id = ANY($1::uuid[])",
            *(ids, RefundState.AGREED.value, clock.now()),
        )
    await db.execute(
        "UPDATE billing_bank_batch SET refused_by = $2, refused_at = $3, refused_because = $4 WHERE id = $1",
        *(batch, actor.trail, clock.now(), because.strip()[:500]),
    )


async def some(actor: Actor, batch: UUID, wanted: Sequence[str], because: str) -> None:
    """These of the file, by the ids that they have in it, were refused: an invoice is asked for by transfer, a refund has failed and is on account again.

    NotFound; Invalid without a reason, or for an id of which nothing is under way.
    """
    row, under_way, _rest = await _look(batch, because)
    known = {one["end_to_end"]: one for one in under_way}
    unknown = next((one for one in wanted if one not in known), None)
    if unknown is not None:
        raise Invalid(FieldError("/ids", "not-under-way", {"value": unknown[:40]}))
    for one in dict.fromkeys(wanted):
        if row["kind"] == BatchKind.DEBIT:
            await debits.refused(known[one], because.strip())
        else:
            await refunds.not_carried_out(actor, known[one], because.strip())


async def _look(batch: UUID, because: str) -> tuple[Any, list[Any], list[Any]]:
    """The file, what of it is under way, and the rest of it."""
    if len(because.strip()) < 3:  # noqa: PLR2004  # a reason, not a dot
        raise Invalid(FieldError("/note", "say-why"))
    row = await db.fetch_one("SELECT id, kind FROM billing_bank_batch WHERE id = $1 FOR UPDATE", batch)
    if row is None:
        raise NotFound(what="file", id=str(batch))
    of_it = await db.fetch(_DEBITS if row["kind"] == BatchKind.DEBIT else _REFUNDS, batch)
    under_way = [one for one in of_it if one["state"] == "sent"]
    return row, under_way, [one for one in of_it if one["state"] != "sent"]
