"""Where an issuer keeps its books: the connection, what of ours is what there, and where the two differ. Each belongs to its issuer."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Boolean, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from tenants.tables import OwnedByTenant

from ..policy.accounting import ConnectionState, Decision, LinkState, Why


class AccountingConnection(OwnedByTenant, Table, tablename="billing_accounting_connection"):
    """An issuer's administration at a package: which, since when, by which codes. Its secret stands in a file named after `code`, never here."""

    code = Varchar(30, unique=True)
    package = Varchar(30)
    url = Varchar(200, default="", help_text="Leeg: het gebruikelijke adres van het pakket")
    administration = Varchar(60, default="")
    options = JSONB(default={})
    starts_on = Date(help_text="Documenten vanaf deze dag gaan naar het pakket")
    ledgers = JSONB(default={}, help_text='Grootboek: {"default": "8000", "usage": "8010", "product:hosting": "8020", "money": "1100"}')
    vat_codes = JSONB(default={}, help_text='Btw: {"S:NL:21": "hoog", "AE": "verlegd", "O": "geen"}')
    sends_payments = Boolean(default=True)
    takes_payments = Boolean(default=True)
    state = Varchar(10, default=ConnectionState.ACTIVE, choices=ConnectionState)
    state_because = Text(default="")
    cursor = Text(null=True, default=None)
    synced_at = Timestamptz(null=True, default=None)
    last_error = Text(null=True, default=None)
    made_by = Varchar(120)
    made_at = Timestamptz(default=TimestamptzNow())
    version = Integer(default=1)

    billing_accounting_connection_code = Check("code ~ '^[a-z0-9][a-z0-9-]{0,29}$'")

    @classmethod
    def get_readable(cls) -> Readable:
        """Connections are called by code."""
        return Readable("%s", [cls.code])


class AccountingLink(OwnedByTenant, Table, tablename="billing_accounting_link"):
    """What one of our objects is at the package: a debtor, a document, or what a payment settles of one. Before it is there: how its sending stands."""

    connection = ForeignKey(AccountingConnection, null=False, on_delete=OnDelete.restrict)
    what = Varchar(10)
    subject = UUID(null=False, help_text="Klant of partner, document, of toewijzing van een betaling")
    state = Varchar(10, default=LinkState.WAITING, choices=LinkState)
    remote_id = Varchar(120, null=True, default=None)
    version = Varchar(120, null=True, default=None)
    fingerprint = Varchar(32, null=True, default=None)
    overwrites = Boolean(default=False)
    attempts = Integer(default=0)
    due_at = Timestamptz(null=True, default=None)
    last_error = Text(null=True, default=None)
    wanted_at = Timestamptz(default=TimestamptzNow())
    sent_at = Timestamptz(null=True, default=None)
    seen_at = Timestamptz(null=True, default=None)

    billing_accounting_link_once = Unique(["connection", "what", "subject"])
    billing_accounting_link_sent = Check("state <> 'sent' OR (remote_id IS NOT NULL AND sent_at IS NOT NULL)")


class AccountingConflict(OwnedByTenant, Table, tablename="billing_accounting_conflict"):
    """Where our books and theirs differ, or something cannot be sent: what each says, and who solved it how."""

    connection = ForeignKey(AccountingConnection, null=False, on_delete=OnDelete.restrict)
    link = ForeignKey(AccountingLink, null=True, default=None, on_delete=OnDelete.restrict)
    key = Varchar(200)
    why = Varchar(20, choices=Why)
    about = Varchar(200, default="", help_text="Nummer of naam waaraan mensen het herkennen")
    ours = JSONB(default={})
    theirs = JSONB(default={})
    detail = Text(default="")
    found_at = Timestamptz(default=TimestamptzNow())
    solved_at = Timestamptz(null=True, default=None)
    solved_by = Varchar(120, null=True, default=None)
    solution = Varchar(10, null=True, default=None, choices=Decision)
    reason = Text(null=True, default=None)

    billing_accounting_conflict_solved = Check("(solved_at IS NULL) = (solved_by IS NULL) AND (solved_at IS NULL) = (solution IS NULL)")
