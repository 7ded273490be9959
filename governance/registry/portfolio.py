"""Every scored use case with the score that counts, its cost and its rank, added up in SQL.

The work in Python is a page of rows, or one bubble for each half point: it does not grow with the
portfolio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, F, OuterRef, Q, Subquery, Sum, Value, Window
from django.db.models.functions import Coalesce, Lower, Rank
from django.urls import reverse

from governance.access.models import User
from governance.kernel.terms import RiskTier
from governance.registry import scoring, trying
from governance.registry.models import DecidingScore, Score, UseCase
from governance.registry.registries import monthly_costs
from governance.registry.rules import USE_CASE_STAGES
from governance.registry.scoring_content import ModelContent
from governance.registry.selectors import in_order
from governance.registry.what_if import Outcome

FILTERS = {"team": "use_case__team__slug", "tier": "tier", "stage": "use_case__stage"}
RANKING = (F("priority").asc(), F("impact").desc(), F("effort").asc())
"""`scoring.priority` as an order; the index `score_by_rank` holds it."""
SORTS: dict[str, Any] = {
    "title": Lower("use_case__title"),
    "quadrant": F("priority"),
    "impact": F("impact"),
    "effort": F("effort"),
    "tier": in_order("tier", reversed(RiskTier)),
    "stage": in_order("use_case__stage", USE_CASE_STAGES.states),
    "team": Lower("use_case__team__name"),
    "cost": F("cost"),
    "then": F("then_rank"),
}
# Texts stay behind: there may be ten thousand of them.
_READ = (
    *("impact", "effort", "priority", "model_version"),
    *("score__round_id", "score__assessor_count", "use_case__title", "use_case__slug"),
    *("use_case__tier", "use_case__stage", "use_case__team__name", "use_case__owner__name"),
)
Weights = Mapping[str, Decimal]


@dataclass(frozen=True)
class Row:
    """A scored use case on the map and in its table."""

    deciding: Any
    version: int
    outcome: Outcome | None = None

    @property
    def use_case(self) -> UseCase:
        found: UseCase = self.deciding.use_case
        return found

    @property
    def score(self) -> Score:
        found: Score = self.deciding.score
        return found

    @property
    def url(self) -> str:
        return reverse("registry:detail", args=[self.use_case.slug])

    @property
    def is_older(self) -> bool:
        return bool(self.deciding.model_version != self.version)

    def as_bubble(self) -> dict[str, Any]:
        return {
            "title": self.use_case.title,
            "url": self.url,
            "impact": self.outcome.impact if self.outcome else self.deciding.impact,
            "effort": self.outcome.effort if self.outcome else self.deciding.effort,
            "tier": self.use_case.tier,
            "cost": self.deciding.cost,
        }


@dataclass(frozen=True)
class Summary:
    """The map in numbers: how many in all, and a bubble for each half point and tier."""

    count: int
    wins: int
    older: int
    incomparable: int
    cells: dict[tuple[str, int, int], int]


class Portfolio:
    """What this person sees through these filters, under the weights in force or under others."""

    def __init__(
        self,
        user: User,
        given: Mapping[str, str],
        version: int,
        content: ModelContent,
        weights: Weights | None,
        now: datetime,
    ) -> None:
        self.version, self.content, self.weights, self.now = version, content, weights, now
        self.seen = DecidingScore.objects.visible_to(user)
        for name, lookup in FILTERS.items():
            if value := given.get(name, "").replace("\x00", "").strip():
                self.seen = self.seen.filter(**{lookup: value})

    def summary(self) -> Summary:
        """One query; a row of it for each half point, tier and quadrant."""
        spots = self._spots(self.seen, "").annotate(
            rows=Count("pk"),
            older=Count("pk", filter=~Q(model_version=self.version)),
            apart=Count("pk", filter=Q(is_comparable=False)),
        )
        found = list(spots.order_by())
        cells: dict[tuple[str, int, int], int] = {}
        for one in found:
            cells[_spot(one)] = cells.get(_spot(one), 0) + one["rows"]
        wins = [
            one["rows"] for one in found if one["place"] == scoring.QUADRANTS.index("quick win")
        ]
        count, older, apart = (sum(one[key] for one in found) for key in ("rows", "older", "apart"))
        return Summary(count, sum(wins), older, apart, cells)

    def grouped(self, summary: Summary) -> list[dict[str, Any]]:
        """A bubble per half point and tier: how many, and what they cost together."""
        costs = self._spot_costs()
        return [
            {
                "title": f"{count} use case{'' if count == 1 else 's'}",
                # A bubble that stands for many leads to none of them.
                "url": f"group-{number}",
                "impact": Decimal(spot[1]) / 2,
                "effort": Decimal(spot[2]) / 2,
                "tier": spot[0],
                "cost": costs.get(spot, Decimal(0)),
            }
            for number, (spot, count) in enumerate(sorted(summary.cells.items()))
        ]

    def _spot_costs(self) -> dict[tuple[str, int, int], Decimal]:
        costs: dict[tuple[str, int, int], Decimal] = {}
        for booked in monthly_costs.values():
            ours = booked(self.now).filter(use_case__in=self.seen.values("use_case"))
            spots = self._spots(ours, "use_case__deciding_score__").annotate(spent=Sum("cost"))
            for one in spots.order_by():
                costs[_spot(one)] = costs.get(_spot(one), Decimal(0)) + one["spent"]
        return costs

    def _spots(self, rows: Any, prefix: str) -> Any:
        """Rows by tier, half point and quadrant; `prefix` is the way to the deciding score."""
        placed = trying.spots(rows, self.content, self.weights, prefix)
        return placed.values("halves_up", "halves_across", "place", band=F(f"{prefix}tier"))

    def rows(self, wanted: str) -> Any:
        """By one of SORTS, from its end when a minus stands before it; else by rank.

        A queryset of deciding scores, each with rank, cost, and what other weights would give.
        """
        found = self.seen.annotate(rank=Window(Rank(), order_by=RANKING), cost=_cost(self.now))
        if self.weights is not None:
            found = trying.ranked(found, self.content, self.weights, RANKING)
        related = found.select_related("score", "use_case__team", "use_case__owner")
        tail = (Lower("use_case__title").asc(), "score_id")
        return related.only(*_READ).order_by(*self._order(wanted), *tail)

    def _order(self, wanted: str) -> tuple[Any, ...]:
        key = wanted.removeprefix("-")
        if wanted == "-rank":
            return _reversed(RANKING)
        if key not in SORTS or (key == "then" and self.weights is None):
            return RANKING
        by = SORTS[key]
        return (by.desc() if wanted.startswith("-") else by.asc(), *RANKING)

    def row(self, deciding: Any) -> Row:
        """As page, file and map show it."""
        is_comparable = self.weights is not None and deciding.is_comparable
        return Row(deciding, self.version, _outcome(deciding) if is_comparable else None)


def _reversed(order: tuple[Any, ...]) -> tuple[Any, ...]:
    turned = tuple(one.copy() for one in order)
    for one in turned:
        one.reverse_ordering()
    return turned


def _spot(row: dict[str, Any]) -> tuple[str, int, int]:
    return row["band"], row["halves_up"], row["halves_across"]


def _cost(now: datetime) -> Any:
    """What whoever keeps the books booked this month for the use case of a row."""
    total: Any = Value(Decimal(0), output_field=DecimalField())
    for booked in monthly_costs.values():
        ours = booked(now).filter(use_case_id=OuterRef("use_case_id")).values("use_case_id")
        spent = ours.annotate(spent=Sum("cost")).values("spent")
        total = total + Coalesce(Subquery(spent), Decimal(0), output_field=DecimalField())
    return total


def _outcome(deciding: Any) -> Outcome:
    quadrant = scoring.QUADRANTS[deciding.then_priority]
    moved = deciding.rank_among - deciding.then_rank
    return Outcome(deciding.then_impact, deciding.then_effort, quadrant, deciding.then_rank, moved)
