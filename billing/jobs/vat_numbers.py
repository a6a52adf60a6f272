"""VAT numbers are checked before their holders are invoiced."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.infra.queue import Daily
from partner_portal.kernel.events import Event

from ..service import vat_numbers


async def check() -> None:
    """Numbers that are new, or about to be invoiced, are asked for."""
    await vat_numbers.check_due()


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {}
DAILY: list[Daily] = [check]
