"""How deployments are: their circuits, their last attempts, and what is left of their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max

from governance.model_cards.models import Deployment
from prompts.gateway.models import AttemptEnd, Bucket, Circuit, CircuitMove, Flight
from prompts.gateway.rules import level_at
from prompts.gateway.steady_models import DEPLOYMENT

WATCHED = timedelta(hours=1)
MOST_MOVES = 50

LATENCIES = """
SELECT deployment_id, count(*),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY took_ms),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY took_ms)
FROM gateway_attemptend
WHERE deployment_id = ANY(%s) AND at > %s AND failure = ''
GROUP BY deployment_id
"""


@dataclass(frozen=True)
class Use:
    """How much of a limit is used now: the limit, and what of it is not there."""

    limit: int
    used: int

    @property
    def percent(self) -> int:
        return min(100, round(self.used * 100 / self.limit))


@dataclass(frozen=True)
class FailureKind:
    """One class of failures in the last hour."""

    failure: str
    count: int
    last_at: datetime


@dataclass
class Health:
    """One deployment as it is now. Latencies are of answers of the last hour, in milliseconds."""

    deployment: Deployment
    state: str = "closed"
    open_until: datetime | None = None
    times_opened: int = 0
    in_flight: int = 0
    answers: int = 0
    p50_ms: int | None = None
    p95_ms: int | None = None
    failures: list[FailureKind] = field(default_factory=list)
    requests: Use | None = None
    tokens: Use | None = None

    @property
    def failed(self) -> int:
        return sum(one.count for one in self.failures)

    @property
    def places(self) -> Use:
        return Use(self.deployment.concurrency_limit, self.in_flight)


def health_of(deployments: Sequence[Deployment], now: datetime) -> list[Health]:
    """In five queries however many there are; in the order in which they were given."""
    found = {one.pk: Health(one) for one in deployments}
    ids, since = list(found), now - WATCHED
    for circuit in Circuit.objects.filter(deployment__in=ids):
        one = found[circuit.pk]
        one.state, one.open_until = circuit.state, circuit.open_until
        one.times_opened = circuit.times_opened
    flying = Flight.objects.filter(deployment__in=ids, until__gt=now).values("deployment_id")
    for row in flying.annotate(count=Count("pk")):
        found[row["deployment_id"]].in_flight = row["count"]
    _add_failures(found, since)
    _add_latencies(found, since)
    _add_uses(found, now)
    return list(found.values())


def _add_failures(found: dict[int, Health], since: datetime) -> None:
    failed = AttemptEnd.objects.filter(deployment__in=list(found), at__gt=since).exclude(failure="")
    rows = failed.order_by().values("deployment_id", "failure")
    for row in rows.annotate(count=Count("pk"), last_at=Max("at")).order_by("-last_at"):
        kind = FailureKind(row["failure"], row["count"], row["last_at"])
        found[row["deployment_id"]].failures.append(kind)


def _add_latencies(found: dict[int, Health], since: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(LATENCIES, [list(found), since])
        for deployment_id, answers, half, most in cursor.fetchall():
            one = found[deployment_id]
            one.answers, one.p50_ms, one.p95_ms = answers, round(half), round(most)


def _add_uses(found: dict[int, Health], now: datetime) -> None:
    buckets = Bucket.objects.filter(subject=DEPLOYMENT, subject_id__in=list(found))
    by_id = {bucket.subject_id: bucket for bucket in buckets}
    for pk, one in found.items():
        bucket = by_id.get(pk)
        one.requests = _use(one.deployment.requests_per_minute, bucket, "requests_left", now)
        one.tokens = _use(one.deployment.tokens_per_minute, bucket, "tokens_left", now)


def _use(limit: int | None, bucket: Bucket | None, column: str, now: datetime) -> Use | None:
    if limit is None:
        return None
    if bucket is None:
        return Use(limit, 0)
    seconds = (now - bucket.refilled_at).total_seconds()
    return Use(limit, max(0, round(limit - level_at(getattr(bucket, column), limit, seconds))))


def last_moves(deployment: Deployment) -> list[CircuitMove]:
    return list(CircuitMove.objects.filter(deployment=deployment)[:MOST_MOVES])


def as_plain(one: Health) -> dict[str, Any]:
    """For the API."""
    return {
        "deployment": one.deployment.slug,
        "circuit": one.state,
        "open_until": one.open_until,
        "times_opened": one.times_opened,
        "in_flight": one.in_flight,
        "concurrency_limit": one.deployment.concurrency_limit,
        "answers": one.answers,
        "p50_ms": one.p50_ms,
        "p95_ms": one.p95_ms,
        "failures": [
            {"failure": kind.failure, "count": kind.count, "last_at": kind.last_at}
            for kind in one.failures
        ],
        "requests_limit": one.requests.limit if one.requests else None,
        "requests_used": one.requests.used if one.requests else None,
        "tokens_limit": one.tokens.limit if one.tokens else None,
        "tokens_used": one.tokens.used if one.tokens else None,
    }
