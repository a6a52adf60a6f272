"""Articles are the provider's; every reader's part is chosen by the service."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from partner_portal.infra import wall
from partner_portal.infra.migrations import run_sql

ID = "2026-11-22T13:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wall"

STATEMENTS = [
    *wall.grants("knowledge_base_article", app="SELECT", staff="SELECT, INSERT, UPDATE, DELETE"),
    *wall.audited("knowledge_base_article"),
    "CREATE INDEX knowledge_base_article_published ON knowledge_base_article (language, audience, id) WHERE published_at IS NOT NULL",
]


async def forwards() -> MigrationManager:
    """The wall stands."""
    manager = MigrationManager(migration_id=ID, app_name="knowledge_base", description=DESCRIPTION)

    async def build() -> None:
        await run_sql(STATEMENTS)

    manager.add_raw(build)
    return manager
