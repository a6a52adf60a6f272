"""Xero's accounting API, version 2.0, as it publishes it: pages in the order of change, 60 questions a minute and 5000 a day.

Its tokens last half an hour and are renewed by a token that is good for one use. What is written has an idempotency key; it is remembered there for
minutes only, so that after any interruption `find` looks first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, cast
from urllib.parse import quote

import msgspec

from partner_portal.infra import clock

from ...policy.ledger import Kind
from . import alike, xero_batches
from . import xero_money as money
from . import xero_words as words
from .alike import Paper
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
from .speaking import NothingThere, Speaker, fingerprint
from .xero_words import (
    ALLOCATIONS,
    CONTACTS,
    CREDITS,
    INVOICES,
    PAYMENTS,
    Document,
    TheirAllocation,
    TheirContact,
    TheirCreditNote,
    TheirInvoice,
    TheirPayment,
)

T = TypeVar("T")

URL = "https://api.xero.com/api.xro/2.0"
TOKENS = "https://identity.xero.com/connect/token"
_PAGE = 100
_DOCUMENTS = 20
"""Documents in one answer: of hundreds of lines each, a hundred would be more than is read."""
_CLOCKS_DIFFER = timedelta(minutes=1)
_FINE = {"unitdp": "4"}
_ID = re.compile(r"(Contacts|Invoices|CreditNotes|Payments)/[0-9A-Za-z-]{1,64}")


class _Organisation(msgspec.Struct, frozen=True, rename="pascal"):
    name: str


class _Account(msgspec.Struct, frozen=True, rename="pascal"):
    name: str = ""
    code: str = ""
    status: str = ""


class _TaxRate(msgspec.Struct, frozen=True, rename="pascal"):
    name: str = ""
    tax_type: str = ""
    status: str = ""
    can_apply_to_revenue: bool = True


class _File(msgspec.Struct, frozen=True, rename="pascal"):
    file_name: str = ""


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """Until which second a list has been told; and which page of it is next, where more than a page changed in that second."""

    at: int
    page: int = 1


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    contacts: _Mark
    invoices: _Mark
    credits: _Mark
    payments: _Mark


class Xero:
    """One organisation and the grant that opens it."""

    name = "xero"

    def __init__(self, setup: Setup) -> None:
        self._speaker = Speaker(setup, url=setup.url or URL, renews_at=TOKENS, words=words.words, is_basic=True)
        self._tenant = {"xero-tenant-id": setup.administration}
        self._has_papers = setup.options.get("papers") != "none"

    @property
    def at_once(self) -> int:
        """Invoices in one question."""
        return xero_batches.WITH_PAPERS if self._has_papers else xero_batches.AT_ONCE

    async def several(self, wanted: Sequence[SalesDocument]) -> Mapping[str, Remote | AccountingRefuses]:
        """GET of those that are there by their numbers, then one PUT of the others; the papers of each after that."""
        taken = xero_batches.portion(wanted)
        _must_be_a_number(taken[0].number)
        there = {one.number: one for one in await self._numbered([one.number for one in taken])}
        new = [one for one in taken if one.number not in there]
        body, refused = xero_batches.body(new)
        made = xero_batches.outcomes(await self._put_several(body, new[0].key)) if body else {}
        found: dict[str, Remote | AccountingRefuses] = dict(refused)
        for one in taken:
            document = there.get(one.number) or made.get(one.number)
            if isinstance(document, AccountingRefuses):
                found[one.key] = document
            elif document is not None:
                try:
                    found[one.key] = await self._finished(one, document, is_new=one.number not in there)
                except CredentialRefused:
                    raise
                except AccountingRefuses as problem:
                    found[one.key] = problem
        return found

    async def _put_several(self, body: bytes, key: str) -> bytes:
        headers = self._tenant | {"idempotency-key": f"{key}:{fingerprint(body)[:12]}"}
        query = {"summarizeErrors": "false"} | _FINE
        answer = await self._speaker.ask("PUT", f"/{INVOICES}", query=query, headers=headers, body=body, patience=xero_batches.PATIENCE)
        return answer.body

    async def _numbered(self, numbers: Sequence[str]) -> list[TheirInvoice]:
        asked = {"InvoiceNumbers": ",".join(numbers), "page": "1"} | _FINE
        listed = await self._list(TheirInvoice, "GET", INVOICES, query=asked)
        return [one for one in listed if one.type == "ACCREC" and one.number in numbers and one.status not in words.GONE]

    async def check(self) -> Health:
        """GET /Organisation, /Accounts and /TaxRates."""
        mine = await self._list(_Organisation, "GET", "Organisation", "Organisations")
        if not mine:
            raise CredentialRefused(detail="the grant does not open this organisation")
        accounts = await self._list(_Account, "GET", "Accounts")
        rates = await self._list(_TaxRate, "GET", "TaxRates")
        return Health(
            administration=mine[0].name,
            ledgers={one.code: one.name for one in accounts if one.code and one.status == "ACTIVE"},
            vat_codes={one.tax_type: one.name for one in rates if one.status == "ACTIVE" and one.can_apply_to_revenue},
        )

    async def find(self, wanted: Wanted) -> Remote | None:
        """A contact by our key; a document by its number; a payment by our key among the document's; a settlement among those of its credit note.

        A document that is as ours but has not got its papers (we were interrupted) gets them.
        """
        if isinstance(wanted, Contact):
            there = await self._one(TheirContact, CONTACTS, words.CONTACT + wanted.key)
            return words.contact_remote(there) if there else None
        if isinstance(wanted, SalesDocument):
            return await self._find_document(wanted)
        if isinstance(wanted, Settlement):
            note = await self._document(wanted.credit)
            return money.among(wanted, note) if isinstance(note, TheirCreditNote) else None
        return await self._find_payment(wanted)

    async def _find_payment(self, wanted: Booking) -> Remote | None:
        """What takes back is there when all that it takes back is not, and what stays of that is."""
        document = await self._document(wanted.document)
        ours = {money.key_of(one): one for one in document.payments if one.status not in words.GONE} if document else {}
        if wanted.key in ours:
            return money.payment_remote(ours[wanted.key])
        if document is None or not wanted.takes.keys or wanted.takes.rest_cents or ours.keys() & set(wanted.takes.keys):
            return None
        return money.removed(wanted)

    async def _find_document(self, wanted: SalesDocument) -> Remote | None:
        _must_be_a_number(wanted.number)
        found: list[Document]
        if wanted.kind is Kind.CREDIT_NOTE:
            asked = {"where": f'CreditNoteNumber=="{wanted.number}"', "page": "1"} | _FINE
            listed = await self._list(TheirCreditNote, "GET", CREDITS, query=asked)
            found = [one for one in listed if one.type == "ACCRECCREDIT" and one.number == wanted.number and one.status not in words.GONE]
        else:
            found = [*await self._numbered([wanted.number])]
        if not found:
            return None
        return await self._finished(wanted, found[0], is_new=False)

    async def _finished(self, wanted: SalesDocument, there: Document, *, is_new: bool) -> Remote:
        remote = words.document_remote(there)
        words.must_say_the_same_vat(wanted, there)
        if remote.gross_cents == wanted.gross_cents and self._has_papers:
            files = [] if is_new else await self._list(_File, "GET", f"{remote.id}/Attachments", "Attachments")
            await self._attach(wanted, remote.id, {one.file_name for one in files})
        return remote

    async def create(self, wanted: Wanted) -> Remote:
        """PUT of a contact, of a document with its papers, of a payment or of an allocation; what takes back removes payments."""
        if isinstance(wanted, Contact):
            return words.contact_remote(await self._put(TheirContact, CONTACTS, words.contact_body(wanted), wanted.key))
        if isinstance(wanted, Booking):
            return await self._pay(wanted)
        if isinstance(wanted, Settlement):
            return await self._settle(wanted)
        body = words.document_body(wanted)
        made: Document
        if wanted.kind is Kind.CREDIT_NOTE:
            made = await self._put(TheirCreditNote, CREDITS, body, wanted.key)
        else:
            made = await self._put(TheirInvoice, INVOICES, body, wanted.key)
        return await self._finished(wanted, made, is_new=True)

    async def _pay(self, wanted: Booking) -> Remote:
        cents = wanted.amount_cents
        if cents < 0:
            await self._take_back(wanted)
            cents = wanted.takes.rest_cents
        if not cents:
            return money.removed(wanted)
        return money.payment_remote(await self._put(TheirPayment, PAYMENTS, money.payment_body(wanted, cents), wanted.key))

    async def _take_back(self, wanted: Booking) -> None:
        document = await self._document(wanted.document)
        if document is None:
            raise AccountingRefuses(detail=f"{wanted.number} is not there (any more)")
        if not wanted.takes.keys:
            raise money.not_removed(wanted, "it is none of ours")
        for one in document.payments:
            if money.key_of(one) not in wanted.takes.keys or one.status in words.GONE:
                continue
            try:
                await self._list(TheirPayment, "POST", f"{PAYMENTS}/{one.id}", PAYMENTS, body=money.REMOVED)
            except CredentialRefused:
                raise
            except AccountingRefuses as problem:
                raise money.not_removed(wanted, str(problem.facts["detail"])) from problem

    async def _settle(self, wanted: Settlement) -> Remote:
        made = await self._put(TheirAllocation, f"{wanted.credit}/{ALLOCATIONS}", money.allocation_body(wanted), wanted.key)
        if made.id:
            return money.allocation_remote(wanted.credit, made)
        # Their answer may lack its id, by which it is told from another of the same two documents: then the note says it.
        found = await self.find(wanted)
        if found is None:
            raise AccountingUnavailable(detail=f"{wanted.number} was settled, and the credit note there does not say so (yet)")
        return found

    async def _put(self, kind: type[T], place: str, body: bytes, key: str) -> T:
        query = {"summarizeErrors": "true"} | (_FINE if place in {INVOICES, CREDITS} else {})
        # A key is good for one body there; who sends another body looks for what the first one made before.
        headers = {"idempotency-key": f"{key}:{fingerprint(body)[:12]}"}
        return _single(await self._list(kind, "PUT", place, place.rpartition("/")[2], query=query, headers=headers, body=body))

    async def _attach(self, document: SalesDocument, remote_id: str, known: set[str]) -> None:
        async def send(paper: Paper) -> None:
            headers = self._tenant | {"content-type": paper.kind}
            await self._speaker.ask("PUT", f"/{remote_id}/Attachments/{paper.name}", headers=headers, body=paper.content)

        await alike.hang(self.name, document, known, send)

    async def change(self, contact: Contact, known: Remote, *, even_if_changed: bool = False) -> Remote:
        """POST of the contact, unless it is there as ours already."""
        now = await alike.as_it_is(self, contact, known, words.contact_version(contact), even_if_changed=even_if_changed)
        body = words.contact_body(contact)
        return now or words.contact_remote(_single(await self._list(TheirContact, "POST", known.id, CONTACTS, body=body)))

    async def look(self, what: What, remote_id: str) -> Remote | None:
        """GET of one; what is voided or deleted is gone."""
        if what is What.DOCUMENT:
            document = await self._document(remote_id)
            return words.document_remote(document) if document else None
        if what is What.SETTLEMENT:
            credit, _, allocation = remote_id.rpartition(f"/{ALLOCATIONS}/")
            note = await self._document(credit)
            listed = note.allocations if isinstance(note, TheirCreditNote) else []
            return next((money.allocation_remote(credit, one) for one in listed if one.id == allocation and not one.is_deleted), None)
        if not _ID.fullmatch(remote_id):
            return None
        place, _, guid = remote_id.partition("/")
        if what is What.CONTACT:
            contact = await self._one(TheirContact, place, guid)
            return words.contact_remote(contact) if contact else None
        payment = await self._one(TheirPayment, place, guid)
        return money.payment_remote(payment) if payment and payment.status not in words.GONE else None

    async def _document(self, remote_id: str) -> Document | None:
        if not _ID.fullmatch(remote_id):
            return None
        place, _, guid = remote_id.partition("/")
        found: Document | None = await self._one(TheirCreditNote if place == CREDITS else TheirInvoice, place, guid)
        return found if found and found.status not in words.GONE else None

    async def _one(self, kind: type[T], place: str, guid: str) -> T | None:
        query = _FINE if place in {INVOICES, CREDITS} else None
        try:
            return _single(await self._list(kind, "GET", f"{place}/{quote(guid, safe='')}", place, query=query))
        except NothingThere:
            return None

    async def news(self, cursor: str | None) -> News:
        """The next page of each list, in the order of change; what is voided or deleted is told, too."""
        if cursor is None:
            start = _Mark(int((clock.now() - _CLOCKS_DIFFER).timestamp()))
            return News(cursor=_told(_Cursor(start, start, start, start)))
        since = _read_cursor(cursor)
        contacts, c = await self._changed(TheirContact, CONTACTS, since.contacts, {"includeArchived": "true"})
        invoices, i = await self._changed(TheirInvoice, INVOICES, since.invoices, {"where": 'Type=="ACCREC"'} | _FINE)
        credited, n = await self._changed(TheirCreditNote, CREDITS, since.credits, {"where": 'Type=="ACCRECCREDIT"'} | _FINE)
        payments, p = await self._changed(TheirPayment, PAYMENTS, since.payments, {})
        documents: list[Document] = [*invoices, *credited]
        lists: dict[str, list[Any]] = {CONTACTS: contacts, INVOICES: invoices, CREDITS: credited, PAYMENTS: payments}
        return News(
            cursor=_told(_Cursor(c, i, n, p)),
            payments=tuple(one for one in map(money.seen, payments) if one),
            altered=(
                *(Altered(what=What.CONTACT, id=f"{CONTACTS}/{one.id}", now=words.contact_remote(one)) for one in contacts),
                *(_altered(one) for one in documents),
            ),
            is_more=any(len(listed) >= _size(place) for place, listed in lists.items()),
        )

    async def _changed(self, kind: type[T], place: str, mark: _Mark, more: dict[str, str]) -> tuple[list[T], _Mark]:
        # Their "since" may or may not count the second itself: it is asked for, as what is told twice does no harm.
        since = datetime.fromtimestamp(max(mark.at - 1, 0), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        size = _size(place)
        query = {"order": "UpdatedDateUTC ASC", "page": str(mark.page), "pageSize": str(size)} | more
        listed = await self._list(kind, "GET", place, query=query, headers={"if-modified-since": since})
        last = max([mark.at, *(one.changed_at for one in listed)])  # type: ignore[attr-defined]
        if len(listed) < size or last > mark.at:
            return listed, _Mark(last)
        return listed, _Mark(mark.at, mark.page + 1)

    async def _list(self, kind: type[T], method: str, path: str, under: str = "", **more: Any) -> list[T]:
        headers = self._tenant | (more.pop("headers", None) or {})
        shape: Any = _shape(cast("Any", kind), under or path)
        answer = await self._speaker.read(shape, method, f"/{path}", headers=headers, **more)
        listed: list[T] = answer.listed
        return listed


@cache
def _shape(kind: Any, name: str) -> Any:
    """An answer: a list under its name, and whatever else."""
    return msgspec.defstruct(f"_{name}", [("listed", list[kind], msgspec.field(name=name))])


def _must_be_a_number(number: str) -> None:
    if not xero_batches.NUMBER.fullmatch(number):
        raise AccountingRefuses(detail=f"{number} cannot be looked for there")


def _size(place: str) -> int:
    return _DOCUMENTS if place in {INVOICES, CREDITS} else _PAGE


def _altered(there: Document) -> Altered:
    remote = words.document_remote(there)
    return Altered(what=What.DOCUMENT, id=remote.id, now=None if there.status in words.GONE else remote)


def _single(listed: list[T]) -> T:
    if len(listed) != 1:
        raise AccountingUnavailable(detail=f"{len(listed)} objects where one was asked for")
    return listed[0]


def _told(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _read_cursor(told: str) -> _Cursor:
    try:
        return msgspec.json.decode(told, type=_Cursor)
    except msgspec.DecodeError:
        # Of another package, or damaged: everything is told again, and what was told before is known.
        start = _Mark(0)
        return _Cursor(start, start, start, start)
