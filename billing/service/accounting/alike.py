"""What the adapters of packages with an API decide alike, whatever the package calls it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from urllib.parse import quote

import msgspec
import structlog

from .port import Accounting, AccountingRefuses, ChangedThere, Contact, CredentialRefused, Remote, SalesDocument, What
from .speaking import units

log = structlog.get_logger()


class Paper(msgspec.Struct, frozen=True):
    """A file that hangs on a document there."""

    name: str
    kind: str
    content: bytes


async def hang(package: str, document: SalesDocument, known: Collection[str], send: Callable[[Paper], Awaitable[object]]) -> None:
    """The original as it was sent and the e-invoice hang on the document, but for those `known` there. Where one is refused the books are right without it."""
    name = quote(document.number, safe="-_.")
    for paper in (Paper(f"{name}.pdf", "application/pdf", document.pdf), Paper(f"{name}.xml", "application/xml", document.ubl)):
        if not paper.content or paper.name in known:
            continue
        try:
            await send(paper)
        except CredentialRefused:
            raise
        except AccountingRefuses as error:
            log.warning("accounting.attachment_refused", package=package, document=paper.name, detail=error.facts.get("detail"))


async def as_it_is(adapter: Accounting, contact: Contact, known: Remote, as_ours: str, *, even_if_changed: bool) -> Remote | None:
    """The contact, where it is there as ours already (its version is `as_ours`); None where it is ours to write; ChangedThere, AccountingRefuses."""
    now = await adapter.look(What.CONTACT, known.id)
    if now is None:
        raise AccountingRefuses(detail=f"{contact.number} {contact.name} is not there (any more)")
    if now.version == as_ours:
        return now
    if now.version != known.version and not even_if_changed:
        raise ChangedThere(now)
    return None


def must_say_the_same_vat(document: SalesDocument, vat_cents: int, gross_cents: int) -> None:
    """AccountingRefuses where the total there is ours but is made up of another VAT: books that agree on the whole would differ in the return."""
    if gross_cents == document.gross_cents and vat_cents != document.vat_cents:
        ours, theirs = units(document.vat_cents), units(vat_cents)
        raise AccountingRefuses(detail=f"{document.number} stands there with EUR {theirs} of VAT, ours has EUR {ours}")
