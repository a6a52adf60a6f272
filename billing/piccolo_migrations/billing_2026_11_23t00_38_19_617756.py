from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-23T00:38:19:617756"
VERSION = "1.38.0"
DESCRIPTION = "a rehearsal leaves no row"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="billing", description=DESCRIPTION
    )

    manager.drop_column(
        table_class_name="Run",
        tablename="billing_run",
        column_name="is_dry",
        db_column_name="is_dry",
        schema=None,
    )

    return manager
