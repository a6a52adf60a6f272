"""Small bank statements, written as banks write them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

HOUSE_IBAN = "NL05TEST0417164300"
PAYER_IBAN = "NL91ABNA0417164300"


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a statement to be written."""

    cents: int
    text: str = ""
    reference: str = ""
    end_to_end: str = ""
    batch: str = ""
    bank_ref: str = ""
    name: str = "De Korst"
    iban: str = PAYER_IBAN
    status: str = "BOOK"
    day: str = "2026-11-20"
    reason: str = ""
    reversal: bool = False


def _amount(cents: int) -> str:
    return str(Decimal(abs(cents)).scaleb(-2))


def _balance(code: str, cents: int) -> str:
    sign = "CRDT" if cents >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{_amount(cents)}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        "<Dt><Dt>2026-11-20</Dt></Dt></Bal>"
    )


def _booking(one: Booking, *, new: bool) -> str:
    sign, side = ("CRDT", "Dbtr") if one.cents > 0 or one.reason else ("DBIT", "Cdtr")
    sign = "CRDT" if one.cents > 0 else "DBIT"
    status = f"<Sts><Cd>{one.status}</Cd></Sts>" if new else f"<Sts>{one.status}</Sts>"
    name = f"<Pty><Nm>{one.name}</Nm></Pty>" if new else f"<Nm>{one.name}</Nm>"
    structured = f"<Strd><CdtrRefInf><Ref>{one.reference}</Ref></CdtrRefInf></Strd>" if one.reference else ""
    return (
        f'<Ntry><Amt Ccy="EUR">{_amount(one.cents)}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        + ("<RvslInd>true</RvslInd>" if one.reversal else "")
        + f"{status}<BookgDt><Dt>{one.day}</Dt></BookgDt>"
        + (f"<AcctSvcrRef>{one.bank_ref}</AcctSvcrRef>" if one.bank_ref else "")
        + "<NtryDtls>"
        + (f"<Btch><PmtInfId>{one.batch}</PmtInfId></Btch>" if one.batch else "")
        + f"<TxDtls><Refs><EndToEndId>{one.end_to_end or 'NOTPROVIDED'}</EndToEndId></Refs>"
        + f"<RltdPties><{side}>{name}</{side}><{side}Acct><Id><IBAN>{one.iban}</IBAN></Id></{side}Acct></RltdPties>"
        + f"<RmtInf><Ustrd>{one.text}</Ustrd>{structured}</RmtInf>"
        + (f"<RtrInf><Rsn><Cd>{one.reason}</Cd></Rsn></RtrInf>" if one.reason else "")
        + "</TxDtls></NtryDtls></Ntry>"
    )


def camt(
    bookings: Sequence[Booking],
    *,
    version: str = "02",
    iban: str = HOUSE_IBAN,
    number: str = "S1",
    closing: int | None = None,
    kind: str = "053",
) -> bytes:
    """A CAMT file with one statement (053) or notification (054) whose balances add up unless another closing is given."""
    new = int(version) >= 8
    total = sum(one.cents for one in bookings if one.status == "BOOK")
    outer, inner = ("BkToCstmrStmt", "Stmt") if kind == "053" else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    balances = _balance("OPBD", 100_00) + _balance("CLBD", 100_00 + total if closing is None else closing) if kind == "053" else ""
    entries = "".join(_booking(one, new=new) for one in bookings)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"><{outer}><GrpHdr>'
        f"<MsgId>M</MsgId><CreDtTm>2026-11-21T06:00:00</CreDtTm></GrpHdr><{inner}><Id>{number}</Id><Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balances}{entries}</{inner}></{outer}></Document>"
    ).encode()


ASN = """:20:0000000000
:25:NL05TEST0417164300
:28C:1/1
:60F:C261101EUR100,00
:61:2611201120C121,00NIDBNL91ABNA0417164300
bakkerij de korst
:86:NL91ABNA0417164300 bakkerij de korst

{text}

:62F:C261120EUR221,00
"""
ING = """{{1:F01INGBNL2ABXXX0000000000}}
{{2:I940INGBNL2AXXXN}}
{{4:
:20:P261120000000001
:25:NL05TEST0417164300EUR
:28C:00000
:60F:C261119EUR100,00
:61:2611201120C121,00NTRFEREF//00000000001005
/TRCD/00100/
:86:/EREF/EV123//CNTP/NL91ABNA0417164300/ABNANL2A/DE KORST///REMI/USTD//{text}/
:62F:C261120EUR221,00
-}}
"""
RABO = """:940:
:20:940S261120
:25:NL05TEST0417164300 EUR
:28C:26324
:60F:C261119EUR000000000100,00
:61:261120C000000000121,00N541NONREF
NL91ABNA0417164300
:86:/ORDP//NAME/De Korst/REMI/{text}/ISDT/2026-11-20
:62F:C261120EUR000000000221,00
"""
SNS = """:20:0000000000
:25:NL05TEST0417164300
:28C:11/1
:60F:C261119EUR100,00
:61:2611201120C121,00NIDBNL91ABNA0417164300//00123456
DE KORST
:86:NL91ABNA0417164300 de korst

{text}

:62F:C261120EUR221,00
"""
KNAB = """:20:B4E19MT9400000
:25:NL05TEST0417164300
:28C:13001/1
:60F:C261119EUR100,00
:61:261120C121,00N023NONREF//B4E19T1
:86:REK: NL91ABNA0417164300/NAAM: DE KORST {text}
:62F:C261120EUR221,00
"""
TRIODOS = """:20:1308728725026/1
:25:TRIODOSBANK/0417164300
:28:1
:60F:C261119EUR100,00
:61:261120C121,00NET NONREF
:86:000>100417164300
>20{text}
>310417164300>32DE KORST
:62F:C261120EUR221,00
-
"""
MT940 = {"ASN": ASN, "ING": ING, "Rabobank": RABO, "SNS": SNS, "Knab": KNAB, "Triodos": TRIODOS}
