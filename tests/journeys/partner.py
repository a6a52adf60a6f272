"""What the people of the stories do, in their words."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import httpx

from partner_portal.infra import outbox
from partner_portal.mailcatcher.catcher import Catcher
from partner_portal.mailcatcher.mailbox import Mail


async def quote(client: httpx.AsyncClient, *services: UUID, **asked: Any) -> dict[str, Any]:
    """The partner keeps a preview as a quote."""
    answer = await client.post("/api/v1/quotes", json={"service_ids": [str(service) for service in services], **asked})
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def file(client: httpx.AsyncClient, quote_id: str, *, mandate: bool = True, reason: str = "switches") -> dict[str, Any]:
    """The partner files the quote; everything that follows by itself has happened."""
    answer = await client.post("/api/v1/terminations", json={"quote_id": quote_id, "reason": reason, "mandate": mandate})
    assert answer.status_code == 201, answer.text
    await outbox.drain()
    said: dict[str, Any] = answer.json()
    return said


async def filed(client: httpx.AsyncClient, *services: UUID, mandate: bool = True, **asked: Any) -> dict[str, Any]:
    """The partner quotes and files in one go."""
    return await file(client, (await quote(client, *services, **asked))["id"], mandate=mandate)


async def case(client: httpx.AsyncClient, case_id: str) -> dict[str, Any]:
    """The case as the partner sees it."""
    answer = await client.get(f"/api/v1/terminations/{case_id}")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def newest(mailbox: Catcher, to: str) -> Mail:
    """The newest mail to this address."""
    mails = mailbox.mailbox.mails(to)
    assert mails, f"no mail to {to}"
    return mails[0]


def link_in(mail: Mail) -> str:
    """The link to the customer's page, as its path."""
    found = re.search(r"/confirm/[A-Za-z0-9_-]{43}", mail.text)
    assert found, mail.text
    return found[0]


async def press(client: httpx.AsyncClient, link: str, decision: str, **typed: str) -> httpx.Response:
    """The customer opens the page and presses a button; everything that follows by itself has happened."""
    page = await client.get(link)
    assert page.status_code == 200, page.text
    version = re.search(r'name="text_version" value="([0-9a-f]{64})"', page.text)
    assert version, page.text
    answer = await client.post(link, data={"decision": decision, "text_version": version[1], **typed})
    await outbox.drain()
    return answer


def code_in(mail: Mail) -> str:
    """The six digits of the second mail."""
    found = re.search(r"\b(\d{6})\b", mail.text)
    assert found, mail.text
    return found[1]


def form_of(page: str) -> dict[str, str]:
    """What the page's first form sends along unseen."""
    form = page[page.index("<form") : page.index("</form>")]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
