"""Other weights, in SQL: what `scoring.weighted` and `scoring.quadrant` would say of each score.

A score that does not answer every weighted dimension (it was made by another version) has no such
totals: NULL in any point makes the sum NULL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    DecimalField,
    ExpressionWrapper,
    F,
    Q,
    SmallIntegerField,
    Value,
    When,
    Window,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Rank, Round

from governance.registry.scoring_content import KINDS, ModelContent

Weights = Mapping[str, Decimal]
_POINT = DecimalField(max_digits=3, decimal_places=0)


def _number(value: Decimal) -> Any:
    return Value(value, output_field=DecimalField())


def _total(prefix: str, kind: str, model: ModelContent, weights: Weights) -> Any:
    """The weighted mean of one side, two places, halves upwards as in `scoring.weighted`."""
    heavy = {one.key: weights[one.key] for one in model.of(kind) if weights[one.key]}
    points = [
        ExpressionWrapper(
            # Numeric, because whole numbers would be divided as whole numbers.
            Cast(KeyTextTransform(key, f"{prefix}points"), _POINT) * _number(weight),
            output_field=DecimalField(),
        )
        for key, weight in heavy.items()
    ]
    share = ExpressionWrapper(
        reduce(add, points) / _number(sum(heavy.values(), Decimal(0))),
        output_field=DecimalField(),
    )
    return Round(share, precision=2)


def _priority(impact: Any, effort: Any, threshold: Decimal) -> Any:
    """The place in scoring.QUADRANTS; NULL for what has no totals."""
    return Case(
        When(Q(**{f"{impact}__gte": threshold, f"{effort}__lt": threshold}), then=Value(0)),
        When(Q(**{f"{impact}__gte": threshold, f"{effort}__gte": threshold}), then=Value(1)),
        When(Q(**{f"{impact}__lt": threshold, f"{effort}__lt": threshold}), then=Value(2)),
        When(Q(**{f"{impact}__lt": threshold, f"{effort}__gte": threshold}), then=Value(3)),
        output_field=SmallIntegerField(),
    )


def totalled(rows: Any, model: ModelContent, weights: Weights, prefix: str = "") -> Any:
    """With then_impact, then_effort, is_comparable and then_priority on each."""
    impact, effort = (_total(prefix, kind, model, weights) for kind in KINDS)
    both = Q(then_impact__isnull=False, then_effort__isnull=False)
    return (
        rows.annotate(then_impact=impact, then_effort=effort)
        .annotate(is_comparable=ExpressionWrapper(both, output_field=BooleanField()))
        .annotate(then_priority=_priority("then_impact", "then_effort", model.threshold))
    )


def ranked(rows: Any, model: ModelContent, weights: Weights, ranking: Sequence[Any]) -> Any:
    """With the ranks now and then among those that can be compared: the others move nobody."""
    then = (F("then_priority").asc(), F("then_impact").desc(), F("then_effort").asc())
    among = F("is_comparable")
    return (
        totalled(rows, model, weights)
        .annotate(rank_among=_rank(among, ranking), placed=_rank(among, then))
        .annotate(then_rank=Case(When(is_comparable=True, then=F("placed"))))
    )


def _rank(among: Any, order: Sequence[Any]) -> Any:
    return Window(Rank(), partition_by=[among], order_by=order)


def spots(rows: Any, model: ModelContent, weights: Weights | None, prefix: str = "") -> Any:
    """With the half points and the quadrant that the map draws each row at."""
    now = {
        "halves_up": F(f"{prefix}impact_halves"),
        "halves_across": F(f"{prefix}effort_halves"),
        "place": F(f"{prefix}priority"),
    }
    if weights is None:
        always = Value(True, output_field=BooleanField())
        return rows.annotate(is_comparable=always, **now)
    then = {
        "halves_up": _halves("then_impact"),
        "halves_across": _halves("then_effort"),
        "place": F("then_priority"),
    }
    is_then = {
        name: Case(When(is_comparable=True, then=then[name]), default=now[name]) for name in now
    }
    return totalled(rows, model, weights, prefix).annotate(**is_then)


def _halves(name: str) -> Any:
    twice = ExpressionWrapper(F(name) * 2, output_field=DecimalField())
    return Cast(Round(twice), SmallIntegerField())
