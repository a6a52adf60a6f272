"""Paid too late: what that costs the debtor, what staff let go, and what is written off because it will not be paid."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Date, ForeignKey, Numeric, OnDelete, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from partner_portal.infra.ids import NewId
from tenants.tables import OwnedByTenant

from ..policy.interest import RateKind
from ..policy.late import Outcome, Uncollectable
from .invoices import Invoice
from .reminding import PaymentPlan


class LateNote(OwnedByTenant, Table, tablename="billing_late_note"):
    """Interest and collection costs that one document charges, after which letter, and how they were reckoned; never changed."""

    letter = UUID(null=False, help_text="De laatste herinnering waarvan de termijn voorbij is")
    document = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict, unique=True)
    is_consumer = Boolean()
    term_ended_on = Date(help_text="Laatste dag om zonder kosten te betalen")
    reckoned_on = Date(help_text="Rente tot deze dag, die zelf niet meetelt")
    principal_cents = BigInt()
    costs_cents = BigInt()
    interest_cents = BigInt()
    said_costs_cents = BigInt(help_text="Kosten die de brief noemde")

    billing_late_note_amounts = Check(
        "principal_cents > 0 AND costs_cents >= 0 AND interest_cents >= 0 AND costs_cents + interest_cents > 0"
    )
    billing_late_note_after_its_term = Check("reckoned_on > term_ended_on")


class LateClaim(OwnedByTenant, Table, tablename="billing_late_claim"):
    """An invoice for which a document charges the interest of some days, the first one (`nth` 1) with the costs; never changed.

    Each begins on the day on which the one before it stopped (a foreign key to it), and each follows at most one: no day is charged twice.
    """

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    note = ForeignKey(LateNote, null=False, on_delete=OnDelete.restrict)
    principal_cents = BigInt(help_text="Open aan het eind van de termijn")
    interest_cents = BigInt()
    nth = SmallInt(default=1, help_text="Het hoeveelste document met rente over deze factuur")
    first_on = Date(help_text="Eerste dag waarover rente is berekend")
    until = Date(help_text="Rente tot deze dag, die zelf niet meetelt")

    billing_late_claim_amounts = Check("principal_cents > 0 AND interest_cents >= 0")
    billing_late_claim_days = Check("nth > 0 AND until >= first_on AND (nth = 1 OR until > first_on)")
    billing_late_claim_once = Unique(["invoice", "nth"])


class InterestRate(Table, tablename="billing_interest_rate"):
    """The yearly percentage of the law for one half-year, and where it was published; the newest of a half-year counts, and none is ever changed."""

    id = UUID(primary_key=True, default=NewId())
    kind = Varchar(10, default=RateKind.TRADE, choices=RateKind)
    since = Date(help_text="1 januari of 1 juli")
    percentage = Numeric(digits=(5, 2))
    source = Text(help_text="Waar het bekend is gemaakt")
    entered_by = Varchar(120)
    entered_at = Timestamptz(default=TimestamptzNow())

    billing_interest_rate_half_year = Check("extract(day FROM since) = 1 AND extract(month FROM since) IN (1, 7)")
    billing_interest_rate_percentage = Check("percentage >= 0 AND percentage < 100")


class LateWaiver(OwnedByTenant, Table, tablename="billing_late_waiver"):
    """No interest and costs are charged for this invoice, and why; what was charged already is credited; never changed."""

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict, unique=True)
    reason = Text()
    decided_by = Varchar(120)
    decided_at = Timestamptz(default=TimestamptzNow())


class WriteOff(OwnedByTenant, Table, tablename="billing_write_off"):
    """So much of an invoice will not be paid; below zero it came back to life. Whose four eyes, and which VAT can be had back when; never changed.

    VAT on what is not paid comes back in the return over the day on which that is certain, at the latest a year after the due date (Wet OB 1968 art.
    29 lid 1 and 2); what is paid after all owes it again.
    """

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    amount_cents = BigInt()
    reason = Varchar(15, default=Uncollectable.OTHER, choices=Uncollectable)
    note = Text(default="")
    vat_cents = BigInt(help_text="Btw in dit bedrag")
    vat_back_on = Date(help_text="Dag waarop de btw kan worden teruggevraagd, of weer verschuldigd is")
    year_passed_on = Date(help_text="Een jaar na de vervaldatum")
    decided_by = Varchar(120)
    agreed_by = Varchar(120, null=True, default=None)
    decided_on = Date()
    decided_at = Timestamptz(default=TimestamptzNow())

    billing_write_off_amount = Check("amount_cents <> 0 AND agreed_by IS DISTINCT FROM decided_by")


class WriteOffProposal(OwnedByTenant, Table, tablename="billing_write_off_proposal"):
    """Somebody of finance wants to write off so much that a second person must agree; waits until that one decides."""

    invoice = ForeignKey(Invoice, null=False, on_delete=OnDelete.restrict)
    reason = Varchar(15, default=Uncollectable.OTHER, choices=Uncollectable)
    note = Text(default="")
    proposed_by = Varchar(120)
    proposed_by_label = Varchar(200)
    proposed_at = Timestamptz(default=TimestamptzNow())
    outcome = Varchar(10, null=True, default=None, choices=Outcome)
    decided_by = Varchar(120, null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)

    billing_write_off_proposal_decided = Check(
        "(outcome IS NULL) = (decided_by IS NULL) AND (outcome IS NULL) = (decided_at IS NULL) AND (outcome <> 'agreed' OR decided_by <> proposed_by)"
    )


class PlanStep(OwnedByTenant, Table, tablename="billing_plan_step"):
    """What happened to a payment plan and was told: agreed (0), or the instalment of this number did not come in time; never changed."""

    plan = ForeignKey(PaymentPlan, null=False, on_delete=OnDelete.restrict)
    nth = SmallInt()
    kind = Varchar(20, help_text="agreed, missed, of hoe zij eindigde")
    happened_on = Date()
    facts = JSONB(default={})

    billing_plan_step_once = Unique(["plan", "kind", "nth"])
