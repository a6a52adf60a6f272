"""Notices from the public: kept at the click, shown to whoever gave them and to whoever must look, answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from partner_portal.infra import clock, db, mail_message, numbers, outbox, settings, tokens
from partner_portal.infra.db import Door, Principal
from partner_portal.infra.ids import new_id
from partner_portal.kernel.actor import Actor, ActorKind
from partner_portal.kernel.errors import FieldError, Invalid, NotFound, Refused
from partner_portal.web.lists import Column, Listing, Window

from ..events import NoticeAnswered, NoticeNeedsPerson, NoticeReceived, NoticeSettled
from ..policy import notices as policy
from ..policy.notices import NoticeKind, NoticeState, WhyOpen
from ..tables import ReceivedNotice

CHANNEL = "public"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed on the public page, whatever it was; `click` tells one press of the button from the next."""

    kind: NoticeKind = NoticeKind.ORDINARY
    name: str = ""
    customer: str = ""
    contract: str = ""
    reason: str = ""
    wished: str = ""
    email: str = ""
    language: str = "nl"
    click: str = ""
    is_suspect: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said that could be a notice."""
        return not any((self.name, self.customer, self.contract, self.reason, self.email))


class DealtWithBefore(Refused):
    """Somebody, or the portal itself, has just dealt with this notice: it stands elsewhere now."""


class NothingToAnswer(Refused):
    """The sender gave no address to answer to."""


LONGEST = {"name": 200, "customer": 200, "contract": 500, "reason": 2000, "wished": 40, "email": 320, "click": 64}
"""The most that is kept of each text."""


def cleaned(sent: Sent) -> Sent:
    """The same without what no text can hold (control characters, halves of characters), each part within its length."""
    return msgspec.structs.replace(sent, **{name: _clean(getattr(sent, name), most) for name, most in LONGEST.items()})


def _clean(text: str, most: int) -> str:
    kept = "".join(sign if sign == "\n" or sign.isprintable() else " " if sign.isspace() else "" for sign in text.replace("\r\n", "\n"))
    return kept.strip()[:most].rstrip()


async def addressee(code: str, language: str) -> Actor:
    """Whoever opens the page of the partner with this code (of the house, when empty), acting in that partner; NotFound when there is none.

    A suspended partner's page stays open: that its members may not sign in is no affair of its customers.
    """
    async with db.apart(Principal(Door.STAFF, actor="system:notice")):
        row = await db.fetch_one(
            "SELECT id FROM tenant WHERE code = $1 OR ($1 = '' AND kind = 'house') ORDER BY created_at LIMIT 1", code.upper()[:8]
        )
    if row is None:
        raise NotFound(what="page", code=code)
    return Actor(kind=ActorKind.CUSTOMER, id="public", tenant=row["id"], channel=CHANNEL, language=language)


async def code_of(tenant: UUID) -> str:
    """The code by which the partner's public pages are found."""
    row = await db.fetch_one("SELECT code FROM tenant WHERE id = $1", tenant)
    if row is None:
        raise NotFound(what="tenant", id=str(tenant))
    code: str = row["code"]
    return code


async def receive(actor: Actor, sent: Sent, *, may_confirm: bool = True) -> ReceivedNotice:
    """The notice is kept, with this instant as the one it was received at, and what follows will be done; the same click again is the same notice.

    Nothing that was typed is a reason to refuse it: what cannot be read is kept as it is, and a person looks. `may_confirm`: a confirmation may
    leave for the address that was given.
    """
    now, said = clock.now(), cleaned(sent)
    if not said.click:
        said = msgspec.structs.replace(said, click=tokens.token(new_id()))
    before = await _pressed(said.click)
    if before is not None:
        return before
    try:
        async with db.savepoint():
            notice = await _insert(actor, said, now, is_confirmed=may_confirm and not said.is_suspect and can_be_written_to(said.email))
    except asyncpg.UniqueViolationError:  # the other press of the same button was a moment earlier
        before = await _pressed(said.click)
        if before is None:
            raise
        return before
    await outbox.publish(NoticeReceived(tenant_id=notice.tenant, notice_id=notice.id))
    return notice


async def _pressed(click: str) -> ReceivedNotice | None:
    row: ReceivedNotice | None = await ReceivedNotice.objects().where(ReceivedNotice.press == click).first()
    return row


async def _insert(actor: Actor, said: Sent, now: datetime, *, is_confirmed: bool) -> ReceivedNotice:
    notice = new_id()
    row = ReceivedNotice(
        id=notice,
        tenant=actor.tenant,
        number=await numbers.next_in("N"),
        kind=said.kind,
        name=said.name,
        customer_text=said.customer,
        contract_text=said.contract,
        reason=said.reason,
        wished=said.wished,
        wished_on=wish(said.wished, clock.civil_day(now)),
        email=said.email,
        language=said.language,
        press=said.click,
        token_sha256=tokens.sha256(tokens.token(notice)),
        is_suspect=said.is_suspect,
        is_confirmed=is_confirmed,
        received_at=now,
        state=NoticeState.RECEIVED,
    )
    await ReceivedNotice.insert(row)
    return row


def wish(typed: str, received_on: date) -> date | None:
    """The day that was wished for; None for as soon as possible, and for a day that is none, has passed or is more than ten years away."""
    day = policy.day_typed(typed)
    if day is None or day < received_on or day.year > received_on.year + _FURTHEST_YEARS:
        return None
    return day


_FURTHEST_YEARS = 10


def can_be_written_to(email: str) -> bool:
    """Whether a mail can be addressed to what was typed."""
    try:
        mail_message.address(email)
    except mail_message.NotAnAddress:
        return False
    return True


def receipt_path(code: str, notice: ReceivedNotice) -> str:
    """The address of the page that shows what was received, known to whoever pressed the button only."""
    page = "withdraw-contract" if notice.kind == NoticeKind.COOLING_OFF else "end-contract"
    return f"/{page}/{code}/{tokens.token(notice.id)}"


async def by_token(token: str) -> ReceivedNotice:
    """The notice whose receipt this opens; NotFound when it is not the acting partner's."""
    row: ReceivedNotice | None = await ReceivedNotice.objects().where(ReceivedNotice.token_sha256 == tokens.sha256(token)).first()
    if row is None:
        raise NotFound(what="receipt")
    return row


async def move(notice: ReceivedNotice, state: NoticeState, **changes: Any) -> None:
    """The locked notice stands in `state`; DealtWithBefore when it cannot come there from where it stands. `changes` are columns of how it is dealt with."""
    if state not in policy.NEXT[NoticeState(notice.state)]:
        raise DealtWithBefore(number=notice.number, state=notice.state)
    changes = {"state": state.value, "look_by": None, "why": None} | changes
    for name, value in changes.items():
        setattr(notice, name, value)
    assigned = ", ".join(f"{name} = ${place}" for place, name in enumerate(changes, 2))
    await db.execute(f"UPDATE received_notice SET {assigned} WHERE id = $1", notice.id, *changes.values())  # noqa: S608  # names of our own columns


async def leave_to_person(notice: ReceivedNotice, why: WhyOpen, *, customer: UUID | None = None) -> None:
    """A person has to look at the locked notice within two working days, and is told so."""
    look_by = policy.look_by(clock.today())
    about = {"customer": customer} if customer else {}
    await move(notice, NoticeState.OPEN, why=why.value, look_by=look_by, reminded_at=None, **about)
    await outbox.publish(NoticeNeedsPerson(tenant_id=notice.tenant, notice_id=notice.id, why=why.value, look_by=look_by))


async def settle(notice: ReceivedNotice, state: NoticeState, *, why: WhyOpen | None = None) -> None:
    """The customer itself has decided about the locked notice; its sender will hear what came of it, and nothing of anybody's data."""
    closed = {"answered_at": clock.now()} if state is NoticeState.ANSWERED else {}
    await move(notice, state, why=why.value if why else None, **closed)
    await outbox.publish(NoticeSettled(tenant_id=notice.tenant, notice_id=notice.id))


async def answer(actor: Actor, notice: ReceivedNotice, text: str) -> None:
    """The locked notice is answered: its sender gets `text` by mail, and nobody needs to look any more.

    Raises DealtWithBefore, Invalid for an empty text, NothingToAnswer where no mail can go.
    """
    _must_wait(notice)
    if not text.strip():
        raise Invalid(FieldError("/answer", "empty-answer"))
    if not can_be_written_to(notice.email):
        raise NothingToAnswer(number=notice.number)
    await _close(actor, notice, text.strip())
    await outbox.publish(NoticeAnswered(tenant_id=notice.tenant, notice_id=notice.id))


async def close_without_mail(actor: Actor, notice: ReceivedNotice, note: str) -> None:
    """The locked notice is closed with a note on how its sender was answered otherwise; Invalid without one, DealtWithBefore."""
    _must_wait(notice)
    if not note.strip():
        raise Invalid(FieldError("/answer", "empty-answer"))
    await _close(actor, notice, note.strip())


def _must_wait(notice: ReceivedNotice) -> None:
    if NoticeState(notice.state) is not NoticeState.OPEN:
        raise DealtWithBefore(number=notice.number, state=notice.state)


async def _close(actor: Actor, notice: ReceivedNotice, text: str) -> None:
    await move(
        notice,
        NoticeState.ANSWERED,
        why=notice.why,
        answer=text,
        answered_by=actor.trail,
        answered_by_label=actor.label,
        answered_at=clock.now(),
    )


LISTING = Listing("notices", {"received_at": Column("n.received_at", "timestamptz", "received_at")}, usual="-received_at", id_sql="n.id")
_LIST = """
SELECT n.id, n.number, n.kind, n.name, n.contract_text, n.state, n.why, n.look_by, n.received_at, c.name AS customer_name,
       t.number AS case_number, t.id AS case_id
  FROM received_notice n LEFT JOIN customer c ON c.id = n.customer AND c.tenant = n.tenant
  LEFT JOIN termination t ON t.id = n.termination AND t.tenant = n.tenant
"""


async def page(window: Window, *, state: NoticeState | None = None) -> list[asyncpg.Record]:
    """The acting partner's notices in the window, of one state or of all."""
    unseen, values = window.where(1)
    chosen = f" AND n.state = ${len(values) + 1}" if state else ""
    return await db.fetch(
        f"{_LIST} WHERE {unseen}{chosen} ORDER BY {window.order}", *values, *([state.value] if state else [])
    )  # fragments are ours, values are bound


async def waiting() -> asyncpg.Record:
    """How many notices wait for a person of the acting partner, and how many of them longer than they should."""
    row = await db.fetch_one(
        "SELECT count(*) AS waiting, count(*) FILTER (WHERE look_by < $1) AS late FROM received_notice WHERE state = 'open'", clock.today()
    )
    assert row is not None  # noqa: S101  # a count always answers
    return row


async def for_staff() -> list[asyncpg.Record]:
    """What staff have to look at, the longest waiting first: the house's own open notices, those of partners who are late, or may not sign in.

    Through the staff door.
    """
    return await db.fetch(
        "SELECT n.id, p.name AS partner, p.kind = 'house' AS is_house, p.suspended_at IS NOT NULL AS is_suspended FROM received_notice n"
        " JOIN tenant p ON p.id = n.tenant WHERE n.state = 'open' AND (p.kind = 'house' OR p.suspended_at IS NOT NULL OR n.look_by < $1)"
        " ORDER BY n.look_by, n.received_at LIMIT 100",
        clock.today(),
    )


_ONE = """
SELECT n.*, c.name AS customer_name, c.number AS customer_number, t.number AS case_number, t.state AS case_state
  FROM received_notice n LEFT JOIN customer c ON c.id = n.customer AND c.tenant = n.tenant
  LEFT JOIN termination t ON t.id = n.termination AND t.tenant = n.tenant WHERE n.id = $1
"""


async def one(notice: UUID) -> asyncpg.Record:
    """The notice with whose it is and its case; NotFound when it is not the acting partner's."""
    row = await db.fetch_one(_ONE, notice)
    if row is None:
        raise NotFound(what="notice", id=str(notice))
    return row


def page_address(code: str, *, withdrawal: bool = False) -> str:
    """The public address of a partner's page, for mails and other sites."""
    return f"{settings.current().public_url}/{'withdraw' if withdrawal else 'end'}-contract/{code}"
