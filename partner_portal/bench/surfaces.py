"""Every page of the portal in every state worth looking at: what is measured, photographed and held to the rules of accessibility.

A page's path names the things it needs in braces (`/portal/customers/{customer}`); whoever walks the pages brings a world in which they exist. A test
compares this table with the routes of the application, so that no page is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

_THING = re.compile(r"\{(\w+)\}")


class Reader(StrEnum):
    """For whom a page is."""

    EVERYBODY = "everybody"  # nobody is signed in
    OWNER = "owner"
    CLERK = "clerk"
    CONTACT = "contact"


class Surface(msgspec.Struct, frozen=True):
    """One page in one state."""

    name: str
    path: str
    reader: Reader = Reader.OWNER
    status: int = 200
    language: str = ""
    """The language it is in, where that is what the customer chose and not what the browser prefers."""
    sends: str = ""
    """The selector of a form that is sent as it stands, without what the browser would ask for first: the page's state with errors."""

    @property
    def things(self) -> frozenset[str]:
        """What must exist for it."""
        return frozenset(_THING.findall(self.path))

    def address(self, things: Mapping[str, object]) -> str:
        """Its path in a world that has all it needs."""
        return _THING.sub(lambda found: str(things[found[1]]), self.path)

    @property
    def slug(self) -> str:
        """Its name as a file's."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


_PUBLIC = [
    Surface("start page", "/", Reader.EVERYBODY),
    Surface("customer's answer: waiting", "/confirm/{waiting}", Reader.EVERYBODY, language="nl"),
    Surface("customer's answer: given", "/confirm/{answered}", Reader.EVERYBODY, language="nl"),
    Surface("customer's answer: too late", "/confirm/{too_late}", Reader.EVERYBODY, language="nl"),
    Surface("customer's answer: a buyout is proposed", "/confirm/{proposal}", Reader.EVERYBODY, language="nl"),
    Surface("customer's answer: no such link", "/confirm/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Reader.EVERYBODY, 404),
    Surface("nothing here, for strangers", "/nowhere", Reader.EVERYBODY, 404),
]
_MEMBERS = [
    Surface("today", "/portal"),
    Surface("words explained", "/portal/help/glossary"),
    Surface("nothing here", "/portal/nowhere", status=404),
]

SURFACES: tuple[Surface, ...] = (*_PUBLIC, *_MEMBERS)
