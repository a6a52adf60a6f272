"""The mail catcher behaves as a mail server to its senders and as a mailbox to its readers."""

from __future__ import annotations

import asyncio
import re
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from partner_portal.mailcatcher.catcher import Catcher
from partner_portal.mailcatcher.mailbox import Mailbox

ROOT = Path(__file__).parents[2]


@pytest_asyncio.fixture(loop_scope="session")
async def catcher(tmp_path: Path) -> AsyncIterator[Catcher]:
    async with Catcher(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def reader(catcher: Catcher) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=catcher.url) as client:
        yield client


def a_mail(message_id: str = "<1@example.com>", to: str = "jan@example.com", subject: str = "Dag") -> EmailMessage:
    mail = EmailMessage()
    mail["Message-ID"], mail["From"], mail["To"], mail["Subject"] = message_id, "Portal <portal@example.com>", to, subject
    mail.set_content("Platte tekst met é")
    mail.add_alternative(
        '<html><head></head><body><a href="https://example.com/x">link</a><script>alert(1)</script></body></html>', subtype="html"
    )
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="bevestiging é.pdf")
    return mail


async def send(catcher: Catcher, mail: EmailMessage, **login: str) -> None:
    """As any sender would, from a process of its own kind: the standard library's blocking client, in a thread."""

    def speak() -> None:
        with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as server:
            if login:
                server.login(login["user"], login["password"])
            server.send_message(mail)

    await asyncio.to_thread(speak)


async def test_a_picture_that_came_in_a_mail_is_seen_in_it(catcher: Catcher, reader: httpx.AsyncClient) -> None:
    mail = EmailMessage()
    mail["Message-ID"], mail["From"], mail["To"], mail["Subject"] = "<p@example.com>", "portal@example.com", "jan@example.com", "Logo"
    mail.set_content("Zonder plaatje")
    mail.add_alternative('<html><head></head><body><img src="cid:logo" alt="Noord"></body></html>', subtype="html")
    html = list(mail.iter_parts())[1]
    html.add_related(b"picture", maintype="image", subtype="png", cid="<logo>", filename="logo.png", disposition="inline")
    await send(catcher, mail)
    (seen,) = catcher.mailbox.mails()

    page = await reader.get(f"/messages/{seen.id}/html")

    assert '<img src="data:image/png;base64,cGljdHVyZQ==" alt="Noord">' in page.text
    assert seen.attachments == (), "it is no file to take along"


async def test_a_mail_is_shown_as_its_reader_sees_it(catcher: Catcher, reader: httpx.AsyncClient) -> None:
    await send(catcher, a_mail())
    (seen,) = (await reader.get("/api/messages")).json()
    assert seen["subject"] == "Dag"
    assert seen["from"] == "Portal <portal@example.com>"
    assert seen["to"] == ["jan@example.com"]
    assert seen["text"].strip() == "Platte tekst met é"
    assert seen["attachments"][0]["filename"] == "bevestiging é.pdf"
    file = await reader.get(f"/messages/{seen['id']}/attachments/0")
    assert file.content == b"%PDF-1.7"
    assert file.headers["content-type"].startswith("application/pdf")
    assert "bevestiging%20%C3%A9.pdf" in file.headers["content-disposition"]
    assert "Message-ID: <1@example.com>" in (await reader.get(f"/messages/{seen['id']}/raw")).text


async def test_the_same_message_id_is_shown_once_and_every_arrival_counted(catcher: Catcher, reader: httpx.AsyncClient) -> None:
    for _ in range(3):
        await send(catcher, a_mail())
    await send(catcher, a_mail("<2@example.com>"))
    assert [mail["arrivals"] for mail in (await reader.get("/api/messages")).json()] == [1, 3]
    told = (await reader.get("/api/arrivals")).json()
    assert told["count"] == 4
    assert [arrival["message_id"] for arrival in told["arrivals"]].count("<1@example.com>") == 3


async def test_mails_are_found_by_address_and_time(catcher: Catcher, reader: httpx.AsyncClient) -> None:
    await send(catcher, a_mail("<1@example.com>", "jan@example.com"))
    await send(catcher, a_mail("<2@example.com>", "Piet@example.com"))
    (piet,) = (await reader.get("/api/messages", params={"to": "piet@"})).json()
    assert piet["message_id"] == "<2@example.com>"
    later = (await reader.get("/api/messages", params={"since": piet["received_at"]})).json()
    assert [mail["id"] for mail in later] == [piet["id"]]
    assert (await reader.get(f"/api/messages/{piet['id']}")).json() == piet
    assert (await reader.get("/api/messages/0000")).status_code == 404


@pytest.mark.parametrize(("kind", "code"), [("refuse-for-now", 451), ("refuse-for-good", 550)])
async def test_refusals_reach_the_sender_as_often_as_asked(catcher: Catcher, reader: httpx.AsyncClient, kind: str, code: int) -> None:
    await reader.post("/api/failures", json={"kind": kind, "times": 2})
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            await send(catcher, a_mail())
        assert refused.value.recipients["jan@example.com"][0] == code
    await send(catcher, a_mail())
    assert (await reader.get("/api/arrivals")).json()["count"] == 1


async def test_hanging_up_keeps_the_mail_but_leaves_the_sender_in_doubt(catcher: Catcher, reader: httpx.AsyncClient) -> None:
    await reader.post("/api/failures", json={"kind": "hang-up"})
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await send(catcher, a_mail())
    assert (await reader.get("/api/arrivals")).json()["count"] == 1


async def test_any_password_will_do(catcher: Catcher) -> None:
    await send(catcher, a_mail(), user="anyone", password="anything")
    assert len(catcher.mailbox.arrivals) == 1


async def test_the_page_of_a_mail_runs_no_script_and_fetches_nothing(catcher: Catcher, reader: httpx.AsyncClient) -> None:
    await send(catcher, a_mail(subject="<script>alert(2)</script>"))
    (seen,) = catcher.mailbox.mails()
    for path in ("/", f"/messages/{seen.id}"):
        page = await reader.get(path)
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    opened = await reader.get(f"/messages/{seen.id}")
    assert re.search(r'<iframe [^>]*sandbox="allow-popups allow-popups-to-escape-sandbox"', opened.text)
    framed = await reader.get(f"/messages/{seen.id}/html")
    assert framed.headers["content-security-policy"].startswith("sandbox allow-popups")
    assert "script-src" not in framed.headers["content-security-policy"]
    assert '<base target="_blank">' in framed.text


async def test_the_page_has_its_look_from_here(reader: httpx.AsyncClient) -> None:
    assert (await reader.get("/static/portal.css")).headers["content-type"].startswith("text/css")
    assert (await reader.get("/static/fonts/source-sans-3-latin-400-normal.woff2")).status_code == 200
    assert (await reader.get("/brand/1f4e79.css")).text.startswith(":root{--brand:")


async def test_what_arrived_is_still_there_after_a_restart(tmp_path: Path) -> None:
    async with Catcher(tmp_path) as first:
        await send(first, a_mail())
        await send(first, a_mail())
    again = Mailbox(tmp_path)
    assert [mail.arrivals for mail in again.mails()] == [2]
    assert again.mails()[0].subject == "Dag"


async def test_emptied_means_empty_also_on_disk(catcher: Catcher, reader: httpx.AsyncClient, tmp_path: Path) -> None:
    await send(catcher, a_mail())
    assert (await reader.delete("/api/messages")).status_code == 204
    assert (await reader.get("/api/messages")).json() == []
    assert Mailbox(tmp_path).arrivals == []


async def test_both_servers_listen_on_this_machine_only(catcher: Catcher) -> None:
    assert {mouth.getsockname()[0] for mouth in catcher._mouths} == {"127.0.0.1"}


async def test_waiting_ends_with_the_mail_or_says_that_none_came(catcher: Catcher) -> None:
    await send(catcher, a_mail())
    assert (await catcher.wait_for("jan@example.com"))[0].subject == "Dag"
    with pytest.raises(TimeoutError):
        await catcher.wait_for("nobody@example.com", seconds=0.1)


def test_it_runs_as_a_process_of_its_own_and_ends_when_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "partner_portal.mailcatcher", "--smtp-port", "0", "--http-port", "0", "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ports = re.findall(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        smtp, http = (int(port) for port in ports)
        with smtplib.SMTP("127.0.0.1", smtp) as server:
            server.send_message(a_mail())
        assert httpx.get(f"http://127.0.0.1:{http}/api/arrivals").json()["count"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", smtp), timeout=1):
        pass
