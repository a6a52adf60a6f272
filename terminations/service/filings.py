"""What was filed, on paper, for the partner: what was asked, for which day, at which price toward whom. No confirmation; that comes when all have agreed."""

from __future__ import annotations

from typing import Any

from billing.policy.ledger import Layer
from partner_portal.infra import catalogue, files, settings
from partner_portal.infra.tables import Document
from tenants.service import brands

from . import explain, letters
from .letters import Dossier, SheetWords

LETTER = "filing"
"""The kind of document; there is one for each case that was filed in the portal."""


async def letter(number: str) -> Document | None:
    """The letter about the case of this number; None while it is being made."""
    return await files.named(LETTER, filename(number))


def filename(number: str) -> str:
    """What the file is called."""
    return f"{number}-filed.pdf"


async def words(told: Dossier, language: str) -> dict[str, Any]:
    """What the letter says."""
    case = told.case
    return {
        "brand": await brands.for_letter(case.tenant),
        "provider": settings.current().provider_name,
        "recipient": [told.partner_name, *filter(None, map(str.strip, told.brand.address.splitlines()))],
        "issued_at": case.filed_at,
        "number": case.number,
        "case": letters.case_words(told),
        "lines": letters.line_words(told, language),
        "sheets": _sheets(told, language),
        "after": letters.afterwards(told),
        "is_buyout": case.is_buyout,
        "has_mandate": case.has_mandate,
        "contact": told.contact,
        "reason": catalogue.text(explain.REASONS[case.reason], language),
        "comment": case.comment,
    }


def _sheets(told: Dossier, language: str) -> list[tuple[str, SheetWords]]:
    """The bill of each price layer, with who pays it: the partner may see both."""
    payers = {Layer.CUSTOMER: told.customer_name, Layer.PARTNER: told.partner_name}
    return [(payers[layer], letters.sheet(told, language, layer=layer)) for layer in told.previews]
