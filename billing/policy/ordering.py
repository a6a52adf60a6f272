"""What an order agrees on: which terms a service gets from what is on offer, and what is told about them before anybody accepts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from partner_portal.kernel.dates import ONE_DAY, Period, add_months, statutory_days_end
from tenants.policy import Segment, WhoBills

from .agreed import Channel, CreditMode
from .charges import Proration
from .terms import Align, NoticeUnit, Renewal

COOLING_OFF_DAYS = 14
LONGEST_AHEAD = timedelta(days=365)
"""How far ahead a service can be ordered."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What is sold, on which terms, at the prices in force on the day of the order.

    Amounts in cents per unit and month (`setup_cents` once per unit), for consumers with VAT inside; `wholesale_cents` and `wholesale_setup_cents`
    are toward a partner that bills in its own name, without VAT.
    """

    code: str
    product: str
    name_nl: str
    name_en: str
    is_for_consumers: bool
    has_numbers: bool
    fee_cents: int
    setup_cents: int
    wholesale_cents: int | None
    wholesale_setup_cents: int
    minimum_months: int
    renewal: Renewal
    renewal_months: int
    notice_n: int
    notice_unit: NoticeUnit
    align: Align
    billing_months: int
    in_advance: bool
    proration: Proration
    credit_mode: CreditMode
    buyout_rule: str | None
    pause_months: int = 0
    pause_extends: bool = True

    def name(self, language: str) -> str:
        """What it is called."""
        return self.name_nl if language == "nl" else self.name_en


class ShownTerms(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order as it was shown before it was accepted: what the customer is bound to, in figures."""

    offer: str
    name: str
    quantity: int
    fee_cents: int
    setup_cents: int
    prices_include_vat: bool
    starts_on: date
    bound_until: date | None
    notice_n: int
    notice_unit: NoticeUnit
    renewal: Renewal
    renewal_months: int
    billing_months: int
    in_advance: bool
    buyout_rule: str | None
    pause_months: int = 0
    pause_extends: bool = True


class OwnPrice(msgspec.Struct, frozen=True):
    """What a partner that bills in its own name asks of its customer: per unit and month, and once per unit."""

    fee_cents: int
    setup_cents: int = 0


def suits(offer: Offer, segment: Segment) -> bool:
    """Whether the offer is for this kind of customer: prices for consumers include VAT, all others' do not."""
    return offer.is_for_consumers is (segment is Segment.CONSUMER)


def shown(offer: Offer, *, language: str, quantity: int, starts_on: date, own: OwnPrice | None = None) -> ShownTerms:
    """The terms of one line as the customer sees them; `own` is what a partner that bills in its own name asks instead.

    `bound_until` is the last day of the minimum term, None where there is none.
    """
    bound = Period(starts_on, add_months(starts_on, offer.minimum_months)).until - ONE_DAY if offer.minimum_months else None
    return ShownTerms(
        offer=offer.code,
        name=offer.name(language),
        quantity=quantity,
        fee_cents=own.fee_cents if own else offer.fee_cents,
        setup_cents=own.setup_cents if own else offer.setup_cents,
        prices_include_vat=offer.is_for_consumers,
        starts_on=starts_on,
        bound_until=bound,
        notice_n=offer.notice_n,
        notice_unit=offer.notice_unit,
        renewal=offer.renewal,
        renewal_months=offer.renewal_months,
        billing_months=offer.billing_months,
        in_advance=offer.in_advance,
        buyout_rule=offer.buyout_rule,
        pause_months=offer.pause_months,
        pause_extends=offer.pause_extends,
    )


def seal(terms: Sequence[ShownTerms]) -> str:
    """The fingerprint of shown terms: an order that names another was made from terms that are no longer those."""
    return hashlib.sha256(msgspec.json.encode(list(terms), order="deterministic")).hexdigest()


def sets_own_price(bills: WhoBills) -> bool:
    """Whether the partner itself says what its customer pays: only where it bills in its own name."""
    return bills is WhoBills.OWN_NAME


def cooling_off_ends(segment: Segment, channel: Channel, placed_on: date) -> date | None:
    """The last day on which a consumer can withdraw, counted from the day after the order; None for others, and for contracts concluded in person.

    BW 6:230o; moved on where it ends on no working day (Algemene termijnenwet art. 1).
    """
    return statutory_days_end(placed_on, COOLING_OFF_DAYS) if segment is Segment.CONSUMER and is_at_a_distance(channel) else None


def is_at_a_distance(channel: Channel) -> bool:
    """Whether a consumer can withdraw from a contract concluded so within fourteen days (BW 6:230o)."""
    return channel is not Channel.ON_PREMISES
