"""VAT numbers of debtors elsewhere in the EU: asked for at VIES, each answer kept as evidence; the last one decides who accounts for the VAT."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from partner_portal.infra import clock, db, remote, settings
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.infra.outgoing import NotReached
from tenants.policy import Segment, TenantKind, WhoBills

from ..policy.tax import STANDARD_RATES
from ..policy.vat_checks import VALID_FOR, Outcome, parts

log = structlog.get_logger()

_WITHIN_SECONDS = 15
_TRIED_AGAIN = timedelta(hours=1)
_IN_ONE_GO = 100
_DOOR = Principal(Door.STAFF, actor="system:vies")
_EU = tuple(sorted(STANDARD_RATES))

# A number that nobody could answer for yet counts as what it says it is: no outage turns a customer's bill into one with VAT. One of another country than
# whoever has it is established in says nothing about who accounts for the VAT there (Directive 2006/112/EC art. 196 and 262); Greece writes EL.
_KNOWN = """
(coalesce(replace(upper(left(btrim({vat_id}), 2)), 'EL', 'GR') = {country}, false) AND coalesce((SELECT v.outcome = 'valid' FROM billing_vat_check v
    WHERE v.tenant = {tenant} AND v.vat_id = {vat_id} AND v.outcome <> 'unavailable' ORDER BY v.asked_at DESC LIMIT 1), true))
"""


def is_valid_sql(*, tenant: str, vat_id: str) -> str:
    """SQL that says whether a VAT number, by the names of its columns, counts as valid: by the last answer, until which it does.

    Its row has its `country`, which is the one that gives out the number.
    """
    return _KNOWN.format(tenant=tenant, vat_id=vat_id, country=f"{vat_id.rpartition('.')[0]}.country")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What VIES said of a number, with the number of the consultation; or that it said nothing, and why."""

    outcome: Outcome
    consultation: str | None = None
    answer: Mapping[str, Any] = {}


class _Said(msgspec.Struct, rename="camel"):
    valid: bool | None = None
    request_identifier: str = ""
    request_date: str = ""
    name: str = ""
    address: str = ""
    error_wrappers: list[dict[str, Any]] = []


async def ask(vat_id: str, requester: str | None) -> Told:
    """What VIES says of the number now, asked in the name of `requester`; UNAVAILABLE, never an error, where no answer is to be had."""
    found, ours = parts(vat_id), parts(requester or "")
    if found is None:
        return Told(outcome=Outcome.INVALID, answer={"why": "no number of a member state"})
    question = {"countryCode": found[0], "vatNumber": found[1]}
    if ours:
        question |= {"requesterMemberStateCode": ours[0], "requesterNumber": ours[1]}
    try:
        answer = await remote.ask(
            "POST",
            f"{settings.current().vies}/check-vat-number",
            headers={"content-type": "application/json", "accept": "application/json"},
            body=msgspec.json.encode(question),
            within=_WITHIN_SECONDS,
        )
        return _told(answer.status, msgspec.json.decode(answer.body, type=_Said))
    except NotReached as error:
        return Told(outcome=Outcome.UNAVAILABLE, answer={"why": error.why.value})
    except msgspec.MsgspecError:
        return Told(outcome=Outcome.UNAVAILABLE, answer={"why": "broken-answer"})


def _told(status: int, said: _Said) -> Told:
    errors = [str(wrapper.get("error", "")) for wrapper in said.error_wrappers]
    if "INVALID_INPUT" in errors:
        return Told(outcome=Outcome.INVALID, answer={"why": "INVALID_INPUT"})
    if status != 200 or errors or said.valid is None:  # noqa: PLR2004  # OK
        return Told(outcome=Outcome.UNAVAILABLE, answer={"why": ", ".join(errors) or f"status {status}"})
    return Told(
        outcome=Outcome.VALID if said.valid else Outcome.INVALID,
        consultation=said.request_identifier or None,
        answer={"date": said.request_date, "name": said.name, "address": said.address},
    )


_DUE = """
WITH numbers AS (
    SELECT c.tenant, c.id AS customer, c.vat_id, c.country, EXISTS (
               SELECT 1 FROM billing_service s WHERE s.tenant = c.tenant AND s.customer = c.id AND s.paid_until <= $2::date
                  AND (s.billing_ends_on IS NULL OR s.paid_until <= s.billing_ends_on)) AS is_billed
      FROM customer c WHERE c.vat_id IS NOT NULL AND c.segment <> $3
     UNION ALL SELECT t.id, NULL, t.vat_id, t.country, true FROM tenant t WHERE t.vat_id IS NOT NULL AND t.bills = $4 AND t.kind <> $5)
SELECT n.tenant, n.customer, n.vat_id, coalesce(own.vat_id, house.vat_id) AS requester
  FROM numbers n JOIN tenant t ON t.id = n.tenant
  LEFT JOIN billing_issuer own ON own.tenant = n.tenant AND t.bills = $4 AND n.customer IS NOT NULL
  LEFT JOIN (SELECT i.vat_id, i.country FROM billing_issuer i JOIN tenant h ON h.id = i.tenant WHERE h.kind = $5 LIMIT 1) house ON true
  LEFT JOIN LATERAL (SELECT max(v.asked_at) AS asked_at, max(v.asked_at) FILTER (WHERE v.outcome <> 'unavailable') AS answered_at
                       FROM billing_vat_check v WHERE v.tenant = n.tenant AND v.vat_id = n.vat_id) last ON true
 WHERE n.country = ANY($6::text[]) AND n.country <> coalesce(own.country, house.country, 'NL')
   AND (last.answered_at IS NULL OR (n.is_billed AND last.answered_at <= $1::timestamptz - $7::interval))
   AND (last.asked_at IS NULL OR last.asked_at <= $1::timestamptz - $8::interval)
 ORDER BY last.asked_at NULLS FIRST, n.vat_id LIMIT $9
"""
_KEEP = """
INSERT INTO billing_vat_check (id, tenant, customer, vat_id, requester, outcome, consultation, answer, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def check_due() -> int:
    """Every number that is new, or is about to be invoiced and was last answered for a day ago, is asked for; returns how many were answered.

    Nothing is open in the database while VIES thinks. What it did not answer is asked again an hour later; until then its last answer stands.
    Does nothing where VIES is switched off.
    """
    if not settings.current().vies:
        return 0
    now = clock.now()
    async with db.unit_of_work(_DOOR):
        due = await db.fetch(
            _DUE,
            *(now, clock.today() + timedelta(days=1), Segment.CONSUMER.value, WhoBills.OWN_NAME.value, TenantKind.HOUSE.value, list(_EU)),
            *(VALID_FOR, _TRIED_AGAIN, _IN_ONE_GO),
        )
    answered = 0
    for row in due:
        told = await ask(row["vat_id"], row["requester"])
        await _keep(row["tenant"], row["customer"], row["vat_id"], row["requester"], told)
        answered += told.outcome is not Outcome.UNAVAILABLE
    if due:
        log.info("vies.checked", asked=len(due), answered=answered)
    return answered


async def _keep(tenant: UUID, customer: UUID | None, vat_id: str, requester: str | None, told: Told) -> None:
    async with db.unit_of_work(_DOOR):
        await db.execute(
            _KEEP,
            *(new_id(), tenant, customer, vat_id, requester, told.outcome.value, told.consultation),
            *(msgspec.json.encode(told.answer).decode(), clock.now()),
        )
