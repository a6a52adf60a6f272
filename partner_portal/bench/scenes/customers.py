"""Customers large, empty and with the longest names, and what they have."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec

from billing.service import services
from billing.service.services import AgreedTerms
from partner_portal.infra import clock, db
from partner_portal.kernel.dates import ONE_DAY, add_months
from tenants.policy import Segment
from tenants.service import customers
from tenants.service.customers import Address, MainContact, NewCustomer

from .stage import Stage

LONGEST = 200
LONG_NAME = f"Stichting Samenwerkende Zorgaanbieders {'Noordoost-Achterhoek-' * 7}en Omstreken".ljust(LONGEST, "x")
LONG_EMAIL = f"{'a' * 60}@{'langedomeinnaam.' * 8}example.com"

_RUN_ON = ("too_late", "ended", "waiting", "answered", "refused", "withdrawn", "in_draft", "filed_draft", "to_end", "in_bulk", "noticed")
_DUE = {"missed": 51, "due": 76, "due_too": 77, "long_due": 86, "in_bulk_too": 111, "due_later": 121}
"""Days until the term is over, of which some weeks pass before anybody looks; the last to give notice is a month before."""
_BOUND = ("proposal", "at_finance", "countered", "declined", "with_data")


async def enter(stage: Stage, crowd: int) -> None:
    """A large customer, one without anything, one with the longest names, and enough of them for more than one page."""
    async with db.unit_of_work(stage.principal):
        care = await _customer(stage, "Zorggroep De Linde", "inkoop@delinde.example.com")
        empty = await _customer(stage, "Nieuwkomer B.V.", "post@nieuwkomer.example.com")
        long = await _customer(stage, LONG_NAME, LONG_EMAIL)
        stage.things |= {"customer": care, "empty_customer": empty, "long_customer": long}
        for what in _RUN_ON:
            await _service(stage, what, care, f"Internet vestiging {what.replace('_', ' ')}")
        for what in _BOUND:
            await _service(stage, what, care, f"Hosting {what.replace('_', ' ')}", product="hosting", **_bound())
        for what, days in _DUE.items():
            label, whose = ("V" * LONGEST, long) if what == "long_due" else (f"Website {what.replace('_', ' ')}", care)
            await _service(stage, what, whose, label, product="hosting", **_renewed(days))
        await _service(stage, "long", long, "W" * LONGEST, product="hosting", **_bound(), discount_cents=120_00, discount_months=24)
        for nth in range(crowd):
            await _customer(stage, f"Klant {nth:03d}", f"klant{nth}@example.com")
    stage.things |= {
        "service": stage.services["at_finance"],
        "long_service": stage.services["long"],
        "service_to_end": stage.services["to_end"],
        "service_with_data": stage.services["with_data"],
        "answered_service": stage.services["answered"],
    }


async def agree_lately(stage: Stage) -> None:
    """A consumer whose contract can still be withdrawn from."""
    async with db.unit_of_work(stage.principal):
        consumer = await _customer(stage, "Pieter Jansen", "pieter@example.com", segment=Segment.CONSUMER)
        today = clock.today()
        await _service(stage, "new", consumer, "Internet thuis", starts_on=today - ONE_DAY, signed_on=today - ONE_DAY)
    stage.things |= {"consumer": consumer, "new_service": stage.services["new"]}


async def _customer(stage: Stage, name: str, email: str, segment: Segment = Segment.OTHER_BIZ) -> UUID:
    contact = MainContact(name if name == LONG_NAME else f"Contact van {name}", email)
    address = Address(LONG_NAME if name == LONG_NAME else "Dorpsstraat 1", "1234 AB", "Utrecht")
    return await customers.create(stage.owner, NewCustomer(name, segment, contact, address))


async def _service(stage: Stage, what: str, customer: UUID, label: str, *, product: str = "internet", **terms: Any) -> None:
    today = clock.today()
    usual = {"fee_cents": 5000, "starts_on": add_months(today, -30), "paid_until": add_months(today.replace(day=1), 3)}
    agreed = msgspec.convert({"label": label, **usual, **terms}, AgreedTerms, strict=False)
    stage.services[what] = await services.enter(stage.owner, customer=customer, product=product, terms=agreed)


def _bound() -> dict[str, Any]:
    """Terms of two years, of which nine months have passed."""
    begun: date = add_months(clock.today().replace(day=1), -9)
    return {
        "fee_cents": 8995,
        "starts_on": begun,
        "minimum_months": 24,
        "renewal": "FIXED",
        "renewal_months": 12,
        "buyout_rule": "75 %",
    }


def _renewed(days: int) -> dict[str, Any]:
    """Terms that are renewed by the year, with a term that is over in so many days."""
    return {"explicit_end": clock.today() + timedelta(days=days), "minimum_months": 12, "renewal": "FIXED", "renewal_months": 12}
