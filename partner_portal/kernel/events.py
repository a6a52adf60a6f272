"""What every event is: something that happened in a tenant."""

from __future__ import annotations

from uuid import UUID

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in a tenant; subclasses are named in the past tense and hold ids and values, never rows."""

    tenant_id: UUID
