"""Tables as people take them along, read back as a spreadsheet reads them."""

from __future__ import annotations

import csv as reading
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from partner_portal.infra import spreadsheets_out
from partner_portal.infra.spreadsheets_out import Cell
from partner_portal.kernel.money import Money

NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://evil.example.com","click")',
    "+31612345678",
    "-1+1",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "＝1+1",
    "|calc",
    "=cmd|' /C calc'!A0",
]


def from_csv(made: bytes) -> list[list[str]]:
    return list(reading.reader(io.StringIO(made.decode("utf-8-sig"), newline="")))


def from_xlsx(made: bytes) -> tuple[list[list[Any]], str, str]:
    """The cells (text, or the number as it is kept), the sheet's own XML, and the styles'."""
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        sheet, styles = (book.read(f"xl/{name}").decode() for name in ("worksheets/sheet1.xml", "styles.xml"))
        strings = book.read("xl/sharedStrings.xml").decode() if "xl/sharedStrings.xml" in book.namelist() else "<sst/>"
    # Our own file, made a moment ago.
    words, cells = ET.fromstring(strings), ET.fromstring(sheet)  # noqa: S314
    shared = ["".join(part.text or "" for part in one.iter(f"{{{NAMES['m']}}}t")) for one in words]
    rows = [
        [shared[int(cell.findtext("m:v", "", NAMES))] if cell.get("t") == "s" else float(cell.findtext("m:v", "", NAMES)) for cell in row]
        for row in cells.iterfind("m:sheetData/m:row", NAMES)
    ]
    return rows, sheet, styles


@pytest.mark.parametrize("words", FORMULAS)
def test_a_csv_holds_no_formula(words: str) -> None:
    [heading, [cell]] = from_csv(spreadsheets_out.csv(["name"], [[words]]))

    assert heading == ["name"]
    assert cell == f"'{words}"


@pytest.mark.parametrize("words", FORMULAS)
def test_a_workbook_holds_text_that_stays_text_when_it_is_edited(words: str) -> None:
    made = spreadsheets_out.xlsx(["name"], [[words]])
    rows, sheet, styles = from_xlsx(made)

    assert "<f>" not in sheet
    assert rows[1][0].replace("_x000D_", "\r") == words
    assert 'quotePrefix="1"' in styles


def test_a_heading_is_no_formula_either() -> None:
    assert from_csv(spreadsheets_out.csv(["=A1"], []))[0] == ["'=A1"]
    assert "<f>" not in from_xlsx(spreadsheets_out.xlsx(["=A1"], []))[1]


def test_ordinary_words_are_left_as_they_are() -> None:
    words = ["Bakkerij De Korst", 'O\'Neill; & Zn, "de" 1e', "regel 1\nregel 2", "😀 שלום", "0612345678", "1-2", ""]

    assert from_csv(spreadsheets_out.csv(["a"] * len(words), [words]))[1] == words
    assert from_xlsx(spreadsheets_out.xlsx(["a"] * len(words), [words]))[0][1][:6] == words[:6]


def test_a_csv_is_for_programs() -> None:
    row: list[Cell] = [Money(123456), Money(-5), date(2026, 12, 31), datetime(2026, 12, 31, 23, 30, tzinfo=UTC), 7, Decimal("2.50"), None]

    made = spreadsheets_out.csv(["x"] * 7, [row])

    assert made.startswith(b"\xef\xbb\xbf")
    assert from_csv(made)[1] == ["1234.56", "-0.05", "2026-12-31", "2026-12-31T23:30:00+00:00", "7", "2.50", ""]


def test_a_workbook_keeps_days_and_amounts_as_what_they_are() -> None:
    instant = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)

    rows, sheet, styles = from_xlsx(spreadsheets_out.xlsx(["x"] * 4, [[Money(123456), date(2026, 12, 31), instant, Decimal("2.5")]]))

    # Day 46387 of Excel's calendar is 31 December 2026; half past eleven in UTC is half past midnight in Amsterdam.
    assert rows[1] == [1234.56, 46387.0, pytest.approx(46388 + 0.5 / 24), 2.5]
    assert all(f'formatCode="{code}"' in styles for code in ("&quot;EUR&quot; #,##0.00", "dd-mm-yyyy", "dd-mm-yyyy hh:mm"))
    assert 'state="frozen"' in sheet
    assert "<autoFilter" in sheet


def test_a_currency_is_the_amounts_own() -> None:
    assert 'formatCode="&quot;USD&quot; #,##0.00"' in from_xlsx(spreadsheets_out.xlsx(["x"], [[Money(1, "USD")]]))[2]


def test_a_day_before_the_calendar_of_workbooks_is_told_in_words() -> None:
    assert from_xlsx(spreadsheets_out.xlsx(["x"], [[date(1899, 12, 31)]]))[0][1] == ["1899-12-31"]


def test_more_than_a_cell_can_hold_is_cut() -> None:
    assert len(from_xlsx(spreadsheets_out.xlsx(["x"], [["a" * 40_000]]))[0][1][0]) == 32_767


def test_no_rows_are_a_table_with_a_heading() -> None:
    assert from_csv(spreadsheets_out.csv(["a", "b"], [])) == [["a", "b"]]
    assert from_xlsx(spreadsheets_out.xlsx(["a", "b"], []))[0] == [["a", "b"]]
    assert from_csv(spreadsheets_out.csv([], [])) == [[]]
    assert from_xlsx(spreadsheets_out.xlsx([], []))[0] == []
