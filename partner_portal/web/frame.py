"""What stands around the pages of somebody who is signed in: the partner's face, where one may go, and the reader's theme."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from partner_portal.infra import settings
from partner_portal.infra.brand import Brand
from partner_portal.kernel.actor import Actor, ActorKind

THEMES = ("light", "dark")
THEME_COOKIE = "theme"
LONE_KEYS_COOKIE = "lone-keys"
OFF = "off"

_SIGNED_IN = frozenset({ActorKind.MEMBER, ActorKind.CONTACT})
_MOST_FACES = 1000
_FIRST = "/portal"


class Entry(msgspec.Struct, frozen=True):
    """One line of the menu: its word (a source sentence), where it leads, its icon, and under which other paths one is still inside it."""

    word: str
    path: str
    icon: str
    holds: tuple[str, ...] = ()

    def depth(self, path: str) -> int:
        """How far `path` lies inside this entry: the deepest of a menu is where one is; 0 is outside. The first page holds nothing but itself."""
        roots = [root for root in (self.path, *self.holds) if path == root or (root != _FIRST and path.startswith(f"{root}/"))]
        return max(map(len, roots), default=0)


class Frame(msgspec.Struct, frozen=True):
    """A face, and a menu for whoever may go somewhere."""

    brand: Brand
    menu: Sequence[Entry] = ()


class Furniture(Protocol):
    """What pages need to know of the domains; `app` brings it."""

    async def brand(self, actor: Actor) -> Brand:
        """The face of the actor's partner."""

    def menu(self, actor: Actor) -> Sequence[Entry]:
        """Where the actor may go."""


class _House:
    """Until the domains are there, pages bear the provider's name."""

    async def brand(self, _actor: Actor) -> Brand:
        return house()

    def menu(self, _actor: Actor) -> Sequence[Entry]:
        return ()


_furniture: list[Furniture] = [_House()]
_faces: OrderedDict[UUID | None, Brand] = OrderedDict()


def furnish(furniture: Furniture) -> None:
    """Pages bear these brands and menus from now on."""
    _furniture[:] = [furniture]
    _faces.clear()


def house() -> Brand:
    """The provider's face, for whoever is no partner's."""
    return Brand(name=settings.current().provider_name)


async def around(actor: Actor | None) -> Frame:
    """The frame of the reader's pages."""
    if actor is None:
        return Frame(house())
    brand = await _furniture[0].brand(actor)
    _faces[actor.tenant] = brand
    _faces.move_to_end(actor.tenant)
    if len(_faces) > _MOST_FACES:
        _faces.popitem(last=False)
    return Frame(brand, _furniture[0].menu(actor))


def last_seen(actor: Actor | None) -> Frame | None:
    """The frame as the last page had it, without asking the database, which may be what failed; None where no page of ours was seen before."""
    if actor is None or actor.kind not in _SIGNED_IN or actor.tenant not in _faces:
        return None
    return Frame(_faces[actor.tenant], _furniture[0].menu(actor))


def theme(chosen: str) -> str:
    """The theme that a browser was told to use; nothing when the system decides."""
    return chosen if chosen in THEMES else ""


def own_path(given: str, otherwise: str = "/portal") -> str:
    """`given` if it is a path of this portal's pages, for addresses that come from outside; no other host, however it is spelled."""
    is_ours = given.startswith("/portal") and given[len("/portal") :][:1] in ("", "/", "?") and "\\" not in given and given.isprintable()
    return given if is_ours else otherwise
