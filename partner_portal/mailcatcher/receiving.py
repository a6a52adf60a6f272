"""The SMTP side: takes every mail, with or without a password, and fails on request."""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from .mailbox import Mailbox

BIGGEST = 33_554_432


class Failure(StrEnum):
    """How a mail server can fail a sender."""

    REFUSE_FOR_NOW = "refuse-for-now"  # 451 to the recipient
    REFUSE_FOR_GOOD = "refuse-for-good"  # 550 to the recipient
    HANG_UP = "hang-up"  # the mail is kept, but the sender never hears of it


class Receiver:
    """Answers SMTP commands; the next mails fail as `fail` was told, one failure each."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._failures: deque[Failure] = deque()

    def fail(self, how: Failure, times: int = 1) -> None:
        """The next `times` mails fail like this."""
        self._failures.extend([how] * times)

    def protocol(self) -> asyncio.Protocol:
        """One conversation with a sender."""
        made: asyncio.Protocol = SMTP(
            self,
            data_size_limit=BIGGEST,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="portal mail catcher",
            authenticator=_let_in,
            auth_require_tls=False,
        )
        return made

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802  # aiosmtpd's name
        """Takes the recipient, or refuses it where a refusal was asked for."""
        if self._failures and self._failures[0] is not Failure.HANG_UP:
            refused = {Failure.REFUSE_FOR_NOW: "451 4.3.0 Try again later", Failure.REFUSE_FOR_GOOD: "550 5.1.1 No such mailbox"}
            return refused[self._failures.popleft()]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Keeps the mail; where that was asked for, the sender never hears of it."""
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        self._mailbox.take(envelope.mail_from or "", tuple(envelope.rcpt_tos), content)
        if self._failures and self._failures[0] is Failure.HANG_UP:
            self._failures.popleft()
            cast("asyncio.Transport", server.transport).abort()
        return "250 OK"


def _let_in(*_credentials: Any) -> AuthResult:
    return AuthResult(success=True)
