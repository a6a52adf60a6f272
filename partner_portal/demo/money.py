"""What became of the demo's invoices: paid, partly paid, overdue, collected and taken back, charged back, refunded; and what the bank said of it.

The last two months are played through by the services that do it every day, with the clock of the demo moved back and forth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.policy.money_in import IntentState
from billing.policy.settling import Share
from billing.service import announcing, debits, mandates, pay_links, paying, payments, payouts, refunds
from billing.service.gateways import sandbox
from billing.service.gateways.port import BackState
from billing.service.mandates import NewMandate
from billing.service.statements import booking, importing
from partner_portal.infra import clock, db, settings
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.infra.settings import GatewayName
from partner_portal.kernel.actor import SYSTEM

from .bills import Bills

_STAFF_DOOR = Principal(Door.STAFF, actor="system:demo")
_STRANGER = "NL20INGB0001234567"
_IBANS = ("NL91ABNA0417164300", "NL44RABO0123456789", "NL86INGB0002445588")


@contextmanager
def days_ago(days: int) -> Iterator[None]:
    """Within, it is so many days ago."""
    by = timedelta(days=days)
    clock.move(-by)
    try:
        yield
    finally:
        clock.move(by)


class Played:
    """Two months of one partner's debtors, who pay the provider."""

    def __init__(self, tenant: UUID, house: UUID, customers: Sequence[UUID]) -> None:
        self.tenant, self.house = tenant, house
        self.late, self.collected, self.online = customers[:3]
        self.statements = 0

    async def _bill(self, customer: UUID, what: str, cents: int) -> UUID:
        async with db.unit_of_work(Principal(Door.STAFF, self.tenant, "system:demo")):
            return await Bills(self.tenant).plain(customer, what, cents)

    async def mandate(self) -> None:
        """One customer has its invoices collected."""
        async with db.unit_of_work(_STAFF_DOOR):
            new = NewMandate(holder="Advocatenkantoor Van Dam & Zn.", iban=_IBANS[1], signed_on=clock.today(), reference="HUIS-M-0001")
            await mandates.sign(SYSTEM, self.tenant, self.collected, self.house, new)

    async def late_ones(self) -> None:
        """One invoice is overdue, and of another a part has come in."""
        with days_ago(55):
            await self._bill(self.late, "Uitbreiding netwerk winkel", 18_000)
            part = await self._bill(self.late, "Bekabeling bakkerij", 24_000)
        with days_ago(20):
            await self._bank([_Entry(cents=10_000, text=await self._reference(part), iban=_IBANS[0], name="Bakkerij De Korst")])

    async def collected_ones(self) -> None:
        """Of two collections one was paid and one taken back; two more come up."""
        with days_ago(55):
            kept = await self._bill(self.collected, "Beheer op locatie", 9_900)
            back = await self._bill(self.collected, "Extra schijfruimte", 14_500)
        day = await self._collects_on(kept)
        with days_ago((clock.today() - day).days + 5):
            async with db.unit_of_work(_STAFF_DOOR):
                await debits.collect(SYSTEM, self.house)
        sent = await self._debits()
        with days_ago((clock.today() - day).days):
            await self._bank([_Entry(cents=await self._gross(one), end_to_end=sent[one]) for one in (kept, back)])
        with days_ago(3):
            await self._bank([_Entry(cents=-await self._gross(back), end_to_end=sent[back], reason="MD06")])
        with days_ago(26):
            await self._bill(self.collected, "Migratie van dossiers", 32_000)

    async def online_ones(self) -> None:
        """At the built-in gateway one payment stays, one is charged back, and of two that were too much one refund arrives and one fails."""
        for days, what, cents, goes_on in (
            (40, "Installatie glasvezel", 11_500, self._stays),
            (35, "Advies aan huis", 6_500, self._charged_back),
            (30, "Tweede aansluiting", 8_250, self._refunded),
            (28, "Router in bruikleen, borg", 5_000, self._not_refunded),
        ):
            with days_ago(days):
                number, intent = await self._pays(await self._bill(self.online, what, cents))
            with days_ago(days - 8):
                await goes_on(number, intent)
            with days_ago(days - 12):
                await sandbox.close_day()
                await self._paid_out()

    async def _pays(self, invoice: UUID) -> tuple[str, UUID]:
        intent = new_id()
        async with db.unit_of_work(Principal(Door.STAFF, self.tenant, "system:demo")):
            link = await pay_links.make(SYSTEM, [invoice])
            await paying.prepare(self.tenant, link, intent)
            row: Any = await db.fetch_one("SELECT gateway_id FROM billing_intent WHERE id = $1", intent)
        await sandbox.press(row["gateway_id"], IntentState.PAID)
        await self._news(intent)
        return row["gateway_id"], intent

    async def _news(self, intent: UUID) -> None:
        async with db.unit_of_work(_STAFF_DOOR):
            await paying.look_again(self.tenant, intent)

    async def _stays(self, _number: str, intent: UUID) -> None:
        await self._news(intent)

    async def _charged_back(self, number: str, intent: UUID) -> None:
        await sandbox.charge_back(number)
        await self._news(intent)

    async def _refunded(self, number: str, intent: UUID) -> None:
        await self._goes_back(number, intent, BackState.DONE)

    async def _not_refunded(self, number: str, intent: UUID) -> None:
        await self._goes_back(number, intent, BackState.FAILED)

    async def _goes_back(self, number: str, intent: UUID, state: BackState) -> None:
        """Part of the payment was too much, and goes back."""
        async with db.unit_of_work(_STAFF_DOOR):
            row: Any = await db.fetch_one("SELECT payment FROM billing_intent WHERE id = $1", intent)
            used: Any = await db.fetch_one("SELECT invoice FROM billing_allocation WHERE payment = $1", row["payment"])
            await payments.release(SYSTEM, row["payment"], used["invoice"], 2_000)
            made = await refunds.order(SYSTEM, row["payment"], cents=2_000, reason="Korting die was beloofd")
        async with db.unit_of_work(_STAFF_DOOR):
            await refunds.send(self.tenant, made)
        await sandbox.end_refunds(number, state)
        await self._news(intent)
        if state is BackState.FAILED:  # what did not go back pays the invoice after all
            async with db.unit_of_work(_STAFF_DOOR):
                await payments.allocate(SYSTEM, row["payment"], [Share(used["invoice"], 1_000)])

    async def _paid_out(self) -> None:
        """The payout is on record, and on the statement of the day after."""
        await payouts.fetch()
        async with db.unit_of_work(_STAFF_DOOR):
            rows = await db.fetch("SELECT reference, paid_cents FROM billing_payout WHERE entry IS NULL ORDER BY id")
        for row in rows:
            await self._bank(
                [_Entry(cents=row["paid_cents"], text=f"Uitbetaling {row['reference']}", iban=_STRANGER, name="Oefenbetaaldienst")]
            )

    async def unknown_ones(self) -> None:
        """Entries that nobody knows wait for finance, and a statement does not add up."""
        with days_ago(1):
            unknown = [
                _Entry(cents=21_780, text="zonder kenmerk, winkel", iban=_STRANGER, name="Korst Holding"),
                _Entry(cents=4_321, text="dank voor de hulp", iban="NL02BANK0123456789", name="P. de Vries"),
                _Entry(cents=-1_250, text="kosten betalingsverkeer", iban="", name=""),
            ]
            await self._bank(unknown)
            await self._bank([_Entry(cents=5_500, text="rest", iban=_STRANGER, name="Onbekend")], adds_up=False)

    async def announced(self) -> None:
        """Whatever comes up was announced."""
        await announcing.announce()

    async def _bank(self, entries: Sequence[_Entry], *, adds_up: bool = True) -> None:
        self.statements += 1
        content = statement(entries, self.statements, clock.today(), adds_up=adds_up)
        async with db.unit_of_work(_STAFF_DOOR):
            made = await importing.take(SYSTEM, f"afschrift-{self.statements}.xml", content)
        for one in made:
            async with db.unit_of_work(_STAFF_DOOR):
                await booking.book_next(self.house, one.id)

    async def _reference(self, invoice: UUID) -> str:
        return str(await self._of(invoice, "reference"))

    async def _gross(self, invoice: UUID) -> int:
        return int(await self._of(invoice, "gross_cents"))

    async def _of(self, invoice: UUID, column: str) -> Any:
        async with db.unit_of_work(_STAFF_DOOR):
            row: Any = await db.fetch_one("SELECT reference, gross_cents FROM billing_invoice WHERE id = $1", invoice)
        return row[column]

    async def _collects_on(self, invoice: UUID) -> date:
        async with db.unit_of_work(_STAFF_DOOR):
            row: Any = await db.fetch_one("SELECT collects_on FROM billing_announcement WHERE invoice = $1", invoice)
        day: date = row["collects_on"]
        return day

    async def _debits(self) -> dict[UUID, str]:
        async with db.unit_of_work(_STAFF_DOOR):
            return {row["invoice"]: row["end_to_end"] for row in await db.fetch("SELECT invoice, end_to_end FROM billing_debit")}


async def play(tenant: UUID, house: UUID, customers: Sequence[UUID]) -> None:
    """The customers have paid, or not, as people do; the first three of them each in a way of their own."""
    played = Played(tenant, house, customers)
    with days_ago(60):
        await played.mandate()
    await played.late_ones()
    await played.collected_ones()
    if settings.current().pays_online_by is GatewayName.SANDBOX:
        await played.online_ones()
    await played.unknown_ones()
    await played.announced()


class _Entry:
    """One entry of a statement of the demo's bank."""

    def __init__(
        self, *, cents: int, text: str = "", iban: str = _IBANS[1], name: str = "", end_to_end: str = "", reason: str = ""
    ) -> None:
        self.cents, self.text, self.iban, self.name, self.end_to_end, self.reason = cents, text, iban, name, end_to_end, reason


def statement(entries: Sequence[_Entry], number: int, day: date, *, adds_up: bool = True) -> bytes:
    """A CAMT.053 of the house's account as a bank writes it."""
    total = sum(one.cents for one in entries) + (0 if adds_up else 100)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>'
        f"<CreDtTm>{day}T06:00:00</CreDtTm></GrpHdr><Stmt><Id>DEMO-{number}</Id><Acct><Id><IBAN>NL05TEST0417164300</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{_balance('OPBD', 5_000_00, day)}{_balance('CLBD', 5_000_00 + total, day)}{''.join(_entry(one, day) for one in entries)}</Stmt>"
        "</BkToCstmrStmt></Document>"
    ).encode()


def _euros(cents: int) -> str:
    return f"{Decimal(abs(cents)) / 100:.2f}"


def _balance(code: str, cents: int, day: date) -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{_euros(cents)}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(one: _Entry, day: date) -> str:
    side, sign = ("Dbtr", "CRDT") if one.cents > 0 else ("Cdtr", "DBIT")
    side = "Dbtr" if one.reason else side
    account = f"<{side}Acct><Id><IBAN>{one.iban}</IBAN></Id></{side}Acct>" if one.iban else ""
    party = f"<RltdPties><{side}><Pty><Nm>{one.name}</Nm></Pty></{side}>{account}</RltdPties>" if one.name else ""
    reason = f"<RtrInf><Rsn><Cd>{one.reason}</Cd></Rsn></RtrInf>" if one.reason else ""
    return (
        f'<Ntry><Amt Ccy="EUR">{_euros(one.cents)}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls>'
        f"<TxDtls><Refs><EndToEndId>{one.end_to_end or 'NOTPROVIDED'}</EndToEndId></Refs>{party}<RmtInf><Ustrd>{one.text}</Ustrd></RmtInf>{reason}</TxDtls>"
        "</NtryDtls></Ntry>"
    )
