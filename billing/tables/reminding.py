"""Reminding of what is unpaid: by which policy, what was sent, what is held, what was agreed instead, and which services stopped for it."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Date, ForeignKey, Integer, OnDelete, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from tenants.tables import Customer, OwnedByTenant

from ..policy.reminding import Held
from .agreed import Service
from .invoices import Invoice


class ReminderPolicy(OwnedByTenant, Table, tablename="billing_reminder_policy"):
    """When a tenant's debtors are reminded; one that follows the provider is a copy of the house's."""

    follows_provider = Boolean(default=True)
    note_days = SmallInt(default=3)
    first_days = SmallInt(default=3)
    second_days = SmallInt(default=14)
    third_days = SmallInt(default=21)
    suspend_days = SmallInt(default=7)
    consumer_suspend_days = SmallInt(default=21)
    threshold_cents = BigInt(default=500)
    lead_days = JSONB(default={})
    charge_days = SmallInt(null=True, default=5, help_text="Zo veel dagen na de laatste termijn komen rente en kosten erbij; leeg: nooit")
    partner_agrees = Boolean(default=False, help_text="De partner mag zelf wachten en regelingen afspreken")
    version = Integer(default=1)

    billing_reminder_policy_once = Unique(["tenant"])
    billing_reminder_policy_order = Check(
        "note_days BETWEEN 0 AND 30 AND first_days BETWEEN 1 AND 90 AND second_days > first_days AND third_days > second_days AND third_days <= 180"
        " AND suspend_days BETWEEN 1 AND 180 AND consumer_suspend_days BETWEEN 1 AND 180 AND threshold_cents >= 0"
        " AND (charge_days IS NULL OR charge_days BETWEEN 0 AND 90)"
    )


class Reminder(OwnedByTenant, Table, tablename="billing_reminder"):
    """A reminder of an invoice, with what it said; never changed. Those of one debtor, issuer and day are one letter."""

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    level = SmallInt()
    letter = UUID(null=False)
    sent_on = Date()
    open_cents = BigInt()
    pays_by = Date(null=True, default=None)
    suspends_on = Date(null=True, default=None)
    words = JSONB(default={}, help_text="Wat er verder in staat: kosten, rente, de andere open vorderingen, welke diensten wanneer")
    decided_at = Timestamptz(default=TimestamptzNow())

    billing_reminder_once = Unique(["invoice", "level"])
    billing_reminder_at_most_three = Check("level BETWEEN 0 AND 3 AND open_cents > 0")


class PaymentPlan(OwnedByTenant, Table, tablename="billing_payment_plan"):
    """What was agreed with a debtor to pay later, in instalments; the invoices are those of its holds."""

    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    note = Text(default="")
    agreed_on = Date()
    owed_cents = BigInt(help_text="Open toen de regeling werd afgesproken")
    agreed_by = Varchar(120)
    agreed_with = Varchar(200, default="", help_text="Wie het namens de debiteur toezegde")
    ended_on = Date(null=True, default=None)
    ended_because = Varchar(20, null=True, default=None, help_text="kept, broken, withdrawn, written off of credited")

    billing_payment_plan_ends = Check("owed_cents > 0 AND (ended_on IS NULL) = (ended_because IS NULL)")


class Instalment(OwnedByTenant, Table, tablename="billing_instalment"):
    """So much is to be paid by this day; never changed."""

    plan = ForeignKey(PaymentPlan, null=False, on_delete=OnDelete.restrict)
    nth = SmallInt()
    due_on = Date()
    amount_cents = BigInt()

    billing_instalment_once = Unique(["plan", "nth"])
    billing_instalment_amount = Check("amount_cents > 0 AND nth >= 1")


class Hold(OwnedByTenant, Table, tablename="billing_hold"):
    """Why an invoice, or all of a customer, is not reminded of; until it is lifted, or a day has come."""

    customer = ForeignKey(Customer, null=True, default=None, on_delete=OnDelete.restrict)
    invoice = ForeignKey(Invoice, null=True, default=None, on_delete=OnDelete.restrict)
    reason = Varchar(15, default=Held.DISPUTED, choices=Held)
    note = Text(default="")
    until = Date(null=True, default=None, help_text="Eerste dag waarop weer wordt herinnerd")
    plan = ForeignKey(PaymentPlan, null=True, default=None, on_delete=OnDelete.restrict)
    placed_by = Varchar(120)
    placed_at = Timestamptz(default=TimestamptzNow())
    lifted_by = Varchar(120, null=True, default=None)
    lifted_at = Timestamptz(null=True, default=None)

    billing_hold_of_one = Check("(customer IS NULL) <> (invoice IS NULL)")
    billing_hold_lifted = Check("(lifted_at IS NULL) = (lifted_by IS NULL)")


class Suspension(OwnedByTenant, Table, tablename="billing_suspension"):
    """A step of a service: stopped for an unpaid invoice (odd steps), working again (even ones); never changed."""

    service = ForeignKey(Service, null=False, on_delete=OnDelete.restrict)
    nth = SmallInt()
    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    because = Varchar(20, help_text="unpaid; paid, held of withdrawn")
    happened_on = Date()
    happened_at = Timestamptz(default=TimestamptzNow())

    billing_suspension_once = Unique(["service", "nth"])
    billing_suspension_steps = Check("nth >= 1 AND (nth % 2 = 1) = (because = 'unpaid')")
