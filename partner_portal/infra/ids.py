"""What rows get without being told: an id that sorts by age, and the tenant they are made in."""

from __future__ import annotations

from uuid import UUID

from piccolo.columns.defaults.uuid import UUID4, UUID7
from uuid_utils.compat import uuid7

from . import db


def new_id() -> UUID:
    """An id of its own: version 7 of RFC 9562, so that rows sort by age (Python has it from 3.14 on)."""
    return uuid7()


class NewId(UUID7):
    """A version 7 UUID made in Python; the database's own default works on PostgreSQL 16 too, where uuidv7() is missing."""

    @property
    def postgres(self) -> str:
        """The default for rows inserted by plain SQL."""
        return "gen_random_uuid()"

    def python(self) -> UUID:
        """The id of a row made in Python."""
        return new_id()


class Acting(UUID4):
    """The tenant of the current unit of work."""

    @property
    def postgres(self) -> str:
        """The same for rows inserted by plain SQL."""
        return "nullif(current_setting('app.tenant', true), '')::uuid"

    def python(self) -> UUID | None:
        """The tenant of the unit of work this row is made in."""
        work = db.DB.current_transaction.get()
        return work.principal.tenant if isinstance(work, db.UnitOfWork) else None
