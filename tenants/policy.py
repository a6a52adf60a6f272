"""Which role may do what, how passwords and keys must look, and what kinds of partners and customers there are."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import date, timedelta
from enum import StrEnum

import msgspec
from stdnum.eu import vat as vat_code
from stdnum.exceptions import ValidationError
from stdnum.util import clean

from partner_portal.kernel.actor import ContactRight, Role
from partner_portal.kernel.errors import FieldError, Invalid


class TenantKind(StrEnum):
    """A partner, or the provider itself."""

    PARTNER = "partner"
    HOUSE = "house"


class WhoBills(StrEnum):
    """In whose name the end customer gets its invoice."""

    DIRECT = "direct"  # the provider invoices the customer
    OWN_NAME = "own name"  # the provider invoices the partner, the partner its customer
    ON_BEHALF = "on behalf"  # the partner issues the provider's invoice


class Segment(StrEnum):
    """How far the law protects a customer; UNKNOWN is treated as PROTECTED_BIZ."""

    CONSUMER = "CONSUMER"
    PROTECTED_BIZ = "PROTECTED_BIZ"
    OTHER_BIZ = "OTHER_BIZ"
    GOV = "GOV"
    UNKNOWN = "UNKNOWN"


class LocationKind(StrEnum):
    """What an address is for."""

    BILLING = "billing"
    VISIT = "visit"


class Scope(StrEnum):
    """What an API key may do."""

    READ = "read"
    CUSTOMERS = "customers:write"
    TERMINATIONS = "terminations:write"
    WEBHOOKS = "webhooks:write"


_ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.OWNER: frozenset(Scope),
    Role.CLERK: frozenset(Scope) - {Scope.WEBHOOKS},
    Role.READER: frozenset({Scope.READ}),
}

MANAGES_MEMBERS = Role.OWNER
PASSWORD_LENGTH = range(12, 129)  # NIST SP 800-63B 5.1.1: length counts, composition rules do not
INVITED_FOR = timedelta(days=7)
PASSWORD_LINK_FOR = timedelta(hours=1)
CHOOSING = timedelta(minutes=5)
MOST_CONTACTS = 200


# Where a leading zero stands for the country's own code.
_CALLING = {"NL": "+31", "BE": "+32", "DE": "+49", "FR": "+33", "GB": "+44"}


def e164(typed: str, country: str) -> str:
    """A telephone number as it is kept (E.164), however it was typed in `country`; what cannot be made out stays as it is."""
    digits = re.sub(r"[\s()./-]", "", typed.replace("(0)", ""))
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    return _CALLING[country] + digits[1:] if digits.startswith("0") and country in _CALLING else digits


_EU = frozenset(state.upper() for state in vat_code.MEMBER_STATES)
_ELSEWHERE = re.compile(r"(?=.*[0-9])[A-Z0-9]{4,20}")


def vat_id(typed: str | None, country: str) -> str | None:
    """The VAT number of somebody established in `country` as it is kept, without spaces, dots and dashes; None where nothing was typed.

    One of a member state of the EU, and Northern Ireland's, has that state's form and check digits; Greece writes EL. Whoever is established in the EU has
    the letters of a country before it. Of numbers from elsewhere no more is asked than that there are figures. Raises Invalid.
    """
    plain = clean(typed or "", " \t./-").upper()
    if not plain:
        return None
    begins = plain[:2].replace("EL", "GR")
    if begins in _EU:
        try:
            tidy = vat_code.validate(plain)
        except ValidationError:
            tidy = ""
        if tidy:
            return f"EL{tidy[2:]}" if begins == "GR" else tidy
    is_from_elsewhere = country not in _EU or (begins.isalpha() and begins not in _EU)
    if is_from_elsewhere and _ELSEWHERE.fullmatch(plain):
        return plain
    raise Invalid(FieldError("/vat_id", "not-a-vat-id", {"value": (typed or "")[:40]}))


def scopes_of(role: Role) -> frozenset[Scope]:
    """The scopes a member of this role could at most give to a key."""
    return _ROLE_SCOPES[role]


def rights_of(*, is_main: bool, is_administrative: bool, is_technical: bool, may_sign: bool) -> frozenset[ContactRight]:
    """What a contact may do; the main user has every right."""
    if is_main:
        return frozenset(ContactRight)
    given = {ContactRight.ADMINISTRATIVE: is_administrative, ContactRight.TECHNICAL: is_technical, ContactRight.SIGNS: may_sign}
    return frozenset(right for right, has in given.items() if has)


def roles_of(scopes: frozenset[Scope]) -> frozenset[str]:
    """The scopes as an actor's roles: a key is never an owner, whatever its scopes."""
    return frozenset(scope.value for scope in scopes)


class NewKey(msgspec.Struct, frozen=True):
    """A key as it is shown once, and the parts of it that are kept."""

    shown: str
    prefix: str
    sha256: str


def new_key() -> NewKey:
    """A key of 256 random bits; only its prefix and its hash are to be stored."""
    prefix = secrets.token_hex(5)
    shown = f"pp_{prefix}_{secrets.token_urlsafe(32)}"
    return NewKey(shown, prefix, fingerprint(shown))


def prefix_of(key: str) -> str | None:
    """The part by which a key is looked up; None when it is no key of ours."""
    kind, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    return prefix if kind == "pp" and len(prefix) == 10 and secret else None  # noqa: PLR2004  # 5 bytes in hexadecimal


def fingerprint(secret: str) -> str:
    """The hash by which a secret of full entropy is kept; a slow hash would add nothing to 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_usable(*, expires_on: date | None, revoked: bool, today: date) -> bool:
    """Whether a key may still be used on `today`; its last day counts."""
    return not revoked and (expires_on is None or today <= expires_on)
