"""Every scored use case with the score that counts, its cost and its rank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.urls import reverse

from governance.access.models import User
from governance.kernel.terms import RiskTier
from governance.registry import scoring
from governance.registry.models import Score, UseCase
from governance.registry.rules import USE_CASE_STAGES
from governance.registry.scoring_content import ModelContent
from governance.registry.selectors import costs_this_month
from governance.registry.what_if import Outcome, Scored, outcomes, ranks

FILTERS = {"team": "team__slug", "tier": "tier", "stage": "stage"}
_TIERS = [str(one) for one in reversed(RiskTier)]
_STAGES = list(USE_CASE_STAGES.states)


@dataclass(frozen=True)
class Row:
    """A scored use case on the map and in its table."""

    score: Score
    cost: Decimal
    rank: int
    version: int
    outcome: Outcome | None = None

    @property
    def use_case(self) -> UseCase:
        return self.score.use_case

    @property
    def url(self) -> str:
        return reverse("registry:detail", args=[self.use_case.slug])

    @property
    def is_older(self) -> bool:
        return self.score.model_version != self.version

    @property
    def note(self) -> str:
        """By how many it was scored, and by an older model if so."""
        older = f", scoring model {self.score.model_version}" if self.is_older else ""
        return f"{self.score.made_by}{older}"

    def as_bubble(self, url: str) -> dict[str, Any]:
        now: Any = self.outcome or self.score
        return {
            "title": self.use_case.title,
            "url": url,
            "impact": self.outcome.impact if self.outcome else self.score.impact_total,
            "effort": self.outcome.effort if self.outcome else self.score.effort_total,
            "quadrant": now.quadrant,
            "tier": self.use_case.tier,
            "cost": self.cost,
        }


SORTS: dict[str, Any] = {
    "rank": lambda row: row.rank,
    "title": lambda row: row.use_case.title.lower(),
    "quadrant": lambda row: scoring.QUADRANTS.index(row.score.quadrant),
    "impact": lambda row: row.score.impact_total,
    "effort": lambda row: row.score.effort_total,
    "tier": lambda row: _place(_TIERS, row.use_case.tier),
    "stage": lambda row: _place(_STAGES, row.use_case.stage),
    "team": lambda row: row.use_case.team.name.lower(),
    "cost": lambda row: row.cost,
    "then": lambda row: row.outcome.rank if row.outcome else 10**9,
}


def _place(order: list[str], value: str) -> int:
    return order.index(value) if value in order else len(order)


def portfolio_rows(
    user: User,
    given: Mapping[str, str],
    version: int,
    content: ModelContent,
    weights: Mapping[str, Decimal] | None,
    now: datetime,
) -> list[Row]:
    """All that pass the filters, by rank; with other weights also what those would give."""
    scores = list(_scores(user, given))
    costs = costs_this_month([one.use_case_id for one in scores], now)
    scored = [_scored(one) for one in scores]
    places = ranks(scored)
    then = outcomes(scored, content, weights) if weights is not None else {}
    rows = [
        Row(
            one,
            costs.get(one.use_case_id, Decimal(0)),
            places[one.use_case_id],
            version,
            then.get(one.use_case_id),
        )
        for one in scores
    ]
    return sorted(rows, key=lambda row: (row.rank, row.use_case.title.lower(), row.score.pk))


def sorted_rows(rows: Iterable[Row], wanted: str) -> list[Row]:
    """By one of SORTS, from its end when a minus stands before it; else as they are."""
    key = wanted.removeprefix("-")
    if key not in SORTS:
        return list(rows)
    return sorted(rows, key=SORTS[key], reverse=wanted.startswith("-"))


def _scores(user: User, given: Mapping[str, str]) -> Any:
    """The score that counts of each visible use case, in one query."""
    visible = UseCase.objects.visible_to(user)
    for name, lookup in FILTERS.items():
        if value := given.get(name, "").replace("\x00", "").strip():
            visible = visible.filter(**{lookup: value})
    order = ("use_case_id", F("round").desc(nulls_last=True), "-at", "-pk")
    latest = Score.objects.filter(use_case__in=visible).order_by(*order).distinct("use_case_id")
    # Texts stay behind: there may be ten thousand of them.
    return latest.select_related("use_case__team", "use_case__owner").only(
        *("impact", "effort", "impact_total", "effort_total", "threshold", "model_version"),
        *("round_id", "assessor_count", "use_case__title", "use_case__slug", "use_case__tier"),
        *("use_case__stage", "use_case__team__name", "use_case__owner__name"),
    )


def _scored(score: Score) -> Scored:
    return Scored(
        score.use_case_id,
        score.use_case.title,
        score.points,
        score.impact_total,
        score.effort_total,
        score.threshold,
    )
