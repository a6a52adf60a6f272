"""What tables, columns and values are called on the admin's screens; the words of the screens themselves besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partner_portal.infra import catalogue
from partner_portal.infra.catalogue import sentence

from . import labels_billing
from .column_names import COLUMNS

TABLES: Mapping[str, str] = {
    "termination": sentence("Terminations"),
    "termination_line": sentence("Services that end"),
    "termination_step": sentence("Steps"),
    "termination_buyout_decision": sentence("Buyout decisions"),
    "termination_quote": sentence("Quotes"),
    "received_notice": sentence("Notices"),
    "customer": sentence("Customers"),
    "contact": sentence("Contacts"),
    "location": sentence("Locations"),
    "billing_service": sentence("Services"),
    "billing_terms_change": sentence("Changes of terms"),
    "tenant": sentence("Partners"),
    "member": sentence("Partners' users"),
    "api_key": sentence("API keys"),
    "billing_product": sentence("Products"),
    "billing_buyout_rule": sentence("Buyout rules"),
    "billing_invoice": sentence("Invoices"),
    "billing_line": sentence("Invoice lines"),
    "billing_charge": sentence("Waiting to be billed"),
    "billing_payment": sentence("Payments"),
    "billing_allocation": sentence("What payments settle"),
    "billing_on_account": sentence("Money on account"),
    "billing_location_evidence": sentence("Evidence of where consumers are"),
    "billing_vat_place": sentence("Where documents to consumers elsewhere are taxed"),
    "billing_run": sentence("Billing runs"),
    "billing_parked": sentence("Parked by a run"),
    "billing_account": sentence("How customers are billed"),
    "billing_issuer": sentence("Senders of invoices"),
    "billing_order": sentence("Orders"),
    "billing_order_line": sentence("Lines of orders"),
    "billing_port_in": sentence("Numbers on their way"),
    "billing_port_in_step": sentence("Steps of numbers on their way"),
    "billing_offer": sentence("Offers"),
    "billing_offer_price": sentence("Prices of offers"),
    "knowledge_base_article": sentence("Questions and answers"),
    "infra_outbox": sentence("Background work"),
    "infra_mail": sentence("Mails"),
    "infra_document": sentence("Documents"),
    "infra_audit": sentence("Audit trail"),
    "piccolo_user": sentence("Staff accounts"),
    "staff_role": sentence("Staff roles"),
}

GROUPS = {
    "terminations": sentence("Ending contracts"),
    "customers": sentence("Customers and services"),
    "billing": sentence("Invoices and payments"),
    "orders": sentence("Orders"),
    "partners": sentence("Resellers"),
    "catalogue": sentence("Products and rules"),
    "knowledge base": sentence("Knowledge base"),
    "administration": sentence("Administration"),
}

HELP: Mapping[str, str] = {
    "tenant.code": sentence("Short; begins every number of this partner, for example NRD"),
    "billing_service.label": sentence("As the customer knows the service"),
    "billing_service.fee_cents": sentence("Per month and unit, toward the customer; for a consumer including VAT"),
    "billing_service.wholesale_cents": sentence("Per month and unit, toward the partner, excluding VAT"),
    "billing_service.explicit_end": sentence("The last day as printed in the contract; it comes before the minimum term"),
    "billing_service.paid_until": sentence("The first day that is not yet paid"),
    "billing_service.tenant": sentence("Follows from the customer; leave empty"),
    "billing_service.number": sentence("Leave empty to get the next number"),
    "contact.tenant": sentence("Follows from the customer; leave empty"),
    "location.tenant": sentence("Follows from the customer; leave empty"),
    "billing_buyout_rule.bands": sentence('Only for a scale: [{"from_month": 1, "percentage": "75"}]'),
    "knowledge_base_article.published_at": sentence("Empty: readers do not see it yet"),
    "termination.computed_cents": sentence("As the payer's prices are given: excluding VAT for businesses, including VAT for consumers"),
    "termination.agreed_cents": sentence("As the payer's prices are given: excluding VAT for businesses, including VAT for consumers"),
    "termination_buyout_decision.amount_cents": sentence(
        "As the payer's prices are given: excluding VAT for businesses, including VAT for consumers"
    ),
}

VALUES: Mapping[str, Mapping[str, str]] = {
    **labels_billing.VALUES,
    "termination.state": {
        "waiting_for_customer": sentence("Waiting for customer"),
        "waiting_for_finance": sentence("Waiting for finance"),
        "proposed": sentence("Proposed"),
        "countered": sentence("Counter-proposal"),
        "accepted": sentence("Accepted"),
        "scheduled": sentence("Scheduled"),
        "ended": sentence("Ended"),
        "withdrawn": sentence("Withdrawn"),
        "refused": sentence("Refused"),
        "expired": sentence("Expired"),
    },
    "termination.payer": {"customer": sentence("Customer"), "partner": sentence("Partner")},
    "termination_line.kind": {
        "ORDINARY": sentence("By notice"),
        "BUYOUT": sentence("With a buyout"),
        "EXTRAORDINARY": sentence("On a special ground"),
    },
    "termination_step.action": {
        "file": sentence("Filed the termination"),
        "file_buyout": sentence("Filed the termination with a buyout"),
        "file_by_notice": sentence("Gave notice on the public page"),
        "file_buyout_by_notice": sentence("Gave notice on the public page"),
        "file_by_customer": sentence("Gave notice in the portal"),
        "file_buyout_by_customer": sentence("Asked in the portal to leave early"),
        "choose_earlier": sentence("Chose an earlier day, against a buyout"),
        "approve": sentence("Agreed to the end"),
        "refuse": sentence("Refused the end"),
        "not_me": sentence("Said not to be the right person"),
        "accept": sentence("Accepted the buyout"),
        "accept_with_consent": sentence("Agreed to the end and accepted the buyout"),
        "refuse_buyout": sentence("Refused the buyout"),
        "counter": sentence("Made a counter-proposal"),
        "agree_first": sentence("Agreed as the first of two"),
        "propose": sentence("Proposed the buyout"),
        "decline_buyout": sentence("Declined the buyout"),
        "allow_withdrawal": sentence("Allowed the withdrawal"),
        "deny_withdrawal": sentence("Denied the withdrawal"),
        "withdraw": sentence("Withdrew the termination"),
        "ask_withdrawal": sentence("Asked to withdraw the termination"),
        "send_again": sentence("Sent the link again"),
        "remind": sentence("Reminded"),
        "expire": sentence("Expired"),
        "take_effect": sentence("Ended the services"),
    },
    "received_notice.kind": {
        "ordinary": sentence("An ordinary end, by notice"),
        "extraordinary": sentence("An end for a special reason"),
        "cooling_off": sentence("Withdrawal within the cooling-off period"),
    },
    "received_notice.state": {
        "received": sentence("Just received"),
        "filed": sentence("Being verified"),
        "open": sentence("Waits for a person"),
        "carried_out": sentence("Confirmed by the customer"),
        "answered": sentence("Answered"),
        "handed_over": sentence("Handed over to whom it was meant for"),
    },
    "received_notice.why": {
        "no_match": sentence("Nothing matches"),
        "several": sentence("Several services"),
        "contradiction": sentence("Details of different customers"),
        "uncertain": sentence("Not certain enough"),
        "needs_judgement": sentence("A special reason"),
        "cooling_off_over": sentence("The cooling-off period is over"),
        "already_ending": sentence("It is ending already"),
        "could_not_file": sentence("It could not be filed"),
        "unverified": sentence("Not verified in time"),
        "denied": sentence("Denied by the customer"),
        "taken_back": sentence("Refused or withdrawn"),
        "suspect": sentence("Looks like a machine"),
        "not_looked_at": sentence("Not dealt with by itself"),
    },
    "termination_buyout_decision.decision": {
        "approve": sentence("Approved"),
        "adjust": sentence("Adjusted"),
        "refuse": sentence("Refused"),
    },
    "customer.segment": {
        "CONSUMER": sentence("Consumer"),
        "PROTECTED_BIZ": sentence("Protected small business"),
        "OTHER_BIZ": sentence("Other business"),
        "GOV": sentence("Government"),
        "UNKNOWN": sentence("Not known"),
    },
    "location.kind": {"billing": sentence("Billing address"), "visit": sentence("Visit address")},
    "tenant.kind": {"partner": sentence("Partner"), "house": sentence("The provider itself")},
    "tenant.bills": {
        "direct": sentence("The provider invoices the customer"),
        "own name": sentence("The partner invoices in its own name"),
        "on behalf": sentence("The partner invoices for the provider"),
    },
    "member.role": {"owner": sentence("Owner"), "clerk": sentence("Clerk"), "read-only": sentence("Reads only")},
    "staff_role.role": {
        "finance": sentence("Finance"),
        "service desk": sentence("Service desk"),
        "editor": sentence("Editor"),
        "administrator": sentence("Administrator"),
    },
    "billing_product.kind": {
        "ECS": sentence("Telephone or internet access"),
        "BUNDLE": sentence("Bundle"),
        "CLOUD": sentence("Cloud service"),
        "OTHER": sentence("Other"),
    },
    "*.renewal": {
        "NONE": sentence("Ends by itself"),
        "FIXED": sentence("Renewed for a fixed time"),
        "INDEF": sentence("Goes on indefinitely"),
    },
    "*.notice_unit": {
        "D": sentence("days"),
        "W": sentence("weeks"),
        "M": sentence("months"),
        "WD": sentence("working days"),
    },
    "billing_service.notice_from": {"RECEIPT": sentence("The day of receipt"), "NEXT": sentence("The day after receipt")},
    "*.align": {
        "NONE": sentence("Any day"),
        "EOM": sentence("The end of a month"),
        "PERIOD": sentence("The end of a billing period"),
    },
    "*.channel": {
        "ONLINE": sentence("Online"),
        "DISTANCE": sentence("At a distance"),
        "OFF_PREMISES": sentence("Away from the shop"),
        "ON_PREMISES": sentence("In the shop"),
    },
    "*.credit_mode": {
        "CAL": sentence("By calendar days"),
        "365": sentence("By days of a year of 365"),
        "30E360": sentence("By days of months of 30"),
        "MONTHS": sentence("By whole months"),
        "NONE": sentence("Nothing is given back"),
    },
    "billing_buyout_rule.method": {
        "FULL_STARTED": sentence("Every started month"),
        "FULL_FLOOR_DAYS": sentence("Whole months and days"),
        "CAL_DAYS": sentence("Calendar days"),
    },
    "billing_buyout_rule.scale": {
        "percentage": sentence("One percentage"),
        "by_contract_month": sentence("By month of the contract"),
        "by_moment": sentence("By the moment of leaving"),
    },
    "knowledge_base_article.audience": {
        "handlers": sentence("Handlers"),
        "customers": sentence("Customers"),
        "public": sentence("The public"),
    },
    "*.language": {"nl": sentence("Dutch"), "en": sentence("English")},
    "infra_audit.action": {"insert": sentence("Added"), "update": sentence("Changed"), "delete": sentence("Removed")},
    "infra_audit.relation": TABLES,
}

SCREEN_WORDS = (
    # What piccolo-admin keeps in its own catalogue.
    sentence("About"), sentence("Add Row"), sentence("Add"), sentence("Apply"), sentence("Ascending"), sentence("Back to home page"),
    sentence("Back"), sentence("Change Password"), sentence("Clear filters"), sentence("Close"), sentence("Comma"), sentence("Create"),
    sentence("Current password"), sentence("Dark Mode"), sentence("Days"), sentence("Delete"), sentence("Delimiter"), sentence("Descending"),
    sentence("Download"), sentence("Download failed"), sentence("Download successful"), sentence("Edit"), sentence("Export CSV"),
    sentence("Filter"), sentence("For timestamps which are timezone aware, they will be displayed in this timezone by default."),
    sentence("Form submitted"), sentence("Forms"), sentence("Hide Filters"), sentence("Hide referencing tables"), sentence("Home"),
    sentence("Hours"), sentence("Light Mode"), sentence("Links"), sentence("Loading"), sentence("Log Out"), sentence("Login"),
    sentence("MFA Code"), sentence("MFA Setup"), sentence("Minutes"), sentence("New password confirmation"), sentence("New password"),
    sentence("New value"), sentence("No results found"), sentence("Note: Large data sets may take a while."),
    sentence("Note: They are converted to UTC when stored in the database."), sentence("of"), sentence("page"), sentence("Password"),
    sentence("result(s)"), sentence("rows"), sentence("Save"), sentence("Seconds"), sentence("Select a column to update"),
    sentence("Select a Column"), sentence("Select a table in the sidebar to get started."), sentence("selected result(s) on"),
    sentence("Semicolon"), sentence("Set Timezone"), sentence("Show Filters"), sentence("Show referencing tables"), sentence("Showing"),
    sentence("Sort by"), sentence("Sort"), sentence("Submit"), sentence("Tables"), sentence("Timezone"),
    sentence("Thanks for using Piccolo Admin."), sentence("Update"), sentence("Use again"), sentence("Username"), sentence("Version"),
    sentence("Weeks"), sentence("Welcome to"), sentence("with a matching"),
)  # fmt: skip

LOOSE_WORDS = (
    # What it has in English only; the admin's script puts these in.
    sentence("Successfully added row"), sentence("Successfully applied filter"), sentence("Successfully cleared filters"),
    sentence("Successfully deleted row"), sentence("Successfully saved row"), sentence("Successfully updated rows"),
    sentence("The form has errors."), sentence("The server can't be reached - please try later."), sentence("Unable to delete the row."),
    sentence("Problem logging in"), sentence("Load more"), sentence("Columns"), sentence("Add sort column"), sentence("Remove"),
    sentence("Translations"), sentence("Type here to filter"), sentence("Click for more info"), sentence("All"),
    sentence("Are you sure you want to logout?"), sentence("Are you sure you want to delete this row?"), sentence("contains"),
    sentence("exact"), sentence("starts"), sentence("ends"), sentence("Equals"), sentence("Not Equal"), sentence("Less Than"),
    sentence("Less Than or Equal To"), sentence("Greater Than or Equal To"), sentence("Greater Than"), sentence("Staff admin"),
    sentence("Select a row from"), sentence("new"), sentence("per page"),
    sentence("True"), sentence("False"), sentence("None"), sentence("Toggle all"), sentence("of"),
)  # fmt: skip


def column(name: str, language: str) -> str:
    """What a column is called, in whatever table; its own name in plain words where nobody named it."""
    said = COLUMNS.get(name)
    return catalogue.text(said, language) if said else name.replace("_", " ").capitalize()


def value(table: str, name: str, given: Any, language: str) -> Any:
    """What a value of a column is called; the value itself where it has no other name."""
    said = _values(table, name).get(str(given))
    return catalogue.text(said, language) if said else given


def choices(table: str, name: str, language: str) -> dict[str, dict[str, str]] | None:
    """The named values of a column, as the generated screens show them; None where it has none."""
    named = _values(table, name)
    return {key: {"display_name": catalogue.text(said, language), "value": key} for key, said in named.items()} or None


def _values(table: str, name: str) -> Mapping[str, str]:
    return VALUES.get(f"{table}.{name}") or VALUES.get(f"*.{name}") or (VALUES["termination.state"] if name == "state" else {})


def phrases(language: str) -> dict[str, str]:
    """The screens' own words that are not in piccolo-admin's catalogue."""
    return {said: catalogue.text(said, language) for said in LOOSE_WORDS}
