from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Bytea
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T17:34:40:440695"
VERSION = "1.38.0"
DESCRIPTION = "the weekly mail is stopped by an address in it"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="terminations", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="DeadlineReader",
        tablename="termination_deadline_reader",
        column_name="stop_sha256",
        db_column_name="stop_sha256",
        column_class_name="Bytea",
        column_class=Bytea,
        params={
            "default": None,
            "null": True,
            "primary_key": False,
            "unique": True,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    return manager
