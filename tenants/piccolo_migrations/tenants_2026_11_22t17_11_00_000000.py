"""Passwords are the person's, not the member's: see the migration before."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-22T17:11:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "no password per member"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="tenants", description=DESCRIPTION
    )

    manager.drop_column(
        table_class_name="Member",
        tablename="member",
        column_name="password_hash",
        db_column_name="password_hash",
        schema=None,
    )

    return manager
