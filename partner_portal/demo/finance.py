"""The provider's finance at the real staff admin: signs in and decides by its forms."""

from __future__ import annotations

from typing import Any

import httpx

from . import people
from .actors import Visitor, hold


class Finance(Visitor):
    """A member of the provider's finance, signed in to the admin."""

    def __init__(self, url: str, username: str = "fien") -> None:
        super().__init__(url)
        self.url = url
        self.http.get("/admin/")  # sets the cookie that every form must send back
        signed_in = self._send("/admin/public/login/", {"username": username, "password": people.PASSWORD})
        hold(signed_in.is_success, f"{username} could not sign in to the admin: {signed_in.status_code} {signed_in.text}")

    def adjusts(self, case: dict[str, Any], amount: str, reason: str) -> str:
        """Finance proposes another sum; returns what the admin answers."""
        sent = {"case": case["number"], "amount": amount, "reason": reason}
        answer = self._send("/admin/api/forms/adjust-buyout/", sent)
        hold(answer.is_success, f"adjusting {case['number']}: {answer.status_code} {answer.text}")
        return answer.text

    def _send(self, path: str, body: dict[str, Any]) -> httpx.Response:
        token = self.http.cookies.get("csrftoken") or ""
        headers = {"X-CSRFToken": token, "Origin": self.url, "Referer": f"{self.url}/admin/"}
        return self.http.post(path, json=body, headers=headers)
