"""The Xero adapter at the Xero of the tests, and what goes to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from billing.service.accounting.port import Booking, Remote, SalesDocument, SalesLine, Setup
from billing.service.accounting.xero import Xero
from tests.billing import to_books
from tests.billing import xero as theirs
from tests.billing import xero_contract as contract
from tests.billing.to_books import BAKER, document

GRANT = {"client_id": "portal", "client_secret": "hush", "refresh_token": "first", "access_token": "good", "until": "2099-01-01T00:00:00Z"}


def adapter(there: theirs.FakeXero, grant: dict[str, str] | None = None, **more: object) -> Xero:
    """Ours; `grant` is what opens the organisation."""
    credential = msgspec.json.encode(grant or GRANT).decode()
    options = {"token_url": there.url.replace(contract.BASE, "/connect/token")}
    plain = Setup(
        connection="huis", url=there.url, administration=theirs.TENANT, credential=credential, options=options, within=timedelta(seconds=2)
    )
    return Xero(msgspec.structs.replace(plain, **more))


def line(cents: int, **more: Any) -> SalesLine:
    """A line with the codes of there."""
    return to_books.line(cents, **({"code": theirs.HIGH, "ledger": theirs.SALES} | more))


def booking(paid: str, cents: int, *, number: int = 1, **more: Any) -> Booking:
    """So much money for the document, on the account in between."""
    return msgspec.structs.replace(to_books.booking(paid, cents, number=number), ledger=theirs.BETWEEN, **more)


async def invoice(ours: Xero, **more: Any) -> tuple[SalesDocument, Remote]:
    """An invoice of EUR 146.53 that is there, with its debtor."""
    contact = await ours.find(BAKER) or await ours.create(BAKER)
    wanted = document(line(12110), contact=contact.id, **more)
    return wanted, await ours.create(wanted)
