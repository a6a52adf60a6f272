"""Mails: rendered and kept in the unit of work that causes them, sent afterwards by a job, shown once."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
import structlog
from css_inline import CSSInliner

from partner_portal.kernel.errors import NotFound
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


class Attachment(msgspec.Struct, frozen=True):
    """A document on file that goes with a mail, under this name."""

    document: UUID
    filename: str


class Rendered(msgspec.Struct, frozen=True):
    """A mail in words, and the version of its wording."""

    subject: str
    text: str
    html: str
    version: str


async def queue(
    key: str, name: str, *, to: str, language: str, brand: Brand, attach: Sequence[Attachment] = (), **words: Any
) -> UUID | None:
    """The mail `name` ("terminations/scheduled") is sent to `to` once this unit of work commits; None if `key` was queued before.

    Answers go to `brand`'s address. NotAnAddress if `to` can be none.
    """
    tenant = db.current().principal.tenant
    if tenant is None:
        raise NobodysMail(name)
    mail_message.address(to)
    said, current = render(name, language=language, brand=brand, **words), settings.current()
    ours = f"{words.get('link')} {words.get('code')}"
    row = {
        "tenant": tenant,
        "key": key,
        "name": name,
        "language": language,
        "recipient": to.strip(),
        "subject": said.subject,
        "text": tokens.disarm(said.text, ours=ours),
        "html": tokens.disarm(said.html, ours=ours),
        "message_id": mail_message.message_id(key, mail_message.own_address(current.mail_from).domain),
        "attachments": msgspec.json.encode(attach).decode(),
        "template_version": said.version,
        "from_name": _from_name(brand.name, current.provider_name),
        "reply_to": brand.email or None,
        "queued_at": clock.now(),
    }
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    statement = f"INSERT INTO infra_mail ({', '.join(row)}) VALUES ({places}) ON CONFLICT (key) DO NOTHING RETURNING id"  # noqa: S608  # our own names
    kept = await db.fetch_one(statement, *row.values())
    if kept is None:
        return None
    mail_id: UUID = kept["id"]
    await outbox.publish(MailQueued(tenant_id=tenant, mail_id=mail_id))
    return mail_id


def render(name: str, *, language: str, brand: Brand, **words: Any) -> Rendered:
    """The mail `name` in `language`: subject on one line, plain text in short lines, HTML with its styles inlined."""
    folder = _folder(name)
    given = {"brand": brand, "provider": settings.current().provider_name} | words
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
    return mail_message.Part(attached.filename, document.media_type, content)


def _folder(name: str) -> str:
    domain, _slash, mail = name.partition("/")
    return f"{domain}/mail/{mail}"


def _from_name(partner: str, provider: str) -> str:
    return partner if partner == provider else f"{partner} via {provider}"


@cache
def _inliner() -> CSSInliner:
    # What cannot be inlined (narrow screens, dark mode) stays in the head; nothing is ever fetched.
    return CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def _short_lines(text: str) -> str:
    lines = (short for line in text.strip().splitlines() for short in _shortened(line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _shortened(line: str) -> list[str]:
    if len(line) <= _WIDTH or _KEEP_AS_IT_IS.search(line):
        return [line if line == "-- " else line.rstrip()]
    margin = "  " if line.startswith(("- ", "  ")) else ""
    return textwrap.wrap(line, _WIDTH, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False, drop_whitespace=True)
