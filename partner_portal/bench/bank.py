"""A bank statement of ten thousand entries: read, written down and matched, in one world; and how long booking them takes afterwards."""

from __future__ import annotations

from decimal import Decimal
from time import perf_counter
from typing import TYPE_CHECKING

import asyncpg

from billing.policy.drafting import payment_reference
from billing.service.statements import booking, importing
from partner_portal import wiring
from partner_portal.infra import db
from partner_portal.infra.db import Door, Principal
from partner_portal.kernel.actor import SYSTEM

from .rows import Goal, Measured, told, within

if TYPE_CHECKING:
    from .ground import World

_MOST_SECONDS = 10.0
_IBAN = "NL61BANK0123456780"
_DOOR = Principal(Door.STAFF, actor="system:bench")
# An issuer of its own, so that other measurements in the same world keep theirs.
_OWED = """
WITH made AS (
    INSERT INTO tenant (id, code, name, kind, bills, email, language, brand_colour, address, country)
    VALUES (gen_random_uuid(), 'BANK', 'Bank bench', 'partner', 'own name', 'bank@example.com', 'nl', '#1f4e79', '', 'NL') RETURNING id),
issuer AS (
    INSERT INTO billing_issuer (tenant, name, street, postcode, city, email, vat_id, chamber_number, iban)
    SELECT id, 'Bank B.V.', 'Kade 1', '3011 AB', 'Rotterdam', 'bank@example.com', 'NL999999990B29', '12345678', $4 FROM made RETURNING tenant)
INSERT INTO billing_invoice (id, tenant, customer, issuer, layer, kind, series, year, sequence, number, reference, issued_on, due_on, language, net_cents,
    vat_cents, gross_cents, issuer_details, debtor_details, prices_include_vat, issued_at)
SELECT gen_random_uuid(), m.id, NULL, m.id, 'customer', 'invoice', 'F', 2026, r.sequence, r.number, r.reference, DATE '2026-10-01', DATE '2026-10-31', 'nl',
       10000 + r.sequence, 2100, 12100 + r.sequence, '{}', '{"name": "Debiteur"}', false, now()
  FROM made m, unnest($1::int[], $2::text[], $3::text[]) AS r (sequence, number, reference)
"""


class NotMatched(RuntimeError):
    """The statement's entries did not find what they name; there is nothing to measure."""


async def statement(world: World, url: str, *, entries: int = 10_000) -> list[Measured]:
    """Seconds for a statement of so many entries, nine of ten of which name what they pay; `url` is the superuser's."""
    wiring.register_handlers()
    await _owe(url, entries)
    content = _camt(entries)
    await db.open_pools(world.settings)
    try:
        begun = perf_counter()
        async with db.unit_of_work(_DOOR):
            (done,) = await importing.take(SYSTEM, "bench.xml", content)
        matched = perf_counter() - begun
        if (done.matched, done.waiting) != (entries - entries // 10, entries // 10):
            raise NotMatched(done)
        begun = perf_counter()
        await _book(done.id)
        booked = perf_counter() - begun
    finally:
        await db.close_pools()
    said = f"{entries:,}".replace(",", " ")
    return [
        within(Goal(f"{said} entries of a statement read and matched", "s", 1, "lower"), matched, _MOST_SECONDS),
        told(Goal(f"the same {said} entries booked, by one worker", "s", None, "lower"), booked),
    ]


async def _owe(url: str, count: int) -> None:
    owner = await asyncpg.connect(url, command_timeout=None)
    try:
        numbers = [_number(nth) for nth in range(1, count + 1)]
        await owner.execute(_OWED, list(range(1, count + 1)), numbers, [payment_reference(number) for number in numbers], _IBAN)
        await owner.execute("ANALYZE billing_invoice, billing_standing")
    finally:
        await owner.close()


def _number(nth: int) -> str:
    return f"BANK-F2026-{nth:06d}"


def _camt(count: int) -> bytes:
    parts, total = [], 0
    for nth in range(1, count + 1):
        cents = 12100 + nth
        total += cents
        number = _number(nth)
        # Of ten entries one names nothing, three a number as people type it, and six the structured reference.
        structured = f"<Strd><CdtrRefInf><Ref>{payment_reference(number)}</Ref></CdtrRefInf></Strd>" if nth % 10 > 3 else ""  # noqa: PLR2004
        said = f"factuur {number.lower()}" if 0 < nth % 10 <= 3 else "dank u"  # noqa: PLR2004
        parts.append(
            f'<Ntry><Amt Ccy="EUR">{Decimal(cents).scaleb(-2)}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt>'
            f"<AcctSvcrRef>B{nth}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties><Dbtr><Nm>Betaler {nth}</Nm>"
            f"</Dbtr></RltdPties><RmtInf><Ustrd>{said}</Ustrd>{structured}</RmtInf></TxDtls></NtryDtls></Ntry>"
        )
    balances = "".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{Decimal(cents).scaleb(-2)}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2026-11-20</Dt></Dt></Bal>"
        for code, cents in (("OPBD", 0), ("CLBD", total))
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>BENCH</Id>'
        f"<Acct><Id><IBAN>{_IBAN}</IBAN></Id></Acct>{balances}{''.join(parts)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


async def _book(statement: object) -> None:
    done = 1
    while done:
        async with db.unit_of_work(_DOOR):
            row = await db.fetch_one("SELECT issuer, id FROM billing_statement WHERE id = $1", statement)
            assert row is not None  # noqa: S101  # it was made a moment ago
            done = await booking.book_next(row["issuer"], row["id"])
