"""What other weights give, and what was typed of them; nobody saves them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from governance.registry.scoring_content import HEAVIEST, KINDS, ModelContent

FINEST = 6


@dataclass(frozen=True)
class Outcome:
    """What the other weights give, and how many places that is up (positive) or down."""

    impact: Decimal
    effort: Decimal
    quadrant: str
    rank: int
    moved: int

    @property
    def movement(self) -> str:
        if not self.moved:
            return "same rank"
        places = "place" if abs(self.moved) == 1 else "places"
        return f"{abs(self.moved)} {places} {'up' if self.moved > 0 else 'down'}"

    @property
    def arrow(self) -> str:
        return "↑" if self.moved > 0 else "↓" if self.moved < 0 else "="


def read_weights(
    model: ModelContent, given: Mapping[str, str]
) -> tuple[dict[str, Decimal], dict[str, list[str]]]:
    """Weights by key from what was typed, and a sentence per field that does not fit.

    Nothing typed is the weight in force; 0 leaves a dimension out, but never a whole side.
    """
    weights: dict[str, Decimal] = {}
    problems: dict[str, list[str]] = {}
    for one in model.dimensions:
        text = given.get(one.key, "").strip()
        value = _weight(text) if text else one.weight
        if value is None:
            problems[one.key] = [f"A number from 0 to {HEAVIEST}, of at most {FINEST} decimals."]
        weights[one.key] = one.weight if value is None else value
    for kind in KINDS:
        side = model.of(kind)
        if not any(weights[one.key] for one in side):
            problems.setdefault(side[0].key, []).append(f"Some weight of {kind} must be above 0.")
    return weights, problems


def _weight(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= HEAVIEST:
        return None
    return value if round(value, FINEST) == value else None
