"""The page and the JSON side: what arrived, for people and for tests."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import msgspec
from litestar import Litestar, Response, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from partner_portal.infra import brand, templates
from partner_portal.web import assets

from .mailbox import Arrival, Attached, Mail, Mailbox
from .receiving import Failure, Receiver

_COLOUR = "#1f4e79"
_PAGE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; font-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'"
}
# Even opened by itself the mail runs no script and fetches nothing; its links open in a new tab.
_FRAMED = {
    "Content-Security-Policy": "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
}


class Arrivals(msgspec.Struct, frozen=True):
    """Every time a mail was taken, also the same one again."""

    count: int
    arrivals: list[Arrival]


class FailureIn(msgspec.Struct, forbid_unknown_fields=True):
    """How the next mails shall fail."""

    kind: Failure
    times: int = 1


def site(mailbox: Mailbox, receiver: Receiver) -> Litestar:
    """The application that shows `mailbox` and lets tests ask `receiver` to fail."""
    return Litestar(
        [inbox, message, html, raw, attachment, messages, one, arrivals, fail, empty, assets.colours, assets.files],
        dependencies={
            "mailbox": Provide(lambda: mailbox, sync_to_thread=False),
            "receiver": Provide(lambda: receiver, sync_to_thread=False),
        },
        signature_types=[Mailbox, Receiver],
        openapi_config=None,
    )


@get("/", sync_to_thread=False)
def inbox(mailbox: NamedDependency[Mailbox], to: FromQuery[str] = "") -> Response[str]:
    """All mails, newest first."""
    return _page("list", mails=mailbox.mails(to), to=to, arrivals=len(mailbox.arrivals))


@get("/messages/{mail_id:str}", sync_to_thread=False)
def message(mailbox: NamedDependency[Mailbox], mail_id: FromPath[str]) -> Response[str]:
    """One mail as a person reads it."""
    return _page("message", mail=_found(mailbox, mail_id))


@get("/messages/{mail_id:str}/html", sync_to_thread=False)
def html(mailbox: NamedDependency[Mailbox], mail_id: FromPath[str]) -> Response[str]:
    """The mail's HTML, for the frame on the page of the mail."""
    page = mailbox.shown(_found(mailbox, mail_id).id).replace("<head>", '<head><base target="_blank">', 1)
    return Response(page, media_type="text/html; charset=utf-8", headers=_FRAMED)


@get("/messages/{mail_id:str}/raw", sync_to_thread=False)
def raw(mailbox: NamedDependency[Mailbox], mail_id: FromPath[str]) -> Response[bytes]:
    """The mail as it came over the wire."""
    return Response(mailbox.raw(_found(mailbox, mail_id).id), media_type="text/plain; charset=utf-8")


@get("/messages/{mail_id:str}/attachments/{number:int}", sync_to_thread=False)
def attachment(mailbox: NamedDependency[Mailbox], mail_id: FromPath[str], number: FromPath[int]) -> Response[bytes]:
    """One of the mail's files."""
    file = mailbox.attachment(_found(mailbox, mail_id).id, number)
    if file is None:
        raise NotFoundException
    return Response(file[1], media_type=file[0].media_type, headers={"Content-Disposition": _disposition(file[0])})


@get("/api/messages", sync_to_thread=False)
def messages(mailbox: NamedDependency[Mailbox], to: FromQuery[str] = "", since: FromQuery[datetime | None] = None) -> list[Mail]:
    """The mails to addresses containing `to`, received at or after `since`, newest first."""
    return mailbox.mails(to, since)


@get("/api/messages/{mail_id:str}", sync_to_thread=False)
def one(mailbox: NamedDependency[Mailbox], mail_id: FromPath[str]) -> Mail:
    """One mail."""
    return _found(mailbox, mail_id)


@get("/api/arrivals", sync_to_thread=False)
def arrivals(mailbox: NamedDependency[Mailbox]) -> Arrivals:
    """Every time a mail was taken."""
    return Arrivals(len(mailbox.arrivals), mailbox.arrivals)


@post("/api/failures", status_code=204, sync_to_thread=False)
def fail(receiver: NamedDependency[Receiver], data: JSONBody[FailureIn]) -> None:
    """The next mails fail as asked."""
    receiver.fail(data.kind, data.times)


@delete("/api/messages", sync_to_thread=False)
def empty(mailbox: NamedDependency[Mailbox]) -> None:
    """Nothing has ever arrived."""
    mailbox.empty()


def _found(mailbox: Mailbox, mail_id: str) -> Mail:
    mail = mailbox.mail(mail_id)
    if mail is None:
        raise NotFoundException
    return mail


def _page(name: str, **words: object) -> Response[str]:
    face = brand.Brand(name="Mail catcher", colour=_COLOUR)
    page = templates.render(f"mailcatcher/{name}.html", language="en", brand=face, **words)
    return Response(page, media_type="text/html; charset=utf-8", headers=_PAGE)


def _disposition(file: Attached) -> str:
    return f"inline; filename*=UTF-8''{quote(file.filename, safe='')}"
