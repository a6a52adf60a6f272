"""Which account of the provider's staff holds which role, and who of them is signed in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Self

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import UUID, Boolean, Date, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Unique
from piccolo.table import Table
from piccolo_api.session_auth.tables import SessionsBase

from partner_portal.infra import clock, settings
from partner_portal.infra.ids import NewId
from partner_portal.kernel.actor import StaffRole


class RoleHeld(Table, tablename="staff_role"):
    """An account may do what its roles allow; without a role it may sign in and see nothing."""

    id = UUID(primary_key=True, default=NewId())
    user = ForeignKey(BaseUser, null=False, on_delete=OnDelete.restrict)
    role = Varchar(15, choices=StaffRole)
    given_at = Timestamptz(default=TimestamptzNow())

    staff_role_once = Unique(["user", "role"])

    @classmethod
    def get_readable(cls) -> Readable:
        """Roles are called by their name."""
        return Readable("%s", [cls.role])


class Digest(Table, tablename="staff_digest"):
    """A mail that staff gets by itself: whether it is wanted, who said so last, and for which day it was decided last."""

    id = UUID(primary_key=True, default=NewId())
    name = Varchar(20, unique=True)
    is_wanted = Boolean(default=True)
    told_on = Date(null=True, default=None)
    changed_by_label = Varchar(200, default="")
    changed_at = Timestamptz(default=TimestamptzNow())


class StaffSession(SessionsBase, tablename="staff_session"):
    """A browser in which somebody of the staff is signed in; only the hash of its cookie is kept."""

    @classmethod
    async def create_session(
        cls,
        user_id: int,
        expiry_date: datetime | None = None,  # noqa: ARG003  # the portal's settings decide, as for members
        max_expiry_date: datetime | None = None,  # noqa: ARG003
    ) -> Self:
        """The session has begun, and those that are over are gone; the row that is returned bears the cookie's value, the one stored does not."""
        token, now, chosen = secrets.token_urlsafe(32), naive_now(), settings.current()
        await cls.delete().where(cls.max_expiry_date < now)
        row = cls(
            token=fingerprint(token),
            user_id=user_id,
            expiry_date=now + timedelta(minutes=chosen.session_idle_minutes),
            max_expiry_date=now + timedelta(hours=chosen.session_hours),
        )
        await row.save().run()
        row.token = token
        return row

    @classmethod
    async def get_user_id(cls, token: str, increase_expiry: timedelta | None = None) -> int | None:  # noqa: ARG003
        """Whose session this is, which from now on lasts another idle time; None when it is unknown or over."""
        now = naive_now()
        row = await cls.objects().where(cls.token == fingerprint(token), cls.expiry_date > now, cls.max_expiry_date > now).first()
        if row is None:
            return None
        lasts_until = now + timedelta(minutes=settings.current().session_idle_minutes)
        if lasts_until - row.expiry_date > _STEP:
            await cls.update({cls.expiry_date: lasts_until}).where(cls.id == row.id)
        user: int = row.user_id
        return user

    @classmethod
    async def remove_session(cls, token: str) -> None:
        """The session is over."""
        await cls.delete().where(cls.token == fingerprint(token))


_STEP = timedelta(minutes=1)  # idle time is counted to the minute, so that most requests write nothing


def naive_now() -> datetime:
    """This instant in UTC without saying so: Piccolo's tables of accounts and sessions have no time zone."""
    return clock.now().astimezone(UTC).replace(tzinfo=None)


def fingerprint(token: str) -> str:
    """The hash by which a session is kept; a slow hash would add nothing to 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
