"""What is asked behind a link, in words: the same for the page, for the record of what was read, and for the letter to take away."""

from __future__ import annotations

import hashlib
from typing import Any

from partner_portal.infra import files, outbox, settings, templates
from partner_portal.infra.tables import Document
from tenants.service import brands

from ..events import RequestLetterWanted
from ..policy.waiting import last_day
from ..tables import DecisionLink
from . import cases, earlier, letters, proof
from .letters import Dossier
from .links import Purpose

LETTER = "request"
"""The kind of document that says what a page asks."""


async def words(told: Dossier, purpose: Purpose, language: str) -> dict[str, Any]:
    """The end that is asked for and what it costs whoever is asked; a buyout with how its sum was made up and adjusted."""
    common = {
        "brand": told.brand,
        "case": letters.case_words(told),
        "lines": letters.line_words(told, language),
        "after": letters.afterwards(told),
        "has_buyout": letters.has_buyout(told),
    }
    if purpose is Purpose.BUYOUT:
        bill = letters.sheet(told, language, only=cases.EXTRA_COSTS)
        final, adjustment = letters.amount_for(told, "customer"), await letters.adjustment(told)
        return common | {"sheet": bill, "amount": bill.total, "final": final, "adjustment": adjustment}
    sheet = letters.sheet(told, language) if told.customer_pays else None
    asked = {"by_notice": told.by_notice, "earlier": earlier.offered(told)}
    return common | {"sheet": sheet, "amount": letters.amount_for(told, "customer"), **asked}


def template(link: DecisionLink) -> str:
    """The page that asks what this link asks."""
    return f"terminations/confirm/{'proposal' if link.purpose == Purpose.BUYOUT else 'waiting'}.html"


async def record(told: Dossier, link: DecisionLink, language: str) -> str:
    """The page as it asks, before anything is typed: this is what an answer is an answer to. No secret stands in it."""
    blank = {"document_link": None, "text_version": "", "reason": "", "offer": "", "error": None, "wrong": "", "languages": ()}
    asked = await words(told, Purpose(link.purpose), language) | {"valid_until": last_day(link.expires_at)}
    return templates.render(template(link), language=language, frame="terminations/confirm/record.html", **asked, **blank)


def version(text: str) -> str:
    """Which text it is: what the answer names, and the hash of what is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


async def letter(told: Dossier, link: DecisionLink, language: str) -> Document | None:
    """The letter that says what the page asks now; None while it is being made, which this has asked for."""
    found = await files.named(LETTER, filename(told, version(await record(told, link, language))))
    if found is None:
        await outbox.publish(RequestLetterWanted(tenant_id=link.tenant, link_id=link.id, language=language))
    return found


def filename(told: Dossier, text_version: str) -> str:
    """A letter for each text: it is made once, however often it is asked for."""
    return f"{told.case.number}-{text_version[:12]}.pdf"


async def letter_words(told: Dossier, link: DecisionLink, language: str, *, text_version: str) -> dict[str, Any]:
    """What the letter says; the same whenever it is made for the same text."""
    return await words(told, Purpose(link.purpose), language) | {
        "brand": await brands.for_letter(told.case.tenant),
        "provider": settings.current().provider_name,
        "recipient": await proof.address_block(told),
        "issued_at": link.created_at,
        "number": told.case.number,
        "is_buyout": link.purpose == Purpose.BUYOUT,
        "valid_until": last_day(link.expires_at),
        "payer": letters.payer_name(told),
        "text_version": text_version[:12],
    }
