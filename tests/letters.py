"""The words that mails, letters and pages are filled with in tests: one invented case, told once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace as Words
from typing import Any

from partner_portal.infra.brand import Brand
from partner_portal.kernel.money import Money

PROVIDER = "Kadetel"
BRAND = Brand(
    name="Noord ICT",
    colour="#e07b00",
    email="service@noord-ict.example.com",
    phone="+31 592 012 345",
    website="noord-ict.example.com",
    address="Noord ICT B.V.\nStationsplein 1\n9401 AA Assen",
)
LINK = "https://portal.example.com/confirm/2fQ8hJ0nVbW1c9sXyTz4LkRmGd7AeUoP5iNqKvHwEjY"
NIGHT = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)

EXPLAINED = {
    "nl": [
        ("Afkoop resterende looptijd", "Er resten 6 maanden, tegen 75 % van het maandbedrag.", "6 mnd x EUR 89,95 x 75 %", "Contract artikel 7.2", 40478),
        ("Restwaarde router", "De router is over 36 maanden afgeschreven; er resten 12 maanden.", "12/36 x EUR 180,00", "Contract artikel 9", 6000),
        ("Administratiekosten", "Eenmalig bij vertrek voor het einde van de looptijd.", "", "Contract artikel 7.4", 2500),
        ("Terug: vooruitbetaald 16 tot en met 31 december", "Deze dagen zijn al betaald en worden niet geleverd.", "16/31 x EUR 89,95", "BW 6:271", -4643),
    ],
    "en": [
        ("Buyout of the remaining term", "Six months remain; agreed is 75% of the monthly fee.", "6 months x EUR 89.95 x 75%", "Contract article 7.2", 40478),
        ("Remaining value of the router", "The router is written off in 36 months; 12 remain.", "12/36 x EUR 180.00", "Contract article 9", 6000),
        ("Handling", "Once, when leaving before the end of the term.", "", "Contract article 7.4", 2500),
        ("Back: paid ahead for 16 to 31 December", "These days were paid and are not delivered.", "16/31 x EUR 89.95", "BW 6:271", -4643),
    ],
}  # fmt: skip
RULE = {
    "nl": "Opzegtermijn een maand, ontvangen op 22 november 2026, tegen elke dag.",
    "en": "One month's notice, received on 22 November 2026, for any day.",
}
ASKED = {"nl": "beëindig Glasvezel Zakelijk op 15 december 2026", "en": "end Glasvezel Zakelijk on 15 December 2026"}


def sheet(language: str) -> Words:
    """The bill of the case."""
    lines = [
        Words(label=label, explanation=why, formula=formula, basis=basis, amount=Money(cents), includes_vat=False)
        for label, why, formula, basis, cents in EXPLAINED[language]
    ]
    return Words(lines=lines, base=Money(44335), vat=Money(9310), total=Money(53645))


def line(language: str, **other: Any) -> Words:
    """One service that ends."""
    words = {
        "service": "Glasvezel Zakelijk",
        "reference": "D-100417",
        "location": "Kerkstraat 12, Assen",
        "ends_on": date(2026, 12, 15),
        "billing_ends_on": date(2026, 12, 22),
        "fees": None,
        "notice_rule": RULE[language],
    }
    return Words(**(words | other))


def words(language: str, **other: Any) -> dict[str, Any]:
    """Every word that any template of the journey asks for."""
    given = {
        "brand": BRAND,
        "provider": PROVIDER,
        "case": Words(
            number="NRD-2026-0042",
            customer="Bakkerij De Korenbloem",
            partner="Noord ICT",
            requested_by="Jikke de Boer (Noord ICT)",
            received_at=NIGHT,
        ),
        "lines": [line(language)],
        "amount": Money(53645),
        "final": Money(49002),
        "has_buyout": True,
        "by_notice": False,
        "by_customer": False,
        "customer_pays": True,
        "earlier": Words(day=date(2026, 12, 31), amount=Money(103643)),
        "notice": Words(
            number="NRD-2026-0042", kind="ordinary", name="M. Korenaar", customer_text="NRD-C-00004", contract_text="D-100417", reason="",
            wished="", wished_on=None, email="marit@korenbloem.example.com", received_at=NIGHT, why="uncertain", look_by=date(2026, 11, 24),
        ),
        "today": date(2026, 11, 22),
        "case_number": "NRD-2026-0042",
        "verified": True,
        "answer": "Wij vinden geen contract met dit nummer.\nStuurt u ons een factuur?",
        "sheet": sheet(language),
        "payer": "Bakkerij De Korenbloem",
        "needs_two": True,
        "adjustment": Words(computed=Money(61100), reason="Klant verhuist naar een adres zonder glasvezel."),
        "limit": Money(50000),
        "first_decider": "Ank Visser",
        "asked_by": "Jikke de Boer (Noord ICT)",
        "offered": Money(30000),
        "proposed": Money(53645),
        "decision": "approve",
        "decided_by": "Marit Korenaar",
        "decided_at": datetime(2026, 11, 23, 8, 12, tzinfo=UTC),
        "reason": "Wij verhuizen en willen <b>opnieuw</b> overleggen & rekenen.",
        "note": "Meer past niet in de begroting van dit jaar.",
        "offer": "",
        "error": None,
        "sent_to": "m•••@korenbloem.example.com",
        "lapsed_at": datetime(2026, 12, 7, 5, 0, tzinfo=UTC),
        "reported_at": datetime(2026, 11, 23, 8, 12, tzinfo=UTC),
        "first_free_end": date(2027, 6, 15),
        "code": "482 913",
        "link": LINK,
        "valid_until": date(2026, 12, 6),
        "withdraw_until": date(2026, 12, 10),
        "content": ASKED[language],
        "after": [
            Words(kind="number", what="0592 012 346", until=date(2026, 12, 15), plan="take_along"),
            Words(kind="domain", what="korenbloem.test", until=date(2027, 1, 15), plan="undecided"),
            Words(kind="mailbox", what="info@korenbloem.test", until=date(2027, 1, 15), plan="undecided"),
            Words(kind="data", what="reservekopie", until=date(2027, 1, 15), plan="undecided"),
            Words(kind="equipment", what="router", until=date(2026, 12, 29), plan="undecided"),
        ],
        "steps": [
            Words(who="Jikke de Boer (Noord ICT)", what={"nl": "Opzegging ingediend", "en": "Termination filed"}[language], when=NIGHT, text_version=None),
            Words(
                who="Marit Korenaar (Bakkerij De Korenbloem)",
                what={"nl": "Akkoord gegeven via de link", "en": "Agreed by the link"}[language],
                when=datetime(2026, 11, 23, 8, 12, tzinfo=UTC),
                text_version="3f9a51c07be2",
            ),
        ],
        "outcome": None,
        "document_link": None,
        "text_version": "3f9a51c07be2",
        "reader": "customer",
        "silent": "customer",
        "who": "Bakkerij De Korenbloem",
        "ended": [],
        "standing": "expired",
        "due": Words(overdue=6, within_30=2),
        "soon": [watched("Glasvezel Zakelijk", date(2026, 11, 30), 12, 107940), watched("Telefooncentrale", date(2026, 12, 15), 0, 0)],
        "missed": [watched("Webhosting", date(2026, 11, 15), 1, 4500)],
        "monday": date(2026, 11, 23),
    }  # fmt: skip
    return given | other


def watched(label: str, notice_by: date, months: int, cents: int) -> Words:
    """A service with its last day to give notice."""
    return Words(
        label=label,
        number="D-100417",
        customer_name="Bakkerij De Korenbloem",
        notice_by=notice_by,
        renewal_months=months,
        renewal_cents=cents,
    )


def letter(language: str, **other: Any) -> dict[str, Any]:
    """The words of the confirmation letter."""
    return words(
        language,
        recipient=["Bakkerij De Korenbloem", "t.a.v. Marit Korenaar", "Kerkstraat 12", "9401 GX Assen"],
        issued_at=datetime(2026, 11, 23, 8, 12, 30, tzinfo=UTC),
        number="NRD-2026-0042",
        **other,
    )


TO_PARTNER = {"not_me_reported", "case_refused", "buyout_refused_by_payer", "buyout_refused_by_finance", "withdrawal_denied"}
TO_FINANCE = {"buyout_requested", "four_eyes_needed", "buyout_countered", "withdrawal_asked"}


def words_of(mail: str, language: str) -> dict[str, Any]:
    """The words of this mail, as its reader gets them."""
    if mail in TO_PARTNER | TO_FINANCE:
        reader, path = ("partner", "portal/terminations/0190") if mail in TO_PARTNER else ("provider", "admin/work-list")
        face = Brand(name=PROVIDER, email="finance@kadetel.example.com")
        return words(language, reader=reader, brand=face, link=f"https://portal.example.com/{path}")
    return words(language, **({"valid_until": NIGHT} if mail == "approval_code" else {}))
