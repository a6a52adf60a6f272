"""Everything that is wrong with a parsed value: each wrong field with its JSON pointer, a stable code, and the facts that explain it."""

from __future__ import annotations

import difflib
import enum
import re
import types
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from partner_portal.kernel.errors import FieldError

MOST = 100
"""More wrong fields than this are not listed: the sender has another problem then."""
DEEPEST = 64
LARGEST_INTEGER = 2**63 - 1
"""What PostgreSQL holds; a larger number is refused here, with its place, not there."""

_MOST_DIGITS = 38
_LIMITS = (
    (re.compile(r"of length >= (\S+)"), "too-short"),
    (re.compile(r"of length <= (\S+)"), "too-long"),
    (re.compile(r"of length (\d+)"), "wrong-length"),
    (re.compile(r">= (\S+)"), "too-small"),
    (re.compile(r"<= (\S+)"), "too-large"),
    (re.compile(r"> (\S+)"), "not-above"),
    (re.compile(r"< (\S+)"), "not-below"),
    (re.compile(r"multiple of (\S+)"), "not-a-multiple"),
)
_TYPES = re.compile(r"^Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`")
_FORMAT = re.compile(r"^Invalid (?:RFC3339 encoded |ISO8601 |base64 encoded )?(?P<expected>[A-Za-z]+)(?: string)?")
_NAMES = {"UUID": "uuid", "str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def pointer(place: str, name: str | int) -> str:
    """The JSON pointer (RFC 6901) of `name` inside `place`."""
    return f"{place}/{str(name).replace('~', '~0').replace('/', '~1')}"


def once_each(found: Sequence[FieldError]) -> list[FieldError]:
    """One fault per field, the first; at most MOST."""
    kept: dict[str, FieldError] = {}
    for fault in found:
        kept.setdefault(fault.pointer, fault)
    return list(kept.values())[:MOST]


def everything(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside `value`, itself included, with its pointer; stops one level below DEEPEST."""
    waiting: list[tuple[str, Any, int]] = [(place, value, 0)]
    while waiting:
        here, one, depth = waiting.pop()
        yield here, one
        if depth > DEEPEST:
            continue
        if isinstance(one, dict):
            waiting += [(pointer(here, name), inner, depth + 1) for name, inner in one.items()]
        elif isinstance(one, list):
            waiting += [(f"{here}/{index}", inner, depth + 1) for index, inner in enumerate(one)]


def unusable(sent: Any) -> list[FieldError]:
    """What is right JSON but cannot be kept: NUL characters, numbers beyond 64 bits, bottomless nesting."""
    found = []
    for place, value in everything(sent):
        if isinstance(value, str):
            if "\0" in value:
                found.append(FieldError(place, "nul"))
        elif isinstance(value, dict):
            found += [FieldError(place, "nul") for name in value if "\0" in name]
        elif type(value) is int and abs(value) > LARGEST_INTEGER:
            found.append(FieldError(place, "too-large", {"limit": LARGEST_INTEGER}))
        if place.count("/") > DEEPEST:
            found.append(FieldError("", "too-deep"))
    return found


def odd_decimals(read: Any, kind: Any) -> list[FieldError]:
    """Decimals that are no ordinary number (NaN, infinite, or so long that reckoning with them takes forever)."""
    if not _has_decimals(kind):
        return []
    parts = everything(msgspec.to_builtins(read, builtin_types=(Decimal,)))
    return [FieldError(place, "not-finite") for place, value in parts if isinstance(value, Decimal) and not _is_ordinary(value)]


def _is_ordinary(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    _sign, digits, exponent = value.as_tuple()
    return isinstance(exponent, int) and len(digits) <= _MOST_DIGITS and abs(exponent) <= _MOST_DIGITS


@lru_cache(maxsize=1024)
def _has_decimals(kind: Any) -> bool:
    return "Decimal" in str(msgspec.inspect.type_info(kind))


def mistyped(value: Any, kind: Any, place: str = "") -> list[FieldError]:
    """Every part of `value` that does not fit `kind`; at least one if msgspec refuses it, none if msgspec takes it."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return _inside(value, _bare(kind), place) or [_fault(kind, place, str(error))]
    return []


def _bare(kind: Any) -> Any:
    """The type under Annotated, and under `| None` where only one other type remains."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        others = [one for one in get_args(kind) if one not in (type(None), msgspec.UnsetType)]
        return _bare(others[0]) if len(others) == 1 else kind
    return kind


def _inside(value: Any, kind: Any, place: str) -> list[FieldError]:
    if isinstance(value, dict):
        chosen = _alternative(value, kind)
        if chosen is not None:
            return _in_struct(value, chosen, place)
        if get_origin(kind) is dict:
            return [fault for name, one in value.items() for fault in mistyped(one, get_args(kind)[1], pointer(place, name))]
    if isinstance(value, list) and get_origin(kind) in (list, set, frozenset, tuple):
        return _in_list(value, kind, place)
    return []


def _alternative(value: dict[str, Any], kind: Any) -> type[msgspec.Struct] | None:
    """The Struct that `value` means: the only one, or the one of a union whose tag it bears."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    if get_origin(kind) not in (Union, types.UnionType):
        return None
    for one in map(_bare, get_args(kind)):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            tag_field = one.__struct_config__.tag_field
            if tag_field is None or value.get(tag_field) == one.__struct_config__.tag:
                return one
    return None


def _in_list(value: list[Any], kind: Any, place: str) -> list[FieldError]:
    found: list[FieldError] = []
    items = get_args(kind)
    fixed = get_origin(kind) is tuple and Ellipsis not in items
    for index, one in enumerate(value):
        if fixed and index >= len(items):
            break
        found += mistyped(one, items[index] if fixed else items[0], f"{place}/{index}")
        if len(found) > MOST:
            break
    return found


def _in_struct(value: dict[str, Any], kind: type[msgspec.Struct], place: str) -> list[FieldError]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    found = [fault for name, field in fields.items() if name in value for fault in mistyped(value[name], field.type, pointer(place, name))]
    found += [FieldError(pointer(place, name), "missing") for name, field in fields.items() if field.required and name not in value]
    if kind.__struct_config__.forbid_unknown_fields:
        tag_field = kind.__struct_config__.tag_field
        found += [unknown(place, name, fields) for name in value if name not in fields and name != tag_field]
    return found


def unknown(place: str, name: str, names: Collection[str]) -> FieldError:
    """The fault of a field that is not known, with the known name it resembles."""
    near = difflib.get_close_matches(name, names, n=1)
    return FieldError(pointer(place, name), "unknown-near", {"near": near[0]}) if near else FieldError(pointer(place, name), "unknown")


def _fault(kind: Any, place: str, said: str) -> FieldError:
    if said.startswith(("Invalid enum value", "Invalid value")):
        return FieldError(place, "choice", {"allowed": _allowed(_bare(kind))})
    return told(place, said, {})


def told(place: str, said: str, facts: dict[str, Any]) -> FieldError:
    """The fault that a sentence of msgspec's means, with further `facts`."""
    said = said.split(" - at `", 1)[0]
    code, more = _meaning(said)
    return FieldError(place, code, {**facts, **more})


def _meaning(said: str) -> tuple[str, dict[str, Any]]:
    if types_differ := _TYPES.match(said):
        return "type", {name: _named(word) for name, word in types_differ.groupdict().items()}
    if "matching regex" in said:
        return "pattern", {}
    if said.startswith("Missing required"):
        return "missing", {}
    if wrong_format := _FORMAT.match(said):
        return "format", {"expected": _named(wrong_format["expected"])}
    for form, code in _LIMITS:
        if limit := form.search(said):
            return code, {"limit": limit[1].rstrip(",")}
    return "invalid", {}


def _named(words: str) -> str:
    return " or ".join(_NAMES.get(word, word) for word in words.split(" | "))


def _allowed(kind: Any) -> list[Any]:
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [member.value for member in kind]
    if get_origin(kind) in (Union, types.UnionType):
        return [tag for one in get_args(kind) if (tag := getattr(getattr(one, "__struct_config__", None), "tag", None)) is not None]
    return []
