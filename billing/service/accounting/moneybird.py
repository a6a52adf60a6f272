"""Moneybird's API, version 2, as it publishes it: lists by pages, versions instead of webhooks, 150 questions in five minutes.

It knows no idempotency key: what `create` makes is found again by `find`, by our number among the debtor's documents. What is removed there it does not
list; `look` sees it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

import msgspec

from partner_portal.infra import clock

from . import alike
from . import moneybird_words as words
from .alike import Paper
from .moneybird_words import Named, TheirContact, TheirInvoice, TheirPayment, Versioned
from .port import (
    AccountingRefuses,
    AccountingUnavailable,
    Altered,
    Booking,
    Contact,
    CredentialRefused,
    Health,
    News,
    Remote,
    SalesDocument,
    Settlement,
    Setup,
    Wanted,
    What,
)
from .speaking import NothingThere, Speaker

T = TypeVar("T")

URL = "https://moneybird.com/api/v2"
TOKENS = "https://moneybird.com/oauth/token"
_PAGE = 100
_DOCUMENTS = 20
"""Documents in one answer: of hundreds of lines each, a hundred would be more than is read."""
_PAGES = 500
"""More than anybody has of what is listed here; a server that repeats itself is not read for ever."""
_QUARTERS_BACK = 8
_CLOCKS_DIFFER = timedelta(minutes=1)
_BOUNDARY = "----------------portal-attachment"
_INVOICES = "/external_sales_invoices"


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Instants in seconds since 1970 (their versions): until when documents and contacts have been told."""

    documents: int
    contacts: int


class Moneybird:
    """One administration and the token that opens it."""

    name = "moneybird"

    def __init__(self, setup: Setup) -> None:
        self._speaker = Speaker(setup, url=setup.url or URL, renews_at=TOKENS, words=words.words, is_basic=False)
        self._id = setup.administration
        self._path = f"/{quote(setup.administration, safe='')}"

    async def check(self) -> Health:
        """GET /administrations, /ledger_accounts and /tax_rates."""
        mine = [one for one in await self._speaker.read(list[Named], "GET", "/administrations.json") if str(one.id) == self._id]
        if not mine:
            raise CredentialRefused(detail=f"the token does not open administration {self._id}")
        ledgers = await self._read(list[Named], "GET", "/ledger_accounts.json")
        rates = [one async for one in self._pages(Named, "/tax_rates.json", {"filter": "tax_rate_type:sales_invoice,active:true"})]
        return Health(
            administration=mine[0].name,
            ledgers={str(one.id): f"{one.account_id or ''} {one.name}".strip() for one in ledgers if one.active is not False},
            vat_codes={str(one.id): one.name for one in rates if one.active is not False},
        )

    async def find(self, wanted: Wanted) -> Remote | None:
        """A contact by our number; a document by its number among the debtor's; a payment or a settlement by our key among the document's.

        A document that is as ours but has not got its papers (we were interrupted) gets them.
        """
        if isinstance(wanted, Contact):
            return await self._find_contact(wanted)
        if isinstance(wanted, SalesDocument):
            return await self._find_document(wanted)
        paid = await self._invoice(wanted.document)
        ours = [one for one in paid.payments if one.transaction_identifier == words.OURS + wanted.key] if paid else []
        return words.payment_remote(ours[0]) if ours else None

    async def _find_contact(self, wanted: Contact) -> Remote | None:
        asked = {"query": wanted.number, "include_archived": "true"}
        async for one in self._pages(TheirContact, "/contacts.json", asked):
            if one.customer_id == wanted.number:
                return words.contact_remote(one)
        return None

    async def _find_document(self, wanted: SalesDocument) -> Remote | None:
        year = wanted.issued_on.year
        asked = {"filter": f"contact_id:{wanted.contact},period:{year - 1}0101..{year + 1}1231,state:all"}
        found = [one async for one in self._pages(TheirInvoice, f"{_INVOICES}.json", asked, _DOCUMENTS) if one.reference == wanted.number]
        if len(found) > 1:
            raise AccountingRefuses(detail=f"{wanted.number} stands there {len(found)} times: {', '.join(str(one.id) for one in found)}")
        if not found:
            return None
        return await self._finished(wanted, found[0])

    async def _finished(self, wanted: SalesDocument, there: TheirInvoice) -> Remote:
        remote = words.document_remote(there, wanted.kind)
        words.must_say_the_same_vat(wanted, there)
        if remote.gross_cents == wanted.gross_cents:
            await self._attach(wanted, there)
        return remote

    async def create(self, wanted: Wanted) -> Remote:
        """POST of a contact, of a document with its papers, of a payment, or of one document that settles another."""
        if isinstance(wanted, Contact):
            return words.contact_remote(await self._read(TheirContact, "POST", "/contacts.json", words.contact_body(wanted)))
        if isinstance(wanted, Booking):
            return await self._pay(wanted)
        if isinstance(wanted, Settlement):
            where = f"{_INVOICES}/{_safe(wanted.document)}/payments.json"
            return words.payment_remote(await self._read(TheirPayment, "POST", where, words.settlement_body(wanted)))
        return await self._finished(wanted, await self._read(TheirInvoice, "POST", f"{_INVOICES}.json", words.document_body(wanted)))

    async def _pay(self, wanted: Booking) -> Remote:
        paid = await self._invoice(wanted.document)
        if paid is None:
            raise AccountingRefuses(detail=f"{wanted.number} is not there (any more)")
        where = f"{_INVOICES}/{_safe(wanted.document)}/payments.json"
        return words.payment_remote(await self._read(TheirPayment, "POST", where, words.payment_body(wanted, paid)))

    async def _attach(self, document: SalesDocument, there: TheirInvoice) -> None:
        where = f"{self._path}{_INVOICES}/{there.id}/attachment.json"

        async def send(paper: Paper) -> None:
            head = f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="{paper.name}"\r\ncontent-type: {paper.kind}\r\n\r\n'
            body = head.encode() + paper.content + f"\r\n--{_BOUNDARY}--\r\n".encode()
            await self._speaker.ask("POST", where, headers={"content-type": f"multipart/form-data; boundary={_BOUNDARY}"}, body=body)

        await alike.hang(self.name, document, {one.filename for one in there.attachments}, send)

    async def change(self, contact: Contact, known: Remote, *, even_if_changed: bool = False) -> Remote:
        """PATCH of the contact, unless it is there as ours already."""
        now = await alike.as_it_is(self, contact, known, words.contact_version(contact), even_if_changed=even_if_changed)
        where = f"/contacts/{_safe(known.id)}.json"
        return now or words.contact_remote(await self._read(TheirContact, "PATCH", where, words.contact_body(contact)))

    async def look(self, what: What, remote_id: str) -> Remote | None:
        """GET of one; a document's payments are looked at by their own ids."""
        if what is What.DOCUMENT:
            there = await self._invoice(remote_id)
            return words.document_remote(there) if there else None
        try:
            if what is What.CONTACT:
                return words.contact_remote(await self._read(TheirContact, "GET", f"/contacts/{_safe(remote_id)}.json"))
            return words.payment_remote(await self._read(TheirPayment, "GET", f"/payments/{_safe(remote_id)}.json"))
        except NothingThere:
            return None

    async def _invoice(self, remote_id: str) -> TheirInvoice | None:
        try:
            return await self._read(TheirInvoice, "GET", f"{_INVOICES}/{_safe(remote_id)}.json")
        except NothingThere:
            return None

    async def news(self, cursor: str | None) -> News:
        """Contacts by when they changed; documents of the last two years by their versions, about a hundred at a time."""
        if cursor is None:
            now = int((clock.now() - _CLOCKS_DIFFER).timestamp())
            return News(cursor=_told(_Cursor(now, now)))
        since = _read_cursor(cursor)
        contacts = [one async for one in self._changed_contacts(since.contacts)]
        changed = await self._changed_documents(since.documents)
        taken, last = _first(changed, since.documents)
        documents = await self._documents(taken)
        # The last second is asked for again next time: more may happen in it.
        latest = [int(one.updated_at.timestamp()) for one in contacts if one.updated_at]
        return News(
            cursor=_told(_Cursor(last, max([since.contacts, *latest]))),
            payments=tuple(payment for one in documents for payment in words.seen(one)),
            altered=(
                *(Altered(what=What.CONTACT, id=str(one.id), now=words.contact_remote(one)) for one in contacts),
                *map(_altered, documents),
            ),
            is_more=len(taken) < len(changed),
        )

    async def _changed_contacts(self, since: int) -> AsyncIterator[TheirContact]:
        after = datetime.fromtimestamp(since, UTC) - timedelta(seconds=1)
        asked = {"filter": f"updated_after:{after:%Y-%m-%d %H:%M:%S} UTC", "include_archived": "true"}
        async for one in self._pages(TheirContact, "/contacts/filter.json", asked):
            yield one

    async def _changed_documents(self, since: int) -> list[Versioned]:
        changed: dict[str, Versioned] = {}
        for period in _quarters(clock.today()):
            asked = {"filter": f"period:{period},state:all"}
            where = f"{self._path}{_INVOICES}/synchronization.json"
            listed = await self._speaker.read(list[Versioned], "GET", where, query=asked)
            changed |= {str(one.id): one for one in listed if one.at >= since}
        return sorted(changed.values(), key=lambda one: (one.at, str(one.id)))

    async def _documents(self, taken: list[Versioned]) -> list[TheirInvoice]:
        found: list[TheirInvoice] = []
        for start in range(0, len(taken), _DOCUMENTS):
            body = msgspec.json.encode({"ids": [str(one.id) for one in taken[start : start + _DOCUMENTS]]})
            found += await self._read(list[TheirInvoice], "POST", f"{_INVOICES}/synchronization.json", body)
        return found

    async def _read(self, kind: type[T], method: str, path: str, body: bytes | None = None) -> T:
        return await self._speaker.read(kind, method, self._path + path, body=body)

    async def _pages(self, kind: type[T], path: str, asked: dict[str, str], size: int = _PAGE) -> AsyncIterator[T]:
        for page in range(1, _PAGES + 1):
            query = asked | {"per_page": str(size), "page": str(page)}
            listed = await self._speaker.read(list[kind], "GET", self._path + path, query=query)  # type: ignore[valid-type]
            for one in listed:
                yield one
            if len(listed) < size:
                return
        raise AccountingUnavailable(detail=f"{path} has no end")


def _altered(there: TheirInvoice) -> Altered:
    payments = frozenset(str(one.id) for one in there.payments)
    return Altered(what=What.DOCUMENT, id=str(there.id), now=words.document_remote(there), payments=payments)


def _safe(remote_id: str) -> str:
    return quote(remote_id, safe="")


def _first(changed: list[Versioned], since: int) -> tuple[list[Versioned], int]:
    """The first hundred that changed after `since`, with all that changed in a second of theirs; and until when that is."""
    later = [one.at for one in changed if one.at > since]
    if not later:
        return changed, since
    last = later[min(_PAGE, len(later)) - 1]
    return [one for one in changed if one.at <= last], last


def _quarters(today: date) -> list[str]:
    """The periods that are asked for one by one, so that no list is long: quarters, from two years back to the next one."""
    first = today.year * 4 + (today.month - 1) // 3
    spans = [divmod(number, 4) for number in range(first - _QUARTERS_BACK, first + 2)]
    return [f"{year}{3 * quarter + 1:02d}..{year}{3 * quarter + 3:02d}" for year, quarter in spans]


def _told(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _read_cursor(told: str) -> _Cursor:
    try:
        return msgspec.json.decode(told, type=_Cursor)
    except msgspec.DecodeError:
        # Of another package, or damaged: everything is told again, and what was told before is known.
        return _Cursor(0, 0)
