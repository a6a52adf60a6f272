"""What the portal asks of an accounting package, in words of our own; every adapter answers in these and raises nothing else.

An adapter is made by `chosen.of(Setup)` and speaks over HTTP through `infra.remote.ask`, whose tests end the world there. Amounts are cents and days are
dates; a credit note's amounts are positive here, as on the document, and each adapter turns them as its package wants.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from partner_portal.kernel.errors import Refused, Unavailable

from ...policy.accounting import TakenBack
from ...policy.ledger import Kind, LineKind, Unit
from ...policy.tax import VatCategory


class AccountingUnavailable(Unavailable):
    """The package does not answer, or not in a way that can be read; later it may. `pause` is what it asked for (Retry-After), `detail` for operators."""

    def __init__(self, *, pause: timedelta | None = None, detail: str = "") -> None:
        super().__init__(detail=detail)
        self.pause = pause


class AccountingRefuses(Refused):
    """The package understood and said no; asking again brings the same answer. `detail` is what it said, for whoever has to mend it."""


class CredentialRefused(AccountingRefuses):
    """The package does not know our credential (any more): nothing is sent until an operator has replaced it."""


class ChangedThere(Refused):
    """Somebody changed the object at the package since we wrote it, so it is not written over; `theirs` is how it is there now."""

    def __init__(self, theirs: Remote) -> None:
        super().__init__(id=theirs.id)
        self.theirs = theirs


class What(StrEnum):
    """What goes out, and is looked for there."""

    CONTACT = "contact"
    DOCUMENT = "document"
    PAYMENT = "payment"
    SETTLEMENT = "settlement"


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter is made of: where its API is, which of the administrations there, and the secret that opens it.

    `options` holds what else the package wants to know, as the operator entered it. `keep` replaces the secret where the package gives a new one each
    time; it has to be kept before anything else is asked. `alone` holds off whoever else would renew it, in this process or another, and gives the secret
    as it is kept by now. `folder` is for packages that exchange files.
    """

    connection: str
    url: str
    administration: str
    credential: str
    options: Mapping[str, str] = {}
    within: timedelta = timedelta(seconds=10)
    keep: Callable[[str], Awaitable[None]] | None = None
    alone: Callable[[], AbstractAsyncContextManager[str]] | None = None
    folder: Path | None = None

    def __repr__(self) -> str:
        """Says nothing secret."""
        return f"Setup({self.connection})"


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A debtor. `key` is ours and never changes; `number` is what people call it by, unique per issuer."""

    key: str
    number: str
    name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str | None = None
    chamber_number: str | None = None
    email: str | None = None
    language: str = "nl"
    is_business: bool = True
    payment_days: int | None = None


class SalesLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line: `net_cents` without VAT, `amount_cents` as the price was told (`SalesDocument.prices_include_vat`), below zero where it gives back.

    `ledger` and `vat_code` are the package's own codes or ids, chosen by the connection's tables before anything is sent.
    """

    position: int
    kind: LineKind
    description: str
    quantity: Decimal
    unit: Unit
    unit_price: Decimal
    net_cents: int
    amount_cents: int
    vat_category: VatCategory
    vat_rate: Decimal
    vat_country: str
    ledger: str
    vat_code: str
    product: str | None = None
    period: tuple[date, date] | None = None


class SalesVat(msgspec.Struct, frozen=True, kw_only=True):
    """The VAT of all lines taxed alike, as it stands on the document; a package that computes otherwise is made to follow it, or refuses."""

    category: VatCategory
    rate: Decimal
    country: str
    vat_code: str
    base_cents: int
    vat_cents: int


class Corrected(msgspec.Struct, frozen=True, kw_only=True):
    """The document that a credit note corrects; `remote` is its id there, None where it was issued before the connection."""

    number: str
    issued_on: date
    remote: str | None


class SalesDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice, credit note or damages note with its number; it never changes. `contact` is the debtor's id there. `ubl` is it as an e-invoice, `pdf` the
    original if it was made already.
    """

    key: str
    kind: Kind
    number: str
    reference: str
    issued_on: date
    due_on: date
    contact: str
    debtor: Contact
    prices_include_vat: bool
    net_cents: int
    vat_cents: int
    gross_cents: int
    lines: tuple[SalesLine, ...]
    totals: tuple[SalesVat, ...]
    buyer_reference: str | None = None
    corrects: Corrected | None = None
    ubl: bytes = b""
    pdf: bytes = b""
    currency: str = "EUR"


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a payment settles so much of one document (below zero takes it back). `document` is its id there.

    `ledger` is the package's code or id of the account or journal where such money arrives; `source` and `method` say how it came in. `takes`: for
    packages that know nothing below zero, which bookings it takes back.
    """

    key: str
    document: str
    number: str
    contact: str
    amount_cents: int
    on: date
    source: str
    method: str
    ledger: str
    description: str = ""
    takes: TakenBack = TakenBack()


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a credit note settles so much of an invoice, without money. `credit` and `document` are their ids there.

    `known` are the ids there of what else the one settles of the other: packages that keep no key of ours tell them apart by that.
    """

    key: str
    credit: str
    document: str
    number: str
    amount_cents: int
    on: date
    known: tuple[str, ...] = ()


Wanted = Contact | SalesDocument | Booking | Settlement


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """An object as the package has it now. `version` changes whenever somebody changes what it says, and only then: a hash of what it says, or its version
    where payments and reminders do not move that.

    `says` are the few facts that people compare when it differs from ours, in words and amounts; `gross_cents` of documents only.
    """

    id: str
    version: str
    key: str | None = None
    number: str | None = None
    gross_cents: int | None = None
    says: Mapping[str, str] = {}


class SeenPayment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that the package has on one document (below zero: taken back). `key` is ours where we wrote it. `is_gone`: it was there, and was removed."""

    id: str
    document: str
    amount_cents: int
    on: date
    currency: str = "EUR"
    key: str | None = None
    method: str = ""
    is_gone: bool = False


class Altered(msgspec.Struct, frozen=True, kw_only=True):
    """A contact or document that is new, changed or gone there since last time; `now` is None where it is gone.

    `payments` are the ids of all that it has by now, from packages that tell nothing of a payment that was removed.
    """

    what: What
    id: str
    now: Remote | None
    payments: frozenset[str] | None = None


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What happened there after a cursor, in any order, perhaps told before; `cursor` is for the next question, now if `is_more`."""

    cursor: str
    payments: tuple[SeenPayment, ...] = ()
    altered: tuple[Altered, ...] = ()
    is_more: bool = False


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What a look around found, nothing written: whose administration it is, and which codes exist there with their names.

    A table that the package cannot list is None; codes of a connection are compared with those that are there.
    """

    administration: str
    ledgers: Mapping[str, str] | None = None
    vat_codes: Mapping[str, str] | None = None


class Accounting(Protocol):
    """One administration at an accounting package. Raises AccountingUnavailable, AccountingRefuses, CredentialRefused and ChangedThere, nothing else."""

    @property
    def name(self) -> str:
        """The package's short name."""

    async def check(self) -> Health:
        """The credential opens the administration; reads only."""

    async def find(self, wanted: Wanted) -> Remote | None:
        """What is there of our key (or number), also if we never heard that it was stored; None where there is nothing."""

    async def create(self, wanted: Wanted) -> Remote:
        """It exists there. Whoever calls has looked by `find` before; where the package knows idempotency keys, `wanted.key` is it."""

    async def change(self, contact: Contact, known: Remote, *, even_if_changed: bool = False) -> Remote:
        """The contact there is as ours; ChangedThere where it is not as we `known` it, unless we mean to write it over."""

    async def look(self, what: What, remote_id: str) -> Remote | None:
        """The object as it is now; None where it is gone."""

    async def news(self, cursor: str | None) -> News:
        """What happened there since; None: from now on. At most a few hundred things at a time."""


@runtime_checkable
class Batched(Protocol):
    """A package that takes many invoices in one question: an adapter with this is asked so."""

    @property
    def at_once(self) -> int:
        """How many are worth asking for together."""

    async def several(self, wanted: Sequence[SalesDocument]) -> Mapping[str, Remote | AccountingRefuses]:
        """Each invoice is there, found or made, or refused for a reason of its own, by key. The first always; those not named are asked for again."""
