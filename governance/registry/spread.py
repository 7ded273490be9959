"""How far several assessors are apart, dimension by dimension. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# Two points apart on a scale of five: they mean different things, and should talk.
FAR_APART = 2


@dataclass(frozen=True)
class Spread:
    """Of one dimension: the ends, the middle, the standard deviation, and who gave how much."""

    key: str
    least: int
    most: int
    median: Decimal
    deviation: Decimal
    counts: tuple[int, ...]

    @property
    def is_far_apart(self) -> bool:
        return self.most - self.least >= FAR_APART

    @property
    def suggested(self) -> int:
        """The median as a whole point, halves upwards: a start for the talk, no decision."""
        return int(self.median.quantize(Decimal(1), ROUND_HALF_UP))


def spread_of(key: str, points: Sequence[int]) -> Spread:
    """Over at least one value; the deviation is that of everybody asked, not of a sample."""
    counts = tuple(sum(1 for one in points if one == point) for point in range(1, 6))
    median = Decimal(str(statistics.median(points)))
    deviation = Decimal(str(statistics.pstdev(points))).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Spread(key, min(points), max(points), median, deviation, counts)


def spreads(keys: Sequence[str], scores: Sequence[Mapping[str, int]]) -> list[Spread]:
    return [spread_of(key, [one[key] for one in scores]) for key in keys] if scores else []
