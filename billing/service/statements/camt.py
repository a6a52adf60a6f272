"""CAMT.053 (statements) and CAMT.054 (notifications) of ISO 20022, from version 2 on.

Banks move things about between versions: a status is text or stands in `Cd`, a name in `Nm` or `Pty/Nm`. Elements are found by their local names inside
the one namespace that the file declares. Nothing outside the file is read: no entities, no document type, no network.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import Any

from lxml import etree

from partner_portal.kernel.dates import local_date

from .read import ReadEntry, ReadStatement, StatementUnreadable, account, cents, given

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(camt\.05[34])\.001\.(0[2-9]|1[0-3])")
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
_MOST_ENTRIES = 200_000
_RETURNS = frozenset({"RRTN", "UPDD", "PRDD", "ARET", "RPCR", "RCDD"})
_OPENING, _CLOSING, _BETWEEN = ("OPBD", "PRCD"), "CLBD", "ITBD"
_LONGEST_TEXT = 1000


def read(content: bytes) -> list[ReadStatement]:
    """The statements of the file, in its order; StatementUnreadable."""
    root, kind, version = _root(content)
    path = "{*}BkToCstmrStmt/{*}Stmt" if kind == "camt.053" else "{*}BkToCstmrDbtCdtNtfctn/{*}Ntfctn"
    found = root.findall(path)
    if not found:
        raise StatementUnreadable("no-statement")
    return [_statement(one, f"{kind}.001.{version}", has_balances=kind == "camt.053") for one in found]


def _root(content: bytes) -> tuple[Any, str, str]:
    # A parser of its own for each file: what one file declares is unknown to the next.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(_in_its_encoding(content), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise StatementUnreadable("damaged", value=str(error), line=getattr(error, "lineno", 0) or 0) from error
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise StatementUnreadable("document-type")
    name = etree.QName(root)
    matched = _NAMESPACE.fullmatch(name.namespace or "")
    if name.localname != "Document" or matched is None:
        raise StatementUnreadable("namespace", value=name.namespace or name.localname)
    return root, matched[1], matched[2]


def _in_its_encoding(content: bytes) -> bytes:
    """The file as it can be read: without blanks before its declaration, and as Latin-1 where it says that it is UTF-8 and is not."""
    plain = content.lstrip(b" \t\r\n")
    if plain.startswith((b"\xff\xfe", b"\xfe\xff")):
        return plain
    plain = plain.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if (declared := _DECLARED.match(plain)) and declared[1].upper() != b"UTF-8":
        return plain
    try:
        plain.decode()
    except UnicodeDecodeError:
        return plain[declared.end() :].decode("latin-1").encode() if declared else plain.decode("latin-1").encode()
    return plain


@cache
def _path(plain: str) -> str:
    return "/".join(f"{{*}}{step}" for step in plain.split("/"))


def _text(node: Any, *paths: str) -> str | None:
    """The text at the first of the paths that is there."""
    for path in paths:
        found = node.findtext(_path(path))
        if found and found.strip():
            return str(found).strip()
    return None


def _all(node: Any, path: str) -> list[Any]:
    found: list[Any] = node.findall(_path(path))
    return found


def _statement(node: Any, kind: str, *, has_balances: bool) -> ReadStatement:
    own = _text(node, "Acct/Id/IBAN", "Acct/Id/Othr/Id")
    if own is None:
        raise StatementUnreadable("account", value="?", line=node.sourceline or 0)
    currency = _text(node, "Acct/Ccy")
    if currency not in {None, "EUR"}:
        raise StatementUnreadable("currency", value=currency or "", line=node.sourceline or 0)
    entries: list[ReadEntry] = []
    skipped = 0
    for entry in _all(node, "Ntry"):
        if (_text(entry, "Sts/Cd", "Sts") or "BOOK") != "BOOK":
            skipped += 1
            continue
        entries.extend(_entries(entry))
        if len(entries) > _MOST_ENTRIES:
            raise StatementUnreadable("too-large")
    opening, closing = _balances(node)
    return ReadStatement(
        format=kind,
        account=own.replace(" ", "").upper()[:34],
        number=(_text(node, "Id") or _text(node, "ElctrncSeqNb") or "")[:70],
        day=(closing or opening or (None, None))[1] or (entries[-1].booked_on if entries else None),
        opening_cents=opening[0] if opening else None,
        closing_cents=closing[0] if closing else None,
        entries=tuple(entries),
        skipped=skipped,
        has_balances=has_balances,
    )


Balance = tuple[int, date | None] | None


def _balances(node: Any) -> tuple[Balance, Balance]:
    """The opening and the closing balance. A statement of several pages says the balances between them instead: the first opens, the last closes it."""
    found: dict[str, list[Balance]] = {}
    for balance in _all(node, "Bal"):
        amount = balance.find("{*}Amt")
        if amount is not None and amount.get("Ccy") == "EUR":
            told = _signed(balance, cents(amount.text, amount.sourceline or 0)), _day(balance, "Dt", required=False)
            found.setdefault(_text(balance, "Tp/CdOrPrtry/Cd") or "", []).append(told)
    between = found.get(_BETWEEN, [])
    opening = next((found[code][0] for code in _OPENING if code in found), between[0] if between else None)
    closing = found[_CLOSING][0] if _CLOSING in found else None
    # One balance between pages is where this page begins or where it ends; only beside another one it is clear which.
    if closing is None and (len(between) > 1 or (between and opening is not between[0])):
        closing = between[-1]
    return opening, closing


def _signed(node: Any, amount: int) -> int:
    sign = _text(node, "CdtDbtInd")
    if sign not in {"CRDT", "DBIT"}:
        raise StatementUnreadable("amount", value=sign or "", line=node.sourceline or 0)
    return amount if sign == "CRDT" else -amount


def _day(node: Any, path: str, *, required: bool = True) -> date | None:
    said = _text(node, f"{path}/Dt", f"{path}/DtTm")
    if said is None:
        if required:
            raise StatementUnreadable("day", line=node.sourceline or 0)
        return None
    try:
        return date.fromisoformat(said[:10]) if "T" not in said else _local(said)
    except ValueError as error:
        raise StatementUnreadable("day", value=said, line=node.sourceline or 0) from error


def _local(said: str) -> date:
    at = datetime.fromisoformat(said)
    return local_date(at) if at.tzinfo else at.date()


def _entries(entry: Any) -> list[ReadEntry]:
    """The entry, or each of its transactions where it is a batch whose parts say their amounts and add up to it."""
    amount = entry.find("{*}Amt")
    if amount is None:
        raise StatementUnreadable("amount", line=entry.sourceline or 0)
    if amount.get("Ccy") != "EUR":
        raise StatementUnreadable("currency", value=amount.get("Ccy") or "", line=amount.sourceline or 0)
    whole = _signed(entry, cents(amount.text, amount.sourceline or 0))
    parts = _all(entry, "NtryDtls/TxDtls")
    sums = [_part(one, whole) for one in parts]
    if len(parts) > 1 and None not in sums and sum(one or 0 for one in sums) == whole and all(sums):
        return [_entry(entry, one, cents_ or 0, nth) for nth, (one, cents_) in enumerate(zip(parts, sums, strict=True), 1)]
    # What comes in and what leaves may make nothing together; alone, nothing is no booking.
    return [_entry(entry, parts[0] if len(parts) == 1 else None, whole, 0, parts)] if whole else []


def _part(part: Any, whole: int) -> int | None:
    for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt"):
        found = part.find(_path(path))
        if found is not None and found.get("Ccy") == "EUR":
            amount = cents(found.text, found.sourceline or 0)
            sign = _text(part, "CdtDbtInd")
            return _signed(part, amount) if sign else (amount if whole > 0 else -amount)
    return None


def _entry(entry: Any, part: Any | None, amount: int, nth: int, all_parts: list[Any] | None = None) -> ReadEntry:
    detail = entry if part is None else part
    parties = detail.find("{*}RltdPties") if part is not None else None
    reason = _text(detail, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry")
    is_return = _is_return(entry, [part] if part is not None else all_parts or [None])
    name, iban = _party(parties, amount, is_return=is_return) if parties is not None else (None, None)
    bank_ref = given(_text(entry, "AcctSvcrRef") or (_text(part, "Refs/AcctSvcrRef") if part is not None else None), 70)
    return ReadEntry(
        booked_on=_booked_on(entry),
        amount_cents=amount,
        name=given(name, 140),
        iban=account(iban),
        end_to_end=given(_text(detail, "Refs/EndToEndId"), 70),
        reference=given(_text(detail, "RmtInf/Strd/CdtrRefInf/Ref"), 35),
        batch=given(_text(entry, "NtryDtls/Btch/PmtInfId", "NtryDtls/Btch/MsgId") or _text(detail, "Refs/PmtInfId", "Refs/MsgId"), 70),
        mandate=given(_text(detail, "Refs/MndtId"), 35),
        text=_said(entry, [part] if part is not None else all_parts or []),
        bank_ref=f"{bank_ref}/{nth}" if bank_ref and nth else bank_ref,
        is_return=is_return,
        return_reason=given(reason, 40),
        is_bundle=all_parts is not None and (len(all_parts) > 1 or _text(entry, "NtryDtls/Btch/NbOfTxs") not in {None, "0", "1"}),
    )


def _is_return(entry: Any, parts: list[Any | None]) -> bool:
    """Whether it takes something back: all of it, or something of several in one sum."""
    return _text(entry, "RvslInd") in {"true", "1"} or any(
        (part is not None and part.find("{*}RtrInf") is not None) or _family(entry, part) in _RETURNS for part in parts
    )


def _booked_on(entry: Any) -> date:
    day = _day(entry, "BookgDt", required=False) or _day(entry, "ValDt")
    assert day is not None  # noqa: S101  # without one the file is refused
    return day


def _family(entry: Any, part: Any | None) -> str | None:
    paths = ("BkTxCd/Domn/Fmly/SubFmlyCd",)
    return (_text(part, *paths) if part is not None else None) or _text(entry, *paths)


def _party(parties: Any, amount: int, *, is_return: bool) -> tuple[str | None, str | None]:
    """The other side: who paid where money came in; who got it where it left, unless it left because a debtor took it back."""
    sides = ("Dbtr", "Cdtr") if amount > 0 or is_return else ("Cdtr", "Dbtr")
    for side in sides:
        name = _text(parties, f"{side}/Nm", f"{side}/Pty/Nm", f"Ultmt{side}/Nm", f"Ultmt{side}/Pty/Nm")
        iban = _text(parties, f"{side}Acct/Id/IBAN", f"{side}Acct/Id/Othr/Id")
        if name or iban:
            return name, iban
    return None, None


def _structured(part: Any, *, has_own_reference: bool) -> list[str]:
    """What is said in a structured way beside the reference that has a place of its own: further references, numbers of documents, remarks."""
    paths = ("RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/RfrdDocInf/Nb", "RmtInf/Strd/AddtlRmtInf")
    references, *others = [[one.text for one in _all(part, path) if one.text] for path in paths]
    return [*references[1 if has_own_reference else 0 :], *(said for found in others for said in found)]


def _said(entry: Any, parts: list[Any]) -> str:
    said: list[str] = []
    for part in parts:
        said.extend(one.text for one in _all(part, "RmtInf/Ustrd") if one.text)
        said.extend(_structured(part, has_own_reference=len(parts) == 1))
        said.extend(one for one in (_text(part, "AddtlTxInf"),) if one)
    if extra := _text(entry, "AddtlNtryInf"):
        said.append(extra)
    return " ".join(" ".join(said).split())[:_LONGEST_TEXT]
