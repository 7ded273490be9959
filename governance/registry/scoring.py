"""Impact and effort: weighted dimensions from 1 to 5, the quadrant derived. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

IMPACT: dict[str, tuple[str, int | Decimal]] = {
    "value": ("Money or time saved", 4),
    "reach": ("People or cases it helps", 3),
    "quality": ("Better or safer outcomes", 2),
    "strategy": ("Fit with the strategy", 1),
}
EFFORT: dict[str, tuple[str, int | Decimal]] = {
    "build": ("Building and integrating", 3),
    "data": ("Getting data into shape", 3),
    "change": ("Changing how people work", 2),
    "assurance": ("Testing, oversight and proof", 2),
}
MIDDLE = Decimal(3)
QUADRANTS = ("quick win", "major project", "fill-in", "reconsider")


def weighted(
    values: Mapping[str, int], dimensions: Mapping[str, tuple[str, int | Decimal]]
) -> Decimal:
    """Weighted mean from 1 to 5, two places; KeyError for a missing dimension, ValueError off scale.

    Only the share of a weight counts, so they need not sum to anything.
    """
    if any(not 1 <= values[key] <= 5 for key in dimensions):
        raise ValueError("Every score is a whole number from 1 to 5.")
    total = sum((Decimal(weight) for _, weight in dimensions.values()), Decimal(0))
    points = sum((values[key] * Decimal(one[1]) for key, one in dimensions.items()), Decimal(0))
    return (points / total).quantize(Decimal("0.01"), ROUND_HALF_UP)


def quadrant(impact: Decimal, effort: Decimal, threshold: Decimal = MIDDLE) -> str:
    """Where it stands on the map; the threshold itself counts as high."""
    if impact >= threshold:
        return "major project" if effort >= threshold else "quick win"
    return "reconsider" if effort >= threshold else "fill-in"


def priority(
    impact: Decimal, effort: Decimal, threshold: Decimal = MIDDLE
) -> tuple[int, Decimal, Decimal]:
    """A sort key: quick wins first, in each quadrant the most impact for the least effort."""
    return QUADRANTS.index(quadrant(impact, effort, threshold)), -impact, effort


def share_reached(baseline: Decimal, target: Decimal, value: Decimal) -> Decimal | None:
    """How far `value` has come from baseline to target, in percent; below 0 is worse than before.

    None when baseline and target are the same, because then there is no way to go.
    """
    if baseline == target:
        return None
    share = (value - baseline) / (target - baseline) * 100
    return share.quantize(Decimal(1), ROUND_HALF_UP)
