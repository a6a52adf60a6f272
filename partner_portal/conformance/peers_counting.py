"""Other systems' cases about numbers of documents, balances and rounded working time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from billing.policy import settling
from billing.policy.settling import Claim
from billing.policy.worked_time import Rounding, Steps, rounded

from .reading import Answer, Inputs, cents_of, euros

_DAY = 24 * 60 * 60
_NOBODY, _ALWAYS = UUID(int=0), date(2000, 1, 1)


def balance(inputs: Inputs) -> dict[str, Any]:
    """What is open of a document after credit on account, payment and refund, and what stays on account."""
    charged = cents_of(inputs.get("charge", inputs.get("line"))) + cents_of(inputs.get("adjust"))
    left_open, on_account = charged, 0
    for money in (cents_of(inputs.get("credit")), cents_of(inputs.get("paid")) - cents_of(inputs.get("refund"))):
        division = settling.divide(money, [Claim(invoice=_NOBODY, number="1", due_on=_ALWAYS, open_cents=left_open)])
        left_open, on_account = left_open - money + division.left_cents, on_account + division.left_cents
    return {"charged": euros(charged), "balance": euros(left_open), "account_credit": euros(on_account)}


def numbers(inputs: Inputs) -> dict[str, list[str]]:
    """A month of invoices, one per customer: each counts for its customer and for the issuer, whichever of both is shown."""
    given: Counter[int] = Counter()
    shown: dict[str, list[str]] = {}
    for month, scheme in zip(inputs["months"], inputs["scheme"], strict=True):
        for customer in range(1, inputs["customers"] + 1):
            given[customer] += 1
            of_customer = f"{customer:03d}-{given[customer]:03d}"
            shown.setdefault(month, []).append(of_customer if scheme == "customer" else f"{month.replace('-', '')}-{given.total():03d}")
    return shown


def working_time(inputs: Inputs) -> dict[str, Any]:
    """Begin and end of the day's work rounded, and the seconds billed."""
    steps = Steps(**{name: inputs.get(f"round_{name}_min") or 0 for name in ("begin", "end", "duration")})
    begin, end = _seconds(inputs["begin"]), _seconds(inputs["end"])
    until = end if end >= begin else end + _DAY  # worked past midnight
    worked = rounded(begin, until, steps, Rounding(inputs.get("mode") or Rounding.OUTWARD))
    return {"begin": _clock(worked.begin), "end": _clock(worked.end), "seconds": worked.seconds}


def _seconds(text: str) -> int:
    hours, minutes, seconds = (*map(int, text.split(":")), 0)[:3]
    return (hours * 60 + minutes) * 60 + seconds


def _clock(seconds: int) -> str:
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


FAMILIES: Mapping[str, Answer] = {"kb-balance": balance, "numbering": numbers, "time-round": working_time}
