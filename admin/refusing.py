"""A form of one of our own pages that was refused: what was typed in it, and what is wrong, at its fields and in a summary above it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from partner_portal.kernel.errors import FieldError, Invalid, Problem
from partner_portal.web import forms
from partner_portal.web.forms import NO_ERRORS, NOTHING_TYPED, Errors, Form, Typed

from . import saying

_LONGEST = 4000


class Refused(msgspec.Struct, frozen=True):
    """The button that was pressed, of which row, what was typed beside it, and what is wrong: at fields, or as a whole in words."""

    decision: str = ""
    id: str = ""
    typed: Typed = NOTHING_TYPED
    errors: Errors = NO_ERRORS
    text: str = ""

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.errors) or bool(self.text)

    def of(self, *decisions: str, id: object = "") -> Refused:  # noqa: A002  # templates name the row so
        """This, for the form of one of these buttons of that row; nothing was refused for every other form."""
        return self if self.decision in decisions and self.id == str(id) else NOTHING

    def is_of_none(self, ids: Iterable[object]) -> bool:
        """Whether the row whose form it was stands on the page no more, so that the page itself says what is wrong."""
        return bool(self) and bool(self.id) and self.id not in set(map(str, ids))


NOTHING = Refused()


def refused(problem: Problem, form: Form, language: str) -> Refused:
    """The problem for the page that shows the form again; `id` is the row whose form it is, `decision` the button."""
    decision, row = form.one("decision"), form.one("id")
    if isinstance(problem, Invalid) and problem.fields:
        return Refused(decision, row, form.typed, forms.errors(problem, language))
    return Refused(decision, row, form.typed, text=saying.text(problem, language))


def must_be_short(form: Form) -> None:
    """Raise Invalid at every field that is longer than anything on our pages may be."""
    found = [FieldError(f"/{name}", "too-long", {"limit": _LONGEST}) for name in form.names if len(form.one(name)) > _LONGEST]
    if found:
        raise Invalid(*found)


def parse(form: Form, *kinds: type[Any]) -> list[Any]:
    """The form as each of these Structs; Invalid names every field that is wrong for any of them."""
    read, faults = [], list[FieldError]()
    for kind in kinds:
        try:
            read.append(forms.parse(form, kind))
        except Invalid as problem:
            faults += problem.fields
    if faults:
        raise Invalid(*faults)
    return read


@contextmanager
def called(**fields: str) -> Iterator[None]:
    """What is wrong inside is said at the fields of this form: `called(invoices="numbers")` where the form's field is named otherwise than the fact."""
    try:
        yield
    except Invalid as problem:
        moved = (msgspec.structs.replace(fault, pointer=_moved(fault.pointer, fields)) for fault in problem.fields)
        raise Invalid(*moved) from problem


def _moved(pointer: str, fields: Mapping[str, str]) -> str:
    first = pointer.lstrip("/").partition("/")[0]
    return f"/{fields[first]}" if first in fields else pointer
