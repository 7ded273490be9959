"""Tables as XLSX: typed cells, totals as formulas with the values they have. No ORM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import xlsxwriter

from governance.audit.tables import CELL_CHARACTERS, harmless


@dataclass(frozen=True)
class Sheet:
    """A head, rows, and which columns are added up below them. `facts` stand in a sheet before."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]
    summed: Sequence[str] = ()


def write_book(path: Path, sheets: Sequence[Sheet], facts: Sequence[tuple[str, Any]] = ()) -> None:
    """One row in memory at a time. A text is a text, whatever it begins with."""
    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        formats = _formats(book)
        for sheet in sheets:
            _write_sheet(book, formats, sheet)
        if facts:
            about = book.add_worksheet("About")
            about.set_column(0, 0, 24)
            about.set_column(1, 1, 90)
            for number, (name, value) in enumerate(facts):
                _write_cell(about, number, 0, name, formats)
                _write_cell(about, number, 1, value, formats)


def _formats(book: Any) -> dict[str, Any]:
    return {
        "head": book.add_format({"bold": True, "bottom": 1}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        "whole": book.add_format({"num_format": "#,##0"}),
        "money": book.add_format({"num_format": "#,##0.000000000"}),
        "total": book.add_format({"bold": True, "top": 1, "num_format": "#,##0.000000000"}),
        "count": book.add_format({"bold": True, "top": 1, "num_format": "#,##0"}),
    }


def _write_sheet(book: Any, formats: dict[str, Any], sheet: Sheet) -> None:
    page = book.add_worksheet(sheet.title[:31])
    page.freeze_panes(1, 0)
    page.set_column(0, len(sheet.columns) - 1, 18)
    for column, name in enumerate(sheet.columns):
        page.write_string(0, column, name, formats["head"])
    sums: dict[int, Decimal | int] = {sheet.columns.index(name): 0 for name in sheet.summed}
    number = 0
    for number, row in enumerate(sheet.rows, 1):
        for column, value in enumerate(row):
            _write_cell(page, number, column, value, formats)
        for column in sums:
            sums[column] += row[column]
    if number and sums:
        _write_totals(page, number, sums, formats)


def _write_totals(
    page: Any, rows: int, sums: dict[int, Decimal | int], formats: dict[str, Any]
) -> None:
    page.write_string(rows + 1, 0, "Total", formats["head"])
    for column, total in sums.items():
        name = ascii_uppercase[column]  # no table of ours has more columns than letters
        style = formats["total" if isinstance(total, Decimal) else "count"]
        # The value stands beside the formula, for readers that do not calculate.
        page.write_formula(
            rows + 1, column, f"=SUM({name}2:{name}{rows + 1})", style, _number(total)
        )


def _write_cell(page: Any, row: int, column: int, value: Any, formats: dict[str, Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        page.write_boolean(row, column, value)
    elif isinstance(value, Decimal):
        page.write_number(row, column, _number(value), formats["money"])
    elif isinstance(value, int):
        page.write_number(row, column, value, formats["whole"])
    elif isinstance(value, datetime):
        page.write_datetime(row, column, value.replace(tzinfo=None), formats["time"])
    elif isinstance(value, date):
        page.write_datetime(
            row, column, datetime(value.year, value.month, value.day), formats["day"]
        )
    else:
        page.write_string(row, column, harmless(str(value))[:CELL_CHARACTERS])


def _number(value: Decimal | int) -> float | int:
    """A sheet's numbers are of double precision; the exact amount stands in a column of text."""
    return float(value) if isinstance(value, Decimal) else value
