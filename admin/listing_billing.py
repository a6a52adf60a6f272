"""The tables of billing as the admin serves them: everything to be read, nothing of money or history to be written; how a debtor is billed, is."""

from __future__ import annotations

from billing.tables.invoices import Account, Charge, Invoice, Issuer, Line, Parked, Run
from billing.tables.orders import Offer, OfferPrice, Order, OrderLine, PortIn, PortInStep
from billing.tables.payments import Allocation, Payment
from billing.tables.places import LocationEvidence, VatPlace

from . import masters
from .listed import FINANCE, WORKERS, Listed
from .masters import adding, changing
from .screens import Rights

_BILLING = tuple(masters.BillingData.__struct_fields__)

TABLES = (
    Listed(
        table=Invoice, group="billing", rights=Rights(see=FINANCE), order="-issued_at",
        columns="number kind tenant customer layer issued_on due_on net_cents vat_cents gross_cents",
        filters="number kind tenant customer layer issued_on due_on",
    ),
    Listed(
        table=Line, group="billing", rights=Rights(see=FINANCE), order="position",
        columns="description invoice kind service quantity unit_price net_cents vat_rate period_from period_until",
        filters="invoice kind service period_from",
    ),
    Listed(
        table=Charge, group="billing", rights=Rights(see=FINANCE), order="-created_at",
        columns="description tenant customer service layer kind amount_cents bill_from line dropped_at",
        filters="tenant customer service layer kind bill_from dropped_at",
    ),
    Listed(
        table=Payment, group="billing", rights=Rights(see=FINANCE), order="-booked_at",
        columns="source_key source tenant customer method amount_cents received_on booked_by",
        filters="source_key source tenant customer method received_on",
    ),
    Listed(
        table=Allocation, group="billing", rights=Rights(see=FINANCE), order="-made_at",
        columns="amount_cents invoice payment credit made_by made_at", filters="invoice payment credit made_at",
    ),
    Listed(
        table=Run, group="billing", rights=Rights(see=FINANCE), order="-started_at",
        columns="day services done invoices parked gross_cents started_at finished_at", filters="day started_at",
    ),
    Listed(
        table=Parked, group="billing", rights=Rights(see=FINANCE), order="-parked_at",
        columns="reason tenant customer service facts parked_at settled_at settled_by", filters="reason tenant customer service settled_at",
    ),
    Listed(
        table=LocationEvidence, group="billing", rights=Rights(see=FINANCE), order="-seen_at",
        columns="kind country customer tenant of_order seen_at recorded_by", filters="customer tenant kind country seen_at",
    ),
    Listed(
        table=VatPlace, group="billing", rights=Rights(see=FINANCE), order="country",
        columns="invoice country rule first second", filters="invoice country rule",
    ),
    Listed(
        table=Account, group="billing", order="buyer_reference",
        rights=Rights(see=FINANCE, create=FINANCE, change=FINANCE, columns=_BILLING),
        columns="id customer tenant buyer_reference endpoint_scheme endpoint_id email payment_days is_collective",
        filters="customer tenant buyer_reference endpoint_id email", fields=tuple(masters.BillingOf.__struct_fields__),
        hooks=(adding(masters.BillingOf, masters.new_billing), changing(masters.BillingData, _BILLING, masters.changed_billing)),
    ),
    Listed(
        table=Issuer, group="billing", rights=Rights(see=FINANCE), order="name",
        columns="name tenant street postcode city vat_id chamber_number iban payment_days", filters="name tenant",
    ),
    Listed(
        table=Order, group="orders", rights=Rights(see=WORKERS), order="-placed_at",
        columns="number tenant customer location accepted_by placed_by_label placed_at", filters="number tenant customer placed_at",
    ),
    Listed(
        table=OrderLine, group="orders", rights=Rights(see=WORKERS), order="position",
        columns="position of_order offer service setup_cents", filters="of_order offer service",
    ),
    Listed(
        table=PortIn, group="orders", rights=Rights(see=WORKERS), order="wished_on",
        columns="numbers tenant of_order donor donor_contract state wished_on planned_on", filters="numbers tenant donor state wished_on planned_on",
    ),
    Listed(
        table=PortInStep, group="orders", rights=Rights(see=WORKERS), order="-at",
        columns="nth port_in action state planned_on note actor_label at", filters="port_in action state at",
    ),
    Listed(
        table=Offer, group="catalogue", rights=Rights(see=WORKERS), order="code",
        columns="name_nl code product is_for_consumers minimum_months billing_months notice_n notice_unit buyout_rule sold_from sold_until",
        filters="name_nl code product is_for_consumers sold_from sold_until",
    ),
    Listed(
        table=OfferPrice, group="catalogue", rights=Rights(see=WORKERS), order="-since",
        columns="since offer fee_cents setup_cents wholesale_cents wholesale_setup_cents", filters="offer since",
    ),
)  # fmt: skip
