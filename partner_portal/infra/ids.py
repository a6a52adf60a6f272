"""Row ids that sort by age and tell nobody how many there are."""

from __future__ import annotations

from piccolo.columns.defaults.uuid import UUID7


class NewId(UUID7):
    """A version 7 UUID made in Python; the database's own default works on PostgreSQL 16 too, where uuidv7() is missing."""

    @property
    def postgres(self) -> str:
        """The default for rows inserted by plain SQL."""
        return "gen_random_uuid()"
