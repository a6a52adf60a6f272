"""Who is signed in: opaque tokens whose hash alone is kept, and the look-up that also counts the request.

Redis keys: `session:<hash>` and `key:<hash>` hold whose it is (and a session's data), `sessions:<who>` lists somebody's sessions, `actor:<who>`
holds what the actor may do, for a minute at most, `forgotten` counts how often that was taken back, and `rate:<who>` counts requests. Time is Redis'
own, so that a moved clock signs nobody out.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.kernel.actor import Actor

from . import clock, redis, settings

ACTOR_SECONDS = 60
"""How long a role taken away may still be seen if nobody calls `forget`."""

_TOKEN_BYTES = 32
_TOKEN_LENGTH = 43
_AGENT_LENGTH = 200
_AT_ONCE = 1000

# The rate is counted per actor, known only after the look-up: hence one script, not a pipeline (measured: it costs what a plain GET costs).
_LOOK_UP = redis.Script("""
local who, held, actor = ARGV[1], false, false
if KEYS[1] then
  held = redis.call('GET', KEYS[1])
  if held then
    local whose, ends = string.match(held, '^([^\\n]*)\\n(%d+)\\n')
    who = whose
    actor = redis.call('GET', 'actor:' .. who)
    if ends ~= '0' then
      local left = math.min(tonumber(ARGV[2]), tonumber(ends) - tonumber(redis.call('TIME')[1]))
      if left - redis.call('TTL', KEYS[1]) > 60 then redis.call('EXPIRE', KEYS[1], left) end
    end
  end
end
local since = ''
if not actor then since = redis.call('GET', 'forgotten') or '0' end
local used = redis.call('INCR', 'rate:' .. who)
local resets = redis.call('PTTL', 'rate:' .. who)
if resets < 0 then
  resets = tonumber(ARGV[3])
  redis.call('PEXPIRE', 'rate:' .. who, resets)
end
return {held, actor, used, resets, since}
""")

# What the database said before somebody's rights were taken back is not remembered after it.
_REMEMBER = redis.Script("""
if (redis.call('GET', 'forgotten') or '0') == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  if KEYS[2] then redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[3]) end
end
return 0
""")

_START = redis.Script("""
local now = tonumber(redis.call('TIME')[1])
local ends = now + tonumber(ARGV[4])
redis.call('SET', KEYS[1], ARGV[1] .. '\\n' .. ends .. '\\n' .. ARGV[2], 'EX', math.min(tonumber(ARGV[3]), tonumber(ARGV[4])))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], ends, ARGV[5])
redis.call('EXPIREAT', KEYS[2], ends)
""")


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One signed-in browser; `id` tells it apart in lists and opens nothing."""

    who: str
    tenant: UUID | None
    started_at: datetime
    agent: str = ""
    id: str = ""


class Found(msgspec.Struct, frozen=True):
    """What one look-up tells: whose credential it is (None: nobody's), what is known of the actor, and how often it asked.

    `since` is for `remember`, where the actor is not known: what was true at that moment.
    """

    who: str | None
    session: Session | None
    actor: Actor | None
    used: int
    resets_in_ms: int
    since: bytes = b""


_pack = msgspec.msgpack.Encoder()
_session = msgspec.msgpack.Decoder(Session)
_actor = msgspec.msgpack.Decoder(Actor)


def fingerprint(token: str) -> str:
    """What is kept of a token: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


async def start(who: str, *, tenant: UUID | None, agent: str = "", replacing: str = "") -> str:
    """The token of a new session of `who`; the session that the browser came with (`replacing`) is over, so no token outlives a sign-in."""
    if replacing:
        await end(replacing)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    mark = fingerprint(token)
    data = _pack.encode(Session(who=who, tenant=tenant, started_at=clock.now(), agent=agent[:_AGENT_LENGTH], id=mark))
    absolute = settings.current().session_hours * 3600
    await _START.run((f"session:{mark}", f"sessions:{who}"), who, data, _idle_seconds(), absolute, mark)
    return token


async def end(token: str) -> None:
    """The token opens nothing any more."""
    held = await _asked("GET", f"session:{fingerprint(token)}")
    if held:
        await revoke(_parse(held).who, fingerprint(token))


async def revoke(who: str, session_id: str) -> bool:
    """The session is over, if it is one of `who`; tells whether it was."""
    if not await _asked("ZREM", f"sessions:{who}", session_id):
        return False
    return bool(await _asked("DEL", f"session:{session_id}"))


async def revoke_all(who: str, *, but: str = "") -> None:
    """Every session of `who` is over, save the one with the token `but`; what was remembered of the actor is forgotten."""
    kept = fingerprint(but) if but else ""
    for session in await all_of(who):
        if session.id != kept:
            await revoke(who, session.id)
    await forget(who)


async def all_of(who: str) -> list[Session]:
    """The open sessions of `who`, the one that ends first first."""
    marks = [mark.decode() for mark in await _asked("ZRANGE", f"sessions:{who}", 0, -1)]
    if not marks:
        return []
    held = await _asked("MGET", *(f"session:{mark}" for mark in marks))
    return [_parse(value) for value in held if value]


async def remember(actor: Actor, *, since: bytes, key: str = "") -> None:
    """The actor is known without asking the database for a minute, unless somebody's rights changed since the look-up that said `since`.

    With `key`, so is that the API key is its own.
    """
    keys = (f"actor:{actor.trail}", *([f"key:{fingerprint(key)}"] if key else []))
    await _REMEMBER.run(keys, since, _pack.encode(actor), ACTOR_SECONDS, f"{actor.trail}\n0\n")


async def forget(*who: str) -> None:
    """The next request of each asks the database what it may do: call it whenever roles, scopes or accounts have changed, after the commit."""
    await _asked("INCR", "forgotten")
    for first in range(0, len(who), _AT_ONCE):
        await _asked("DEL", *(f"actor:{one}" for one in who[first : first + _AT_ONCE]))


async def look_up(*, session: str = "", key: str = "", otherwise: str, window_ms: int) -> Found:
    """Whose session or API key this is, counted as one request of the actor, or of `otherwise` when nobody's; one round trip."""
    keys: tuple[str, ...] = ()
    if key:
        keys = (f"key:{fingerprint(key)}",)
    elif len(session) == _TOKEN_LENGTH:
        keys = (f"session:{fingerprint(session)}",)
    held, actor, used, resets, since = await _LOOK_UP.run(keys, otherwise, _idle_seconds(), window_ms)
    if not held:
        return Found(None, None, None, used, resets, since)
    known = _actor.decode(actor) if actor else None
    if key:
        return Found(held.split(b"\n", 1)[0].decode(), None, known, used, resets, since)
    found = _parse(held)
    return Found(found.who, found, known, used, resets, since)


def _idle_seconds() -> int:
    return settings.current().session_idle_minutes * 60


def _parse(held: bytes) -> Session:
    return _session.decode(held.split(b"\n", 2)[2])


async def _asked(*command: str | int) -> Any:
    try:
        return await redis.client().execute_command(*command)  # type: ignore[no-untyped-call]
    except redis.DOWN as error:
        raise redis.StoreUnavailable from error
