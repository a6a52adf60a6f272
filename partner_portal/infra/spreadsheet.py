"""CSV as people export it: read into Structs, with everything that is wrong named by row and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from partner_portal.kernel.errors import FieldError, Invalid

from .spreadsheets_out import plain

T = TypeVar("T")

LARGEST = 20_000
_HEAD = 1


class Row(msgspec.Struct, Generic[T], frozen=True):
    """One row that can be used, with its number as a spreadsheet shows it (the heading is row 1)."""

    number: int
    value: T


class RowError(msgspec.Struct, frozen=True):
    """One thing that is wrong: in which row, in which column, what (a stable code), and the facts."""

    row: int
    column: str
    code: str
    facts: dict[str, Any] = {}

    def as_field(self) -> FieldError:
        """The same, for problem details."""
        return FieldError(f"/rows/{self.row}/{self.column}", self.code, {"row": self.row, "column": self.column, **self.facts})


class ImportRefused(Invalid):
    """Nothing was imported; `fields` names every wrong cell."""


def read(text: str, shape: type[T], nested: Sequence[str] = ()) -> tuple[list[Row[T]], list[RowError]]:
    """The rows of a CSV with a heading, as `shape`, and everything wrong with the others.

    Comma, semicolon or tab; an empty cell is a field left out; `a.b` is field b of the nested Struct a. Raises ImportRefused for what is no
    table at all: no heading, unknown or repeated columns, more than LARGEST rows.
    """
    text = text.removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    heading = _heading(next(reader, []), shape, nested)
    table = _Table(shape, heading, columns(shape, nested))
    try:
        for number, cells in enumerate(reader, _HEAD + 1):
            if number > LARGEST + _HEAD:
                raise ImportRefused(RowError(number, "", "too-many-rows", {"most": LARGEST}).as_field())
            if any(cell.strip() for cell in cells):
                table.take(number, cells)
    except csv.Error as error:
        table.wrong.append(RowError(reader.line_num, "", "not-csv", {"reason": str(error)}))
    return table.good, table.wrong


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _heading(cells: Sequence[str], shape: type[Any], nested: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    known = columns(shape, nested)
    wrong = [RowError(_HEAD, name, "unknown-column", {"known": sorted(known)}) for name in names if name not in known]
    wrong += [RowError(_HEAD, name, "column-twice") for name in dict.fromkeys(names) if names.count(name) > 1]
    if not names or wrong:
        raise ImportRefused(*[error.as_field() for error in wrong or [RowError(_HEAD, "", "no-heading", {"known": sorted(known)})]])
    return names


def columns(shape: type[Any], nested: Sequence[str] = ()) -> dict[str, Any]:
    """The columns a CSV of `shape` may have, with the type of each cell."""
    hints = {field.name: field.type for field in msgspec.structs.fields(shape)}
    inner = {f"{name}.{field.name}": field.type for name in nested for field in msgspec.structs.fields(_struct_in(hints[name]))}
    return {name: kind for name, kind in hints.items() if name not in nested} | inner


def _struct_in(hint: Any) -> Any:
    return next((part for part in getattr(hint, "__args__", ()) if hasattr(part, "__struct_fields__")), hint)


class _Table(Generic[T]):
    """The rows read so far, good and wrong."""

    def __init__(self, shape: type[T], heading: Sequence[str], kinds: Mapping[str, Any]) -> None:
        self.shape, self.heading, self.kinds = shape, heading, kinds
        self.good: list[Row[T]] = []
        self.wrong: list[RowError] = []

    def take(self, number: int, cells: Sequence[str]) -> None:
        """One row more."""
        if len(cells) > len(self.heading):
            self.wrong.append(RowError(number, "", "too-many-cells", {"columns": len(self.heading)}))
            return
        before = len(self.wrong)
        values: dict[str, Any] = {}
        for name, cell in zip(self.heading, cells, strict=False):
            if cell.strip():
                self._put(number, values, name, plain(cell.strip()))
        try:
            value = msgspec.convert(values, self.shape)
        except msgspec.ValidationError as error:
            if len(self.wrong) == before:
                said = str(error)
                self.wrong.append(RowError(number, said.partition("field `")[2].partition("`")[0], "missing", {"reason": said}))
            return
        if len(self.wrong) == before:
            self.good.append(Row(number, value))

    def _put(self, number: int, values: dict[str, Any], name: str, cell: str) -> None:
        try:
            read = msgspec.convert(cell, self.kinds[name], strict=False)
        except msgspec.ValidationError as error:
            self.wrong.append(RowError(number, name, "not-valid", {"reason": str(error)}))
            return
        *outer, last = name.split(".")
        for part in outer:
            values = values.setdefault(part, {})
        values[last] = read
