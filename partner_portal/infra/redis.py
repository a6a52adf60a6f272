"""The one connection pool to Redis, and scripts that do several steps in one round trip."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import NoScriptError, RedisError

from partner_portal.kernel.errors import Unavailable

DOWN = (RedisError, OSError, TimeoutError)
"""What a Redis that does not answer raises."""


class StoreUnavailable(Unavailable):
    """Redis does not answer: nobody's session can be looked up now."""


class _Pool:
    client: Redis | None = None


def open_pool(url: str) -> None:
    """Commands go to `url` from here on; connections are made when first needed, and once more when one was lost."""
    _Pool.client = Redis.from_url(
        url,
        socket_timeout=2,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[LostConnection],
    )


async def close_pool() -> None:
    """No connection is left."""
    client, _Pool.client = _Pool.client, None
    if client is not None:
        await client.aclose()


def client() -> Redis:
    """The client of this process; StoreUnavailable before `open_pool`."""
    if _Pool.client is None:
        raise StoreUnavailable
    return _Pool.client


async def ping() -> None:
    """Redis answers; StoreUnavailable otherwise."""
    try:
        await client().ping()
    except DOWN as error:
        raise StoreUnavailable from error


class Script:
    """Lua that runs on the server in one round trip; sent in full only to a server that does not know it yet."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._hash = ""

    async def run(self, keys: tuple[str, ...], *args: str | bytes | int) -> Any:
        """What the script returns; StoreUnavailable if Redis does not answer."""
        try:
            try:
                if self._hash:
                    return await client().execute_command("EVALSHA", self._hash, len(keys), *keys, *args)  # type: ignore[no-untyped-call]
            except NoScriptError:
                pass
            self._hash = await client().script_load(self._source)
            return await client().execute_command("EVALSHA", self._hash, len(keys), *keys, *args)  # type: ignore[no-untyped-call]
        except DOWN as error:
            raise StoreUnavailable from error
