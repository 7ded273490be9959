"""Read a usage trace: `TIMESTAMP,ContextTokens,GeneratedTokens`, one past call a line. Pure.

The format of the Azure LLM inference trace 2023 (CC-BY 4.0; Patel et al., "Splitwise", ISCA
2024): times without a zone are UTC, tokens are whole numbers, there is no text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from governance.kernel.errors import Invalid

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
MOST_SHOWN = 20
MOST_TOKENS = 2_000_000_000


@dataclass(frozen=True)
class TraceRow:
    """One call of the trace; `line` is its line in the file, the head being line 1."""

    line: int
    at: datetime
    tokens_input: int
    tokens_output: int


def parse(lines: Iterable[str]) -> list[TraceRow]:
    """Every row, in the order of their times. Raises Invalid naming each bad line, or none read."""
    reader = csv.reader(lines)
    head = tuple(next(reader, ()))
    if head != COLUMNS:
        raise Invalid(
            f"Nothing was loaded: line 1 must be “{','.join(COLUMNS)}”, "
            f"and it is “{','.join(head)[:100]}”."
        )
    rows, problems = [], []
    for fields in reader:
        if not fields:
            continue
        try:
            rows.append(_row(reader.line_num, fields))
        except ValueError as error:
            problems.append(f"line {reader.line_num}: {error}")
    _check(rows, problems)
    return sorted(rows, key=lambda row: (row.at, row.line))


def _check(rows: list[TraceRow], problems: list[str]) -> None:
    if problems:
        shown = "; ".join(problems[:MOST_SHOWN])
        rest = f"; and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
        raise Invalid(f"Nothing was loaded: {len(problems)} bad rows. {shown}{rest}.")
    if not rows:
        raise Invalid("Nothing was loaded: the file has no row below its head.")


def _row(line: int, fields: list[str]) -> TraceRow:
    if len(fields) != len(COLUMNS):
        raise ValueError(f"{len(fields)} fields instead of {len(COLUMNS)}")
    return TraceRow(line, _time(fields[0]), _tokens(fields[1]), _tokens(fields[2]))


def _time(text: str) -> datetime:
    """The trace counts tenths of microseconds; the last digit is dropped."""
    whole, _, fraction = text.strip().partition(".")
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"“{text[:40]}” is no time")
    try:
        moment = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise ValueError(f"“{text[:40]}” is no time") from None
    return moment.replace(
        tzinfo=UTC, microsecond=int(fraction[:6].ljust(6, "0")) if fraction else 0
    )


def _tokens(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or int(text) > MOST_TOKENS:
        raise ValueError(f"“{text[:40]}” is no count of tokens")
    return int(text)
