"""What happened to what is owed, as others may rely on it."""

from __future__ import annotations

from uuid import UUID

from partner_portal.kernel.events import Event


class InvoiceIssued(Event, frozen=True, kw_only=True):
    """An invoice, credit note or damages note has its number; from here on it never changes. `tenant_id` is the partner whose debtor it is."""

    invoice_id: UUID
