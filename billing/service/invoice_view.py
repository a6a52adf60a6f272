"""One document as pages and JSON show it: what it says, where it stands, what settled it, and why each line is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import catalogue, db, formats
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.money import Money

from ..policy.ledger import Kind, LineKind
from ..policy.tax import VatCategory
from . import documents, einvoice, late_told, refunds
from .documents import Document, DocumentLine, Standing


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """Something that settled a part: a payment by its method, or another document by its number; below zero it was taken back."""

    on: date
    amount: Money
    method: str = ""
    document: UUID | None = None
    number: str = ""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to see. `settled` is what settled it (or what a credit settled), `credit_notes` those that correct it.

    `late`: the document that charges its interest and costs, or the invoices whose those are; `waived`: why nobody does.
    """

    document: Document
    stands: Standing
    settled: Sequence[Settled]
    credit_notes: Sequence[asyncpg.Record]
    refunds: Sequence[asyncpg.Record]
    """What goes back, or went, of the payments that settled it."""
    late: Sequence[asyncpg.Record] = ()
    waived: str = ""


_SETTLED = """
SELECT coalesce(p.received_on, o.issued_on, (a.made_at AT TIME ZONE 'Europe/Amsterdam')::date) AS on, a.amount_cents,
       CASE WHEN a.write_off IS NULL THEN p.method ELSE 'write-off' END AS method, o.id AS document, o.number
  FROM billing_allocation a LEFT JOIN billing_payment p ON p.tenant = a.tenant AND p.id = a.payment
  LEFT JOIN billing_invoice o ON o.tenant = a.tenant AND o.id = CASE WHEN a.invoice = $1 THEN a.credit ELSE a.invoice END
 WHERE a.invoice = $1 OR a.credit = $1 ORDER BY a.made_at, a.id
"""
_CREDIT_NOTES = "SELECT id, number, issued_on, gross_cents, reason FROM billing_invoice WHERE refers_to = $1 ORDER BY issued_on, id"


async def one(invoice: UUID) -> View:
    """The document with where it stands; NotFound outside the asking side of the wall."""
    document = await documents.one(invoice)
    charged, waived = await late_told.of_invoice(invoice)
    return View(
        document=document,
        stands=await documents.standing(invoice),
        settled=[_settled(found) for found in await db.fetch(_SETTLED, invoice)],
        credit_notes=await db.fetch(_CREDIT_NOTES, invoice),
        refunds=await refunds.of_invoice(invoice),
        late=charged,
        waived=waived,
    )


def _settled(row: asyncpg.Record) -> Settled:
    return Settled(
        on=row["on"], amount=Money(row["amount_cents"]), method=row["method"] or "", document=row["document"], number=row["number"] or ""
    )


METHODS: dict[str, str] = {
    "transfer": sentence("bank transfer"),
    "ideal": sentence("iDEAL"),
    "creditcard": sentence("credit card"),
    "directdebit": sentence("direct debit"),
    "debit": sentence("direct debit"),
    "sandbox": sentence("test payment"),
    "direct debit": sentence("direct debit"),
    "return": sentence("taken back by the bank"),
    "chargeback": sentence("taken back by the bank"),
    "refund": sentence("paid back"),
    "moved": sentence("moved to another customer"),
    "write-off": sentence("written off"),
}
_KINDS: dict[LineKind, str] = {
    LineKind.RECURRING: sentence("The price of this service, as agreed, for the days named."),
    LineKind.SETUP: sentence("Agreed once, for setting the service up."),
    LineKind.USAGE: sentence("What was used, as measured, at the agreed price of a unit."),
    LineKind.BUYOUT: sentence("The agreed part of what the contract would still have cost, because it ends before its term."),
    LineKind.CLAWBACK: sentence("The part of a discount that belongs to the months after the end: it was given for the whole term."),
    LineKind.RESIDUAL: sentence("What the equipment is still worth at the end: it was to be paid over the whole term."),
    LineKind.HANDLING: sentence("Agreed once, for ending before the term."),
    LineKind.CREDIT: sentence("Given back of what was billed before."),
    LineKind.EARLY_USE: sentence(
        "The days used before the withdrawal: the customer expressly asked for the service to begin within the cooling-off period."
    ),
    LineKind.DAMAGES: sentence(
        "Compensation for damage. No VAT: that is levied on what is supplied (article 1 of the Dutch VAT Act 1968)."
    ),
    LineKind.INTEREST: sentence(
        "Statutory interest over the days after the due date. No VAT: that is levied on what is supplied (article 1 of the Dutch VAT Act 1968)."
    ),
    LineKind.COLLECTION: sentence(
        "Statutory costs of collection (article 6:96 of the Dutch Civil Code). "
        "No VAT: that is levied on what is supplied (article 1 of the Dutch VAT Act 1968)."
    ),
    LineKind.OTHER: sentence("Agreed apart from the services."),
}
_RULES: dict[str, str] = {
    "period": sentence("%(quantity)s × %(monthly)s a month, %(months)s months at a time."),
    "part": sentence("%(days)s of the %(period_days)s days of the period, at %(monthly)s a month for each of %(quantity)s."),
    "late.costs": sentence(
        "After %(term)s, the last day of the letter of %(letter)s, %(principal)s was open; by the scale of the law that is %(costs)s."
    ),
    "late.interest.consumer": sentence(
        "Over what was open of invoice %(of)s from %(first)s to %(last)s, day by day at the rate of article 6:119 of the Dutch Civil Code."
    ),
    "late.interest.business": sentence(
        "Over what was open of invoice %(of)s from %(first)s to %(last)s, day by day at the rate of article 6:119a of the Dutch Civil Code."
    ),
    "charge.manual": sentence("Entered by %(entered_by)s."),
    "credit.whole": sentence("Line %(line)s of invoice %(of)s, given back whole: %(reason)s"),
    "credit.days": sentence("The days named of line %(line)s of invoice %(of)s: %(reason)s"),
    "credit.amount": sentence("A part of line %(line)s of invoice %(of)s, which was %(charged)s: %(reason)s"),
}
_HOME, _AWAY = sentence("VAT of the Netherlands, %(rate)s."), sentence("VAT of %(country)s, %(rate)s: it is due where a consumer lives.")


def why(document: Document, line: DocumentLine, language: str) -> list[str]:
    """Why the line is there, how its amount came about, and how it is taxed, each in a sentence."""
    said = [catalogue.text(_KINDS[line.kind], language)]
    facts = dict(_fact(name, value) for name, value in line.why.items())
    rule = _RULES.get(str(line.why.get("rule", "")))
    if rule and not _missing(rule, facts):
        said.append(catalogue.text(rule, language, **facts))
    return [*said, _taxed(document, line, language)]


def _fact(name: str, value: Any) -> tuple[str, Any]:
    """What a sentence calls it, and as what: money and days are written as the language does."""
    if name.endswith("_cents"):
        return name.removesuffix("_cents"), Money(value)
    if name.endswith("_on"):
        return name.removesuffix("_on"), date.fromisoformat(value)
    return name, value


def _missing(rule: str, facts: dict[str, Any]) -> list[str]:
    return [part.partition(")")[0] for part in rule.split("%(")[1:] if part.partition(")")[0] not in facts]


def _taxed(document: Document, line: DocumentLine, language: str) -> str:
    if line.vat.category is VatCategory.STANDARD:
        words = {"rate": formats.percent(line.vat.rate, language), "country": formats.country(line.vat.country, language)}
        return catalogue.text(_HOME if line.vat.country == document.issuer.country else _AWAY, language, **words)
    reason = einvoice.reason(document, line.vat.category, language)
    return reason[1] if reason else ""


TITLES: dict[str, str] = {
    Kind.INVOICE: sentence("Invoice"),
    Kind.CREDIT_NOTE: sentence("Credit note"),
    Kind.DAMAGES: sentence("Note of damage"),
    Kind.COSTS: sentence("Interest and costs"),
}
REFUNDS: dict[str, tuple[str, str]] = {
    "wanted": (sentence("is being looked at"), "wait"),
    "agreed": (sentence("under way"), "wait"),
    "sent": (sentence("under way"), "wait"),
    "done": (sentence("paid back"), "good"),
    "refused": (sentence("not paid back"), "calm"),
    "failed": (sentence("did not arrive; we look into it"), "bad"),
}
"""The word and kind of each refund's chip, as the debtor reads them."""
LABELS: dict[str, tuple[str, str, str]] = {
    "unpaid": (sentence("Unpaid"), "wait", "hourglass-split"),
    "paid": (sentence("Paid"), "good", "check-circle"),
    "overdue": (sentence("Overdue"), "bad", "exclamation-triangle"),
    "credited": (sentence("Credited"), "calm", "arrow-counterclockwise"),
    "written off": (sentence("Written off"), "bad", "x-circle"),
}
"""The word, kind and icon of each label's chip."""
