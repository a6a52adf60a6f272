from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from enum import Enum
from piccolo.columns.column_types import Varchar

ID = "2026-11-22T16:34:03:571828"
VERSION = "1.38.0"
DESCRIPTION = "what customers do themselves"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="terminations", description=DESCRIPTION
    )

    manager.alter_column(
        table_class_name="TerminationStep",
        tablename="termination_step",
        column_name="action",
        db_column_name="action",
        params={
            "choices": Enum(
                "Action",
                {
                    "FILE": "file",
                    "FILE_BUYOUT": "file_buyout",
                    "FILE_BY_NOTICE": "file_by_notice",
                    "FILE_BUYOUT_BY_NOTICE": "file_buyout_by_notice",
                    "FILE_BY_CUSTOMER": "file_by_customer",
                    "FILE_BUYOUT_BY_CUSTOMER": "file_buyout_by_customer",
                    "APPROVE": "approve",
                    "REFUSE": "refuse",
                    "NOT_ME": "not_me",
                    "CHOOSE_EARLIER": "choose_earlier",
                    "ACCEPT": "accept",
                    "ACCEPT_WITH_CONSENT": "accept_with_consent",
                    "REFUSE_BUYOUT": "refuse_buyout",
                    "COUNTER": "counter",
                    "AGREE_FIRST": "agree_first",
                    "PROPOSE": "propose",
                    "DECLINE_BUYOUT": "decline_buyout",
                    "ALLOW_WITHDRAWAL": "allow_withdrawal",
                    "DENY_WITHDRAWAL": "deny_withdrawal",
                    "WITHDRAW": "withdraw",
                    "ASK_WITHDRAWAL": "ask_withdrawal",
                    "SEND_AGAIN": "send_again",
                    "REMIND": "remind",
                    "EXPIRE": "expire",
                    "TAKE_EFFECT": "take_effect",
                },
            )
        },
        old_params={
            "choices": Enum(
                "Action",
                {
                    "FILE": "file",
                    "FILE_BUYOUT": "file_buyout",
                    "APPROVE": "approve",
                    "REFUSE": "refuse",
                    "NOT_ME": "not_me",
                    "ACCEPT": "accept",
                    "ACCEPT_WITH_CONSENT": "accept_with_consent",
                    "REFUSE_BUYOUT": "refuse_buyout",
                    "COUNTER": "counter",
                    "AGREE_FIRST": "agree_first",
                    "PROPOSE": "propose",
                    "DECLINE_BUYOUT": "decline_buyout",
                    "ALLOW_WITHDRAWAL": "allow_withdrawal",
                    "DENY_WITHDRAWAL": "deny_withdrawal",
                    "WITHDRAW": "withdraw",
                    "ASK_WITHDRAWAL": "ask_withdrawal",
                    "SEND_AGAIN": "send_again",
                    "REMIND": "remind",
                    "EXPIRE": "expire",
                    "TAKE_EFFECT": "take_effect",
                },
            )
        },
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    return manager
