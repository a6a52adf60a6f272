from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from enum import Enum
from piccolo.columns.column_types import Text
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T06:57:10:204418"
VERSION = "1.38.0"
DESCRIPTION = "why a payment was taken off, mandates given in the portal, longer words for how a plan ended"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="billing", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="Allocation",
        tablename="billing_allocation",
        column_name="note",
        db_column_name="note",
        column_class_name="Text",
        column_class=Text,
        params={
            "default": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.alter_column(
        table_class_name="Mandate",
        tablename="billing_mandate",
        column_name="signed_how",
        db_column_name="signed_how",
        params={
            "length": 10,
            "choices": Enum(
                "Signed",
                {"PAPER": "paper", "LINK": "link", "PORTAL": "portal"},
            ),
        },
        old_params={
            "length": 5,
            "choices": Enum("Signed", {"PAPER": "paper", "LINK": "link"}),
        },
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    manager.alter_column(
        table_class_name="PlanStep",
        tablename="billing_plan_step",
        column_name="kind",
        db_column_name="kind",
        params={"length": 20},
        old_params={"length": 10},
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    return manager
