"""Reads what was sent into a Struct, and names every wrong field at once.

msgspec stops at the first wrong field. A right body passes through msgspec alone; only a wrong one is taken apart field by field.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from partner_portal.kernel.errors import FieldError, Invalid

from . import faults
from .problems import MalformedJson

T = TypeVar("T")

_POSITION = re.compile(r"\(byte (\d+)\)")


def decode(kind: type[T], raw: bytes) -> T:
    """The JSON in `raw` as `kind`; MalformedJson if it is none, Invalid with every wrong field otherwise. Nothing in it can upset PostgreSQL."""
    try:
        sent = msgspec.json.decode(raw)
        # As many colons as names: no name is there twice (and no colon stands in a text). Only then is a second, slower reading saved.
        twice = [] if raw.count(b":") == _names_in(sent) else _given_twice(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        place = _POSITION.search(str(error))
        raise MalformedJson(**({"position": int(place[1])} if place else {})) from error
    return _read(kind, sent, [*twice, *faults.unusable(sent)])


def convert(kind: type[T], sent: Any) -> T:
    """What was parsed before, as `kind`; Invalid with every wrong field otherwise."""
    return _read(kind, sent, faults.unusable(sent))


def _read(kind: type[T], sent: Any, found: list[FieldError]) -> T:
    try:
        read = msgspec.convert(sent, kind)
    except msgspec.ValidationError:
        raise Invalid(*faults.once_each([*found, *faults.mistyped(sent, kind)])) from None
    found += faults.odd_decimals(read, kind)
    if found:
        raise Invalid(*faults.once_each(found))
    return read


def _names_in(tree: Any) -> int:
    if isinstance(tree, dict):
        return len(tree) + sum(map(_names_in, tree.values()))
    return sum(map(_names_in, tree)) if isinstance(tree, list) else 0


def _given_twice(raw: bytes) -> list[FieldError]:
    """Names that occur more than once in an object: one reader takes the first, another the last, so nobody may guess."""
    repeated: dict[int, list[str]] = {}

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            names = [name for name, _ in pairs]
            repeated[id(made)] = sorted({name for name in names if names.count(name) > 1})
        return made

    tree = json.loads(raw, object_pairs_hook=kept, parse_int=len, parse_float=len)  # only the names matter
    if not repeated:
        return []
    return [
        FieldError(faults.pointer(place, name), "duplicate")
        for place, value in faults.everything(tree)
        if isinstance(value, dict)
        for name in repeated.get(id(value), ())
    ]
