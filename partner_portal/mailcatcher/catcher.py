"""The mail catcher as a whole: both its servers on loopback, in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn

from .mailbox import Mail, Mailbox
from .reading import site
from .receiving import Receiver

LOOPBACK = "127.0.0.1"


class _Web(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever runs this process."""
        yield


class Catcher:
    """`async with Catcher(folder) as catcher:` takes mail at `catcher.smtp_url` and shows it at `catcher.url`; port 0 takes a free one."""

    def __init__(self, folder: Path, *, smtp_port: int = 0, http_port: int = 0) -> None:
        self.mailbox = Mailbox(folder)
        self.receiver = Receiver(self.mailbox)
        self._mouths = [_bound(smtp_port), _bound(http_port)]
        self.smtp_port, self.http_port = (mouth.getsockname()[1] for mouth in self._mouths)

    @property
    def smtp_url(self) -> str:
        """Where to send mail, as the settings write it."""
        return f"smtp://{LOOPBACK}:{self.smtp_port}?tls=none"

    @property
    def url(self) -> str:
        """Where to read mail."""
        return f"http://{LOOPBACK}:{self.http_port}"

    async def __aenter__(self) -> Self:
        smtp, http = self._mouths
        self._smtp = await asyncio.get_running_loop().create_server(self.receiver.protocol, sock=smtp)
        self._web = _Web(uvicorn.Config(site(self.mailbox, self.receiver), log_config=None, access_log=False, lifespan="off"))
        self._serving = asyncio.create_task(self._web.serve(sockets=[http]))
        while not self._web.started:  # noqa: ASYNC110  # uvicorn has no event to wait for
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._smtp.close()
        await self._smtp.wait_closed()
        self._web.should_exit = True
        await self._serving

    async def wait_for(self, to: str, *, count: int = 1, seconds: float = 10) -> list[Mail]:
        """The mails to `to`, newest first, as soon as there are `count`; TimeoutError if that takes longer."""
        async with asyncio.timeout(seconds):
            while len(found := self.mailbox.mails(to)) < count:  # noqa: ASYNC110  # for tests: looking again is plain and quick enough
                await asyncio.sleep(0.02)
        return found


def _bound(port: int) -> socket.socket:
    mouth = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    mouth.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    mouth.bind((LOOPBACK, port))
    return mouth
