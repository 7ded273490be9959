"""Monitors, and calls by the dozen to watch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from governance.kernel.authority import Actor
from governance.registry.models import UseCase
from telemetry.drift import services
from telemetry.drift.models import DriftMonitor
from telemetry.ledger.models import Call
from tests.factories.ledger import NOW, make_use_case

IN_CURRENT = timedelta(days=1)
IN_REFERENCE = timedelta(days=10)


def make_monitor(
    use_case: UseCase | None = None,
    measure: str = "output_length",
    now: datetime = NOW,
    **settings: Any,
) -> DriftMonitor:
    """Seven days against the twenty-eight before them, at least 20 calls in each."""
    return services.create_monitor(
        actor=Actor.system("test"),
        use_case=use_case or make_use_case(),
        measure=measure,
        now=now,
        **({"minimum_sample": 20} | settings),
    )


def answer(
    use_case: UseCase,
    lengths: Iterable[int],
    ago: timedelta,
    now: datetime = NOW,
    **facts: Any,
) -> list[Call]:
    """One delivered call per length in output tokens, admitted that long ago."""
    defaults = {"mode": "sync", "state": "delivered", "attempts": 1}
    return Call.objects.bulk_create(
        Call(
            use_case=use_case,
            team_id=use_case.team_id,
            sensitivity="internal",
            admitted_at=now - ago,
            finished_at=now - ago,
            tokens_output=length,
            currency="USD",
            **(defaults | facts),
        )
        for length in lengths
    )


def fill_windows(
    use_case: UseCase, reference: Iterable[int], current: Iterable[int], now: datetime = NOW
) -> None:
    """Calls of these lengths in the two windows."""
    answer(use_case, reference, IN_REFERENCE, now)
    answer(use_case, current, IN_CURRENT, now)
