"""Counts of settled calls that are exact and cheap: what is sealed was counted then, the rest is few.

A call is sealed exactly once, by one sealer at a time, so counting within the seal's own
transaction needs no mark of how far one has come. What no seal covers yet (a minute's calls) is
counted when somebody asks, in the same statement as the tallies are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

# Seconds of a model's answer, as the GenAI conventions have them for durations; then no bound.
BOUNDS_MS = (10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480, 40960, 81920)
_BUCKET = f"width_bucket(latency_ms - 1, ARRAY[{', '.join(map(str, BOUNDS_MS))}])"

_COUNTED = """
SELECT use_case_id, deployment_id, outcome, refusal_code, count(*)::bigint,
    coalesce(sum(tokens_input), 0)::bigint, coalesce(sum(tokens_cached), 0)::bigint,
    coalesce(sum(tokens_output), 0)::bigint, coalesce(sum(cost), 0)
FROM ledger_call WHERE source = 'live' AND {which} GROUP BY 1, 2, 3, 4
"""
_TIMED = """
SELECT use_case_id, deployment_id, {bucket}, count(*)::bigint, sum(latency_ms)::bigint
FROM ledger_call WHERE source = 'live' AND latency_ms IS NOT NULL AND {which} GROUP BY 1, 2, 3
"""
_UNSEALED = "seal_id IS NULL AND digest <> ''"

_ADD_COUNTED = """
INSERT INTO ledger_calltally (use_case_id, deployment_id, outcome, reason, calls, tokens_input,
    tokens_cached, tokens_output, cost) {counted}
ON CONFLICT (use_case_id, deployment_id, outcome, reason) DO UPDATE SET
    calls = ledger_calltally.calls + excluded.calls,
    tokens_input = ledger_calltally.tokens_input + excluded.tokens_input,
    tokens_cached = ledger_calltally.tokens_cached + excluded.tokens_cached,
    tokens_output = ledger_calltally.tokens_output + excluded.tokens_output,
    cost = ledger_calltally.cost + excluded.cost
"""
_ADD_TIMED = """
INSERT INTO ledger_latencytally (use_case_id, deployment_id, bucket, calls, total_ms) {timed}
ON CONFLICT (use_case_id, deployment_id, bucket) DO UPDATE SET
    calls = ledger_latencytally.calls + excluded.calls,
    total_ms = ledger_latencytally.total_ms + excluded.total_ms
"""
ADD_DAYS = """
INSERT INTO ledger_dayoutcome (day, team_id, use_case_id, source, outcome, calls)
SELECT (admitted_at AT TIME ZONE 'UTC')::date, team_id, use_case_id, source, outcome, count(*)
FROM ledger_call WHERE {which} GROUP BY 1, 2, 3, 4, 5
ON CONFLICT (day, team_id, use_case_id, source, outcome)
DO UPDATE SET calls = ledger_dayoutcome.calls + excluded.calls
"""
SEALED_SO_FAR = "seal_id IS NOT NULL"
"""For the migration: all that was sealed before there were tallies."""


def additions(which: str) -> tuple[str, str]:
    """The two statements that count the calls of that condition (ours, never anybody's input)."""
    return (
        _ADD_COUNTED.format(counted=_COUNTED.format(which=which)),
        _ADD_TIMED.format(timed=_TIMED.format(which=which, bucket=_BUCKET)),
    )


def tally_seal(seal_id: int) -> None:
    """Count the calls of a new seal, in its transaction."""
    with connection.cursor() as cursor:
        for statement in (*additions("seal_id = %s"), ADD_DAYS.format(which="seal_id = %s")):
            cursor.execute(statement, [seal_id])


@dataclass(frozen=True)
class Counted:
    use_case_id: int
    deployment_id: int | None
    outcome: str
    reason: str
    calls: int
    tokens_input: int
    tokens_cached: int
    tokens_output: int
    cost: Decimal


@dataclass(frozen=True)
class Timed:
    use_case_id: int
    deployment_id: int | None
    bucket: int
    calls: int
    total_ms: int


def counted() -> list[Counted]:
    """Every settled call that was made here, exactly, one statement."""
    columns = "use_case_id, deployment_id, outcome, reason, calls, tokens_input, tokens_cached"
    kept = f"SELECT {columns}, tokens_output, cost FROM ledger_calltally"  # noqa: S608  # ours
    return [Counted(*row) for row in _rows(f"{kept} UNION ALL {_COUNTED.format(which=_UNSEALED)}")]


def timed() -> list[Timed]:
    """How long models took, as `counted`."""
    kept = "SELECT use_case_id, deployment_id, bucket, calls, total_ms FROM ledger_latencytally"
    return [
        Timed(*row)
        for row in _rows(f"{kept} UNION ALL {_TIMED.format(which=_UNSEALED, bucket=_BUCKET)}")
    ]


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
