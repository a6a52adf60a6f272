"""What is written on a document about its payment."""

from __future__ import annotations

from datetime import date

from .ledger import Kind, Label


def label(  # noqa: PLR0913
    kind: Kind, *, gross_cents: int, open_cents: int, credited_cents: int, due_on: date, today: date, written_off_cents: int = 0
) -> Label | None:
    """Credited, written off, paid, overdue or unpaid; None for what nobody has to pay: a credit note, or an invoice in the debtor's favour."""
    if kind is Kind.CREDIT_NOTE or gross_cents <= 0:
        return None
    if credited_cents >= gross_cents:
        return Label.CREDITED
    if open_cents <= 0 and written_off_cents > 0:
        return Label.WRITTEN_OFF
    if open_cents <= 0:
        return Label.PAID
    return Label.OVERDUE if due_on < today else Label.UNPAID
