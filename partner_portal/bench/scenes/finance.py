"""What the provider's own people see in the admin: bank entries that nobody knows, money that goes back, a credit note for two, a plan, an accounting link."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import admin.access
from admin.tables import StaffSession
from billing.policy.money_in import Source
from billing.policy.reminding import Held
from billing.service import credit_requests, holds, partner_accounts, payments, plans, refunds
from billing.service.accounting import connections
from billing.service.accounting.connections import ConnectionWanted
from billing.service.credit_notes import Wanted
from billing.service.partner_accounts import PartnerBilling
from billing.service.payments import Debtor, Receipt
from billing.service.plans import InstalmentWanted
from billing.service.statements import importing
from partner_portal.infra import clock, db, outbox
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import SYSTEM, Actor, StaffRole

from .stage import STAFF, Stage

_PASSWORD = "a scene needs no secret, but twelve letters"  # noqa: S105  # nobody signs in with it: sessions of scenes are made
_DOES_NOT_ADD_UP = ":62F:C{day}EUR9999,00"
_ADDS_UP = ":62F:C{day}EUR5308,31"
_STATEMENT = """:20:SCENE{nth}
:25:NL05TEST0417164300
:28C:{nth}
:60F:C{day}EUR5000,00
:61:{day}C217,80NTRFNONREF
:86:/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/Korst Holding met een lange naam/REMI/zonder kenmerk, winkel/EREF/NOTPROVIDED
:61:{day}C103,01NTRFNONREF
:86:/TRTP/SEPA OVERBOEKING/IBAN/NL02BANK0123456789/BIC/BANKNL2A/NAME/P. de Vries/REMI/dank voor de hulp/EREF/NOTPROVIDED
:61:{day}D12,50NTRFNONREF
:86:kosten betalingsverkeer
{closing}
-
"""


async def work(stage: Stage) -> Actor:
    """Something of each waits; returns somebody of finance who also answers the desk."""
    async with db.unit_of_work(STAFF):
        roles = frozenset({StaffRole.FINANCE, StaffRole.SERVICE_DESK})
        user = await admin.access.enter(
            username="scene", email="scene@kadetel.example.com", name="Fien Scène", roles=roles, password=_PASSWORD
        )
    actor = await admin.access.staff(await session(user))
    assert actor is not None  # noqa: S101  # let in a moment ago
    for nth, closing in enumerate((_ADDS_UP, _DOES_NOT_ADD_UP), 1):
        await _import(nth, closing)
    await _money_back(stage, actor)
    await _agreements(stage, actor)
    await _connect()
    await _bill_a_partner(stage, actor)
    await outbox.drain()
    return actor


async def session(user: int) -> str:
    """The cookie of a browser in which this account is signed in to the admin."""
    async with db.unit_of_work(STAFF):
        return str((await StaffSession.create_session(user)).token)


async def _import(nth: int, closing: str) -> None:
    day = f"{clock.today():%y%m%d}"
    content = _STATEMENT.format(nth=nth, day=day, closing=closing.format(day=day))
    async with db.unit_of_work(STAFF):
        await importing.take(SYSTEM, f"scene-{nth}.sta", content.encode())


async def _money_back(stage: Stage, actor: Actor) -> None:
    """Of money on account something goes back, and a large invoice is to be credited by a second person's leave."""
    paid: Any = await stage.row(
        "SELECT a.payment, i.tenant, i.customer, i.issuer FROM billing_allocation a JOIN billing_invoice i ON i.id = a.invoice WHERE i.id = $1",
        stage.things["paid_invoice"],
    )
    stage.things["payment"] = paid["payment"]
    receipt = Receipt(
        debtor=Debtor(paid["tenant"], paid["customer"], paid["issuer"]),
        source=Source.MANUAL,
        source_key="scene on account",
        amount_cents=2_500,
        received_on=clock.today(),
        invoices=(),
    )
    async with db.unit_of_work(STAFF):
        on_account = await payments.book(actor, receipt)
        to = {"iban": "NL91ABNA0417164300", "holder": "Bakkerij De Korst"}
        await refunds.order(SYSTEM, on_account, cents=1_500, reason="Korting die was beloofd", **to)
    async with db.unit_of_work(STAFF):
        await credit_requests.credit(actor, UUID(str(stage.things["long_invoice"])), Wanted(reason="Verkeerd tarief"))


async def _agreements(stage: Stage, actor: Actor) -> None:
    overdue = UUID(str(stage.things["overdue_invoice"]))
    owed: Any = await stage.row("SELECT open_cents FROM billing_standing WHERE invoice = $1", overdue)
    today = clock.today()
    half = owed["open_cents"] // 2
    instalments = [
        InstalmentWanted(today + timedelta(days=10), half),
        InstalmentWanted(today + timedelta(days=40), owed["open_cents"] - half),
    ]
    async with db.unit_of_work(STAFF):
        await plans.agree(actor, [overdue], instalments, note="Verbouwing", agreed_with="Bea Bakker")
        await holds.on_invoice(actor, UUID(str(stage.things["long_invoice"])), Held.DISPUTED, note="Klant betwist de uren")


async def _connect() -> None:
    async with db.unit_of_work(STAFF):
        house: Any = await db.fetch_one("SELECT id FROM tenant WHERE kind = 'house'")
        ledgers = {"default": "8000", "money": "1100"}
        wanted = ConnectionWanted(code="scene", package="files", starts_on=clock.today(), ledgers=ledgers, vat_codes={"S:NL:21": "hoog"})
        await connections.enter(SYSTEM, house["id"], wanted)


_OWN_NAME = """
INSERT INTO tenant (id, code, name, kind, bills, email, created_at) VALUES ($1, 'SCENE', 'Schaduw Telecom & Zonen', 'partner', 'own name', $2, $3)
"""


async def _bill_a_partner(stage: Stage, actor: Actor) -> None:
    """The provider bills a partner, at an address that finance entered."""
    partner = new_id()
    wanted = PartnerBilling(
        name="Schaduw Telecom & Zonen B.V.", street="Kade 3", postcode="3011 AB", city="Rotterdam", country="NL", vat_id="NL123456782B90"
    )
    async with db.unit_of_work(STAFF):
        await db.execute(_OWN_NAME, partner, "facturen@schaduw.example.com", clock.now())
        await partner_accounts.enter(actor, partner, 0, wanted)
    stage.things |= {"debtor_partner": partner}
