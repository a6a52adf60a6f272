"""Every handler of events and all daily work of this domain, as the worker runs them."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.kernel.events import Event

from . import cases, daily, deadlines, drafts, final_bills, notices, webhooks

ON_EVENT: list[tuple[type[Event], list[outbox.Handler]]] = [
    route for module in (cases, deadlines, drafts, final_bills, notices, webhooks) for route in module.ON_EVENT.items()
]
DAILY = [work for module in (daily, deadlines, drafts, notices, webhooks) for work in module.DAILY]
