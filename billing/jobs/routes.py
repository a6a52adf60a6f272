"""Every handler of events and all daily work of this domain, as the worker runs them."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.infra.queue import Daily
from partner_portal.kernel.events import Event

from . import (
    accounting,
    accounts,
    bank,
    documents,
    finance,
    issuers,
    mandates,
    offers,
    orders,
    pauses,
    paying,
    plans,
    reminders,
    runs,
    vat_numbers,
    webhooks,
)

_MODULES = (
    accounting,
    accounts,
    bank,
    documents,
    finance,
    issuers,
    mandates,
    offers,
    orders,
    pauses,
    paying,
    plans,
    reminders,
    runs,
    vat_numbers,
    webhooks,
)

ON_EVENT: list[tuple[type[Event], list[outbox.Handler]]] = [route for module in _MODULES for route in module.ON_EVENT.items()]
DAILY: list[Daily] = [work for module in _MODULES for work in getattr(module, "DAILY", [])]
