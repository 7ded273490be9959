"""Ranks now and under other weights in plain Python: what the database's answer is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from governance.registry import scoring
from governance.registry.scoring_content import KINDS, ModelContent
from governance.registry.what_if import Outcome


@dataclass(frozen=True)
class Scored:
    """A use case's score that counts: its points, and its totals under its own version."""

    pk: int
    title: str
    points: Mapping[str, int]
    impact: Decimal
    effort: Decimal
    threshold: Decimal


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
