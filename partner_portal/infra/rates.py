"""How often somebody may try to sign in: each failure makes the wait longer, for known and unknown accounts alike; and what else is counted."""

from __future__ import annotations

import hashlib

from . import redis, settings

LONGEST_WAIT = 900
"""Seconds: a stranger can keep somebody out for a quarter of an hour at a time, not for good."""

# Counted before the password is looked at, so that a hundred attempts at once are a hundred attempts.
_ATTEMPT = redis.Script("""
local now = tonumber(redis.call('TIME')[1])
local wait = 0
for i = 1, #KEYS do
  local blocked = tonumber(redis.call('HGET', KEYS[i], 'until') or '0')
  if blocked - now > wait then wait = blocked - now end
end
if wait > 0 then return wait end
for i = 1, #KEYS do
  local failures = redis.call('HINCRBY', KEYS[i], 'failures', 1)
  local over = failures - tonumber(ARGV[1])
  if over >= 0 then
    redis.call('HSET', KEYS[i], 'until', now + math.min(2 ^ math.min(over, 30), tonumber(ARGV[2])))
  end
  redis.call('EXPIRE', KEYS[i], ARGV[3])
end
return 0
""")

_FORGIVE = redis.Script("""
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('HINCRBY', KEYS[2], 'failures', -1)
  redis.call('HDEL', KEYS[2], 'until')
end
return 0
""")


_COUNT = redis.Script("""
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if used > tonumber(ARGV[1]) then return math.max(redis.call('TTL', KEYS[1]), 1) end
return 0
""")


async def counted(what: str, who: str, *, most: int, seconds: int) -> int:
    """Seconds to wait where `who` has done `what` more than `most` times within `seconds`, this time included; else 0.

    Where nobody can count now it is 0 as well: for what people have a right to, and only abuse of it is to be slowed down.
    """
    mark = hashlib.sha256(who.strip().casefold().encode()).hexdigest()
    try:
        return int(await _COUNT.run((f"count:{what}:{mark}",), most, seconds))
    except redis.StoreUnavailable:
        return 0


def _keys(account: str, address: str) -> tuple[str, str]:
    # No e-mail address in Redis: whoever reads its keys must not learn who has an account.
    mark = hashlib.sha256(account.strip().casefold().encode()).hexdigest()
    return f"sign-in:account:{mark}", f"sign-in:address:{address}"


async def attempt(account: str, address: str) -> int:
    """Seconds to wait before this attempt may be made; 0 if it may be made now, and then it counts as failed until `succeeded` says otherwise."""
    return int(await _ATTEMPT.run(_keys(account, address), settings.current().sign_in_attempts, LONGEST_WAIT, 2 * LONGEST_WAIT))


async def succeeded(account: str, address: str) -> None:
    """The attempt was right: the account starts anew and the address is not blamed for it."""
    await _FORGIVE.run(_keys(account, address))
