from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from enum import Enum
from piccolo.columns.column_types import Text
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T06:54:01:577614"
VERSION = "1.38.0"
DESCRIPTION = "What the bank did not carry out of a file"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="billing", description=DESCRIPTION)

    manager.add_column(
        table_class_name="BankBatch",
        tablename="billing_bank_batch",
        column_name="refused_at",
        db_column_name="refused_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
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

    manager.add_column(
        table_class_name="BankBatch",
        tablename="billing_bank_batch",
        column_name="refused_because",
        db_column_name="refused_because",
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

    manager.add_column(
        table_class_name="BankBatch",
        tablename="billing_bank_batch",
        column_name="refused_by",
        db_column_name="refused_by",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 120,
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
        table_class_name="Debit",
        tablename="billing_debit",
        column_name="state",
        db_column_name="state",
        params={
            "choices": Enum(
                "DebitState",
                {
                    "SENT": "sent",
                    "PAID": "paid",
                    "RETURNED": "returned",
                    "REFUSED": "refused",
                },
            )
        },
        old_params={
            "choices": Enum(
                "DebitState",
                {"SENT": "sent", "PAID": "paid", "RETURNED": "returned"},
            )
        },
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    return manager
