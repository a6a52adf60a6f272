"""Quotes, cases with their lines and steps, buyout decisions, and the links customers decide by."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from billing.tables import Service
from tenants.tables import Customer, OwnedByTenant

from .workflow import Action, State


class Quote(OwnedByTenant, Table, tablename="termination_quote"):
    """A preview that was kept: what was asked, what it rested on, what came out, and until when it holds."""

    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    number = Varchar(30)
    asked = JSONB()
    facts = JSONB()
    preview = JSONB()
    sha256 = Bytea()
    valid_until = Date()
    rules_version = Varchar(20)
    created_by = Varchar(120)
    created_at = Timestamptz(default=TimestamptzNow())

    termination_quote_number_once = Unique(["tenant", "number"])

    @classmethod
    def get_readable(cls) -> Readable:
        """Quotes are called by number."""
        return Readable("%s", [cls.number])


class Termination(OwnedByTenant, Table, tablename="termination"):
    """A case: one customer, one or more services, from request to effect; `ends_on` is the earliest last day of its lines."""

    number = Varchar(30)
    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    quote = ForeignKey(Quote, null=False, on_delete=OnDelete.restrict)
    state = Varchar(25, choices=State)
    reason = Varchar(40)
    comment = Text(default="")
    has_mandate = Boolean(default=False)
    is_buyout = Boolean(default=False)
    received_on = Date(null=True, default=None)
    ends_on = Date()
    payer = Varchar(10)
    computed_cents = BigInt(default=0)
    agreed_cents = BigInt(null=True, default=None)
    waits_until = Timestamptz(null=True, default=None)
    remind_at = Timestamptz(null=True, default=None)
    withdrawal_asked_at = Timestamptz(null=True, default=None)
    document = UUID(null=True, default=None)
    filed_by = Varchar(120)
    filed_at = Timestamptz(default=TimestamptzNow())
    version = Integer(default=1)

    termination_number_once = Unique(["tenant", "number"])
    termination_amounts = Check("computed_cents >= 0 AND (agreed_cents IS NULL OR agreed_cents >= 0)")
    termination_buyout_is_agreed = Check("NOT is_buyout OR state NOT IN ('accepted', 'scheduled', 'ended') OR agreed_cents IS NOT NULL")

    @classmethod
    def get_readable(cls) -> Readable:
        """Cases are called by number."""
        return Readable("%s", [cls.number])


class TerminationLine(OwnedByTenant, Table, tablename="termination_line"):
    """One service of a case, with its own end and cost."""

    termination = ForeignKey(Termination, null=False, on_delete=OnDelete.restrict)
    service = ForeignKey(Service, null=False, on_delete=OnDelete.restrict)
    ends_on = Date()
    billing_ends_on = Date()
    kind = Varchar(15)
    is_open = Boolean(default=True)


class TerminationStep(OwnedByTenant, Table, tablename="termination_step"):
    """What happened to a case: who, for whom, when, by which channel, having seen which text. Never changed."""

    termination = ForeignKey(Termination, null=False, on_delete=OnDelete.restrict)
    nth = Integer()
    action = Varchar(25, choices=Action)
    state = Varchar(25, choices=State)
    actor = Varchar(120)
    actor_label = Varchar(200)
    on_behalf_of = Varchar(200, null=True, default=None)
    channel = Varchar(20)
    text_version = Varchar(64, null=True, default=None)
    note = Text(default="")
    facts = JSONB(default={})
    at = Timestamptz(default=TimestamptzNow())

    termination_step_nth_once = Unique(["tenant", "termination", "nth"])


class BuyoutDecision(OwnedByTenant, Table, tablename="termination_buyout_decision"):
    """What finance decided about a buyout, why, and on which amount; a decision is added, never edited."""

    termination = ForeignKey(Termination, null=False, on_delete=OnDelete.restrict)
    decision = Varchar(15)
    amount_cents = BigInt(null=True, default=None)
    reason = Text(default="")
    is_final = Boolean(default=True)
    decided_by = Varchar(120)
    decided_by_label = Varchar(200)
    decided_at = Timestamptz(default=TimestamptzNow())


class DecisionLink(OwnedByTenant, Table, tablename="termination_decision_link"):
    """A link in a mail by which a customer decides; only the hash of its token is kept."""

    termination = ForeignKey(Termination, null=False, on_delete=OnDelete.restrict)
    purpose = Varchar(10)
    token_sha256 = Bytea(unique=True)
    recipient = Varchar(320)
    recipient_name = Varchar(200)
    expires_at = Timestamptz()
    replaced_at = Timestamptz(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    decision = Varchar(25, null=True, default=None)
    code_sha256 = Bytea(null=True, default=None)
    code_expires_at = Timestamptz(null=True, default=None)
    code_attempts = Integer(default=0)
    codes_sent = Integer(default=0)
    code_for = Varchar(25, null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
