"""The portal as real processes, to be killed: a web process and a worker on the servers of this run, and clients that try again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from partner_portal.console.supervisor import Part
from partner_portal.infra import settings
from partner_portal.mailcatcher.catcher import Catcher

LOOPBACK = "127.0.0.1"
PORTAL = (sys.executable, "-m", "partner_portal.console.main")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as mouth:
        mouth.bind((LOOPBACK, 0))
        port: int = mouth.getsockname()[1]
        return port


class Processes:
    """`portal web` and `portal worker` (or those named) with the settings of this test, inside the block."""

    def __init__(self, folder: Path, *names: str, **changes: Any) -> None:
        self.port = free_port()
        chosen = msgspec.structs.replace(settings.current(), port=self.port, log_format=settings.LogFormat.JSON, **changes)
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.mark = f"kills-{os.getpid()}-{self.port}"
        environ = settings.environ(chosen) | {"PORTAL_TEST_MARK": self.mark}
        self.parts = {name: Part(name, [*PORTAL, name], environ, folder / f"{name}.log") for name in names or ("web", "worker")}

    def __enter__(self) -> Self:
        try:
            for part in self.parts.values():
                part.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def kill(self, name: str) -> None:
        """The process ends this very moment, without a word, and another takes its place."""
        child = self.parts[name].child
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        child.stop()
        self.parts[name].start()

    def stop(self) -> None:
        """Neither runs."""
        for part in self.parts.values():
            part.stop()

    def said(self, name: str) -> str:
        """All that the process wrote, over all its lives."""
        return self.parts[name].log.read_text(errors="replace")

    def left_behind(self) -> list[int]:
        """Processes that came from ours and still run."""
        return [pid for pid in _processes() if _is_marked(pid, self.mark)]

    async def ready(self) -> None:
        """The web process answers."""
        async with httpx.AsyncClient(base_url=self.url) as client, asyncio.timeout(40):
            while True:
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.1)


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _is_marked(pid: int, mark: str) -> bool:
    try:
        is_gone = ") Z " in Path(f"/proc/{pid}/stat").read_text()
        return not is_gone and mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


class Stubborn:
    """A client that asks again until it is answered, as people and software do; what it was told is kept."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=20)
        self.again = 0
        self.failures: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.http.aclose()

    async def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer, however often it takes; an answer of 500 is a failure of the portal, whatever was killed."""
        while True:
            try:
                answer = await self.http.request(method, path, **sent)
            except httpx.TransportError:
                self.again += 1
                await asyncio.sleep(0.15)
                continue
            if answer.status_code in {502, 503} or (answer.status_code == 409 and "twin-in-flight" in answer.text):
                self.again += 1
                await asyncio.sleep(0.2)
                continue
            if answer.status_code >= 500:
                self.failures.append(f"{method} {path} {answer.status_code} {answer.text[:300]}")
            return answer

    async def sign_in(self, email: str, password: str = "correct horse battery") -> None:
        """Signed in as this member."""
        answer = await self.ask("POST", "/api/v1/session", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        self.http.headers["x-csrf-token"] = answer.json()["csrf_token"]

    async def press(self, link: str, decision: str, **typed: str) -> None:
        """The customer's button is pressed, until the page no longer asks."""
        while True:
            page = await self.ask("GET", link)
            version = re.search(r'name="text_version" value="([0-9a-f]{64})"', page.text)
            if version is None:
                assert page.status_code == 200, page.text
                return
            await self.ask("POST", link, data={"decision": decision, "text_version": version[1], **typed})


async def link_for(catcher: Catcher, number: str, about: str, *, seconds: float = 60) -> str:
    """The newest link in a mail about this case whose subject or text holds `about`."""
    async with asyncio.timeout(seconds):
        while True:
            for mail in catcher.mailbox.mails():
                if number in mail.text and about in mail.text and (found := re.search(r"/confirm/[A-Za-z0-9_-]{43}", mail.text)):
                    return found[0]
            await asyncio.sleep(0.05)
