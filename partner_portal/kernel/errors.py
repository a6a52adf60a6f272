"""The five kinds of things that can go wrong, each raised as a named fact."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class FieldError(msgspec.Struct, frozen=True):
    """One wrong field: where it stands (a JSON pointer), what is wrong (a stable code), and the facts that explain it."""

    pointer: str
    code: str
    facts: dict[str, Any] = {}


class Problem(Exception):
    """A fact that stops the request; the sentence for people comes from the catalogues, by `code`."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(type(self).__name__)
        self.facts = facts

    @property
    def code(self) -> str:
        """The stable name of the problem, e.g. `quote-expired` for QuoteExpired."""
        return _WORD.sub("-", type(self).__name__).lower()

    def __str__(self) -> str:
        """The name with its facts, for logs and tests; never shown to people."""
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code}({facts})"


class NotFound(Problem):
    """What was asked for is not there, or not for this actor: both look the same."""


class NotAllowed(Problem):
    """The actor may see it but not do this to it."""


class Invalid(Problem):
    """What was sent cannot be right; `fields` names every wrong field at once."""

    def __init__(self, *fields: FieldError, **facts: Any) -> None:
        super().__init__(**facts)
        self.fields = fields


class Refused(Problem):
    """What was asked is well formed, but the state of things forbids it now."""


class Unavailable(Problem):
    """Something the portal needs does not answer; the same request may succeed later."""
