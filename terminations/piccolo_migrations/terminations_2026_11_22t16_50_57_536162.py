from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-22T16:50:57:536162"
VERSION = "1.38.0"
DESCRIPTION = "deadlines are found by the words of services and customers"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="terminations", description=DESCRIPTION)

    manager.drop_column(
        table_class_name="ServiceDeadline",
        tablename="termination_deadline",
        column_name="words",
        db_column_name="words",
        schema=None,
    )

    return manager
