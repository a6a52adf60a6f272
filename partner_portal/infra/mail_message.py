"""What a mail looks like on the wire: addresses, headers, parts; equal input gives equal bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import idna
import msgspec

from partner_portal.kernel.errors import Invalid

LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
LONGEST_LOCAL_PART = 64
LONGEST_NAME = 120  # of a sender; mail programs show a third of it
_ATOM = r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,.\"]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*")


class NotAnAddress(Invalid):
    """This can be no e-mail address."""


class Part(msgspec.Struct, frozen=True):
    """A file that goes with a mail; with a `content_id` it stands in the mail itself."""

    filename: str
    media_type: str
    content: bytes
    content_id: str = ""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a mail consists of."""

    message_id: str
    sender: str
    from_name: str
    reply_to: str | None
    recipient: str
    language: str
    subject: str
    text: str
    html: str
    written_at: datetime
    unsubscribe: str = ""
    parts: Sequence[Part] = ()


def message_id(key: str, domain: str) -> str:
    """The same key gives the same id, so that a mailbox shows a mail once however often it was sent."""
    return f"<{uuid5(NAMESPACE_URL, f'mail:{key}')}@{domain}>"


def address(text: str) -> Address:
    """The address as mail servers want it, its domain in ASCII (IDNA 2008); NotAnAddress if it can be none."""
    local, _at, domain = text.strip().rpartition("@")
    if not _LOCAL.fullmatch(local) or len(local.encode()) > LONGEST_LOCAL_PART:
        raise NotAnAddress
    try:
        plain = idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise NotAnAddress from None
    if ("." not in plain.rstrip(".") and plain != "localhost") or len(local.encode()) + len(plain) >= LONGEST_ADDRESS:
        raise NotAnAddress
    return Address(username=local, domain=plain)


def own_address(mail_from: str) -> Address:
    """The portal's own address, without the name that the settings give it."""
    return address(parseaddr(mail_from)[1])


def line(text: str) -> str:
    """One line without control characters: nothing in it can begin another header."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def compose(draft: Draft) -> bytes:
    """The mail: plain text, HTML as alternative, files attached; marked as sent by a machine (RFC 3834)."""
    to, sender = address(draft.recipient), own_address(draft.sender)
    message = EmailMessage(policy=policy.SMTP if to.username.isascii() else policy.SMTPUTF8)
    message["Message-ID"] = draft.message_id
    message["Date"] = format_datetime(draft.written_at)
    message["From"] = Address(line(draft.from_name)[:LONGEST_NAME], sender.username, sender.domain)
    message["To"] = to
    if draft.reply_to:
        message["Reply-To"] = address(draft.reply_to)
    message["Subject"] = line(draft.subject)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if draft.unsubscribe:
        message["List-Unsubscribe"] = "<>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(draft.text, cte="quoted-printable")
    message.add_alternative(draft.html, subtype="html", cte="quoted-printable")
    _add(message, draft.parts)
    # Last: Python moves Content-* headers set earlier into the first part.
    message["Content-Language"] = draft.language
    _name_boundaries(message, draft.message_id)
    return _unsubscribe_as_it_is(_subject_on_its_line(message.as_bytes()), draft.unsubscribe)


def _add(message: EmailMessage, parts: Sequence[Part]) -> None:
    _text, html = message.iter_parts()  # as long as nothing is attached
    for part in sorted(parts, key=lambda part: not part.content_id):
        main, _slash, sub = part.media_type.partition("/")
        kind: dict[str, Any] = {"maintype": main, "subtype": sub, "filename": line(part.filename)}
        if part.content_id:
            html.add_related(part.content, cid=f"<{part.content_id}>", disposition="inline", **kind)
        else:
            message.add_attachment(part.content, **kind)


def _subject_on_its_line(wire: bytes) -> bytes:
    # Python folds a subject that nearly fills a line right after its name; readers would see it begin with a space.
    head, gap, body = wire.partition(b"\r\n\r\n")
    return head.replace(b"\r\nSubject:\r\n ", b"\r\nSubject: ", 1) + gap + body


def _unsubscribe_as_it_is(wire: bytes, where: str) -> bytes:
    # Python encodes a word that is longer than a line; mail programs then find no address and offer no click (RFC 2369 has it plain).
    return wire.replace(b"\r\nList-Unsubscribe: <>", f"\r\nList-Unsubscribe: <{line(where)}>".encode("ascii"), 1) if where else wire


def _name_boundaries(message: EmailMessage, seed: str) -> None:
    # Python draws boundaries at random; a mail sent again must be the same mail.
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{uuid5(NAMESPACE_URL, f'{seed}{number}').hex}")
