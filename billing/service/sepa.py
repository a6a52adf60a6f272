"""Files for the bank: pain.008 to collect and pain.001 to pay back, valid by the schemas that banks publish."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from lxml import etree
from sepaxml import SepaDD, SepaTransfer  # type: ignore[import-untyped]
from sepaxml.validation import ValidationError, try_valid_xml  # type: ignore[import-untyped]

from partner_portal.kernel.errors import Refused

from ..policy.money_in import Scheme
from ..policy.money_in import Sequence as Turn

_DEBIT, _TRANSFER = "pain.008.001.08", "pain.001.001.09"
_FORBIDDEN = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
"""What is none of the characters that every SEPA bank takes (EPC217-08); some refuse the whole file for one of them, though its schema allows it."""
_SLASHES = re.compile(r"/{2,}")
_NAMELESS = "NOTPROVIDED"


class FileNotValid(Refused):
    """The bank would refuse the file: something in it is not as its schema wants."""


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """The account that collects or pays."""

    name: str
    iban: str
    bic: str | None
    creditor_id: str = ""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One collection in a file."""

    end_to_end: str
    cents: int
    holder: str
    iban: str
    bic: str | None
    mandate: str
    signed_on: date
    text: str


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One payment out in a file."""

    end_to_end: str
    cents: int
    holder: str
    iban: str
    text: str


def debits(own: Own, reference: str, day: date, made_at: datetime, turn: Turn, scheme: Scheme, taken: Sequence[Taken]) -> str:  # noqa: PLR0913, PLR0917
    """The file that collects all of these on this day, under this reference; FileNotValid."""
    config: dict[str, Any] = {
        "name": _printed(own.name), "IBAN": own.iban, "batch": True, "creditor_id": own.creditor_id, "currency": "EUR", "instrument": scheme.value
    }  # fmt: skip
    file = SepaDD(config | ({"BIC": own.bic} if own.bic else {}), schema=_DEBIT, clean=True)
    for one in taken:
        payment: dict[str, Any] = {
            "name": _printed(one.holder), "IBAN": one.iban, "amount": one.cents, "type": turn.value, "collection_date": day, "mandate_id": one.mandate,
            "mandate_date": one.signed_on, "description": _printed(one.text), "endtoend_id": one.end_to_end,
        }  # fmt: skip
        file.add_payment(payment | ({"BIC": one.bic} if one.bic else {}))
    return _finished(file.export(validate=False), _DEBIT, reference, made_at)


def transfers(own: Own, reference: str, day: date, made_at: datetime, given: Sequence[Given]) -> str:
    """The file that pays all of these on this day, under this reference; FileNotValid."""
    config: dict[str, Any] = {"name": _printed(own.name), "IBAN": own.iban, "batch": True, "currency": "EUR"}
    file = SepaTransfer(config | ({"BIC": own.bic} if own.bic else {}), schema=_TRANSFER, clean=True)
    for one in given:
        file.add_payment(
            {
                "name": _printed(one.holder),
                "IBAN": one.iban,
                "amount": one.cents,
                "execution_date": day,
                "description": _printed(one.text),
                "endtoend_id": one.end_to_end,
            }
        )
    return _finished(file.export(validate=False), _TRANSFER, reference, made_at)


def _printed(said: str) -> str:
    """Without what no XML can hold."""
    return "".join(character for character in said if character.isprintable())


def _plain(said: str | None) -> str:
    """In the characters that every bank takes; nothing that is left of it, as of a name of signs only, is said as banks say it."""
    allowed = _SLASHES.sub("/", _FORBIDDEN.sub(" ", (said or "").replace("&", "+")))
    return " ".join(allowed.split()).strip("/ ") or _NAMELESS


def _finished(xml: bytes, schema: str, reference: str, made_at: datetime) -> str:
    """Our own reference instead of a random one, so that the bank's statement names the file, and names as banks take them; then held to the schema."""
    root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    space = f"{{urn:iso:std:iso:20022:tech:xsd:{schema}}}"
    for name, said in (("MsgId", reference), ("CreDtTm", made_at.strftime("%Y-%m-%dT%H:%M:%S")), ("PmtInfId", reference)):
        for node in root.iter(f"{space}{name}"):
            node.text = said
    for node in root.iter(f"{space}Nm", f"{space}Ustrd"):
        node.text = _plain(node.text)
    text = etree.tostring(root, encoding="unicode")
    try:
        try_valid_xml(text.encode(), schema)
    except ValidationError as error:
        raise FileNotValid(reason=str(error.__cause__)[:500]) from error
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'
