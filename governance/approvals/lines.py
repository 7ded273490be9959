"""The lines of a diff that people talk about, and which of them a thread belongs to now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from governance.approvals.diffing import FieldDiff, Piece

# More lines of one field than this are shown, and talked about as one.
MOST_LINES = 400
LONGEST_QUOTE = 2_000


@dataclass(frozen=True)
class Line:
    """One line as the diff shows it; `key` names it within its revision."""

    key: str
    label: str
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """What it says after the change; of a removed line what it said."""
        kept = "".join(one.text for one in self.pieces if one.kind != "removed")
        words = kept or "".join(one.text for one in self.pieces)
        return words[:LONGEST_QUOTE]


def lines_of(field: FieldDiff) -> tuple[Line, ...]:
    """The lines of a field, numbered as they are shown."""
    rows: list[list[Piece]] = [[]]
    for piece in field.pieces:
        first, *others = piece.text.split("\n")
        rows[-1] += [Piece(piece.kind, first)] if first else []
        rows += [[Piece(piece.kind, text)] if text else [] for text in others]
    if len(rows) > MOST_LINES:
        rows = [list(field.pieces)]
    is_one = len(rows) == 1
    return tuple(
        Line(
            f"{field.key}:{number}",
            field.label if is_one else f"{field.label}, line {number}",
            tuple(row),
        )
        for number, row in enumerate(rows, start=1)
    )


def find_line(fields: Iterable[FieldDiff], key: str) -> Line | None:
    """The line of that key; None if this revision has none."""
    name, _, _number = key.rpartition(":")
    found = (line for field in fields if field.key == name for line in lines_of(field))
    return next((line for line in found if line.key == key), None)


def place(key: str, quote: str, lines: Sequence[Line]) -> Line | None:
    """Where a thread on that line with those words stands among the lines of its field now.

    A line that moved is followed by its words; None when no line says them any more.
    """
    number = _number_of(key)
    same = [line for line in lines if line.text == quote]
    return min(same, key=lambda line: abs(_number_of(line.key) - number), default=None)


def _number_of(key: str) -> int:
    number = key.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0
