"""The house connected to one of the packages of the tests by the portal's own adapters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec

from billing.service.accounting import connections
from billing.service.accounting.connections import Connection
from partner_portal.infra import clock
from tests.billing import booked, moneybird, xero
from tests.world import World

Side = moneybird.Moneybird | xero.FakeXero

_GRANT = {"client_id": "portal", "client_secret": "hush", "refresh_token": "first"}
_PLACES: dict[str, dict[str, Any]] = {
    "moneybird": {
        "administration": moneybird.ADMINISTRATION,
        "ledgers": {"default": moneybird.SALES, "money": moneybird.BETWEEN},
        "vat_codes": {"S:NL:21": moneybird.HIGH, "O": moneybird.NONE},
    },
    "xero": {
        "administration": xero.TENANT,
        "ledgers": {"default": xero.SALES, "money": xero.BETWEEN},
        "vat_codes": {"S:NL:21": xero.HIGH, "O": xero.ZERO},
    },
}


@asynccontextmanager
async def running(package: str) -> AsyncIterator[Side]:
    """The package of this name, by the clock of the tests."""
    async with (moneybird if package == "moneybird" else xero).running() as side:
        side.now = clock.now()
        yield side


async def connect(there: Side, world: World, **more: Any) -> Connection:
    """The house keeps its books there, since long ago."""
    package = "moneybird" if isinstance(there, moneybird.Moneybird) else "xero"
    options = {} if package == "moneybird" else {"token_url": f"{there.url.rsplit('/api', 1)[0]}/connect/token"}
    place = {"code": "huis", "package": package, "url": there.url, "options": options, **_PLACES[package]}
    connection = await booked.connect(there, world.house, **place | more)  # type: ignore[arg-type]
    connections.keep_secret("huis", moneybird.TOKEN if package == "moneybird" else msgspec.json.encode(_GRANT).decode())
    return connection


def pay(there: Side, remote: str, amount: str) -> None:
    """Somebody at the package notes a payment of the document."""
    if isinstance(there, moneybird.Moneybird):
        there.pay(remote, payment_date=clock.today().isoformat(), price=amount)
    else:
        there.pay(remote, amount)


def left(there: Side, remote: str) -> Decimal:
    """What is open of the document there; of a credit note, what it has left to give."""
    if isinstance(there, moneybird.Moneybird):
        return abs(Decimal(there.invoices[remote]["total_unpaid"]))
    stored = there.stored(remote)
    return Decimal(stored["AmountDue"] if "AmountDue" in stored else stored["RemainingCredit"])


def unpay(there: Side, remote: str) -> None:
    """Somebody at the package removes the only payment of the document."""
    if isinstance(there, moneybird.Moneybird):
        there.unpay(remote)
    else:
        (payment,) = there.things["Payments"].values()
        there.unpay(payment, {"Status": "DELETED"})
