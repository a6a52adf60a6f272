"""What time does to drafts."""

from __future__ import annotations

from partner_portal.infra import outbox
from partner_portal.kernel.events import Event

from ..service import drafts

ON_EVENT: dict[type[Event], list[outbox.Handler]] = {}
DAILY = [drafts.remove_old]
