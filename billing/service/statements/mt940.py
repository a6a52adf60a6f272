"""MT940, as Dutch banks write it: each in its own way, and ASN with an account where others have a reference.

The lines are read by the mt-940 library, one statement at a time; what banks put into the text of an entry is told apart here.
"""

from __future__ import annotations

import logging
import re
from datetime import date
from decimal import Decimal
from typing import Any

from mt940 import tags
from mt940.models import Transactions
from mt940.options import Options

from partner_portal.kernel.money import TooPreciseAmount, exact_cents

from .read import ReadEntry, ReadStatement, StatementUnreadable, account, given

logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)  # it would log the lines that it cannot read, with whose they are

_BEGINS = re.compile(r"(?m)^(?=:20:)")
_AFTER = re.compile(r"(?ms)(^:62[FM]:[^\n]*\n).*")
"""What follows the closing balance is about the statement, or frames it; the library would take it for the last entry's."""
_ENTRY = re.compile(r"(?m)^:61:")
_LABELS = "TRTP|RTYP|IBAN|BIC|NAME|REMI|EREF|PREF|MARF|ORDP|BENM|CNTP|CSID|RTRN|ISDT|ADDR|ID|ULTD|ULTC|PURP|SVCL|IREF|OCMT|CHGS|TRCD|CREF|ACCW|UDTR|UCRD"
_FIELD = re.compile(rf"/({_LABELS})/")
_CODED = re.compile(r"\s*\d{0,3}[>?]\d\d")
_CODED_LONGEST = 27
"""Characters of a coded piece: one that is full runs on into the next."""
_KEYWORDS = "EREF|KREF|MREF|CRED|DEBT|SVWZ|PURP|MDAT|ABWA|ABWE|COAM|OAMT|SQTP|ORCR|ORMR|DDAT|IBAN|BIC"
_KEYWORD = re.compile(rf"(?<![A-Z])({_KEYWORDS})\+")
_TAKEN_BACK = frozenset({"108", "109", "159"})
"""The German codes of entries that take back a debit or a transfer."""
_REASON = re.compile(r"\b(A[CGM]0\d|BE0\d|[CD]NOR|FF0\d|M[DS]0\d|R[CR]0\d|SL01|TM01)\b")
_WORDS = {
    "IBAN": "iban", "REK": "iban", "REKENING": "iban", "NAAM": "name", "OMSCHRIJVING": "said", "KENMERK": "end_to_end", "MACHTIGING": "mandate",
    "BIC": "bic", "INCASSANT": "creditor",
}  # fmt: skip
_WORD = re.compile(rf"(?<![A-Za-z])({'|'.join(_WORDS)}):\s*(.*?)(?=[\s/]*(?<![A-Za-z])(?:{'|'.join(_WORDS)}):|$)", re.IGNORECASE)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")
_BANK_REF = re.compile(r"//([A-Za-z0-9]{1,16})$")
_EREF = re.compile(r"(?:E2E-?ID|EREF|END TO END(?: ID)?)[\s:]+([A-Za-z0-9\-./]{1,35})", re.IGNORECASE)
_MOST_ENTRIES = 200_000
_ACCOUNT_NUMBER = re.compile(r"\d+")
_RETURNS = ("NRTI", "NRTN", "NRJT")
_NUMBER = re.compile(r"(?m)^:28[A-Z]?:([^\n]*)\n")
_INDENTED = re.compile(r"(?m)^[ \t]+(?=:\d\d[A-Z]?:)")
_DOTTED = re.compile(r"(?m)^:(?:61:\d{6}(?:\d{4}|\s{4})?[A-Za-z]{1,3}|6[0245][FM]?:[A-Za-z]\d{6}[A-Za-z]{3})([\d,]*\.[\d.,]*)")
"""An amount with a point: whether that parts thousands or cents nobody knows, so nobody guesses."""


def read(text: str) -> list[ReadStatement]:
    """The statements of the file, in its order; StatementUnreadable."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xad", "-").replace("\x00", "")
    plain = _INDENTED.sub("", plain)
    if dotted := _DOTTED.search(plain):
        raise StatementUnreadable("amount", value=dotted[1], line=plain.count("\n", 0, dotted.start()) + 1)
    found = _BEGINS.split(plain)[1:]
    if not found:
        raise StatementUnreadable("not-a-statement")
    entries = len(_ENTRY.findall(plain))
    if entries > _MOST_ENTRIES:
        raise StatementUnreadable("too-large")
    pages = [_AFTER.sub(r"\1", one) for one in found]
    # An entry before the first statement, or behind the end of one, is nobody's: no money is left out because nobody knows where it belongs.
    if sum(len(_ENTRY.findall(page)) for page in pages) != entries:
        raise StatementUnreadable("damaged", value=":61:")
    return [_statement(page) for page in pages]


def _parsed(text: str) -> Transactions:
    """As most banks write it, else as ASN does."""
    failed: Exception | None = None
    asn: dict[int | str, tags.Tag] = {tags.StatementASNB.id: tags.StatementASNB()}
    for own in ({}, asn):
        # What stands in the text of an entry is told apart here; the library knows one bank's way of it, and would drop the rest.
        found = Transactions(tags=own, processors={"post_transaction_details": []}, options=Options(unbounded_details=True))
        try:
            found.parse(text)
        except (RuntimeError, ValueError, ArithmeticError, TypeError, KeyError, AttributeError) as error:
            failed = error
            continue
        if len(_ENTRY.findall(text)) == sum(1 for one in found if "amount" in one.data):
            return found
    raise StatementUnreadable("damaged", value=_line(failed)) from failed


def _line(failed: Exception | None) -> str:
    """What could not be read: the line itself where the library says so."""
    said = failed.args[-1] if failed and failed.args else ""
    return str(said).partition("\n")[0]


def _statement(text: str) -> ReadStatement:
    number = said[1].strip() if (said := _NUMBER.search(text)) else ""
    # Banks number as they like, and no number is a reason to refuse a statement.
    found = _parsed(_NUMBER.sub("", text))
    own = str(found.data.get("account_identification") or "").replace(" ", "").replace(".", "").upper()
    if not own:
        raise StatementUnreadable("account", value="?")
    opening = found.data.get("final_opening_balance") or found.data.get("intermediate_opening_balance")
    closing = found.data.get("final_closing_balance") or found.data.get("intermediate_closing_balance")
    told = [one.data for one in found if one.data.get("amount") is not None]
    entries = tuple(_entry(data, own) for data in told if not _is_expected(data))
    is_interim = opening is None and closing is None and "\n:34F:" in text
    return ReadStatement(
        format="MT942" if is_interim else "MT940",
        account=own.removesuffix("EUR")[:34],
        number=f"{found.data.get('transaction_reference') or ''} {number}".strip()[:70],
        day=_plain(closing.date) if closing else None,
        opening_cents=_cents(opening.amount) if opening else None,
        closing_cents=_cents(closing.amount) if closing else None,
        entries=tuple(entry for entry in entries if entry.amount_cents),
        skipped=sum(map(_is_expected, told)),
        has_balances=not is_interim,
    )


def _is_expected(data: dict[str, Any]) -> bool:
    """Whether it is only expected (EC, ED) and not booked yet."""
    return str(data.get("status") or "").upper().startswith("E")


def _plain(day: date) -> date:
    return date(day.year, day.month, day.day)


def _cents(amount: Any) -> int:
    if amount.currency not in {None, "", "EUR"}:
        raise StatementUnreadable("currency", value=str(amount.currency))
    try:
        return exact_cents(Decimal(amount.amount))
    except TooPreciseAmount as error:
        raise StatementUnreadable("amount", value=str(amount.amount)) from error


def _entry(data: dict[str, Any], own: str) -> ReadEntry:
    status = str(data.get("status") or "C").upper()
    # RC takes a credit back and RD a debit: their money goes the other way.
    comes_in = status in {"C", "RD"}
    amount = abs(_cents(data["amount"]))
    said = str(data.get("transaction_details") or "")
    beside = f"{data.get('customer_reference') or ''}{data.get('extra_details') or ''}"
    told = _told(said)
    text = told.get("text", "")
    iban = account(told.get("iban")) or _iban(f"{beside.replace(chr(10), '')} {' '.join(said.split(chr(10)))}", own)
    end_to_end = told.get("end_to_end") or (found[1] if (found := _EREF.search(said.replace("\n", " "))) else None)
    return ReadEntry(
        booked_on=_plain(data.get("entry_date") or data["date"]),
        amount_cents=amount if comes_in else -amount,
        name=given(told.get("name") or str(data.get("extra_details") or ""), 140),
        iban=iban,
        end_to_end=given(end_to_end, 70),
        reference=given(told.get("reference"), 35),
        batch=given(told.get("batch"), 70),
        mandate=given(told.get("mandate"), 35),
        text=" ".join(text.split())[:1000],
        bank_ref=given(str(data.get("bank_reference") or "") or _behind(str(data.get("customer_reference") or "")), 70),
        is_return=status.startswith("R") or str(data.get("id") or "") in _RETURNS or bool(told.get("returned")),
        return_reason=given(told.get("returned"), 40),
    )


def _behind(reference: str) -> str:
    """The bank's own reference where an account before it is too long for its place, and the library takes both for remarks."""
    found = _BANK_REF.search(reference)
    return found[1] if found else ""


def _iban(text: str, own: str) -> str | None:
    for found in _IBAN.findall(text.upper()):
        # An account may run on into the name that follows it: the longest beginning that is valid counts.
        for end in range(min(len(found), 34), 14, -1):
            iban = account(found[:end])
            if iban and iban != own.removesuffix("EUR"):
                return iban
    return None


def _told(said: str) -> dict[str, str]:
    """The parts of an entry's text by what they are: labelled between slashes, coded by two figures, or all of it plain text."""
    joined = said.replace("\n", "")
    pieces = _FIELD.split(joined)
    if len(pieces) > 1:
        return _labelled(pieces)
    if _CODED.match(joined) and joined.count(">") + joined.count("?") > 1:
        return _coded(joined)
    return _keyed(joined) if "SVWZ+" in joined else _worded(said)


def _worded(said: str) -> dict[str, str]:
    """Plain text in which some banks name account, holder and references before a colon, and others do not."""
    joined = " ".join(said.split())
    told = {"text": said}
    for part, value in ((_WORDS[word.upper()], value) for word, value in _WORD.findall(joined)):
        told.setdefault(part, value.strip(" /"))
    return told


def _labelled(pieces: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for label, value in zip(pieces[1::2], pieces[2::2], strict=True):
        fields.setdefault(label, value)
    told = {"text": f"{pieces[0]} {_remittance(fields.get('REMI', ''))}".strip()}
    if "CNTP" in fields:  # account, BIC, name, town
        parts = [*fields["CNTP"].split("/"), "", "", ""]
        told |= {"iban": parts[0], "name": parts[2]}
    names = {"iban": "IBAN", "name": "NAME", "end_to_end": "EREF", "mandate": "MARF", "batch": "PREF", "returned": "RTRN"}
    told |= {part: fields[label].strip("/ ") for part, label in names.items() if fields.get(label, "").strip("/ ")}
    remittance = fields.get("REMI", "")
    if remittance.startswith("STRD/"):
        told["reference"] = remittance.strip("/").rsplit("/", 1)[-1]
    return told


def _remittance(value: str) -> str:
    return value.removeprefix("USTD//").removeprefix("STRD/").strip("/ ")


def _coded(joined: str) -> dict[str, str]:
    """`>20text>21more>31account>32name`, or the same with question marks, as German banks do: their text has keywords of its own."""
    pieces = re.split(r"[>?](\d\d)", joined)
    # What stands first and only has figures is the bank's code of the kind of entry.
    kind = pieces[0].strip()
    told = {"text": "" if kind.isdigit() else pieces[0], "name": "", "iban": ""}
    for code, value in zip(pieces[1::2], pieces[2::2], strict=True):
        if "20" <= code <= "29" or "60" <= code <= "63":
            told["text"] += value if len(value) >= _CODED_LONGEST else f"{value} "
        elif code in {"32", "33"}:
            told["name"] += value
        elif code in {"31", "38"}:
            told["iban"] = value
        elif code == "34" and kind in _TAKEN_BACK:
            told["returned"] = value
    if kind in _TAKEN_BACK and (reason := _REASON.search(told["text"])):
        told["returned"] = reason[1]
    return told | _keyed(told["text"])


def _keyed(text: str) -> dict[str, str]:
    """`EREF+id SVWZ+text`: what the payer said behind one keyword, ids behind others; without any, all of it is text."""
    pieces = _KEYWORD.split(text)
    fields = {keyword: value.strip() for keyword, value in zip(pieces[1::2], pieces[2::2], strict=True)}
    told = {"text": f"{pieces[0].strip()} {fields.get('SVWZ', '')}".strip()}
    names = {"end_to_end": "EREF", "mandate": "MREF", "batch": "KREF", "iban": "IBAN"}
    return told | {part: fields[keyword] for part, keyword in names.items() if fields.get(keyword)}


def same_account(said: str, iban: str) -> bool:
    """Whether a file's account, an IBAN or a bare number as older files have it, is the account of this IBAN."""
    bank, _, plain = said.replace(" ", "").replace(".", "").upper().strip("/").rpartition("/")
    if plain == iban:
        return True
    if iban.startswith("DE") and bank == iban[4:12]:
        return _ACCOUNT_NUMBER.fullmatch(plain) is not None and plain.zfill(10) == iban[12:]
    return iban.startswith("NL") and _ACCOUNT_NUMBER.fullmatch(plain) is not None and len(plain) <= 10 and int(plain) == int(iban[8:])  # noqa: PLR2004
