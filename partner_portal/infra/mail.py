"""Mails: rendered and kept in the unit of work that causes them, sent afterwards by a job, shown once."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
import structlog
from css_inline import CSSInliner

from partner_portal.kernel.errors import NotFound, Refused
from partner_portal.kernel.events import Event

from . import clock, db, files, mail_message, outbox, settings, smtp, templates, tokens
from .brand import Brand

log = structlog.get_logger()

_WIDTH = 76
_KEEP_AS_IT_IS = re.compile(r"://|^-- $")


class MailQueued(Event, frozen=True, kw_only=True):
    """A mail stands ready to be sent."""

    mail_id: UUID


class NoSuchMail(NotFound):
    """There is no mail with this id here."""


class NobodysMail(RuntimeError):
    """A mail is queued by a job of a tenant, never in a unit of work that belongs to none."""


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A document on file that goes with a mail, under this name; with a `content_id` it is a picture that stands in the mail itself."""

    document: UUID
    filename: str
    content_id: str = ""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail bears beside its words.

    `about`: the row that the mail is about, by whose id `about()` finds it again; `reply_to`: where answers go instead of the brand's address;
    `unsubscribe`: the address that stops further mails of its kind by one click (RFC 8058), for those that nobody asked for one by one.
    """

    attach: Sequence[Attachment] = ()
    about: UUID | None = None
    reply_to: str = ""
    unsubscribe: str = ""


PLAIN = Envelope()
LOGO = "logo"
"""The content id of the brand's picture."""


class Rendered(msgspec.Struct, frozen=True):
    """A mail in words, and the version of its wording."""

    subject: str
    text: str
    html: str
    version: str


async def queue(key: str, name: str, *, to: str, language: str, brand: Brand, envelope: Envelope = PLAIN, **words: Any) -> UUID | None:
    """The mail `name` ("terminations/scheduled") is sent to `to` once this unit of work commits; None if `key` was queued before.

    Answers go to `brand`'s address, or where the envelope says; its logo travels in the mail. NotAnAddress if `to` can be none.
    """
    tenant = db.current().principal.tenant
    if tenant is None:
        raise NobodysMail(name)
    mail_message.address(to)
    said, current = render(name, language=language, brand=brand, **words), settings.current()
    picture = [Attachment(brand.logo, "logo.png", LOGO)] if brand.logo else []
    ours = f"{words.get('link')} {words.get('code')}"
    row = {
        "tenant": tenant,
        "key": key,
        "name": name,
        "about": envelope.about,
        "language": language,
        "recipient": to.strip(),
        "subject": said.subject,
        "text": tokens.disarm(said.text, ours=ours),
        "html": tokens.disarm(said.html, ours=ours),
        "message_id": mail_message.message_id(key, mail_message.own_address(current.mail_from).domain),
        "attachments": msgspec.json.encode([*envelope.attach, *picture]).decode(),
        "template_version": said.version,
        "from_name": _from_name(brand.name, current.provider_name),
        "reply_to": envelope.reply_to or brand.email or None,
        "unsubscribe": envelope.unsubscribe or None,
        "queued_at": clock.now(),
    }
    return await _keep(row)


async def _keep(row: dict[str, Any]) -> UUID | None:
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    statement = f"INSERT INTO infra_mail ({', '.join(row)}) VALUES ({places}) ON CONFLICT (key) DO NOTHING RETURNING id"  # noqa: S608  # our own names
    kept = await db.fetch_one(statement, *row.values())
    if kept is None:
        return None
    mail_id: UUID = kept["id"]
    await outbox.publish(MailQueued(tenant_id=row["tenant"], mail_id=mail_id))
    return mail_id


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as it is on file: to whom, what, when it was queued and when it left; `given_up` when no server would take it."""

    id: UUID
    key: str
    name: str
    recipient: str
    subject: str
    queued_at: datetime
    sent_at: datetime | None
    given_up: bool


async def about(row: UUID) -> list[Posted]:
    """Every mail about this row, oldest first."""
    return [Posted(**mail) for mail in await db.fetch(_ABOUT, row)]


# The index of dead letters is small: nothing else is looked through.
_ABOUT = """
SELECT m.id, m.key, m.name, m.recipient, m.subject, m.queued_at, m.sent_at,
       m.sent_at IS NULL AND EXISTS (SELECT 1 FROM infra_outbox o WHERE o.dead_at IS NOT NULL AND o.done_at IS NULL
                                        AND o.topic = 'MailQueued' AND o.payload ->> 'mail_id' = m.id::text) AS given_up
  FROM infra_mail m WHERE m.about = $1 ORDER BY m.queued_at, m.id
"""


class NotTaken(msgspec.Struct, frozen=True):
    """A mail that no server would take: what it was about, and when it was given up."""

    about: UUID
    at: datetime


async def not_taken(names: Sequence[str]) -> list[NotTaken]:
    """Of the mails with these names those that were given up. Through the staff door."""
    return [NotTaken(row["about"], row["dead_at"]) for row in await db.fetch(_NOT_TAKEN, list(names))]


_NOT_TAKEN = """
SELECT m.about, o.dead_at FROM infra_outbox o JOIN infra_mail m ON m.id = (o.payload ->> 'mail_id')::uuid
 WHERE o.dead_at IS NOT NULL AND o.done_at IS NULL AND o.topic = 'MailQueued' AND m.sent_at IS NULL AND m.about IS NOT NULL AND m.name = ANY($1)
"""
MOST_REPEATS = 5


class RepeatedEnough(Refused):
    """The mail was sent again as often as is of any use; something else is wrong."""


async def repeat(mail_id: UUID) -> bool:
    """The mail is sent once more, word for word, as a mail of its own; False while an earlier repetition is still on its way.

    Raises NoSuchMail, RepeatedEnough.
    """
    row = await db.fetch_one("SELECT * FROM infra_mail WHERE id = $1", mail_id)
    if row is None:
        raise NoSuchMail(id=mail_id)
    series = f"{row['key'].partition(_AGAIN)[0]}{_AGAIN}"
    earlier = [mail for mail in await about(row["about"]) if mail.key.startswith(series)]
    if any(mail.sent_at is None and not mail.given_up for mail in earlier):
        return False
    if len(earlier) >= MOST_REPEATS:
        raise RepeatedEnough(times=MOST_REPEATS)
    key, domain = f"{series}{len(earlier) + 1}", mail_message.own_address(settings.current().mail_from).domain
    fresh = {"key": key, "message_id": mail_message.message_id(key, domain), "queued_at": clock.now(), "sent_at": None}
    return await _keep({name: value for name, value in row.items() if name != "id"} | fresh) is not None


_AGAIN = ":again:"


def render(name: str, *, language: str, brand: Brand, **words: Any) -> Rendered:
    """The mail `name` in `language`: subject on one line, plain text in short lines, HTML with its styles inlined."""
    folder = _folder(name)
    given = {"brand": brand, "provider": settings.current().provider_name, "logo": brand.logo is not None} | words
    subject = mail_message.line(templates.render(f"{folder}/subject.txt", language=language, **given))
    text = templates.render(f"{folder}/body.txt", language=language, **given)
    html = templates.render(f"{folder}/body.html", language=language, subject=subject, **given)
    return Rendered(subject, _short_lines(text), _inliner().inline(html), version(name, language))


def version(name: str, language: str) -> str:
    """Which wording of the mail `name` is in use."""
    parts = (templates.version(f"{_folder(name)}/{part}", language) for part in ("subject.txt", "body.txt", "body.html"))
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:12]


async def send(event: MailQueued) -> None:
    """The job behind MailQueued."""
    await deliver(event.mail_id)


ON_EVENT = {MailQueued: [send]}


async def deliver(mail_id: UUID) -> None:
    """The mail has been handed to the mail server and is marked as sent; nothing happens if it was before.

    Should the mark be lost in a crash, the mail is sent again with the same Message-ID and the same bytes.
    """
    row = await db.fetch_one("SELECT * FROM infra_mail WHERE id = $1 FOR UPDATE", mail_id)
    if row is None:
        raise NoSuchMail(id=mail_id)
    if row["sent_at"] is not None:
        return
    current = settings.current()
    draft = mail_message.Draft(
        message_id=row["message_id"],
        sender=current.mail_from,
        from_name=row["from_name"],
        reply_to=row["reply_to"],
        unsubscribe=tokens.fill(row["unsubscribe"] or ""),
        recipient=row["recipient"],
        language=row["language"],
        subject=row["subject"],
        text=tokens.fill(row["text"]),
        html=tokens.fill(row["html"]),
        written_at=row["queued_at"],
        parts=[await _part(attached) for attached in msgspec.json.decode(row["attachments"], type=list[Attachment])],
    )
    to, sender = mail_message.address(draft.recipient), mail_message.own_address(draft.sender)
    await smtp.send(smtp.Server.of(current.smtp_url), sender.addr_spec, to.addr_spec, mail_message.compose(draft))
    await db.execute("UPDATE infra_mail SET sent_at = $2 WHERE id = $1", mail_id, clock.now())
    log.info("mail.sent", mail=str(mail_id), name=row["name"])


async def _part(attached: Attachment) -> mail_message.Part:
    document, content = await files.fetch(attached.document)
    return mail_message.Part(attached.filename, document.media_type, content, attached.content_id)


def _folder(name: str) -> str:
    domain, _slash, mail = name.partition("/")
    return f"{domain}/mail/{mail}"


def _from_name(partner: str, provider: str) -> str:
    return partner if partner == provider else f"{partner} via {provider}"


@cache
def _inliner() -> CSSInliner:
    # Nothing is ever fetched; what the frame marks to be kept (narrow screens, dark mode) stays in the head.
    return CSSInliner(load_remote_stylesheets=False)


def _short_lines(text: str) -> str:
    lines = (short for line in text.strip().splitlines() for short in _shortened(line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _shortened(line: str) -> list[str]:
    if len(line) <= _WIDTH or _KEEP_AS_IT_IS.search(line):
        return [line if line == "-- " else line.rstrip()]
    margin = "  " if line.startswith(("- ", "  ")) else ""
    return textwrap.wrap(line, _WIDTH, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False, drop_whitespace=True)
