from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from enum import Enum
from piccolo.columns.column_types import Varchar

ID = "2026-11-23T07:25:20:179699"
VERSION = "1.38.0"
DESCRIPTION = "lines of days used before a withdrawal"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="billing", description=DESCRIPTION
    )

    manager.alter_column(
        table_class_name="Charge",
        tablename="billing_charge",
        column_name="kind",
        db_column_name="kind",
        params={
            "choices": Enum(
                "LineKind",
                {
                    "RECURRING": "recurring",
                    "SETUP": "setup",
                    "USAGE": "usage",
                    "BUYOUT": "buyout",
                    "CLAWBACK": "clawback",
                    "RESIDUAL": "residual",
                    "HANDLING": "handling",
                    "CREDIT": "credit",
                    "EARLY_USE": "early use",
                    "DAMAGES": "damages",
                    "INTEREST": "interest",
                    "COLLECTION": "collection",
                    "OTHER": "other",
                },
            )
        },
        old_params={
            "choices": Enum(
                "LineKind",
                {
                    "RECURRING": "recurring",
                    "SETUP": "setup",
                    "USAGE": "usage",
                    "BUYOUT": "buyout",
                    "CLAWBACK": "clawback",
                    "RESIDUAL": "residual",
                    "HANDLING": "handling",
                    "CREDIT": "credit",
                    "DAMAGES": "damages",
                    "INTEREST": "interest",
                    "COLLECTION": "collection",
                    "OTHER": "other",
                },
            )
        },
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    manager.alter_column(
        table_class_name="Line",
        tablename="billing_line",
        column_name="kind",
        db_column_name="kind",
        params={
            "choices": Enum(
                "LineKind",
                {
                    "RECURRING": "recurring",
                    "SETUP": "setup",
                    "USAGE": "usage",
                    "BUYOUT": "buyout",
                    "CLAWBACK": "clawback",
                    "RESIDUAL": "residual",
                    "HANDLING": "handling",
                    "CREDIT": "credit",
                    "EARLY_USE": "early use",
                    "DAMAGES": "damages",
                    "INTEREST": "interest",
                    "COLLECTION": "collection",
                    "OTHER": "other",
                },
            )
        },
        old_params={
            "choices": Enum(
                "LineKind",
                {
                    "RECURRING": "recurring",
                    "SETUP": "setup",
                    "USAGE": "usage",
                    "BUYOUT": "buyout",
                    "CLAWBACK": "clawback",
                    "RESIDUAL": "residual",
                    "HANDLING": "handling",
                    "CREDIT": "credit",
                    "DAMAGES": "damages",
                    "INTEREST": "interest",
                    "COLLECTION": "collection",
                    "OTHER": "other",
                },
            )
        },
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    return manager
