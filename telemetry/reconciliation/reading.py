"""A provider's CSV read strictly: every line is understood, or the file is refused with all that
is wrong. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from governance.kernel.errors import Invalid, TooLarge

MOST_BYTES = 5_000_000
MOST_LINES = 100_000
SHOWN_FAULTS = 50
FIELDS = ("day", "model", "tokens_input", "tokens_output", "amount")
FIELD_WORDS = {
    "day": "Day",
    "model": "Model",
    "tokens_input": "Input tokens",
    "tokens_output": "Output tokens",
    "amount": "Amount",
}
# Head names by which a column is known when nobody said which it is; OpenAI's exports first.
GUESSES = {
    "day": ("start_time_iso", "date", "day", "usage_date", "datum", "start_time"),
    "model": ("model", "line_item", "sku", "product", "modell"),
    "tokens_input": ("input_tokens", "n_context_tokens_total", "prompt_tokens", "context_tokens"),
    "tokens_output": ("output_tokens", "n_generated_tokens_total", "completion_tokens"),
    "amount": ("amount_value", "amount", "cost", "cost_usd", "betrag"),
}
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DOTTED = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})")
_SNAPSHOT = re.compile(r",? (input|output|cached input).*$")


@dataclass(frozen=True)
class Layout:
    """Which column is which, and how numbers are written. An absent figure is not compared."""

    columns: Mapping[str, str]
    decimal_comma: bool = False

    def as_json(self) -> dict[str, object]:
        return {"columns": dict(self.columns), "decimal_comma": self.decimal_comma}


@dataclass(frozen=True)
class UsageLine:
    """One line of the file as it was understood."""

    number: int
    day: date
    model: str
    tokens_input: int
    tokens_output: int
    amount: Decimal


def read_rows(content: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The head, and the lines with their numbers; raises Invalid or TooLarge."""
    if len(content) > MOST_BYTES:
        raise TooLarge(f"Nothing was kept: a file has at most {MOST_BYTES // 1_000_000} MB.")
    text = decode(content)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Invalid(f"Nothing was kept: line {reader.line_num} is not CSV ({error}).") from None
    if len(rows) < 2:
        raise Invalid("Nothing was kept: the file has no line below its head.")
    if len(rows) > MOST_LINES + 1:
        raise TooLarge(f"Nothing was kept: a file has at most {MOST_LINES:,} lines.")
    return [name.strip() for name in rows[0][1]], rows[1:]


def decode(content: bytes) -> str:
    """UTF-8 or UTF-16 by their marks, UTF-8 without one, else Windows-1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: Sequence[str] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Invalid("Nothing was kept: this is not a text file. Export it as CSV in UTF-8.")


def guessed(head: Sequence[str]) -> dict[str, str]:
    """The columns that are known by their names."""
    known = {name.lower().replace(" ", "_"): name for name in head}
    found: dict[str, str] = {}
    for field, names in GUESSES.items():
        for name in names:
            if name in known:
                found[field] = known[name]
                break
    return found


def read_usage(content: bytes, layout: Layout) -> list[UsageLine]:
    """Every line; raises Invalid that names each line that cannot be read, and why."""
    head, rows = read_rows(content)
    places = _places(head, layout)
    lines, faults = [], []
    for number, row in rows:
        try:
            lines.append(_line(number, row, places, len(head), layout.decimal_comma))
        except ValueError as error:
            faults.append(f"Line {number}: {error}")
    if faults:
        shown = faults[:SHOWN_FAULTS]
        if len(faults) > SHOWN_FAULTS:
            shown.append(f"And {len(faults) - SHOWN_FAULTS} more lines.")
        raise Invalid(
            f"Nothing was kept: {len(faults)} of {len(rows)} lines cannot be read.",
            fields={"file": shown},
        )
    return lines


def _places(head: Sequence[str], layout: Layout) -> dict[str, int]:
    problems: dict[str, list[str]] = {}
    for field, name in layout.columns.items():
        if name not in head:
            problems[field] = [f"The file has no column “{name}”. It has: {', '.join(head)}."[:500]]
    for field in ("day", "model"):
        if field not in layout.columns:
            problems[field] = [f"Say which column it is: {', '.join(head)}."[:500]]
    if not problems and not {"amount", "tokens_input", "tokens_output"} & set(layout.columns):
        problems["amount"] = ["Say which column holds amounts or tokens."]
    if problems:
        raise Invalid("Nothing was kept: some columns are not known.", fields=problems)
    return {field: head.index(name) for field, name in layout.columns.items()}


def _line(
    number: int, row: Sequence[str], places: Mapping[str, int], width: int, comma: bool
) -> UsageLine:
    if len(row) != width:
        raise ValueError(f"it has {len(row)} cells, the head has {width}.")
    cells = {field: row[place].strip() for field, place in places.items()}
    model = _SNAPSHOT.sub("", cells["model"])[:200]
    if not model:
        raise ValueError("there is no model.")
    return UsageLine(
        number=number,
        day=read_day(cells["day"]),
        model=model,
        tokens_input=_whole(cells.get("tokens_input", ""), comma),
        tokens_output=_whole(cells.get("tokens_output", ""), comma),
        amount=read_number(cells.get("amount", ""), comma),
    )


def read_day(text: str) -> date:
    """YYYY-MM-DD (also with a time), DD.MM.YYYY or DD/MM/YYYY, or seconds since 1970."""
    if found := _DAY.match(text):
        return date(*map(int, found.groups()))
    if found := _DOTTED.fullmatch(text):
        day, month, year = map(int, found.groups())
        return date(year, month, day)
    if re.fullmatch(r"\d{9,11}", text):
        return datetime.fromtimestamp(int(text), UTC).date()
    raise ValueError(f"“{text[:40]}” is no day.")


def read_number(text: str, comma: bool) -> Decimal:
    """Exact; separators of thousands and a currency sign are passed over. Empty is 0."""
    plain = re.sub(r"[\s'$€£\u00a0\u202f]|USD|EUR", "", text)
    plain = plain.replace(".", "").replace(",", ".") if comma else plain.replace(",", "")
    try:
        value = Decimal(plain or "0")
    except InvalidOperation:
        raise ValueError(f"“{text[:40]}” is no number.") from None
    if not value.is_finite() or abs(value) >= 10**9:
        raise ValueError(f"“{text[:40]}” is no amount that can be booked.")
    return value


def _whole(text: str, comma: bool) -> int:
    value = read_number(text, comma)
    if value != value.to_integral_value() or value < 0:
        raise ValueError(f"“{text[:40]}” is no number of tokens.")
    return int(value)
