"""A debtor's statement of account as a letter."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from partner_portal.infra import catalogue, clock, formats, settings, templates
from partner_portal.infra.catalogue import sentence
from tenants.service import brands

from ..policy.reminding import Bucket
from . import announcing, open_items, paper, transfers

AGES: dict[str, str] = {
    "": sentence("Everything open"),
    "overdue": sentence("Overdue"),
    Bucket.NOT_DUE: sentence("Not due yet"),
    Bucket.TO_30: sentence("1 to 30 days"),
    Bucket.TO_60: sentence("31 to 60 days"),
    Bucket.TO_90: sentence("61 to 90 days"),
    Bucket.OLDER: sentence("Over 90 days"),
}
"""What each age is called."""


LETTER = "billing/statement"
"""The letter that is filled with the words of `words`."""


async def words(tenant: UUID, customer: UUID | None, language: str) -> tuple[str, dict[str, Any]]:
    """The account of the customer, or of the partner itself, as it stands today: a file's name without its ending, and what the letter says. NotFound."""
    told = await open_items.statement(tenant, customer)
    invoices = [row["id"] for row in told.rows]
    accounts = await transfers.of(invoices) if told.balance_cents > 0 else []
    said = {
        "brand": await brands.for_letter(tenant),
        "provider": accounts[0].holder if len(accounts) == 1 else settings.current().provider_name,
        "recipient": [*told.recipient, formats.country(told.abroad, language) if told.abroad else ""],
        "issued_at": clock.now(),
        "number": formats.day(told.on, language),
        "told": told,
        "accounts": accounts,
        "references": {
            claim.id: paper.in_fours(claim.reference).replace(" ", "\N{NO-BREAK SPACE}") for account in accounts for claim in account.claims
        },
        "collected": await announcing.now(invoices),
        "in_fours": paper.in_fours,
        "ages": AGES,
        "version": templates.version("billing/pdf/statement.html", language),
    }
    return f"{catalogue.text(sentence('statement'), language)}-{told.on.isoformat()}", said
