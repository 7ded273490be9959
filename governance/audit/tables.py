"""Rows as spreadsheets: CSV and XLSX, written row by row to files. No ORM."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import xlsxwriter

# Excel's specifications: rows of a sheet, characters of a cell, digits of a number.
SHEET_ROWS = 1_048_576
CELL_CHARACTERS = 32_767
EXACT_UP_TO = 10**15
_CUT = " [cut here; whole in data/]"
# A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def cell(value: Any) -> str | int:
    """A JSON-plain value as a spreadsheet's cell: nothing as "", lists and objects as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def harmless(value: Any) -> Any:
    """Text that a spreadsheet would run gets a leading apostrophe; numbers stay numbers."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}" if value.lstrip(" \ufeff").startswith(_FORMULA) else value


def csv_line(cells: Iterable[Any]) -> str:
    """One line that is safe to open in a spreadsheet."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([harmless(cell(one)) for one in cells])
    return buffer.getvalue()


class Workbook:
    """An XLSX that keeps one row in memory and goes on in another sheet where one is full."""

    def __init__(
        self, path: Path, name: str, columns: Sequence[str], sheet_rows: int = SHEET_ROWS
    ) -> None:
        options = {
            "constant_memory": True,
            "tmpdir": str(path.parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
        }
        self._book = xlsxwriter.Workbook(str(path), options)
        self._book.use_zip64()
        self._name, self._columns, self._sheet_rows = name, columns, sheet_rows
        self._sheets: list[Any] = []
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        number = len(self._sheets) + 1
        title = self._name[:31] if number == 1 else f"{self._name[:27]} {number}"
        self._sheets.append(self._book.add_worksheet(title))
        self._next = 0
        self._write(self._columns)

    def add(self, cells: Sequence[str | int]) -> None:
        if self._next == self._sheet_rows:
            self._begin_sheet()
        self._write(cells)

    def _write(self, cells: Sequence[str | int]) -> None:
        sheet = self._sheets[-1]
        for column, value in enumerate(cells):
            if isinstance(value, int) and abs(value) < EXACT_UP_TO:
                sheet.write_number(self._next, column, value)
            elif value != "":
                sheet.write_string(self._next, column, _fitting(str(value)))
        self._next += 1

    def close(self) -> None:
        self._book.close()

    def abandon(self) -> None:
        """Let its temporary files go without writing the book."""
        for sheet in self._sheets:
            if sheet.row_data_fh is not None and not sheet.row_data_fh.closed:
                _close_quietly(sheet.row_data_fh)


def _fitting(text: str) -> str:
    """What a cell holds; a longer text is cut and says so."""
    if len(text) <= CELL_CHARACTERS:
        return text
    return text[: CELL_CHARACTERS - len(_CUT)] + _CUT


def _close_quietly(file: io.TextIOBase) -> None:
    try:
        file.close()
    except OSError:  # a full disk refuses what is still in the buffer; the file is closed
        return


class Table:
    """The same rows as `<name>.csv` and `<name>.xlsx` in a folder."""

    def __init__(self, folder: Path, name: str, columns: Sequence[str]) -> None:
        self.csv_path, self.xlsx_path = folder / f"{name}.csv", folder / f"{name}.xlsx"
        self._columns = columns
        self._csv = self.csv_path.open("w", encoding="utf-8", newline="")
        self._book = Workbook(self.xlsx_path, name, columns)
        self._csv.write(csv_line(columns))

    def __enter__(self) -> Table:
        return self

    def add(self, row: dict[str, Any]) -> None:
        cells = [cell(row.get(column)) for column in self._columns]
        self._csv.write(csv_line(cells))
        self._book.add(cells)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is not None:
            _close_quietly(self._csv)
            self._book.abandon()
            return
        self._csv.close()
        self._book.close()


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The head and one line per row, to be streamed; None becomes an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in itertools.chain([columns], rows):
        writer.writerow([harmless(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
