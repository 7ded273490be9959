"""Prometheus' text, made from the database.

Every web process and worker writes the same rows, so whichever process is asked, the figures are
those of all of them; files of a multi-process registry would forget what a restarted process had
counted, and know nothing of workers. A process keeps its answer for a few seconds, which is less
than anybody's scrape interval, so that counters never run backwards between two scrapes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from threading import Lock
from typing import Any

from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from telemetry.alerts.models import Alert, ServiceLevel
from telemetry.alerts.registries import metric_sources

KEPT_SECONDS = 5.0
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Collected(Collector):
    """All that the apps plugged in, as it stands at `now`."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Any]:
        for source in metric_sources.values():
            yield from source(self._now)


def exposition(now: datetime) -> bytes:
    """The whole page, read from the database."""
    registry = CollectorRegistry()
    registry.register(Collected(now))
    return generate_latest(registry)


class Kept:
    """The last exposition of this process, made anew once it is old; one thread makes it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made_at = -KEPT_SECONDS
        self._text = b""

    def text(self) -> bytes:
        with self._lock:
            if time.monotonic() - self._made_at >= KEPT_SECONDS:
                self._text = exposition(timezone.now())
                self._made_at = time.monotonic()
            return self._text


kept = Kept()


def alert_metrics(now: datetime) -> Iterable[Any]:
    """How many alerts stand, by severity and state."""
    family = GaugeMetricFamily(
        "placet_alerts", "Alerts that are not resolved.", labels=["severity", "state"]
    )
    standing = Alert.objects.unresolved().order_by().values_list("severity", "state")
    for severity, state, count in standing.annotate(Count("pk")):
        family.add_metric([severity, state], count)
    return [family]


MOST_LEVELS = 1_000


def level_metrics(now: datetime) -> Iterable[Any]:
    """The share of each error budget that was left at the last check."""
    family = GaugeMetricFamily(
        "placet_service_level_budget_left",
        "Share of the error budget that is left; below 0 it is overdrawn.",
        labels=["use_case", "indicator"],
    )
    levels = ServiceLevel.objects.filter(is_enabled=True).select_related("use_case")
    for level in levels.order_by("pk")[:MOST_LEVELS]:
        if level.left is not None:
            family.add_metric([level.use_case.slug, level.indicator], float(level.left))
    return [family]
