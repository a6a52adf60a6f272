"""Where Piccolo finds this package's tables and migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="billing",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(
        [
            "billing.tables.accounting",
            "billing.tables.agreed",
            "billing.tables.crediting",
            "billing.tables.debits",
            "billing.tables.invoices",
            "billing.tables.late",
            "billing.tables.orders",
            "billing.tables.paying",
            "billing.tables.pausing",
            "billing.tables.payments",
            "billing.tables.places",
            "billing.tables.reminding",
            "billing.tables.statements",
            "billing.tables.vat",
        ],
        exclude_imported=True,
    ),
    migration_dependencies=["tenants.piccolo_app"],
)
