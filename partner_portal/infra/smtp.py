"""Hands a finished message to the mail server of the settings."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import msgspec

from partner_portal.kernel.errors import Refused, Unavailable

SECONDS = 20.0
_DEFAULT_PORTS = {"implicit": 465}


class MailServerUnavailable(Unavailable):
    """The mail server did not take the message now; the same message may pass later."""


class MailRefused(Refused):
    """The mail server said for good that it will not take this message; `code` is its answer."""


class Server(msgspec.Struct, frozen=True):
    """Where mail goes, and how it is protected on the way: starttls, implicit, none, or (empty) whatever the server offers."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: str

    @classmethod
    def of(cls, url: str) -> Server:
        """As `smtp://user:password@host:port?tls=starttls` says it; MailServerUnavailable where no server is set."""
        parts = urlsplit(url)
        if not parts.hostname:
            raise MailServerUnavailable(why="SMTP_URL is not set")
        tls = parse_qs(parts.query).get("tls", [""])[0]
        user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
        return cls(parts.hostname, parts.port or _DEFAULT_PORTS.get(tls, 25), user, password, tls)


async def send(server: Server, sender: str, recipient: str, message: bytes) -> None:
    """The server has taken the message; else MailServerUnavailable (try again) or MailRefused (for good)."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        local_hostname=sender.rpartition("@")[2],
        timeout=SECONDS,
        use_tls=server.tls == "implicit",
        start_tls={"starttls": True, "none": False}.get(server.tls),
    )
    options = [] if recipient.isascii() else ["SMTPUTF8"]
    try:
        async with client:
            await client.sendmail(sender, [recipient], message, mail_options=options)
    except aiosmtplib.SMTPRecipientsRefused as refused:
        raise _answer(refused.recipients[0].code) from refused
    except aiosmtplib.SMTPResponseException as refused:
        raise _answer(refused.code) from refused
    except aiosmtplib.SMTPNotSupported as lacking:
        raise MailRefused(code=553) from lacking
    except (aiosmtplib.SMTPException, OSError) as lost:
        raise MailServerUnavailable(why=type(lost).__name__) from lost


def _answer(code: int) -> MailServerUnavailable | MailRefused:
    # RFC 5321, 4.2.1: 5yz is for good, anything else may pass later. -1 stands for a connection lost amid a command.
    return MailRefused(code=code) if 500 <= code <= 599 else MailServerUnavailable(code=code)  # noqa: PLR2004
