"""Credit notes from the limit of four eyes on, while a second person has to agree."""

from __future__ import annotations

from piccolo.columns import JSONB, BigInt, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from tenants.tables import OwnedByTenant

from .invoices import Invoice


class CreditRequest(OwnedByTenant, Table, tablename="billing_credit_request"):
    """A credit note that somebody of finance asked for and somebody else has to agree to; decided once, the asker never agrees."""

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    wanted = JSONB(help_text="Welke regels, welk bedrag of welke dagen")
    reason = Text()
    gross_cents = BigInt()
    asked_by = Varchar(120)
    asked_by_label = Varchar(200)
    asked_at = Timestamptz(default=TimestamptzNow())
    decision = Varchar(10, null=True, default=None)
    answer = Text(default="")
    credit_note = ForeignKey(Invoice, null=True, default=None, on_delete=OnDelete.restrict)
    decided_by = Varchar(120, null=True, default=None)
    decided_by_label = Varchar(200, null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)

    billing_credit_request_two_people = Check("decision IS DISTINCT FROM 'agreed' OR (decided_by <> asked_by AND credit_note IS NOT NULL)")
    billing_credit_request_decided_whole = Check(
        "(decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL) AND decision IN ('agreed', 'declined')"
    )
