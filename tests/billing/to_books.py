"""What goes to the books in tests of the packages: a debtor, documents and what settles them."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import msgspec

from billing.policy.ledger import Kind, LineKind, Unit
from billing.policy.tax import VatCategory
from billing.service.accounting.port import Booking, Contact, SalesDocument, SalesLine, SalesVat, Settlement
from partner_portal.kernel.money import round_half_up

BAKER = Contact(
    key="0193a5b0-0000-7000-8000-000000000001",
    number="NOORD-K000012",
    name="Bakkerij Zoet & Zn. B.V.",
    street="Dorpsstraat 1",
    postcode="1234 AB",
    city="Zaandam",
    country="NL",
    vat_id="NL123456789B01",
    chamber_number="12345678",
    email="boekhouding@zoet.example.com",
)
CONSUMER = msgspec.structs.replace(
    BAKER,
    key="0193a5b0-0000-7000-8000-000000000002",
    number="NOORD-K000013",
    name="Jan de Vries",
    vat_id=None,
    chamber_number=None,
    email=None,
    is_business=False,
)


def line(
    cents: int, *, quantity: str = "1", price: str = "", rate: str = "21", code: str = "501", position: int = 1, **more: object
) -> SalesLine:
    """A line of so many cents as its price is told; `code` is its VAT code there."""
    category = VatCategory.STANDARD if Decimal(rate) else VatCategory.REVERSE_CHARGE
    plain = SalesLine(
        position=position,
        kind=LineKind.RECURRING,
        description="Hosting Groot, december",
        quantity=Decimal(quantity),
        unit=Unit.MONTH,
        unit_price=Decimal(price) if price else Decimal(cents).scaleb(-2),
        net_cents=cents,
        amount_cents=cents,
        vat_category=category,
        vat_rate=Decimal(rate),
        vat_country="NL" if Decimal(rate) else "BE",
        ledger="601",
        vat_code=code,
    )
    return msgspec.structs.replace(plain, **more)


def document(*lines: SalesLine, contact: str, kind: Kind = Kind.INVOICE, incl: bool = False, **more: object) -> SalesDocument:
    """A document of these lines, its VAT by rate over all of them, as ours have it."""
    sums: dict[tuple[VatCategory, Decimal, str, str], int] = defaultdict(int)
    for one in lines:
        sums[one.vat_category, one.vat_rate, one.vat_country, one.vat_code] += one.amount_cents
    totals = []
    for (category, rate, country, code), cents in sums.items():
        tenths = int(rate * 10)
        vat = round_half_up(cents * tenths, 1000 + tenths) if incl else round_half_up(cents * tenths, 1000)
        base = cents - vat if incl else cents
        totals.append(SalesVat(category=category, rate=rate, country=country, vat_code=code, base_cents=base, vat_cents=vat))
    net, vat = sum(one.base_cents for one in totals), sum(one.vat_cents for one in totals)
    number = "HUIS-C2026-000007" if kind is Kind.CREDIT_NOTE else "HUIS-F2026-000041"
    plain = SalesDocument(
        key="0193a5b0-0000-7000-8000-00000000000c" if kind is Kind.CREDIT_NOTE else "0193a5b0-0000-7000-8000-00000000000d",
        kind=kind,
        number=number,
        reference="RF18000000000539007547034",
        issued_on=date(2026, 11, 23),
        due_on=date(2026, 12, 7),
        contact=contact,
        debtor=BAKER,
        prices_include_vat=incl,
        net_cents=net,
        vat_cents=vat,
        gross_cents=net + vat,
        lines=lines,
        totals=tuple(totals),
        ubl=b"<?xml version='1.0'?><Invoice/>",
        pdf=b"%PDF-1.7\r\n--\r\n",
    )
    return msgspec.structs.replace(plain, **more)


def booking(paid: str, cents: int, *, number: int = 1) -> Booking:
    """So much money that arrived for the document."""
    return Booking(
        key=f"0193a5b0-0000-7000-8000-0000000001{number:02d}",
        document=paid,
        number="HUIS-F2026-000041",
        contact="",
        amount_cents=cents,
        on=date(2026, 11, 30),
        source="gateway",
        method="ideal",
        ledger="602",
    )


def settlement(credit: str, paid: str, cents: int, *, number: int = 1, known: tuple[str, ...] = ()) -> Settlement:
    """So much of the credit note settles so much of the document."""
    return Settlement(
        key=f"0193a5b0-0000-7000-8000-0000000002{number:02d}",
        credit=credit,
        document=paid,
        number="HUIS-F2026-000041",
        amount_cents=cents,
        on=date(2026, 11, 30),
        known=known,
    )
