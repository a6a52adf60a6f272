"""The Moneybird adapter at the Moneybird of the tests, and what goes to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from billing.service.accounting.moneybird import Moneybird
from billing.service.accounting.port import Remote, SalesDocument, Setup
from tests.billing import moneybird as theirs
from tests.billing.to_books import BAKER, document, line

GRANT = msgspec.json.encode({"client_id": "portal", "client_secret": "hush", "refresh_token": "first"}).decode()


def adapter(there: theirs.Moneybird, credential: str = theirs.TOKEN, **more: object) -> Moneybird:
    """Ours; `credential` is what opens the administration."""
    plain = Setup(
        connection="huis", url=there.url, administration=theirs.ADMINISTRATION, credential=credential, within=timedelta(seconds=2)
    )
    return Moneybird(msgspec.structs.replace(plain, **more))


async def invoice(ours: Moneybird, **more: Any) -> tuple[SalesDocument, Remote]:
    """An invoice of EUR 146.53 that is there, with its debtor."""
    contact = await ours.find(BAKER) or await ours.create(BAKER)
    wanted = document(line(12110), contact=contact.id, **more)
    return wanted, await ours.create(wanted)
