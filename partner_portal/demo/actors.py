"""The people of the demo's story, each at their own real door: the API, the mail, the customer's page, the admin."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Self

import httpx

from partner_portal.infra import settings

from . import people

_PATIENCE = 45.0
_LOOK_EVERY = 0.2


class StepFailed(Exception):
    """A step of the story did not hold; the text says which and what was seen instead."""


def hold(condition: bool, otherwise: str) -> None:  # noqa: FBT001  # reads as a sentence
    """The step holds, or the story stops."""
    if not condition:
        raise StepFailed(otherwise)


def wait(until: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """The background work has come so far, or the story stops."""
    deadline = time.monotonic() + _PATIENCE
    while not until():
        hold(time.monotonic() < deadline, otherwise())
        time.sleep(_LOOK_EVERY)


class Visitor:
    """Somebody with a browser (or a client) of their own."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **query: str) -> Any:
        """What the API answers."""
        answer = self.http.get(path, params=query)
        hold(answer.is_success, f"GET {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the API answers to a change."""
        answer = self.http.post(path, json=body)
        hold(answer.is_success, f"POST {path}: {answer.status_code} {answer.text}")
        return answer.json()


class Partner(Visitor):
    """A partner's member at the API."""

    def __init__(self, url: str, email: str) -> None:
        super().__init__(url)
        signed_in = self.post("/api/v1/session", {"email": email, "password": people.PASSWORD})
        self.name: str = signed_in["name"]
        self.http.headers["X-CSRF-Token"] = signed_in["csrf_token"]

    def service(self, customer: str, label: str) -> dict[str, Any]:
        """One of the customer's active services."""
        found = self.get("/api/v1/customers", q=customer)["items"]
        hold(bool(found), f"no customer is called {customer}")
        services = self.get(f"/api/v1/customers/{found[0]['id']}/services")
        matching = [service for service in services if label in service["label"] and service["ends_on"] is None]
        hold(bool(matching), f"{customer} has no service {label} that runs on; begin anew with an empty DATA folder")
        return dict(matching[0])

    def preview(self, service: dict[str, Any], **asked: Any) -> dict[str, Any]:
        """What ending would mean."""
        return dict(self.post("/api/v1/terminations/preview", {"service_ids": [service["id"]], **asked}))

    def file(self, service: dict[str, Any], **asked: Any) -> dict[str, Any]:
        """The end quoted and filed."""
        kept = self.post("/api/v1/quotes", {"service_ids": [service["id"]], **asked})
        return dict(self.post("/api/v1/terminations", {"quote_id": kept["id"], "reason": "switches", "mandate": True}))

    def case(self, case: dict[str, Any]) -> dict[str, Any]:
        """The case as it is now."""
        return dict(self.get(f"/api/v1/terminations/{case['id']}"))

    def waits_for(self, case: dict[str, Any], state: str) -> dict[str, Any]:
        """The case once it is in `state`."""
        wait(lambda: self.case(case)["state"] == state, lambda: f"{case['number']} should be {state}, but is {self.case(case)['state']}")
        return self.case(case)

    def confirmation(self, case: dict[str, Any]) -> bytes:
        """The confirmation, once it is there."""
        wait(lambda: bool(self.case(case)["confirmation"]), lambda: f"{case['number']} has no confirmation")
        content = self.http.get(f"/api/v1/terminations/{case['id']}/confirmation.pdf").content
        hold(content.startswith(b"%PDF-"), "the confirmation is no PDF")
        return content


class Mailboxes(Visitor):
    """Everybody's mail, in the mail catcher."""

    def __init__(self) -> None:
        super().__init__(settings.current().mailcatcher_url)

    def about(self, case: dict[str, Any], to: str, words: str = "", *, with_file: bool = False) -> dict[str, Any]:
        """The newest mail to somebody about the case, once it has come; `words` stand in its text."""

        def found() -> list[dict[str, Any]]:
            mails = [one for one in self.get("/api/messages", to=to) if case["number"] in one["subject"] + one["text"]]
            return [one for one in mails if words in one["text"] and (one["attachments"] or not with_file)]

        wait(lambda: bool(found()), lambda: f"no mail about {case['number']} came to {to}")
        return found()[0]

    def code_for(self, case: dict[str, Any], to: str) -> str:
        """The six digits that came in a mail of their own."""

        def found() -> list[str]:
            plain = [one["text"] for one in self.get("/api/messages", to=to) if "/confirm/" not in one["text"]]
            return [code[1] for text in plain if (code := re.search(r"\b(\d{6})\b", text)) and case["number"] in text]

        wait(lambda: bool(found()), lambda: f"no code came to {to}")
        return found()[0]

    def attachment(self, mail: dict[str, Any]) -> bytes:
        """The first file that came with a mail."""
        return self.http.get(f"/messages/{mail['id']}/attachments/0").content


class Customer(Visitor):
    """A customer's contact, who knows nothing but the link in the mail."""

    def answer(self, mail: dict[str, Any], decision: str, **typed: str) -> str:
        """The page is opened (twice, as a mail scanner would) and a button pressed; returns the page that follows."""
        path = _link(mail)
        self.http.get(path)
        return self._press(path, self.http.get(path).text, decision=decision, **typed)

    def types_code(self, mail: dict[str, Any], page: str, code: str) -> str:
        """The code is typed on the page that asked for it."""
        decision = re.search(r'name="decision" value="(\w+)"', page)
        return self._press(_link(mail), page, decision=decision[1] if decision else "", code=code)

    def _press(self, path: str, page: str, **sent: str) -> str:
        version = re.search(r'name="text_version" value="([0-9a-f]+)"', page)
        hold(version is not None, "the page asks nothing")
        pressed = self.http.post(path, data={"text_version": version[1] if version else "", **sent})
        hold(pressed.is_success, f"pressing the button: {pressed.status_code}")
        return pressed.text


def _link(mail: dict[str, Any]) -> str:
    link = re.search(r"/confirm/[A-Za-z0-9_-]{43}", mail["text"])
    hold(link is not None, f"the mail has no link: {mail['text']}")
    return link[0] if link else ""
