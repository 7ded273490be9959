"""The month's tokens at a cheaper deployment that passed the same evaluation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from governance.model_cards.models import Deployment
from governance.model_cards.pricing import Usage
from telemetry.chargeback.what_if import Outcome, Used
from telemetry.chargeback.what_if_selectors import Asked, put_to
from telemetry.savings import sql
from telemetry.savings.models import MonthFigures, Saving
from telemetry.savings.registries import PassedElsewhere, evaluations_elsewhere
from telemetry.savings.rules import Lever

_Place = tuple[int, int, int]


@dataclass(frozen=True)
class _Found:
    """A use case's calls of a deployment at another one's prices, and the run that allows it."""

    outcome: Outcome
    passed: PassedElsewhere

    @property
    def saved(self) -> Decimal:
        return -self.outcome.difference


def add_cheaper_models(figures: MonthFigures) -> None:
    """For each use case and deployment the one that would have saved most, if any would."""
    passed = [one for find in evaluations_elsewhere.values() for one in find()]
    used = _used(figures.month, {one.version_id for one in passed})
    names = dict(Deployment.objects.values_list("pk", "slug"))
    best: dict[_Place, _Found] = {}
    for (deployment, other), ran in _by_pair(passed).items():
        for place, rows in _rows(used, deployment, {one.version_id for one in ran}).items():
            asked = Asked(figures.month, target=names[other])
            newest = max(ran, key=lambda one: one.ran_on)
            found = _Found(put_to(rows, asked), newest)
            if found.saved > 0 and (place not in best or found.saved > best[place].saved):
                best[place] = found
    Saving.objects.bulk_create(_saving(figures, place, one) for place, one in best.items())


def _by_pair(
    passed: Iterable[PassedElsewhere],
) -> dict[tuple[int, int], list[PassedElsewhere]]:
    pairs: dict[tuple[int, int], list[PassedElsewhere]] = defaultdict(list)
    for one in passed:
        pairs[one.deployment_id, one.other_id].append(one)
    return pairs


def _used(month: date, versions: set[int]) -> list[tuple[Any, ...]]:
    """By team, use case, deployment, version and day: what was booked, and the tokens of it."""
    if not versions:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql.BY_VERSION, {"month": month, "versions": list(versions)})
        return list(cursor.fetchall())


def _rows(
    used: list[tuple[Any, ...]], deployment: int, versions: set[int]
) -> dict[_Place, list[Used]]:
    rows: dict[_Place, list[Used]] = defaultdict(list)
    for team, use_case, place, version, day, slug, calls, *tokens, booked in used:
        if place == deployment and version in versions:
            usage = Usage(*(int(one) for one in tokens))
            row = Used(str(team), str(use_case), slug, day, int(calls), usage, booked)
            rows[team, use_case, place].append(row)
    return rows


def _saving(figures: MonthFigures, place: _Place, found: _Found) -> Saving:
    team, use_case, deployment = place
    other = Deployment.objects.get(pk=found.passed.other_id)
    return Saving(
        figures=figures,
        lever=Lever.CHEAPER,
        team_id=team,
        use_case_id=use_case,
        deployment_id=deployment,
        calls=sum(one.calls for one in found.outcome.lines),
        amount=found.saved,
        facts={
            "other": other.slug,
            "other_name": other.name,
            "suite": found.passed.suite,
            "ran_on": found.passed.ran_on.isoformat(),
            "score": found.passed.score,
            "other_score": found.passed.other_score,
            "run": found.passed.path,
            "booked": f"{found.outcome.booked:.9f}",
            "would_be": f"{found.outcome.would_be:.9f}",
        },
    )
