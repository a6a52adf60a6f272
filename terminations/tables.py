"""Quotes, cases with their lines and steps, buyout decisions, the links customers decide by, when notice is due, and notices from the public."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from billing.tables.agreed import Product, Service
from tenants.tables import Customer, Member, OwnedByTenant

from .policy.notices import NoticeKind, NoticeState, WhyOpen
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
    afterwards = JSONB(default=[])
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


class TerminationDraft(OwnedByTenant, Table, tablename="termination_draft"):
    """A termination that a member prepares: what was answered so far, and, once filed, the case that came of it."""

    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    answers = JSONB(default={})
    version = Integer(default=1)
    termination = ForeignKey(Termination, null=True, default=None, on_delete=OnDelete.restrict)
    begun_by = Varchar(120)
    begun_by_label = Varchar(200)
    changed_at = Timestamptz(default=TimestamptzNow())


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


class ServiceDeadline(OwnedByTenant, Table, tablename="termination_deadline"):
    """When notice is due for one service, kept: a hundred thousand cannot be computed while somebody waits.

    `due_on` is the first day on which the rest must be computed anew; the database itself puts it in the past when the service, its bundle or its
    customer changes, and sets `is_held` while an open case holds the service. `terminations/service/deadlines.py` computes.
    """

    service = ForeignKey(Service, null=False, on_delete=OnDelete.restrict)
    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    product = ForeignKey(Product, null=False, on_delete=OnDelete.restrict)
    is_held = Boolean(default=False)
    last_notice_on = Date(null=True, default=None)
    free_end_on = Date(null=True, default=None)
    committed_until = Date(null=True, default=None)
    renewal_months = Integer(default=0)
    missed_on = Date(null=True, default=None)
    missed_end_on = Date(null=True, default=None)
    fee_cents = BigInt(default=0)
    computed_from = Varchar(100, null=True, default=None)
    due_on = Date(null=True, default=None)
    sequence = Integer(default=0)
    changed_at = Timestamptz(default=TimestamptzNow())

    termination_deadline_service_once = Unique(["tenant", "service"])


class DeadlineCheck(OwnedByTenant, Table, tablename="termination_deadline_check"):
    """On which day it was last looked whether every service of a partner has its deadline, computed from what it is now."""

    checked_on = Date()

    termination_deadline_check_once = Unique(["tenant"])


class DeadlineReader(OwnedByTenant, Table, tablename="termination_deadline_reader"):
    """How a member follows the deadlines: by a weekly mail, and by a calendar at a secret address of which only the hash is kept.

    `told_on` is the Monday of the last week whose mail was decided on; `feed_nth` tells the addresses of one member apart; by `stop_sha256` is found
    who stops the mail by the address in it.
    """

    member = ForeignKey(Member, null=False, on_delete=OnDelete.restrict)
    wants_digest = Boolean(default=True)
    told_on = Date(null=True, default=None)
    alarm_days = Integer(default=7)
    feed_nth = Integer(default=0)
    feed_sha256 = Bytea(null=True, default=None, unique=True)
    feed_made_at = Timestamptz(null=True, default=None)
    stop_sha256 = Bytea(null=True, default=None, unique=True)

    termination_deadline_reader_once = Unique(["tenant", "member"])
    termination_deadline_reader_alarm = Check("alarm_days BETWEEN 0 AND 60")


class BulkRound(OwnedByTenant, Table, tablename="termination_bulk"):
    """Services that a member wants to end together: what was shown before, and what was filed. `created_by` is whoever began it, then whoever confirmed."""

    wished_on = Date(null=True, default=None)
    reason = Varchar(40, null=True, default=None)
    comment = Text(default="")
    has_mandate = Boolean(default=False)
    created_by = Varchar(120)
    created_by_label = Varchar(200)
    created_at = Timestamptz(default=TimestamptzNow())
    prepared_at = Timestamptz(default=TimestamptzNow())
    confirmed_at = Timestamptz(null=True, default=None)
    done_at = Timestamptz(null=True, default=None)


class BulkItem(OwnedByTenant, Table, tablename="termination_bulk_item"):
    """One service of a round: how it would end, or why it is skipped; then the case that was filed, or why none was."""

    round = ForeignKey(BulkRound, null=False, on_delete=OnDelete.restrict)
    service = ForeignKey(Service, null=False, on_delete=OnDelete.restrict)
    customer = ForeignKey(Customer, null=False, on_delete=OnDelete.restrict)
    ends_on = Date(null=True, default=None)
    billing_ends_on = Date(null=True, default=None)
    cost_cents = BigInt(null=True, default=None)
    skipped = Varchar(40, null=True, default=None)
    facts = JSONB(default={})
    termination = ForeignKey(Termination, null=True, default=None, on_delete=OnDelete.restrict)

    termination_bulk_item_once = Unique(["tenant", "round", "service"])


class ReceivedNotice(OwnedByTenant, Table, tablename="received_notice"):
    """A notice that somebody gave on a public page: what was said, by whom as they say, and the instant of the click. That part never changes.

    From `state` on it is how the notice was dealt with: `termination` is the case that stands for it now, `look_by` the last day on which a
    person must have looked. `press` tells one click from the next, so that pressing twice is one notice. A notice that came in at another
    partner's page is kept there and once more here (`handed_from`), with the same number and the same instant.
    """

    number = Varchar(30)
    kind = Varchar(15, choices=NoticeKind)
    name = Varchar(200)
    customer_text = Varchar(200)
    contract_text = Varchar(500)
    reason = Text(default="")
    wished = Varchar(40)
    wished_on = Date(null=True, default=None)
    email = Varchar(320)
    language = Varchar(5)
    press = Varchar(64)
    token_sha256 = Bytea(unique=True)
    is_suspect = Boolean(default=False)
    is_confirmed = Boolean(default=True)
    handed_from = UUID(null=True, default=None)
    received_at = Timestamptz(default=TimestamptzNow())

    state = Varchar(15, default=NoticeState.RECEIVED, choices=NoticeState)
    why = Varchar(20, null=True, default=None, choices=WhyOpen)
    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    termination = ForeignKey(Termination, null=True, default=None, on_delete=OnDelete.restrict)
    look_by = Date(null=True, default=None)
    reminded_at = Timestamptz(null=True, default=None)
    receipt = UUID(null=True, default=None)
    answer = Text(default="")
    answered_by = Varchar(120, null=True, default=None)
    answered_by_label = Varchar(200, null=True, default=None)
    answered_at = Timestamptz(null=True, default=None)

    received_notice_number_once = Unique(["tenant", "number"])
    received_notice_press_once = Unique(["tenant", "press"])
    received_notice_open_is_looked_at = Check("(state = 'open') = (look_by IS NOT NULL)")
    received_notice_filed_has_case = Check("state <> 'filed' OR termination IS NOT NULL")

    @classmethod
    def get_readable(cls) -> Readable:
        """Notices are called by number."""
        return Readable("%s", [cls.number])
