"""Where Piccolo finds this package's tables and migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="admin",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(["admin.tables"], exclude_imported=True),
    migration_dependencies=["partner_portal.infra.piccolo_app", "piccolo_admin.piccolo_app"],
)
