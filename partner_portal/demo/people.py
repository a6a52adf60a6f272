"""Who lives in the demo: invented companies, reserved domains, one password for all."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec

from billing.service.issuers import IssuerDetails
from partner_portal.kernel.actor import Role, StaffRole
from partner_portal.kernel.dates import add_months, first_of_month
from tenants.policy import Segment, WhoBills

PASSWORD = "welkom-in-de-demo"  # noqa: S105  # the demo's door is open on purpose: loopback only, invented people


class Someone(msgspec.Struct, frozen=True):
    """A person who signs in."""

    name: str
    email: str
    role: Role


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """A partner with its people."""

    code: str
    name: str
    bills: WhoBills
    colour: str
    email: str
    phone: str
    address: str
    members: tuple[Someone, ...]


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A customer of a partner, with services as (product, label, terms)."""

    name: str
    segment: Segment
    contact: str
    email: str
    street: str
    postcode: str
    city: str
    language: str = "nl"
    services: tuple[tuple[str, str, dict[str, Any]], ...] = ()


STAFF = (
    ("fien", "Fien de Wit", frozenset({StaffRole.FINANCE})),
    ("frits", "Frits Bakker", frozenset({StaffRole.FINANCE})),
    ("dirk", "Dirk Visser", frozenset({StaffRole.SERVICE_DESK})),
    ("eva", "Eva Smit", frozenset({StaffRole.EDITOR})),
    ("beheer", "Anna Beheer", frozenset({StaffRole.ADMINISTRATOR})),
)

HOUSE_DETAILS = IssuerDetails(
    name="Voorbeeld Hosting B.V.",
    street="Serverlaan 1",
    postcode="3011 AB",
    city="Rotterdam",
    email="facturen@voorbeeldhosting.example.com",
    vat_id="NL999999990B29",
    chamber_number="12345678",
    iban="NL05TEST0417164300",
    creditor_id="NL69ZZZ123456780000",
)
ZUIDERZEE_DETAILS = IssuerDetails(
    name="Zuiderzee Telecom B.V.",
    street="Havenkade 3",
    postcode="8311 AA",
    city="Espel",
    email="facturen@zuiderzee.example.com",
    vat_id="NL100000009B01",
    chamber_number="87654321",
    iban="NL61BANK0123456780",
)
NOORDERLICHT = Organisation(
    code="NRD",
    name="Noorderlicht ICT",
    bills=WhoBills.DIRECT,
    colour="#0b6e4f",
    email="service@noorderlicht.example.com",
    phone="+31201234567",
    address="Poolstraat 12\n1013 AB  Amsterdam",
    members=(
        Someone("Nora Noorderlicht", "nora@noorderlicht.example.com", Role.OWNER),
        Someone("Niels de Boer", "niels@noorderlicht.example.com", Role.CLERK),
        Someone("Nadia Lezer", "nadia@noorderlicht.example.com", Role.READER),
    ),
)
ZUIDERZEE = Organisation(
    code="ZUD",
    name="Zuiderzee Telecom",
    bills=WhoBills.OWN_NAME,
    colour="#8a3b12",
    email="klanten@zuiderzee.example.com",
    phone="+31501234567",
    address="Havenkade 3\n8311 AA  Espel",
    members=(
        Someone("Zeno Zuiderzee", "zeno@zuiderzee.example.com", Role.OWNER),
        Someone("Zoë Kramer", "zoe@zuiderzee.example.com", Role.CLERK),
    ),
)

SIGN_IN_TOO = ("bram@dekorst.example.com", "pieter@devries.example.com", "laura@lighthouse.example.com", "sjaak@snel.example.com")
"""Customers' main contacts who have taken their account; the others may be invited."""

PRODUCTS = (
    ("glas-500", "Glasvezel internet 500", "Fibre internet 500", "ECS", ""),
    ("voip", "Telefonie per nummer", "Telephony per number", "ECS", "numbers"),
    ("werkplek", "Telecombundel werkplek", "Workplace telecom bundle", "BUNDLE", "numbers"),
    ("webhosting", "Webhosting", "Web hosting", "OTHER", "data"),
    ("domein", "Domeinnaam", "Domain name", "OTHER", "domain"),
    ("cloudserver", "Cloudserver", "Cloud server", "CLOUD", "data"),
    ("sla", "Beheer en SLA", "Management and SLA", "OTHER", ""),
)

BUYOUT_RULES = (
    ("75 % van de resterende maanden", "FULL_STARTED", "percentage", "75", "[]", 2500),
    ("100 % per kalenderdag", "CAL_DAYS", "percentage", "100", "[]", 0),
    (
        "Aflopend per contractjaar",
        "FULL_FLOOR_DAYS",
        "by_contract_month",
        "100",
        '[{"from_month": 1, "percentage": "100"}, {"from_month": 13, "percentage": "75"}, {"from_month": 25, "percentage": "50"}]',
        2500,
    ),
)

ARTICLES = (
    ("nl", "public", "Hoe zeg ik een contract op?",
     "Vraag het uw leverancier. U krijgt een mail met een link; op de pagina ziet u dienst, einddatum en bedrag, en zegt u ja of nee."),
    ("nl", "public", "Wat is een afkoopsom?",
     "De prijs om eerder te vertrekken dan uw contract loopt. U ziet vooraf hoe de som is opgebouwd en betaalt niets zonder uw akkoord."),
    ("nl", "customers", "Kan ik mijn telefoonnummer meenemen?",
     "Ja. Laat uw nieuwe aanbieder het nummer opvragen, tot een maand na het einde van de dienst."),
    ("nl", "handlers", "Wanneer keur ik een afkoop goed?",
     "Vergelijk de berekende som met het voorstel, let op de grens voor de tweede handtekening, en schrijf bij een aanpassing de reden op."),
    ("en", "public", "How do I end a contract?",
     "Ask your supplier. You get a mail with a link; the page shows service, end date and amount, and you say yes or no."),
    ("en", "customers", "Can I keep my telephone number?",
     "Yes. Let your new provider ask for it, until one month after the service has ended."),
)  # fmt: skip


def clients(today: date) -> dict[str, tuple[Client, ...]]:
    """The customers of each partner, with contracts that are young, old, bound and free on `today`."""
    month = first_of_month(today)
    ahead = add_months(month, 1)
    bound = {"starts_on": add_months(month, -8), "minimum_months": 24, "renewal": "FIXED", "renewal_months": 12, "paid_until": ahead}
    free = {"starts_on": add_months(month, -40), "minimum_months": 12, "paid_until": ahead}
    old = {"starts_on": add_months(month, -30), "minimum_months": 24, "renewal": "FIXED", "renewal_months": 12, "paid_until": ahead}
    soon = {"starts_on": add_months(month, -22), "minimum_months": 24, "renewal": "FIXED", "renewal_months": 12, "paid_until": ahead}
    scale = {"buyout_rule": "75 % van de resterende maanden"}
    noord = (
        _client("Bakkerij De Korst", "PROTECTED_BIZ", "Bram Korst", "bram@dekorst.example.com", "Molenweg 4", "3512 AB", "Utrecht",
                ("glas-500", "Internet winkel Utrecht", {**free, "fee_cents": 4995}),
                ("webhosting", "Webshop dekorst.example.com", {**bound, **scale, "fee_cents": 8995}),
                ("domein", "dekorst.example.com", {**free, "fee_cents": 125, "billing_months": 12})),
        _client("Advocatenkantoor Van Dam & Zn.", "OTHER_BIZ", "Mr. E. van Dam", "dam@vandam.example.com", "Gracht 101", "1015 AA", "Amsterdam",
                ("cloudserver", "Dossierserver", {**bound, "buyout_rule": "Aflopend per contractjaar", "fee_cents": 42500}),
                ("werkplek", "Bundel kantoor, 12 werkplekken", {**old, **scale, "fee_cents": 3450, "quantity": 12, "bundle": "kantoor"}),
                ("sla", "Beheer kantoor", {**old, **scale, "fee_cents": 19500, "notice_n": 3}),
                ("webhosting", "Kantoorsite vandam.example.com", {**soon, **scale, "fee_cents": 4450})),
        _client("Pieter de Vries", "CONSUMER", "Pieter de Vries", "pieter@devries.example.com", "Laan 8", "2511 CD", "Den Haag",
                ("glas-500", "Internet thuis", {**bound, **scale, "fee_cents": 5250, "discount_cents": 9000, "discount_months": 24}),
                ("webhosting", "Familiesite", {**old, "fee_cents": 999})),
        _client("Gemeente Waterland (fictief)", "GOV", "Wil Water", "ict@waterland.example.com", "Plein 1", "1141 AA", "Monnickendam",
                ("glas-500", "Internet stadhuis", {**old, **scale, "fee_cents": 28900})),
        _client("Fietsenmakerij Het Achterwiel", "PROTECTED_BIZ", "Aad Wiel", "aad@achterwiel.example.com", "Spaakstraat 9", "9711 EF", "Groningen",
                ("voip", "Twee telefoonnummers", {**free, "fee_cents": 895, "quantity": 2}),
                ("glas-500", "Internet werkplaats", {**bound, **scale, "fee_cents": 4995, "equipment_cents": 24000, "equipment_months": 24})),
        _client("Lighthouse Design Ltd", "OTHER_BIZ", "Laura Light", "laura@lighthouse.example.com", "Kade 22", "3011 GH", "Rotterdam",
                ("cloudserver", "Design archive", {**free, "fee_cents": 18900, "notice_n": 2}), language="en"),
    )  # fmt: skip
    zuid = (
        _client("Camping De Duinrand", "PROTECTED_BIZ", "Door Duin", "door@duinrand.example.com", "Zandpad 1", "8891 JK", "Midsland",
                ("glas-500", "Internet camping", {**free, "fee_cents": 7900, "wholesale_cents": 5600}),
                ("voip", "Nummers receptie", {**bound, **scale, "fee_cents": 1250, "wholesale_cents": 800, "quantity": 4})),
        _client("Transportbedrijf Snel B.V.", "OTHER_BIZ", "Sjaak Snel", "sjaak@snel.example.com", "Rondweg 77", "8303 LM", "Emmeloord",
                ("glas-500", "Internet loods", {**bound, **scale, "fee_cents": 9900, "wholesale_cents": 7200}),
                ("cloudserver", "Planning en ritten", {**soon, **scale, "fee_cents": 12900, "wholesale_cents": 9100})),
    )  # fmt: skip
    return {NOORDERLICHT.code: noord, ZUIDERZEE.code: zuid}


def _client(name: str, segment: str, contact: str, email: str, *where_and_what: Any, language: str = "nl") -> Client:
    street, postcode, city, *services = where_and_what
    place = {"street": street, "postcode": postcode, "city": city}
    return Client(name=name, segment=Segment(segment), contact=contact, email=email, language=language, services=tuple(services), **place)


def review_day(today: date) -> date:
    """When an article is to be looked at again."""
    return today + timedelta(days=180)
