"""What people type into forms: read into Structs, every fault told at its field, nothing typed lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from litestar import Request
from litestar.datastructures import FormMultiDict, UploadFile

from partner_portal.infra import spreadsheet
from partner_portal.kernel.errors import Invalid

from . import csrf, decoding
from .errors import sentence_typed

T = TypeVar("T")

_YES = frozenset({"yes", "on", "true"})
_WHOLE = re.compile(r"^-?[0-9]{1,18}$")
_SEVERAL = (list, tuple, set, frozenset)


class Form:
    """The fields of a form as they were sent; every text trimmed, line ends as Python has them."""

    def __init__(self, sent: FormMultiDict) -> None:
        self._texts: dict[str, list[str]] = {}
        self._files: dict[str, UploadFile] = {}
        for name, value in sent.multi_items():
            if isinstance(value, UploadFile):
                self._files[name] = value
            elif name != csrf.FIELD:
                self._texts.setdefault(name, []).append(str(value).strip().replace("\r\n", "\n"))

    def one(self, name: str, otherwise: str = "") -> str:
        """The text of a field; of several with the same name, the last."""
        found = self._texts.get(name)
        return found[-1] if found else otherwise

    def all(self, name: str) -> list[str]:
        """Every text of a field, as of checkboxes with one name."""
        return self._texts.get(name, [])

    def file(self, name: str) -> UploadFile | None:
        """The file of a field; None when none was chosen."""
        found = self._files.get(name)
        return found if found is not None and found.filename else None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields that were sent with a text."""
        return tuple(self._texts)

    @property
    def typed(self) -> Typed:
        """What was typed, for the same form shown again."""
        return Typed(self._texts)


class Typed:
    """What a form shows: what was typed, or what is on record; a field that nobody knows is empty."""

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self._texts = texts

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Typed:
        """The form of what is on record; None is empty, dotted names for what is nested."""
        return cls({name: [_as_text(value)] for name, value in values.items()})

    def one(self, name: str) -> str:
        """The text of a field."""
        found = self._texts.get(name)
        return found[-1] if found else ""

    def has(self, name: str, value: str) -> bool:
        """Whether a box or choice is marked."""
        return value in self._texts.get(name, ())


def _as_text(value: object) -> str:
    if value is None or value is False:
        return ""
    return "yes" if value is True else str(value)


NOTHING_TYPED = Typed({})


class Errors:
    """What is wrong with a form: a sentence for each field, in the order of the form."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self._said = said

    def at(self, name: str) -> str:
        """The sentence at a field, or nothing."""
        return self._said.get(name, "")

    def __bool__(self) -> bool:
        return bool(self._said)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Each field's name with its sentence, for the summary on top."""
        return iter(self._said.items())


NO_ERRORS = Errors({})


async def read(request: Request[Any, Any, Any]) -> Form:
    """The form that was sent."""
    return Form(await request.form())


def parse(form: Form, kind: type[T], nested: Sequence[str] = ()) -> T:
    """The form as `kind`: dotted names for what is in the `nested` Structs, empty fields left out; Invalid names every wrong field."""
    tree: dict[str, Any] = {}
    for name, expected in spreadsheet.columns(kind, nested).items():
        value = _value(form, name, expected)
        if value not in ("", [], None):
            _put(tree, name, value)
    return decoding.convert(kind, tree)


def _value(form: Form, name: str, expected: Any) -> Any:
    if get_origin(expected) in _SEVERAL:
        return form.all(name)
    text = form.one(name)
    if expected is bool:
        return text in _YES
    try:
        return msgspec.to_builtins(msgspec.convert(text, expected, strict=False)) if text else ""
    except msgspec.ValidationError:  # decoding says what is wrong with it: a whole number out of its bounds is still one
        return int(text) if _is_whole(expected) and _WHOLE.match(text) else text


def _is_whole(expected: Any) -> bool:
    return expected is int or any(_is_whole(part) for part in get_args(expected))


def _put(tree: dict[str, Any], name: str, value: Any) -> None:
    *outer, last = name.split(".")
    for part in outer:
        tree = tree.setdefault(part, {})
    tree[last] = value


def errors(problem: Invalid, language: str) -> Errors:
    """The sentences of a problem by the names of the form's fields."""
    return Errors({fault.pointer.strip("/").replace("/", "."): sentence_typed(fault, language) for fault in problem.fields})
