"""Documents of every VAT case and kind for tests, as they would be read from the rows on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from billing.policy.debit import Collection
from billing.policy.drafting import amounts, due_on, payment_reference, unit_price
from billing.policy.ledger import DraftLine, Kind, Layer, LineKind, Unit
from billing.policy.tax import Vat, VatCategory
from billing.service.documents import Document, DocumentLine, Earlier
from billing.service.parties import Party
from partner_portal.kernel.money import Money

ISSUED = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
DECEMBER = (date(2026, 12, 1), date(2027, 1, 1))
HOUSE = Party(
    name="Kadetel B.V.", street="Kade 1", postcode="3011 AB", city="Rotterdam", country="NL", vat_id="NL999999990B29", chamber_number="12345678",
    email="facturen@kadetel.example.com", iban="NL05TEST0417164300", bic="TESTNL2A",
)  # fmt: skip
BAKERY = Party(
    name="Bakkerij De Korenbloem B.V.", street="Kerkstraat 12", postcode="9401 GX", city="Assen", country="NL", vat_id="NL100000009B01",
    chamber_number="87654321", email="administratie@korenbloem.example.com", number="NRD-C-00004",
)  # fmt: skip
PERSON = Party(
    name="Pieter Jansen",
    street="Dorpsweg 7",
    postcode="1234 AB",
    city="Utrecht",
    country="NL",
    email="pieter@example.com",
    number="NRD-C-00007",
)
GERMAN = Party(
    name="Müller & Söhne GmbH", street="Hauptstraße 5", postcode="50667", city="Köln", country="DE", vat_id="DE136695976", chamber_number="HRB 4711",
    email="rechnung@mueller.example.com", number="NRD-C-00009",
)  # fmt: skip
GERMAN_PERSON = Party(
    name="Erika Mustermann",
    street="Heidestraße 17",
    postcode="51147",
    city="Köln",
    country="DE",
    email="erika@example.com",
    number="NRD-C-00010",
)
AMERICAN = Party(
    name="Example Corp.",
    street="1 Main Street",
    postcode="10001",
    city="New York",
    country="US",
    email="ap@example.com",
    number="NRD-C-00011",
)
BRITISH = Party(
    name="Example Ltd",
    street="1 High Street",
    postcode="SW1A 1AA",
    city="London",
    country="GB",
    vat_id="GB980780684",
    email="ap@ltd.example.com",
    number="NRD-C-00012",
)

COLLECTED = Collection(
    on=date(2026, 12, 22), amount_cents=10884, mandate="NRD-M-00012", creditor_id="NL98ZZZ999999990000", iban="NL91ABNA0417164300"
)
DECEMBERS, JANUARYS = (Earlier(UUID(int=nth), f"HUIS-F2026-00008{nth}", date(2026, 11, nth)) for nth in (7, 8))
NL, NL_TOLD = Vat(), Vat(prices_include_vat=True)
SHIFTED = Vat(category=VatCategory.REVERSE_CHARGE, rate=Decimal(0), country="DE")
GERMAN_TOLD = Vat(rate=Decimal(19), country="DE", prices_include_vat=True)
OUTSIDE = Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0), country="US")


def line(description: str = "Internet Zakelijk 1 Gbit/s", cents: int = 8995, **given: Any) -> DraftLine:
    """A month of a service at so many cents, as the price is told."""
    sign = 1 if cents >= 0 else -1
    usual: dict[str, Any] = {
        "kind": LineKind.RECURRING,
        "description": description,
        "amount_cents": cents,
        "unit_price": abs(Decimal(cents)) / 100,
        "quantity": Decimal(sign),
        "unit": Unit.MONTH,
        "vat": NL,
        "period": DECEMBER,
    }
    return DraftLine(**(usual | given))


def damage(cents: int = 15000) -> DraftLine:
    """A broken router."""
    return line("Schade aan router in bruikleen", cents, kind=LineKind.DAMAGES, unit=Unit.PIECE, period=None, vat=OUTSIDE)


def document(
    *lines: DraftLine, debtor: Party = BAKERY, kind: Kind = Kind.INVOICE, number: str = "HUIS-F2026-000123", **given: Any
) -> Document:
    """The document with these lines, as it was issued on 22 November 2026; `takes_back` says what the how manieth lines correct."""
    taken_back: dict[int, Earlier] = given.pop("takes_back", {})
    chosen: Sequence[DraftLine] = lines or (line(),)
    sums = amounts(chosen)
    spans = [one.period for one in chosen if one.period]
    usual: dict[str, Any] = {
        "id": UUID(int=1), "tenant": UUID(int=2), "customer": UUID(int=3), "issuer_id": UUID(int=4), "layer": Layer.CUSTOMER, "kind": kind,
        "number": number, "reference": payment_reference(number), "issued_on": ISSUED.date(), "issued_at": ISSUED,
        "due_on": due_on(ISSUED.date(), kind, 30), "period": (min(a for a, _ in spans), max(b for _, b in spans)) if spans else None,
        "language": "nl", "prices_include_vat": chosen[0].vat.prices_include_vat, "net": Money(sums.net_cents), "vat": Money(sums.vat_cents),
        "gross": Money(sums.gross_cents), "issuer": HOUSE, "debtor": debtor, "buyer_reference": None,
        "corrects": Earlier(UUID(int=5), "HUIS-F2026-000100", date(2026, 11, 1)) if kind is Kind.CREDIT_NOTE else None,
        "reason": "Dienst beëindigd op 15 december 2026" if kind is Kind.CREDIT_NOTE else None,
        "lines": tuple(
            DocumentLine(
                position=place, kind=one.kind, description=one.description, quantity=one.quantity, unit=one.unit, unit_price=unit_price(one, net),
                net=Money(net), amount=Money(one.amount_cents), vat=one.vat, period=one.period, service="NRD-D-000417" if one.period else None,
                why=one.why, corrects=taken_back.get(place),
            )
            for place, (one, net) in enumerate(zip(chosen, sums.nets, strict=True), 1)
        ),
        "totals": sums.totals,
    }  # fmt: skip
    return Document(**(usual | given))


def every_case() -> dict[str, Document]:
    """One of each: VAT, kind, direction and awkwardness."""
    told = line(cents=4500, vat=NL_TOLD)
    return {
        "business": document(),
        "business without numbers": document(debtor=PERSON),
        "many lines": document(*(line(f"Internet vestiging {nth}", 8995 + nth) for nth in range(60))),
        "part of a month": document(
            line(cents=4643, quantity=Decimal("0.5161"), unit_price=Decimal("89.95"), period=(date(2026, 12, 16), date(2027, 1, 1)))
        ),
        "with a credit": document(line(), line("Terug: vooruitbetaald", -4643, kind=LineKind.CREDIT, unit=Unit.PIECE, period=None)),
        "more back than billed": document(
            line(cents=1000), line("Terug: vooruitbetaald", -4643, kind=LineKind.CREDIT, unit=Unit.PIECE, period=None)
        ),
        "final bill": document(
            line("Afkoop 6 maanden x EUR 89,95 x 75 %", 40478, kind=LineKind.BUYOUT, unit=Unit.PIECE, period=None),
            line("Restwaarde router", 6000, kind=LineKind.RESIDUAL, unit=Unit.PIECE, period=None),
            line("Administratiekosten", 2500, kind=LineKind.HANDLING, unit=Unit.PIECE, period=None),
            line("Verbruik november", 1337, kind=LineKind.USAGE, unit=Unit.PIECE, period=(date(2026, 11, 1), date(2026, 12, 1))),
            line("Terug: 16 tot en met 31 december", -4643, kind=LineKind.CREDIT, unit=Unit.PIECE, period=None),
        ),
        "usage at fractions of a cent": document(
            line("Gesprekken", 1234, kind=LineKind.USAGE, quantity=Decimal(1763), unit_price=Decimal("0.007"), unit=Unit.PIECE)
        ),
        "business with a VAT number only": document(debtor=replace(BAKERY, chamber_number=None)),
        "consumer": document(told, line("Domeinnaam", 999, vat=NL_TOLD), line("Telefonie", 1001, vat=NL_TOLD), debtor=PERSON),
        "eu business": document(line(vat=SHIFTED), debtor=GERMAN, language="en"),
        "eu consumer": document(line(cents=4500, vat=GERMAN_TOLD), debtor=GERMAN_PERSON, language="en"),
        "abroad": document(line(vat=OUTSIDE), debtor=AMERICAN, language="en"),
        "abroad with a number": document(line(vat=outside("GB")), debtor=BRITISH, language="en"),
        "credit note": document(line(cents=4643), kind=Kind.CREDIT_NOTE, number="HUIS-C2026-000007"),
        "credit note for a consumer": document(told, debtor=PERSON, kind=Kind.CREDIT_NOTE, number="HUIS-C2026-000008"),
        "credit note, reverse charge": document(line(vat=SHIFTED), debtor=GERMAN, kind=Kind.CREDIT_NOTE, number="HUIS-C2026-000009"),
        "final bill of several": document(
            line("Afkoop", 40478, kind=LineKind.BUYOUT, unit=Unit.PIECE, period=None, why={"ends_on": "2026-12-15"}),
            line("Terug: 16 tot en met 31 december", -4643, kind=LineKind.CREDIT, unit=Unit.PIECE),
            line("Terug: januari", -8995, kind=LineKind.CREDIT, unit=Unit.PIECE, period=(date(2027, 1, 1), date(2027, 2, 1))),
            line("Terug: toeslag december", -100, kind=LineKind.CREDIT, unit=Unit.PIECE),
            takes_back={2: DECEMBERS, 3: JANUARYS, 4: DECEMBERS},
        ),
        "credit note of damages": document(
            damage(),
            kind=Kind.CREDIT_NOTE,
            number="HUIS-C2026-000011",
            corrects=Earlier(UUID(int=6), "HUIS-S2026-000003", date(2026, 11, 3), Kind.DAMAGES),
        ),
        "credit note of late costs": document(
            line("Wettelijke rente", 812, kind=LineKind.CREDIT, unit=Unit.PIECE, period=None, vat=outside("NL")),
            debtor=PERSON,
            kind=Kind.CREDIT_NOTE,
            number="HUIS-C2026-000012",
            corrects=Earlier(UUID(int=6), "HUIS-S2026-000004", date(2026, 11, 3), Kind.COSTS),
        ),
        "billed abroad": document(debtor=replace(BAKERY, street="Hauptstraße 5", postcode="50667", city="Köln", address_country="DE")),
        "of abroad, billed here": document(
            line(vat=SHIFTED), debtor=replace(GERMAN, chamber_number="12345678", address_country="NL"), language="en"
        ),
        "VAT number as it was typed": document(debtor=replace(BAKERY, chamber_number=None, vat_id=" 1000.00.009.b01")),
        "OIN": document(
            debtor=replace(BAKERY, chamber_number=None, vat_id=None, endpoint_scheme="0190", endpoint_id="00000001234567890000")
        ),
        "credit note abroad": document(line(vat=OUTSIDE), debtor=AMERICAN, kind=Kind.CREDIT_NOTE, number="HUIS-C2026-000010"),
        "damages": document(damage(), kind=Kind.DAMAGES, number="HUIS-S2026-000003"),
        "damages for a consumer": document(damage(), debtor=PERSON, kind=Kind.DAMAGES, number="HUIS-S2026-000004"),
        "wholesale": document(line("Internet (inkoop)", 6000), layer=Layer.PARTNER, customer=None),
        "collected": document(collects=COLLECTED),
        "collected from a consumer": document(told, debtor=PERSON, collects=COLLECTED),
        "collected abroad": document(line(vat=SHIFTED), debtor=GERMAN, language="en", collects=COLLECTED),
        "damages that are collected": document(damage(), kind=Kind.DAMAGES, number="HUIS-S2026-000005", collects=COLLECTED),
        "own reference": document(buyer_reference="PO 4711/2026"),
        "hostile words": document(line("Kabel \x0b<b>&</b> \U0001f50c " + "lang" * 40), debtor=PERSON),
    }


def outside(country: str) -> Vat:
    """Outside VAT in this country."""
    return Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0), country=country)


HOSTILE = [
    "a\x00b\x01c", "\x85\u2028\ufffe", "  ", "\u202eevil\u202c", "\U0001f600", "x" * 5000, "<b>&amp;]]>\"'", "a\ud800b", "a\r\nb\tc",
]  # fmt: skip


def saying(said: str, one: Document) -> Document:
    """The document with these words wherever somebody may type words."""
    debtor = replace(one.debtor, name=said, street=said, city=said, postcode=said, number=said, email=said, vat_id=said)
    lines = [replace(line, description=said, service=said) for line in one.lines]
    return replace(one, debtor=debtor, issuer=replace(one.issuer, name=said), lines=lines, reason=said, buyer_reference=said)
