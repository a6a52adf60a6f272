"""Notices that people give on a public page: what may be in one, whose contract it means, and by when somebody must have looked.

Whoever sends one has proved nothing, and still a notice that reached us was received (BW 3:37(3)): it is kept first and verified afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum

import msgspec

from billing.policy.terms import Notice, notice_last_day
from partner_portal.kernel.dates import NO_EXTRA_HOLIDAYS, add_working_days

ONE_MONTH = Notice(1)
WORKING_DAYS_TO_LOOK = 2
_MOST_NUMBERS = 20
_SHORTEST_WORD = 3
_SHORTEST_LABEL = 4
_NUMBER = re.compile(r"[^\W_](?:[\w./-]*[^\W_])?")
_EMAIL = re.compile(r"[^@\s<>,;:\"()]+@[^@\s<>,;:\"()]+\.[^@\s<>,;:\"().]+")
_DAY = re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})|(?P<d2>\d{1,2})[-/.](?P<m2>\d{1,2})[-/.](?P<y2>\d{4})")
# Words that a name shares with half of all names.
_COMMON = frozenset(
    [
        "bv",
        "nv",
        "vof",
        "cv",
        "bvba",
        "stichting",
        "vereniging",
        "maatschap",
        "holding",
        "group",
        "groep",
        "the",
        "and",
        "and",
        "van",
        "von",
        "der",
        "den",
        "het",
        "een",
        "voor",
        "bij",
        "mevrouw",
        "meneer",
        "dhr",
        "mevr",
        "mrs",
        "heer",
        "firma",
        "bedrijf",
    ]
)


class NoticeKind(StrEnum):
    """What a notice declares: an end by notice, an end for a reason of its own, or the use of the cooling-off period."""

    ORDINARY = "ordinary"
    EXTRAORDINARY = "extraordinary"
    COOLING_OFF = "cooling_off"


class NoticeState(StrEnum):
    """Where a notice stands: it is never closed but by an end that was verified, by an answer, or by whom it was really meant for."""

    RECEIVED = "received"  # stored; nobody has looked yet
    FILED = "filed"  # a case stands for it, which waits for the customer or for finance
    OPEN = "open"  # a person has to look
    CARRIED_OUT = "carried_out"
    ANSWERED = "answered"
    HANDED_OVER = "handed_over"


_S = NoticeState
NEXT: dict[NoticeState, frozenset[NoticeState]] = {
    _S.RECEIVED: frozenset({_S.FILED, _S.OPEN}),
    _S.FILED: frozenset({_S.FILED, _S.OPEN, _S.CARRIED_OUT, _S.ANSWERED}),
    _S.OPEN: frozenset({_S.OPEN, _S.FILED, _S.ANSWERED, _S.HANDED_OVER}),
    _S.CARRIED_OUT: frozenset(),
    _S.ANSWERED: frozenset({_S.FILED}),  # the sender proved afterwards who it is: what was received stays received
    _S.HANDED_OVER: frozenset(),
}
"""Where a notice can go from where it stands."""


class WhyOpen(StrEnum):
    """Why a person has to look at a notice."""

    NO_MATCH = "no_match"
    SEVERAL = "several"
    CONTRADICTION = "contradiction"
    UNCERTAIN = "uncertain"
    NEEDS_JUDGEMENT = "needs_judgement"
    COOLING_OFF_OVER = "cooling_off_over"
    ALREADY_ENDING = "already_ending"
    COULD_NOT_FILE = "could_not_file"
    UNVERIFIED = "unverified"
    DENIED = "denied"
    TAKEN_BACK = "taken_back"
    SUSPECT = "suspect"
    NOT_LOOKED_AT = "not_looked_at"


class Evidence(StrEnum):
    """What in a notice points at a service."""

    SERVICE_NUMBER = "service_number"
    CUSTOMER_NUMBER = "customer_number"
    EMAIL = "email"
    NAME = "name"
    LABEL = "label"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody typed, as far as it says who and what."""

    name: str
    customer: str
    contract: str
    email: str


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A running service that something in the notice points at, or that the same customer has beside such a one; `service` is empty where
    it has none.
    """

    service: str
    number: str
    label: str
    customer: str
    customer_number: str
    customer_name: str
    contact_names: tuple[str, ...] = ()
    contact_emails: tuple[str, ...] = ()


class Seen(msgspec.Struct, frozen=True):
    """A candidate and what points at it, the most telling first."""

    candidate: Candidate
    evidence: tuple[Evidence, ...]


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Whose services a notice means, all of one customer; or, without services, why that is for a person to say."""

    services: tuple[str, ...] = ()
    customer: str | None = None
    why: WhyOpen | None = None


def numbers_in(*texts: str) -> tuple[str, ...]:
    """Return all that could be a number of ours in what was typed, as typed and in capitals, each once."""
    found: dict[str, None] = {}
    for text in texts:
        whole = " ".join(text.split())
        words = [word for word in _NUMBER.findall(text) if any(sign.isdigit() for sign in word)]
        for word in ([whole] if any(sign.isdigit() for sign in whole) else []) + words:
            found |= dict.fromkeys((word, word.upper()))
    return tuple(found)[: 2 * _MOST_NUMBERS]


def emails_in(*texts: str) -> tuple[str, ...]:
    """Return the e-mail addresses in what was typed, in small letters, each once."""
    return tuple(dict.fromkeys(found.casefold() for text in texts for found in _EMAIL.findall(text)))[:_MOST_NUMBERS]


def day_typed(text: str) -> date | None:
    """Return a day as a browser sends it (2026-12-31) or as people type it (31-12-2026, 31/12/2026); None where it is none."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day = (int(found[name] or found[f"{name}2"]) for name in "ymd")
    try:
        return date(year, month, day)
    except ValueError:
        return None


def seen(claim: Claim, candidates: Iterable[Candidate]) -> tuple[Seen, ...]:
    """Return the candidates that something in the claim points at, those with more pointing at them first."""
    found = [Seen(candidate, tuple(_evidence(claim, candidate))) for candidate in candidates]
    pointed = [one for one in found if one.evidence and one.candidate.service]
    return tuple(sorted(pointed, key=lambda one: (-len(one.evidence), list(Evidence).index(one.evidence[0]), one.candidate.number)))


def match(claim: Claim, candidates: Sequence[Candidate]) -> Match:
    """Return the services that a notice means, if it says so twice over; otherwise why a person has to look.

    Once is enough for a contact's e-mail address on file, because it is there that the notice is verified. A number alone is not: numbers follow
    one another, and whoever guesses one must not set mails going. Nothing here proves who wrote: the customer itself confirms afterwards.
    """
    found = [Seen(candidate, tuple(_evidence(claim, candidate))) for candidate in candidates]
    customers = _customers(found)
    if customers is None:
        return Match(why=WhyOpen.CONTRADICTION)
    if len(customers) != 1:
        return Match(why=WhyOpen.SEVERAL if customers else WhyOpen.NO_MATCH)
    (customer,) = customers
    own = [one for one in found if one.candidate.customer == customer and one.candidate.service]
    picked = _picked(claim, own)
    if not picked or _names_one_more(claim, picked):
        return Match(customer=customer, why=WhyOpen.SEVERAL)
    if not all(_is_enough(one.evidence) for one in picked):
        return Match(customer=customer, why=WhyOpen.UNCERTAIN)
    return Match(customer=customer, services=tuple(one.candidate.service for one in picked))


def _evidence(claim: Claim, candidate: Candidate) -> Iterable[Evidence]:
    numbers = {number.casefold() for number in numbers_in(claim.contract, claim.customer)}
    emails = set(emails_in(claim.email, claim.customer, claim.contract))
    told = {
        Evidence.SERVICE_NUMBER: candidate.number.casefold() in numbers,
        Evidence.CUSTOMER_NUMBER: candidate.customer_number.casefold() in numbers,
        Evidence.EMAIL: any(email.casefold() in emails for email in candidate.contact_emails),
        Evidence.NAME: any(alike(claim.name, name) for name in (candidate.customer_name, *candidate.contact_names)),
        Evidence.LABEL: _names(claim.contract, candidate.label),
    }
    return (kind for kind, holds in told.items() if holds)


_IDENTIFIES = (Evidence.SERVICE_NUMBER, Evidence.CUSTOMER_NUMBER, Evidence.EMAIL)


def _customers(found: Sequence[Seen]) -> set[str] | None:
    """Return the customers that all identifying evidence agrees on; None where one piece names another customer than the next."""
    sets = [{one.candidate.customer for one in found if kind in one.evidence} for kind in _IDENTIFIES]
    named = [customers for customers in sets if customers]
    if not named:
        return set()
    return set.intersection(*named) or None


def _picked(claim: Claim, own: Sequence[Seen]) -> list[Seen]:
    """Return which of one customer's services are meant: those named by number, the one named by what it is called, or the only one."""
    by_number = [one for one in own if Evidence.SERVICE_NUMBER in one.evidence]
    if by_number:
        return by_number
    by_label = [one for one in own if Evidence.LABEL in one.evidence]
    if len(by_label) == 1:
        return by_label
    if len(own) != 1:
        return []
    known = {own[0].candidate.customer_number.casefold()}
    names_another = any(number.casefold() not in known for number in numbers_in(claim.contract))
    return [] if names_another else list(own)


def _names_one_more(claim: Claim, picked: Sequence[Seen]) -> bool:
    """Whether a number was typed that looks like those of the services meant, and is none: a slip must not leave a service out unseen."""
    known = {one.candidate.number.upper() for one in picked} | {one.candidate.customer_number.upper() for one in picked}
    shapes = {_shape(one.candidate.number.upper()) for one in picked if Evidence.SERVICE_NUMBER in one.evidence}
    return any(_shape(number.upper()) in shapes and number.upper() not in known for number in numbers_in(claim.contract))


def _shape(number: str) -> str:
    return re.sub(r"\d", "0", number)


def _is_enough(evidence: Sequence[Evidence]) -> bool:
    telling = set(evidence) & {Evidence.SERVICE_NUMBER, Evidence.CUSTOMER_NUMBER, Evidence.NAME}
    return Evidence.EMAIL in evidence or len(telling) > 1


def alike(one: str, other: str) -> bool:
    """Whether two names share a word that says something: capitals, accents, legal forms and short words do not count."""
    return not _words(one).isdisjoint(_words(other))


def _words(name: str) -> frozenset[str]:
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(sign))
    words = re.findall(r"[^\W\d_]+", plain.replace(".", ""))
    return frozenset(word for word in words if len(word) >= _SHORTEST_WORD and word not in _COMMON)


def _names(typed: str, label: str) -> bool:
    said, called = (" ".join(text.casefold().split()) for text in (typed, label))
    if min(len(said), len(called)) < _SHORTEST_LABEL:
        return False
    return called in said or said in called


def look_by(received_on: date, extra_holidays: frozenset[date] = NO_EXTRA_HOLIDAYS) -> date:
    """Return the last day on which somebody must have looked: two working days after the notice was received, or came back unverified."""
    return add_working_days(received_on, WORKING_DAYS_TO_LOOK, extra_holidays)


def last_day_at_the_latest(received_on: date) -> date:
    """Return the last day of any consumer contract that no fixed term binds, whatever it says: a month after the notice (BW 6:236 j).

    It follows from the law alone, so it can be told to somebody of whom nothing is known.
    """
    return notice_last_day(received_on, ONE_MONTH)
