"""Rows as people take them along: a CSV for programs, an XLSX for people; nothing in a cell is ever read as a formula."""

from __future__ import annotations

import io
from collections.abc import Sequence
from csv import writer
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from partner_portal.kernel.money import Money

from . import clock

Cell = str | int | Decimal | Money | date | datetime | None
"""Nothing is an empty cell; an amount, a number, a day and an instant keep their type in a workbook."""

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE = "text/csv; charset=utf-8"

# What a spreadsheet takes for the start of a formula, also in the wide forms of East Asian keyboards, which some programs fold (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|")
_LONGEST = 32_767  # characters in a cell, by the limits of Excel
_FIRST_YEAR = 1900  # where its calendar begins
_WIDEST = 420  # pixels
_DAY, _INSTANT, _AMOUNT = "dd-mm-yyyy", "dd-mm-yyyy hh:mm", "#,##0.00"


def csv(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """The table by RFC 4180, UTF-8 with its mark: days as 2026-12-31, instants with their offset, amounts as 1234.56 without the currency.

    Words that a spreadsheet would reckon with begin with an apostrophe. For many rows call it outside the event loop.
    """
    out = io.StringIO(newline="")
    table = writer(out)
    table.writerow([_harmless(heading) for heading in headings])
    table.writerows([_written(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def xlsx(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """The table as a workbook: the heading stays in view and filters, days are days, amounts are numbers with their currency.

    Instants are written as Amsterdam's clock showed them. For many rows call it outside the event loop.
    """
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    book.set_properties({"created": clock.now().replace(tzinfo=None)})
    sheet, styles = book.add_worksheet(), _Styles(book)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading[:_LONGEST], styles.of(bold=True))
    for place, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            _put(sheet, place, column, cell, styles)
    sheet.freeze_panes(1, 0)
    if headings:
        sheet.autofilter(0, 0, len(rows), len(headings) - 1)
    sheet.autofit(_WIDEST)
    book.close()
    return out.getvalue()


def _written(cell: Cell) -> str | int | Decimal:
    if cell is None:
        return ""
    if isinstance(cell, Money):
        return cell.amount
    if isinstance(cell, date):  # an instant is a date too
        return cell.isoformat()
    return _harmless(cell) if isinstance(cell, str) else cell


def _harmless(words: str) -> str:
    return f"'{words}" if _is_formula(words) else words


def plain(words: str) -> str:
    """A cell of a CSV of ours as it was before it was made harmless."""
    return words[1:] if words.startswith("'") and _is_formula(words[1:]) else words


def _is_formula(words: str) -> bool:
    return words.startswith(_FORMULA) or words.lstrip().startswith(_FORMULA)


class _Styles:
    """The formats of one workbook, each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def of(self, **style: Any) -> Format:
        key = tuple(style.items())
        if key not in self._made:
            self._made[key] = self._book.add_format(style)
        return self._made[key]


def _put(sheet: Worksheet, row: int, column: int, cell: Cell, styles: _Styles) -> None:
    if cell is None:
        return
    if isinstance(cell, Money):
        sheet.write_number(row, column, cell.cents / 100, styles.of(num_format=f'"{cell.currency}" {_AMOUNT}'))
    elif isinstance(cell, date):
        _put_time(sheet, row, column, cell, styles)
    elif isinstance(cell, str):
        # A cell of text is never a formula; the quote keeps it so when somebody edits it or takes it elsewhere.
        style = styles.of(quote_prefix=True) if _is_formula(cell) else None
        sheet.write_string(row, column, cell[:_LONGEST], style)
    else:
        sheet.write_number(row, column, float(cell))


def _put_time(sheet: Worksheet, row: int, column: int, cell: date, styles: _Styles) -> None:
    if cell.year < _FIRST_YEAR:
        sheet.write_string(row, column, cell.isoformat())
    elif isinstance(cell, datetime):
        local = cell.astimezone(clock.AMSTERDAM).replace(tzinfo=None)  # a workbook knows no zones
        sheet.write_datetime(row, column, local, styles.of(num_format=_INSTANT))
    else:
        sheet.write_datetime(row, column, datetime.combine(cell, time()), styles.of(num_format=_DAY))
