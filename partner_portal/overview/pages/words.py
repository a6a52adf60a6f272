"""What pages call things: source sentences of the catalogues, by the values that tables hold."""

from __future__ import annotations

from datetime import date

from billing.policy.agreed import Channel
from billing.policy.terms import Align, CountFrom, NoticeUnit, Renewal
from partner_portal.infra import catalogue, formats
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.actor import ActorKind
from tenants.policy import LocationKind, Segment
from terminations.service import proof

SEGMENTS: dict[str, str] = {
    Segment.CONSUMER: sentence("Consumer"),
    Segment.PROTECTED_BIZ: sentence("Protected small business"),
    Segment.OTHER_BIZ: sentence("Other business"),
    Segment.GOV: sentence("Government"),
    Segment.UNKNOWN: sentence("Not known"),
}
SEGMENT_MEANINGS: dict[str, str] = {
    Segment.CONSUMER: sentence(
        "A person who does not buy for a business. The law protects most: at most one month's notice, no renewal for a fixed time, 14 days to"
        " think it over, prices including VAT."
    ),
    Segment.PROTECTED_BIZ: sentence(
        "A business or association with fewer than 50 people. For internet and telephony it is bound for at most 24 months, unless it"
        " expressly chose otherwise."
    ),
    Segment.OTHER_BIZ: sentence(
        "A business with 50 people or more. The contract holds as it is written, except that telephony and internet can be left"
        " with a month's notice after a renewal."
    ),
    Segment.GOV: sentence("A municipality, school, ministry or the like. Treated as any business of 50 people or more."),
    Segment.UNKNOWN: sentence(
        "Until you know it, the customer is treated as a small business, so that nobody is held longer than the law allows."
    ),
}
LANGUAGES: dict[str, str] = {"nl": sentence("Dutch"), "en": sentence("English")}
PLACES: dict[str, str] = {
    LocationKind.BILLING: sentence("Billing address"),
    LocationKind.VISIT: sentence("Visit address"),
}

ACTIONS = proof.DONE

# Who did something, where no name is known.
PERSONS: dict[str, str] = {
    ActorKind.STAFF: sentence("the provider"),
    ActorKind.SYSTEM: sentence("the portal"),
    ActorKind.MEMBER: sentence("a colleague"),
    ActorKind.KEY: sentence("your software"),
    ActorKind.CONTACT: sentence("the customer"),
    ActorKind.CUSTOMER: sentence("the customer"),
    "database": sentence("the provider"),
}

# What the audit trail and the decisions about terms call things.
COLUMNS: dict[str, str] = {
    "name": sentence("Name"),
    "number": sentence("Number"),
    "segment": sentence("Kind of customer"),
    "language": sentence("Language"),
    "country": sentence("Country"),
    "vat_id": sentence("VAT number"),
    "chamber_number": sentence("Chamber of commerce number"),
    "staff_count": sentence("Number of employees"),
    "email": sentence("E-mail"),
    "phone": sentence("Phone"),
    "is_main": sentence("Main contact"),
    "active_until": sentence("Active until"),
    "street": sentence("Street and number"),
    "postcode": sentence("Postcode"),
    "city": sentence("City"),
    "label": sentence("Name of the service"),
    "fee_cents": sentence("Monthly fee (EUR)"),
    "wholesale_cents": sentence("Wholesale fee (EUR)"),
    "quantity": sentence("Quantity"),
    "starts_on": sentence("Starts on"),
    "signed_on": sentence("Signed on"),
    "channel": sentence("Concluded"),
    "minimum_months": sentence("Minimum term (months)"),
    "explicit_end": sentence("Printed end date"),
    "renewal": sentence("Renewal"),
    "renewal_months": sentence("Renewal (months)"),
    "notice_n": sentence("Length of notice"),
    "notice_unit": sentence("Notice counted in"),
    "notice_from": sentence("Notice counts from"),
    "align": sentence("Ends on"),
    "billing_months": sentence("Billed every (months)"),
    "billed_from": sentence("Billed from"),
    "paid_until": sentence("First day not paid"),
    "price_since": sentence("Price since"),
    "credit_mode": sentence("Given back of what was paid in advance"),
    "buyout_rule": sentence("Buyout rule"),
    "discount_cents": sentence("Discount (EUR)"),
    "discount_months": sentence("Discount earned in months"),
    "discount_full": sentence("Discount paid back as a whole"),
    "equipment_cents": sentence("Equipment value (EUR)"),
    "equipment_months": sentence("Equipment written off in months"),
    "equipment_by_day": sentence("Equipment written off by day"),
    "bundle": sentence("Bundle"),
    "waiver_document": sentence("Document: protection waived"),
    "long_notice_document": sentence("Document: longer notice asked for"),
    "provider_notice_months": sentence("Provider's own notice (months)"),
    "is_m2m": sentence("Machine to machine"),
}
_VALUES: dict[str, dict[str, str]] = {
    "segment": SEGMENTS,
    "language": LANGUAGES,
    "channel": {
        Channel.ONLINE: sentence("Online"),
        Channel.DISTANCE: sentence("At a distance"),
        Channel.OFF_PREMISES: sentence("Away from the shop"),
        Channel.ON_PREMISES: sentence("In the shop"),
    },
    "renewal": {
        Renewal.NONE: sentence("Ends by itself"),
        Renewal.FIXED: sentence("Renewed for a fixed time"),
        Renewal.INDEF: sentence("Goes on indefinitely"),
    },
    "notice_unit": {
        NoticeUnit.DAYS: sentence("days"),
        NoticeUnit.WEEKS: sentence("weeks"),
        NoticeUnit.MONTHS: sentence("months"),
        NoticeUnit.WORKING_DAYS: sentence("working days"),
    },
    "notice_from": {CountFrom.RECEIPT: sentence("The day of receipt"), CountFrom.NEXT: sentence("The day after receipt")},
    "align": {
        Align.NONE: sentence("Any day"),
        Align.EOM: sentence("The end of a month"),
        Align.PERIOD: sentence("The end of a billing period"),
    },
}
_YES, _NO = sentence("yes"), sentence("no")


def value(column: str, given: object, language: str) -> str:
    """A value of a column as people read it; nothing for nothing."""
    if given is None or given == "":
        return ""
    if isinstance(given, bool):
        return catalogue.text(_YES if given else _NO, language)
    if column.endswith("_cents") and isinstance(given, int):
        return formats.money(given, language)
    if column == "country":
        return formats.country(str(given), language)
    said = _VALUES.get(column, {}).get(str(given))
    if said:
        return catalogue.text(said, language)
    if column.endswith(("_on", "_until", "_end", "_from")) and isinstance(given, str):
        return formats.day(date.fromisoformat(given[:10]), language)
    return str(given)
