"""What happened to what is owed, as others may rely on it."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from partner_portal.kernel.events import Event


class InvoiceIssued(Event, frozen=True, kw_only=True):
    """An invoice, credit note or damages note has its number; from here on it never changes. `tenant_id` is the partner whose debtor it is."""

    invoice_id: UUID


class PaymentBooked(Event, frozen=True, kw_only=True):
    """Money is on record: it came in, or (below zero) went back. What it settles was decided with it. `tenant_id` is the partner whose debtor paid."""

    payment_id: UUID


class InvoicePaid(Event, frozen=True, kw_only=True):
    """Nothing of the invoice is open any more, by payments or by documents in the debtor's favour. Follows again if it was open in between."""

    invoice_id: UUID


class InvoiceReopened(Event, frozen=True, kw_only=True):
    """Something of an invoice that was settled is owed again: its payment was charged back, returned or taken elsewhere."""

    invoice_id: UUID


class PaymentTakenOff(Event, frozen=True, kw_only=True):
    """Finance took a payment off an invoice that was settled, because it was for something else; `allocation_id` is the step that says so."""

    invoice_id: UUID
    allocation_id: UUID


class InvoiceOverdue(Event, frozen=True, kw_only=True):
    """The due date of an invoice has passed, and something of it is open; once in its life."""

    invoice_id: UUID


class OrderPlaced(Event, frozen=True, kw_only=True):
    """A customer ordered; its services exist, and the first invoice is to follow at once."""

    order_id: UUID


class CustomerUnparked(Event, frozen=True, kw_only=True):
    """What held a customer's documents back (no address or sender, nobody knows where it is taxed) is gone, or a person says so: whoever did looks again."""

    customer_id: UUID
    parked_id: UUID


class PartnerUnparked(Event, frozen=True, kw_only=True):
    """The same of what the partner itself (`tenant_id`) owes: what held its documents back is gone, or a person says so."""

    parked_id: UUID


class PortInMoved(Event, frozen=True, kw_only=True):
    """Numbers on their way to us took a step; `nth` is the step's number, so that each event happens once."""

    port_in_id: UUID
    nth: int


class DebtorReminded(Event, frozen=True, kw_only=True):
    """A debtor is reminded of one or several invoices in one letter; level 0 is the note before the due date, 3 the last reminder."""

    letter_id: UUID
    level: int


class ServiceSuspended(Event, frozen=True, kw_only=True):
    """A service stopped because the invoice is unpaid after its last reminder; `nth` is the step of the service."""

    service_id: UUID
    invoice_id: UUID
    nth: int


class ServiceReleased(Event, frozen=True, kw_only=True):
    """A service that had stopped for an unpaid invoice works again; `nth` is the step of the service."""

    service_id: UUID
    invoice_id: UUID
    nth: int


class PaymentWanted(Event, frozen=True, kw_only=True):
    """Somebody wants to pay the documents of a link online; the attempt is to have this id. `language` is what the payer reads, where it was chosen.

    Of documents in a payment plan it is what the plan asks for now that is paid, or `everything`.
    """

    link_id: UUID
    intent_id: UUID
    language: str = ""
    everything: bool = False


class GatewayCalled(Event, frozen=True, kw_only=True):
    """Something may have changed about an attempt to pay: the gateway says so, or nobody has asked for a while."""

    intent_id: UUID


class CollectionAnnounced(Event, frozen=True, kw_only=True):
    """A debtor is to be told by mail when, and how much, will be collected: its invoice said nothing of it, or something else.

    `together`: further announcements that the same mail makes, of the same mandate, account and day.
    """

    announcement_id: UUID
    together: tuple[UUID, ...] = ()


class MandateInvited(Event, frozen=True, kw_only=True):
    """A customer is invited to give a mandate by a link."""

    invitation_id: UUID


class MandateSigned(Event, frozen=True, kw_only=True):
    """A customer gave a mandate behind its link."""

    mandate_id: UUID
    invitation_id: UUID


class MandateWithdrawn(Event, frozen=True, kw_only=True):
    """A customer withdrew its mandate."""

    mandate_id: UUID


class SandboxMoved(Event, frozen=True, kw_only=True):
    """On the page of the built-in gateway somebody pressed what the payer did; the portal is to be told as a real gateway would."""

    number: str


class RefundWanted(Event, frozen=True, kw_only=True):
    """What is on account of a payment at the gateway is to go back to who paid it; booked already, so that nobody uses it meanwhile."""

    payment_id: UUID


class StatementAccepted(Event, frozen=True, kw_only=True):
    """Entries of a bank statement were matched and are to be booked. `tenant_id` is whose account it is."""

    statement_id: UUID


class AccountingWanted(Event, frozen=True, kw_only=True):
    """A debtor, document or payment is to be at its issuer's accounting package as it is here. `tenant_id` is the issuer."""

    link_id: UUID


class AccountingLookDue(Event, frozen=True, kw_only=True):
    """It is time to see what happened at an accounting package, and what was not sent there yet. `tenant_id` is the issuer."""

    connection_id: UUID


class AccountChanged(Event, frozen=True, kw_only=True):
    """Another bank account of a debtor is to be collected from, or paid back to, from a day on; accounts are masked. `about_id`: the mandate or refund."""

    customer_id: UUID | None
    about_id: UUID
    before: str
    now: str
    used_from: date
    at: datetime
    is_refund: bool


class PaymentPlanMoved(Event, frozen=True, kw_only=True):
    """A payment plan was agreed, an instalment of it did not come in time, or it has ended; `kind` and `nth` name the step."""

    plan_id: UUID
    kind: str
    nth: int


class IssuerAccountChanged(Event, frozen=True, kw_only=True):
    """Customers of a partner pay their invoices into another account from now on; accounts are named by their beginning and end only."""

    issuer_id: UUID
    before: str
    now: str
    by: str
    at: datetime


class PauseAgreed(Event, frozen=True, kw_only=True):
    """Days of a service are not billed."""

    pause_id: UUID


class PauseTakenBack(Event, frozen=True, kw_only=True):
    """A pause that had been agreed does not come."""

    pause_id: UUID


class OffersIndexed(Event, frozen=True, kw_only=True):
    """Offers cost something else from a day ahead on; one event for each partner, `tenant_id`, that sells them."""

    indexation_id: UUID


class SecondPersonWanted(Event, frozen=True, kw_only=True):
    """Somebody of finance, `by`, asked for what two decide, and another is waited for. `what`: a credit note, refund or write-off; `about_id`: its request."""

    what: str
    about_id: UUID
    by: str


class RefundFailed(Event, frozen=True, kw_only=True):
    """Money that was to go back did not arrive, and is on account again until somebody gives it back by another way."""

    refund_id: UUID
