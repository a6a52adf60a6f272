"""What every command stands on: settings, log lines, and running servers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from partner_portal.infra import embedded, log
from partner_portal.infra import settings as all_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from partner_portal.infra.settings import Settings


@contextmanager
def surroundings(settings: Settings | None = None) -> Iterator[Settings]:
    """Inside the block the servers answer, and the settings (by default the environment's) name them."""
    chosen = settings or all_settings.load()
    log.configure(chosen)
    with embedded.servers(chosen.data, database_url=chosen.database_url, redis_url=chosen.redis_url) as servers:
        yield all_settings.adopt(msgspec.structs.replace(chosen, database_url=servers.postgres_url, redis_url=servers.redis_url))
