"""Ranks now, and ranks under other weights that nobody saved. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from governance.registry import scoring
from governance.registry.scoring_content import HEAVIEST, KINDS, ModelContent


@dataclass(frozen=True)
class Scored:
    """A use case's score that counts: its points, and its totals under its own version."""

    pk: int
    title: str
    points: Mapping[str, int]
    impact: Decimal
    effort: Decimal
    threshold: Decimal


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


def ranks(scores: Sequence[Scored]) -> dict[int, int]:
    """From 1, by priority; those that are equal in all of it share a rank."""
    return _ranked(
        {one.pk: scoring.priority(one.impact, one.effort, one.threshold) for one in scores}
    )


def _ranked(keys: Mapping[int, tuple[int, Decimal, Decimal]]) -> dict[int, int]:
    found: dict[int, int] = {}
    before: tuple[tuple[int, Decimal, Decimal], int] | None = None
    for place, (pk, key) in enumerate(sorted(keys.items(), key=lambda pair: pair[1]), 1):
        rank = before[1] if before and before[0] == key else place
        found[pk], before = rank, (key, rank)
    return found


def outcomes(
    scores: Sequence[Scored], model: ModelContent, weights: Mapping[str, Decimal]
) -> dict[int, Outcome]:
    """Of each score that answers every weighted dimension; scores of other versions may not.

    Rank and movement are among those, so that what cannot be compared moves nobody.
    """
    sides: list[dict[str, tuple[str, int | Decimal]]] = [
        {one.key: (one.title, weights[one.key]) for one in model.of(kind) if weights[one.key]}
        for kind in KINDS
    ]
    needed = [key for side in sides for key in side]
    comparable = [one for one in scores if all(key in one.points for key in needed)]
    now = ranks(comparable)
    impacts, efforts = sides
    totals = {
        one.pk: (
            scoring.weighted(one.points, impacts),
            scoring.weighted(one.points, efforts),
        )
        for one in comparable
    }
    then = _ranked({pk: scoring.priority(*pair, model.threshold) for pk, pair in totals.items()})
    return {
        pk: Outcome(
            impact,
            effort,
            scoring.quadrant(impact, effort, model.threshold),
            then[pk],
            now[pk] - then[pk],
        )
        for pk, (impact, effort) in totals.items()
    }


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
            problems[one.key] = [f"A number from 0 to {HEAVIEST}."]
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
    return value if value.is_finite() and 0 <= value <= HEAVIEST else None
