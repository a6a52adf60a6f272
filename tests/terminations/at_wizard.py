"""Somebody at the wizard of terminations, for tests of its pages."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import UUID

import httpx

NEW = "/portal/terminations/new"


class Wizard:
    """Somebody at the wizard: each page is read before its form is sent, as a browser does."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.draft = ""

    async def begin(self, customer: UUID, *services: UUID) -> str:
        """A draft exists; where the browser is sent."""
        sent = {"customer": str(customer), "service": [str(one) for one in services], "csrf_token": self.client.headers["x-csrf-token"]}
        answer = await self.client.post(NEW, data=sent)
        assert answer.status_code == 303, text(answer)
        self.draft = answer.headers["location"].rpartition("/")[0]
        return str(answer.headers["location"])

    async def see(self, step: str, **asked: str) -> httpx.Response:
        """The page of a question."""
        return await self.client.get(f"{self.draft}/{step}", params=asked)

    async def fields(self, step: str) -> dict[str, Any]:
        """What the form of a question would send as it stands."""
        page = await self.see(step)
        assert page.status_code == 200, (step, page.status_code, page.headers.get("location"))
        return fields_of(page.text, f"{self.draft}/{step}")

    async def answer(self, step: str, **given: Any) -> httpx.Response:
        """The form of a question is sent, with these fields otherwise."""
        return await self.client.post(f"{self.draft}/{step}", data=await self.fields(step) | given)

    async def on(self, step: str, to: str, **given: Any) -> None:
        """The answer is taken, and leads to the question `to`."""
        answer = await self.answer(step, **given)
        assert (answer.status_code, answer.headers.get("location")) == (303, f"{self.draft}/{to}"), text(answer)

    async def to_check(self, *, when: dict[str, str] | None = None, afterwards: bool = False, confirms: str = "") -> None:
        """Every question has its usual answer."""
        await self.on("when", "afterwards" if afterwards else "costs", **(when or {}))
        if afterwards:
            await self.on("afterwards", "costs")
        await self.on("costs", "reason")
        await self.on("reason", "contact")
        await self.on("contact", "check", **({"confirms": confirms} if confirms else {}))


def fields_of(html: str, action: str) -> dict[str, Any]:
    """The fields of one form as a browser would send them untouched."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', html, re.DOTALL)
    assert form, action
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form[1]):
        at = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if at.get("type") in {"radio", "checkbox"} and not re.search(r"\bchecked\b", tag):
            continue
        if "name" in at:
            value = unescape(at.get("value", "on"))
            found[at["name"]] = [*found[at["name"]], value] if isinstance(found.get(at["name"]), list) else value
    for name, value in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form[1], re.DOTALL):
        found[name] = unescape(value)
    return found


def text(answer: httpx.Response) -> str:
    """What a page says, without its tags."""
    body = re.sub(r"<(script|style).*?</\1>", "", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))
