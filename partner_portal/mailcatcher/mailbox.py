"""The mails that arrived, kept as files in a folder; a mail that arrived twice is shown once, as a mailbox would."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message, MIMEPart
from pathlib import Path

import msgspec

from partner_portal.infra import clock


class Attached(msgspec.Struct, frozen=True):
    """A file that came with a mail."""

    filename: str
    media_type: str
    size: int
    sha256: str


class Arrival(msgspec.Struct, frozen=True):
    """One time that a mail was taken from a sender."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    received_at: datetime


class Mail(msgspec.Struct, frozen=True):
    """A mail as its reader sees it."""

    id: str
    message_id: str
    sender: str = msgspec.field(name="from")
    to: tuple[str, ...]
    reply_to: str
    subject: str
    date: str
    received_at: datetime
    arrivals: int
    text: str
    html: str
    attachments: tuple[Attached, ...]


class Mailbox:
    """All that arrived in `folder`; what lay there before is there again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.arrivals: list[Arrival] = []
        self._raw: dict[str, bytes] = {}
        self._mails: dict[str, Mail] = {}
        for file in sorted(folder.glob("*.eml")):
            self._remember(msgspec.json.decode(file.with_suffix(".json").read_bytes(), type=Arrival), file.read_bytes())

    def take(self, sender: str, recipients: tuple[str, ...], raw: bytes) -> None:
        """The mail is on file, counted, and shown unless its Message-ID was seen before."""
        parsed = _parsed(raw)
        known_by = str(parsed["Message-ID"] or hashlib.sha256(raw).hexdigest())
        arrival = Arrival(known_by, sender, recipients, clock.now())
        file = self._folder / f"{len(self.arrivals):06}.eml"
        file.with_suffix(".json").write_bytes(msgspec.json.encode(arrival))
        file.write_bytes(raw)
        self._remember(arrival, raw)

    def mails(self, to: str = "", since: datetime | None = None) -> list[Mail]:
        """The mails to addresses containing `to`, received at or after `since`, newest first."""
        return [
            mail
            for mail in reversed(self._mails.values())
            if any(to.lower() in address.lower() for address in mail.to) and (since is None or mail.received_at >= since)
        ]

    def mail(self, mail_id: str) -> Mail | None:
        """The mail with this id."""
        return self._mails.get(mail_id)

    def raw(self, mail_id: str) -> bytes:
        """The mail as it came over the wire."""
        return self._raw[mail_id]

    def attachment(self, mail_id: str, number: int) -> tuple[Attached, bytes] | None:
        """The file that is number `number` (from 0) of the mail."""
        files = list(_files(_parsed(self._raw[mail_id])))
        return files[number] if 0 <= number < len(files) else None

    def shown(self, mail_id: str) -> str:
        """The HTML of the mail with the pictures that came in it, as mail programs show it."""
        found = _parsed(self._raw[mail_id])
        pictures = {f"cid:{part['Content-ID'].strip('<>')}": _as_address(part) for part in found.walk() if part["Content-ID"]}
        html = self._mails[mail_id].html
        for name, address in pictures.items():
            html = html.replace(f'"{name}"', f'"{address}"')
        return html

    def empty(self) -> None:
        """Nothing has ever arrived."""
        for file in self._folder.glob("*.*"):
            file.unlink()
        self.arrivals.clear()
        self._raw.clear()
        self._mails.clear()

    def _remember(self, arrival: Arrival, raw: bytes) -> None:
        self.arrivals.append(arrival)
        mail_id = hashlib.sha256(arrival.message_id.encode()).hexdigest()[:16]
        known = self._mails.get(mail_id)
        if known is None:
            self._raw[mail_id] = raw
            self._mails[mail_id] = _read(mail_id, arrival, raw)
        else:
            to = tuple(dict.fromkeys((*known.to, *arrival.recipients)))
            self._mails[mail_id] = msgspec.structs.replace(known, arrivals=known.arrivals + 1, to=to)


def _read(mail_id: str, arrival: Arrival, raw: bytes) -> Mail:
    parsed = _parsed(raw)
    plain, rich = parsed.get_body(("plain",)), parsed.get_body(("html",))
    return Mail(
        id=mail_id,
        message_id=arrival.message_id,
        sender=str(parsed["From"] or arrival.sender),
        to=arrival.recipients,
        reply_to=str(parsed["Reply-To"] or ""),
        subject=str(parsed["Subject"] or ""),
        date=str(parsed["Date"] or ""),
        received_at=arrival.received_at,
        arrivals=1,
        text=_content(plain),
        html=_content(rich),
        attachments=tuple(attached for attached, _content_of in _files(parsed)),
    )


def _parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def _content(part: MIMEPart | None) -> str:
    return str(part.get_content()) if part is not None else ""


def _as_address(part: Message) -> str:
    content = part.get_payload(decode=True)
    return f"data:{part.get_content_type()};base64,{base64.b64encode(content if isinstance(content, bytes) else b'').decode()}"


def _files(parsed: EmailMessage) -> Iterator[tuple[Attached, bytes]]:
    for part in parsed.iter_attachments():
        content = part.get_payload(decode=True)
        data = content if isinstance(content, bytes) else b""
        yield Attached(part.get_filename("file"), part.get_content_type(), len(data), hashlib.sha256(data).hexdigest()), data
