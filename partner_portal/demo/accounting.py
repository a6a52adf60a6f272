"""The provider's books in the demo: by files, with a code for every kind of VAT but one, so that the list of differences has something to show."""

from __future__ import annotations

from uuid import UUID

from billing.policy.accounting import plain
from billing.policy.tax import STANDARD_RATES
from billing.service.accounting import connections
from billing.service.accounting.connections import ConnectionWanted
from partner_portal.infra import clock
from partner_portal.kernel.actor import SYSTEM

LEDGERS = {"default": "8000", "usage": "8010", "buyout": "8400", "product:hosting": "8020", "money": "1100"}


async def connect(house: UUID) -> None:
    """Documents of today and later lie as e-invoices in the folder of the connection `boekhouding`."""
    rates = {f"S:{country}:{plain(steps[-1][1])}": f"oss-{country.lower()}" for country, steps in STANDARD_RATES.items()}
    wanted = ConnectionWanted(
        code="boekhouding",
        package="files",
        starts_on=clock.today(),
        ledgers=LEDGERS,
        vat_codes=rates | {"S:NL:21": "hoog", "S:NL:9": "laag", "AE": "verlegd", "O:US": "buiten-eu"},
    )
    await connections.enter(SYSTEM, house, wanted)
