"""Every handler of events and all daily work of this domain, as the worker runs them."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.infra.queue import Daily
from partner_portal.kernel.events import Event

ON_EVENT: list[tuple[type[Event], list[outbox.Handler]]] = []
DAILY: list[Daily] = []
