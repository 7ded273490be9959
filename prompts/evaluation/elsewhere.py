"""Deployments at which a version passed as much as where it is asked, in the very same cases."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import Count
from django.urls import reverse

from governance.model_cards.selectors import callable_deployments
from prompts.evaluation.models import EvaluationResult, EvaluationRun
from prompts.evaluation.rules import Rate, ResultState, RunState
from telemetry.savings.registries import PassedElsewhere

_Runs = dict[int, dict[int, EvaluationRun]]
"""By suite, then by deployment."""


def passed_elsewhere() -> list[PassedElsewhere]:
    """For every suite that has a run where the version is asked, one as good stands elsewhere."""
    runs = _newest_runs()
    every = [one for suites in runs.values() for ran in suites.values() for one in ran.values()]
    rates = _rates(every)
    used = sorted({one.deployment_id for one in every})
    others = {one.pk for one in callable_deployments(used)}
    found = []
    for version, by_suite in runs.items():
        for deployment in {one for ran in by_suite.values() for one in ran}:
            asked = {suite: ran for suite, ran in by_suite.items() if deployment in ran}
            for other in others - {deployment}:
                if one := _compared(version, deployment, other, asked, rates):
                    found.append(one)
    return found


def _newest_runs() -> dict[int, _Runs]:
    """By version: the newest finished run of each suite at each deployment."""
    ended = EvaluationRun.objects.filter(state=RunState.FINISHED).select_related("suite__prompt")
    newest = ended.order_by(
        "suite_id", "version_id", "deployment_id", "-created_at", "-pk"
    ).distinct("suite_id", "version_id", "deployment_id")
    runs: dict[int, _Runs] = defaultdict(lambda: defaultdict(dict))
    for one in newest:
        runs[one.version_id][one.suite_id][one.deployment_id] = one
    return runs


def _rates(runs: list[EvaluationRun]) -> dict[Any, tuple[Rate, int]]:
    """Of each run what passed, and how many cases ended in an error; one query."""
    counted: dict[Any, dict[str, int]] = defaultdict(dict)
    results = EvaluationResult.objects.filter(run__in=runs).order_by()
    for run, state, number in results.values_list("run", "state").annotate(Count("pk")):
        counted[run][state] = number
    return {run: _rate(states) for run, states in counted.items()}


def _rate(states: dict[str, int]) -> tuple[Rate, int]:
    passed, failed = states.get(ResultState.PASSED, 0), states.get(ResultState.FAILED, 0)
    return Rate(passed, passed + failed), states.get(ResultState.ERROR, 0)


def _compared(
    version: int,
    deployment: int,
    other: int,
    asked: _Runs,
    rates: dict[Any, tuple[Rate, int]],
) -> PassedElsewhere | None:
    """None unless the other is as good in every suite that was run where the version is asked."""
    pairs = [(ran[deployment], ran.get(other)) for ran in asked.values()]
    if not all(theirs and _is_as_good(own, theirs, rates) for own, theirs in pairs):
        return None
    own, run = max(((one, two) for one, two in pairs if two), key=lambda pair: pair[1].created_at)
    return PassedElsewhere(
        version_id=version,
        deployment_id=deployment,
        other_id=other,
        suite=run.suite.name,
        ran_on=run.created_at.date(),
        score=_words(rates[own.pk][0]),
        other_score=_words(rates[run.pk][0]),
        path=reverse("evaluation:run", args=[run.suite.prompt.slug, run.pk]),
    )


def _is_as_good(
    own: EvaluationRun, theirs: EvaluationRun, rates: dict[Any, tuple[Rate, int]]
) -> bool:
    if own.facts.get("suite_sha256") != theirs.facts.get("suite_sha256"):
        return False
    rate, _ = rates.get(own.pk, (Rate(0, 0), 0))
    other, errors = rates.get(theirs.pk, (Rate(0, 0), 0))
    if not other.passed or errors:
        return False
    return other.passed * max(rate.total, 1) >= rate.passed * other.total


def _words(rate: Rate) -> str:
    return f"{rate.passed} of {rate.total}"
