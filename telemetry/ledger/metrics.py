"""Calls as Prometheus families: exact, and with as many labels as the register has names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.ledger.models import Call
from telemetry.ledger.tallies import BOUNDS_MS, Counted, counted, timed

MOST_NAMED = 500
"""Use cases, and deployments, with a label of their own: those that were registered first."""
OTHER, NONE = "other", "none"
WHERE = ["use_case", "deployment"]
Where = tuple[str, str]


class Names:
    """Ids as label values. The first keep theirs for good, so that no series jumps."""

    def __init__(self) -> None:
        self._use_cases = dict(
            UseCase.objects.order_by("pk").values_list("pk", "slug")[:MOST_NAMED]
        )
        self._deployments = dict(
            Deployment.objects.order_by("pk").values_list("pk", "slug")[:MOST_NAMED]
        )

    def where(self, use_case_id: int, deployment_id: int | None) -> Where:
        use_case = self._use_cases.get(use_case_id, OTHER)
        if deployment_id is None:
            return use_case, NONE
        return use_case, self._deployments.get(deployment_id, OTHER)


def call_metrics(now: datetime) -> Iterable[Any]:
    """Settled calls, their tokens, cost and latency; and how many run or wait now."""
    names, rows = Names(), counted()
    return [*_counters(names, rows), _durations(names), _open()]


def _counters(names: Names, rows: list[Counted]) -> list[Any]:
    calls: dict[tuple[str, ...], int] = defaultdict(int)
    tokens: dict[tuple[str, ...], int] = defaultdict(int)
    cost: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        where = names.where(row.use_case_id, row.deployment_id)
        calls[*where, row.outcome, row.reason] += row.calls
        for kind in ("input", "cached", "output"):
            tokens[*where, kind] += getattr(row, f"tokens_{kind}")
        cost[*where, settings.PLACET_CURRENCY] += row.cost
    return [
        _counter(
            "placet_calls",
            "Settled calls; reason is the code of a refusal.",
            ["outcome", "reason"],
            calls,
        ),
        _counter("placet_call_tokens", "Tokens of settled calls.", ["kind"], tokens),
        _counter("placet_call_cost", "What settled calls cost.", ["currency"], cost),
    ]


def _counter(
    name: str, says: str, labels: list[str], values: dict[tuple[str, ...], Any]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, says, labels=[*WHERE, *labels])
    for key, value in values.items():
        family.add_metric(list(key), float(value))
    return family


def _durations(names: Names) -> HistogramMetricFamily:
    """How long the model took, in seconds; buckets hold all that was no slower."""
    found: dict[Where, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS_MS) + 1))
    total_ms: dict[Where, int] = defaultdict(int)
    for row in timed():
        where = names.where(row.use_case_id, row.deployment_id)
        found[where][row.bucket] += row.calls
        total_ms[where] += row.total_ms
    family = HistogramMetricFamily(
        "placet_call_duration_seconds", "How long the model took.", labels=WHERE
    )
    bounds = [f"{bound / 1000:g}" for bound in BOUNDS_MS] + ["+Inf"]
    for where, counts in found.items():
        so_far = [sum(counts[: place + 1]) for place in range(len(counts))]
        buckets = list(zip(bounds, so_far, strict=True))
        family.add_metric(list(where), buckets, sum_value=total_ms[where] / 1000)
    return family


def _open() -> GaugeMetricFamily:
    family = GaugeMetricFamily("placet_calls_open", "Calls let in, not settled.", labels=["state"])
    for state, count in Call.objects.open().order_by().values_list("state").annotate(Count("pk")):
        family.add_metric([state], count)
    return family
