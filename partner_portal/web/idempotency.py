"""A request that may be repeated: the same Idempotency-Key brings the first answer again, and the effect once.

A twin in flight is seen by an advisory lock of the transaction: it needs no wait, and a crash leaves nothing behind. The answer is written in the
same transaction as the effect, so that one is never there without the other; the unique key of the table is the last guard.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from partner_portal.infra import clock, db

from .problems import AnswerNotKept, BadIdempotencyKey, ChangedMeanwhile, IdempotencyKeyReused, TwinInFlight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partner_portal.kernel.actor import Actor

    from .headers import Header

HEADER = b"idempotency-key"
KEPT_FOR = timedelta(hours=24)
SECRET_ANSWER = "secret_answer"  # noqa: S105  # the name of an option
"""Set `opt={SECRET_ANSWER: True}` on a handler whose answer is shown once: the effect is remembered, the answer is not."""

_LONGEST = 255
_PRINTABLE = frozenset(range(0x21, 0x7F))
_KEPT_HEADERS = frozenset({b"content-type", b"location", b"etag", b"link", b"content-disposition", b"content-language", b"cache-control"})


class Earlier(msgspec.Struct, frozen=True):
    """The first answer."""

    status: int
    headers: list[Header]
    body: bytes


class Twin(msgspec.Struct, frozen=True, kw_only=True):
    """One repeatable request, as it is told apart from others; lives in the request's own unit of work."""

    tenant: UUID
    actor: str
    key: str
    fingerprint: bytes

    @classmethod
    def of(cls, actor: Actor, brought: bytes, scope: Any, body: bytes) -> Twin:
        """The request under the key that was `brought`; BadIdempotencyKey if it is none."""
        key = brought.strip()
        if not 0 < len(key) <= _LONGEST or not _PRINTABLE.issuperset(key):
            raise BadIdempotencyKey
        digest = hashlib.sha256()
        for part in (scope["method"].encode(), scope["path"].encode(), scope.get("query_string", b""), body):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
        if actor.tenant is None:
            raise BadIdempotencyKey
        return cls(tenant=actor.tenant, actor=actor.trail, key=key.decode(), fingerprint=digest.digest())

    async def claim(self) -> Earlier | None:
        """None: this is the first, and no other gets past here until its transaction ends. TwinInFlight while another has it; IdempotencyKeyReused
        if the key came with another request; AnswerNotKept if the first answer was a secret.
        """
        lock = int.from_bytes(hashlib.sha256(f"{self.tenant} {self.actor} {self.key}".encode()).digest()[:8], signed=True)
        # Two statements: one would look at the table as it was before the lock was taken.
        taken = await db.fetch("SELECT pg_try_advisory_xact_lock($1) AS taken", lock)
        if not taken[0]["taken"]:
            raise TwinInFlight(retry_after=1)
        rows = await db.fetch(
            "SELECT fingerprint, status, headers, body FROM infra_idempotency WHERE tenant = $1 AND actor = $2 AND key = $3 AND created_at > $4",
            self.tenant,
            self.actor,
            self.key,
            clock.now() - KEPT_FOR,
        )
        return self._earlier(rows[0]) if rows else None

    def _earlier(self, row: Any) -> Earlier:
        if row["fingerprint"] != self.fingerprint:
            raise IdempotencyKeyReused
        if row["body"] is None:
            raise AnswerNotKept(status=row["status"])
        kept = msgspec.json.decode(row["headers"], type=list[tuple[str, str]])
        return Earlier(row["status"], [(name.encode(), value.encode("latin-1")) for name, value in kept], row["body"])

    async def remember(self, status: int, headers: Sequence[Header], body: bytes, scope: Any) -> None:
        """The answer is written down, to be saved together with the effect."""
        handler = scope.get("route_handler")
        names = {name.lower() for name, _ in headers}
        secret = b"set-cookie" in names or bool(handler is not None and handler.opt.get(SECRET_ANSWER))
        kept = [(name.decode(), value.decode("latin-1")) for name, value in headers if name.lower() in _KEPT_HEADERS]
        await self._write(status, kept, None if secret else body, clock.now())

    async def _write(self, status: int, kept: list[tuple[str, str]], body: bytes | None, now: datetime) -> None:
        tag = await db.execute(
            "INSERT INTO infra_idempotency AS record (tenant, actor, key, fingerprint, status, headers, body, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8) ON CONFLICT (tenant, actor, key) DO UPDATE SET fingerprint = excluded.fingerprint,"
            " status = excluded.status, headers = excluded.headers, body = excluded.body, created_at = excluded.created_at"
            " WHERE record.created_at <= $9",
            self.tenant,
            self.actor,
            self.key,
            self.fingerprint,
            status,
            msgspec.json.encode(kept).decode(),
            body,
            now,
            now - KEPT_FOR,
        )
        if tag != "INSERT 0 1":
            raise ChangedMeanwhile


async def purge(before: datetime) -> int:
    """Answers given before this instant are forgotten; a daily job, through the staff door. Returns how many."""
    tag = await db.execute("DELETE FROM infra_idempotency WHERE created_at < $1", before)
    return int(tag.rpartition(" ")[2])
