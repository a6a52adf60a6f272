"""Whose contract a notice from a public page means, and when it takes a person to say so."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminations.policy import notices
from terminations.policy.notices import Candidate, Claim, Evidence, Match, WhyOpen

FIBRE = Candidate(
    service="fibre",
    number="NRD-S-00001",
    label="Glasvezel Zakelijk",
    customer="bakery",
    customer_number="NRD-C-00001",
    customer_name="Bakkerij De Korst B.V.",
    contact_names=("Marit Korenaar",),
    contact_emails=("marit@korst.example.com",),
)
SHOP = Candidate(
    service="shop",
    number="NRD-S-00002",
    label="Webshop hosting",
    customer="bakery",
    customer_number="NRD-C-00001",
    customer_name="Bakkerij De Korst B.V.",
    contact_names=("Marit Korenaar",),
    contact_emails=("marit@korst.example.com",),
)
OTHER = Candidate(
    service="other",
    number="NRD-S-00003",
    label="Internet thuis",
    customer="private",
    customer_number="NRD-C-00002",
    customer_name="Pieter Particulier",
    contact_names=("Pieter Particulier",),
    contact_emails=("pieter@example.com",),
)
EMPTY = Candidate(service="", number="", label="", customer="empty", customer_number="NRD-C-00007", customer_name="Leeg B.V.")
BAKERY = [FIBRE, SHOP]


def claim(name: str = "", customer: str = "", contract: str = "", email: str = "") -> Claim:
    return Claim(name=name, customer=customer, contract=contract, email=email)


@pytest.mark.parametrize(
    ("typed", "candidates", "services"),
    [
        (claim("Bakkerij de korst", "", "nrd-s-00001"), BAKERY, ("fibre",)),
        (claim("M. Korenaar", "", "Nummer: NRD-S-00001."), BAKERY, ("fibre",)),
        (claim("iemand", "NRD-C-00001", "NRD-S-00001"), BAKERY, ("fibre",)),
        (claim("iemand", "klantnr NRD-C-00001", "(NRD-S-00001)"), BAKERY, ("fibre",)),
        (claim("iemand", "", "NRD-S-00001", "Marit@Korst.example.com"), BAKERY, ("fibre",)),
        (claim("iemand", "marit@korst.example.com", "webshop hosting"), BAKERY, ("shop",)),
        (claim("Korst", "NRD-C-00001", "onze Webshop  Hosting graag"), BAKERY, ("shop",)),
        (claim("Korst", "", "NRD-S-00001 en NRD-S-00002"), BAKERY, ("fibre", "shop")),
        (claim("P. Particulier", "NRD-C-00002", "mijn internet"), [OTHER], ("other",)),
        (claim("x", "", "alles", "pieter@example.com"), [OTHER], ("other",)),
    ],
)
def test_two_things_that_agree_or_an_address_on_file_say_whose_service_is_meant(
    typed: Claim, candidates: list[Candidate], services: tuple[str, ...]
) -> None:
    assert notices.match(typed, candidates).services == services


@pytest.mark.parametrize(
    ("typed", "candidates", "why"),
    [
        (claim("Bakkerij de Korst", "", "internet"), [], WhyOpen.NO_MATCH),
        (claim("Bakkerij de Korst", "", "Glasvezel Zakelijk"), [], WhyOpen.NO_MATCH),
        (claim("Iemand Anders", "", "NRD-S-00001"), BAKERY, WhyOpen.UNCERTAIN),
        (claim("Iemand Anders", "NRD-C-00002", "mijn internet"), [OTHER], WhyOpen.UNCERTAIN),
        (claim("B.V. van de", "", "NRD-S-00001"), BAKERY, WhyOpen.UNCERTAIN),
        (claim("Korst", "NRD-C-00001", "mijn abonnement"), BAKERY, WhyOpen.SEVERAL),
        (claim("Korst", "NRD-C-00001", "NRD-S-00009"), BAKERY, WhyOpen.SEVERAL),
        (claim("Particulier", "NRD-C-00002", "NRD-S-00009"), [OTHER], WhyOpen.SEVERAL),
        (claim("Korst", "NRD-C-00001", "NRD-S-00001 en NRD-S-00020"), BAKERY, WhyOpen.SEVERAL),
        (claim("Korst", "NRD-C-00002", "NRD-S-00001"), [*BAKERY, OTHER], WhyOpen.CONTRADICTION),
        (claim("Korst", "", "NRD-S-00001", "pieter@example.com"), [*BAKERY, OTHER], WhyOpen.CONTRADICTION),
        (claim("Korst", "NRD-C-00001, NRD-C-00002", "internet"), [*BAKERY, OTHER], WhyOpen.SEVERAL),
        (claim("Korst", "NRD-C-00007", "NRD-S-00001"), [*BAKERY, EMPTY], WhyOpen.CONTRADICTION),
        (claim("Leeg", "NRD-C-00007", "internet"), [EMPTY], WhyOpen.SEVERAL),
    ],
)
def test_a_person_says_it_where_the_notice_does_not(typed: Claim, candidates: list[Candidate], why: WhyOpen) -> None:
    found = notices.match(typed, candidates)

    assert (found.services, found.why) == ((), why)


def test_a_suggestion_with_more_behind_it_comes_first() -> None:
    found = notices.seen(claim("Korst", "pieter@example.com", "NRD-S-00001"), [OTHER, SHOP, FIBRE])

    assert [(one.candidate.service, one.evidence) for one in found] == [
        ("fibre", (Evidence.SERVICE_NUMBER, Evidence.NAME)),
        ("other", (Evidence.EMAIL,)),
        ("shop", (Evidence.NAME,)),
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Jansen B.V.", "JANSEN BV", True),
        ("Café Olé", "cafe ole", True),
        ("mevr. A. de Vries", "Anna de Vries", True),
        ("Jan de Vries", "Jan de Boer", True),
        ("de Groot", "Groot", True),
        ("Van den Berg", "Van der Meer", False),
        ("Stichting Zon", "Stichting Maan", False),
        ("", "", False),
        ("12", "12", False),
    ],
)
def test_names_are_alike_when_a_word_that_says_something_is_in_both(one: str, other: str, *, same: bool) -> None:
    assert notices.alike(one, other) is same
    assert notices.alike(other, one) is same


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2026-12-31", date(2026, 12, 31)),
        ("31-12-2026", date(2026, 12, 31)),
        (" 1/2/2027 ", date(2027, 2, 1)),
        ("1.2.2027", date(2027, 2, 1)),
        ("29-02-2028", date(2028, 2, 29)),
        ("29-02-2027", None),
        ("31-12-26", None),
        ("morgen", None),
        ("2026-12-31T00:00", None),
        ("0000-01-01", None),
        ("", None),
    ],
)
def test_a_day_is_read_as_browsers_and_people_write_it(typed: str, day: date | None) -> None:
    assert notices.day_typed(typed) == day


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_whatever_is_typed_a_service_is_taken_only_with_enough_behind_it(name: str, customer: str, contract: str, email: str) -> None:
    typed = claim(name, customer, contract, email)
    found = notices.match(typed, [*BAKERY, OTHER])

    assert isinstance(found, Match)
    assert bool(found.services) is (found.why is None)
    for one in notices.seen(typed, [*BAKERY, OTHER]):
        if one.candidate.service in found.services:
            assert Evidence.EMAIL in one.evidence or len(set(one.evidence) - {Evidence.LABEL}) > 1


def test_somebody_has_looked_after_two_working_days() -> None:
    assert notices.look_by(date(2026, 11, 20)) == date(2026, 11, 24), "a weekend is no time to look"
    assert notices.look_by(date(2026, 12, 23)) == date(2026, 12, 28), "nor is Christmas"


def test_what_the_law_alone_says_can_be_told_to_anybody() -> None:
    assert notices.last_day_at_the_latest(date(2026, 11, 22)) == date(2026, 12, 22)
    assert notices.last_day_at_the_latest(date(2027, 1, 31)) == date(2027, 2, 28)
