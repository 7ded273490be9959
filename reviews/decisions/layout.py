"""A long answer in parts that open one by one, with its code blocks as code. Pure.

Nothing is left out: the pieces of all windows joined are the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reviews.decisions.difference import Stretch
from reviews.decisions.marking import Piece

WINDOW = 20_000
"""Characters of one part; a page element of a megabyte stops a browser."""

_FENCE = re.compile(
    r"^[ ]{0,3}```[^`\n]*\n.*?(?:^[ ]{0,3}```[ \t]*$\n?|\Z)", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A stretch of one kind: running text, or a code block with its fences."""

    is_code: bool
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Window:
    """A part of the text: characters `start` to `end`, and how many findings are in it."""

    start: int
    end: int
    blocks: tuple[Block, ...]

    @property
    def first(self) -> int:
        """As people count."""
        return self.start + 1

    @property
    def findings(self) -> int:
        return sum(bool(piece.label) for block in self.blocks for piece in block.pieces)


def laid_out(pieces: Sequence[Piece], window: int = WINDOW) -> list[Window]:
    """The windows of a text that was cut into pieces."""
    text = "".join(one.text for one in pieces)
    made: list[Window] = []
    gathered: list[tuple[int, int, bool]] = []
    for start, end, is_code in _parts(text, window):
        if gathered and end - gathered[0][0] > window:
            made.append(_window(pieces, gathered))
            gathered = []
        gathered.append((start, end, is_code))
    return [*made, _window(pieces, gathered)] if gathered else made


def _window(pieces: Sequence[Piece], parts: Sequence[tuple[int, int, bool]]) -> Window:
    blocks = tuple(Block(is_code, tuple(_between(pieces, a, b))) for a, b, is_code in parts)
    return Window(parts[0][0], parts[-1][1], blocks)


def _parts(text: str, window: int) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether it is code), none longer than the window, cut at line ends if it can."""
    position = 0
    for found in _FENCE.finditer(text):
        yield from _cut(text, position, found.start(), False, window)
        yield from _cut(text, found.start(), found.end(), True, window)
        position = found.end()
    yield from _cut(text, position, len(text), False, window)


def _cut(
    text: str, start: int, end: int, is_code: bool, window: int
) -> Iterator[tuple[int, int, bool]]:
    while end - start > window:
        line = text.rfind("\n", start, start + window)
        stop = line + 1 if line > start else start + window
        yield start, stop, is_code
        start = stop
    if start < end:
        yield start, end, is_code


def _between(pieces: Sequence[Piece], start: int, end: int) -> Iterator[Piece]:
    """The pieces, or parts of them, from one character to another."""
    position = 0
    for piece in pieces:
        first, last = max(start, position), min(end, position + len(piece.text))
        if first < last:
            yield Piece(piece.text[first - position : last - position], piece.label)
        position += len(piece.text)
        if position >= end:
            return


SAME_SHOWN = 300
"""Characters of an unchanged stretch that stand on each side of what changed."""


def folded(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The stretches with the middle of long unchanged ones as their number of characters."""
    return [_folded(one) for one in stretches]


def _folded(one: Stretch) -> Stretch:
    left_out = len(one.before) - 2 * SAME_SHOWN
    if not one.is_same or left_out < SAME_SHOWN:
        return one
    said = f"\n[… {left_out:,} characters as before …]\n"
    text = one.before[:SAME_SHOWN] + said + one.before[-SAME_SHOWN:]
    return Stretch(text, text)
