"""What a person changed in the model's text, with bounded work. Pure.

Three passes from coarse to fine: lines, then phrases inside changed lines, then words inside
changed phrases; what both texts begin and end with is set aside first. difflib's cost follows
the number of pairs of equal pieces, which is quadratic where pieces repeat, so each comparison
counts its pairs beforehand and is not made when they would exceed what is left of MOST_PAIRS.
A stretch that is not compared stands as replaced as a whole: the count is then too high, never
too low.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os.path import commonprefix

MOST_PAIRS = 200_000
"""Pairs of equal pieces that all comparisons of two texts may look at together."""

_PIECES = (
    re.compile(r"[^\n]*\n|[^\n]+"),
    re.compile(r"[^.,;:!?\n]+[.,;:!?\n]*\s*|[.,;:!?\n]+\s*"),
    re.compile(r"\w+|\s+|[^\w\s]"),
)


@dataclass(frozen=True)
class Stretch:
    """A piece of both texts: equal where `before == after`, else replaced by the other."""

    before: str
    after: str

    @property
    def is_same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Difference:
    """The stretches in order, and how many pairs were looked at to find them."""

    stretches: tuple[Stretch, ...]
    pairs: int

    @property
    def characters_changed(self) -> int:
        """Characters in changed stretches, counted on the longer side of each."""
        return sum(_changed(one) for one in self.stretches if not one.is_same)

    @property
    def characters_compared(self) -> int:
        """Of all stretches, each on its longer side: what `characters_changed` is a share of."""
        return sum(max(len(one.before), len(one.after)) for one in self.stretches)


def difference(before: str, after: str) -> Difference:
    """Compare two texts; work grows with their length, and by at most MOST_PAIRS beyond."""
    comparison = _Comparison()
    found = list(comparison.stretches(before, after, 0))
    return Difference(tuple(_joined(found)), MOST_PAIRS - comparison.pairs_left)


class _Comparison:
    """One comparison of two texts, which spends its pairs."""

    def __init__(self) -> None:
        self.pairs_left = MOST_PAIRS

    def stretches(self, before: str, after: str, level: int) -> Iterator[Stretch]:
        if before == after or not before or not after or level == len(_PIECES):
            yield Stretch(before, after)
            return
        old, new = _PIECES[level].findall(before), _PIECES[level].findall(after)
        start, end = _common_ends(old, new)
        yield _same("".join(old[:start]))
        yield from self._middle(old[start : len(old) - end], new[start : len(new) - end], level)
        yield _same("".join(old[len(old) - end :]))

    def _middle(self, old: list[str], new: list[str], level: int) -> Iterator[Stretch]:
        pairs = _equal_pairs(old, new)
        if pairs > self.pairs_left:
            yield Stretch("".join(old), "".join(new))
            return
        self.pairs_left -= pairs
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            a, b = "".join(old[i1:i2]), "".join(new[j1:j2])
            if tag == "equal":
                yield _same(a)
            else:
                yield from self.stretches(a, b, level + 1)


def _same(text: str) -> Stretch:
    return Stretch(text, text)


def _common_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many pieces both begin with, and how many of the rest both end with."""
    shorter = min(len(old), len(new))
    start = 0
    while start < shorter and old[start] == new[start]:
        start += 1
    end = 0
    while end < shorter - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


def _equal_pairs(old: Sequence[str], new: Sequence[str]) -> int:
    in_new = Counter(new)
    return sum(count * in_new[piece] for piece, count in Counter(old).items())


def _joined(stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    """Neighbours of one kind as one; empty ones go."""
    before, after = "", ""
    for one in stretches:
        if (before == after) != one.is_same and (before or after):
            yield Stretch(before, after)
            before, after = "", ""
        before, after = before + one.before, after + one.after
    if before or after:
        yield Stretch(before, after)


def _changed(stretch: Stretch) -> int:
    """The longer side's characters, less what both sides begin and end with."""
    start = len(commonprefix([stretch.before, stretch.after]))
    before, after = stretch.before[start:], stretch.after[start:]
    end = len(commonprefix([before[::-1], after[::-1]]))
    return max(len(before), len(after)) - end
