"""What the demo organisation watches: history that is long enough to tell, a new pilot's
answers, of which there are too few yet, and what the pilot promises."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from governance.kernel.authority import Actor
from governance.registry.models import UseCase
from telemetry.alerts import levels
from telemetry.alerts.models import ServiceLevel
from telemetry.drift import checks, services
from telemetry.drift.models import DriftMonitor


def watch(actor: Actor, history: UseCase, pilot: UseCase, now: datetime) -> None:
    """Two monitors with a first check each; one that stands already is left as it is."""
    # The history spreads over 34 business days, about 47 days: both windows lie within it.
    _watch(actor, history, "output_length", now, reference_days=28, current_days=14)
    _watch(actor, pilot, "validation_failures", now, reference_days=21, current_days=7)


def _watch(
    actor: Actor,
    use_case: UseCase,
    measure: str,
    now: datetime,
    *,
    reference_days: int,
    current_days: int,
) -> None:
    if DriftMonitor.objects.filter(use_case=use_case, measure=measure).exists():
        return
    monitor = services.create_monitor(
        actor=actor,
        use_case=use_case,
        measure=measure,
        reference_days=reference_days,
        current_days=current_days,
        now=now,
    )
    checks.run_check(actor=actor, monitor_id=monitor.pk, now=now)


def promise(actor: Actor, pilot: UseCase, now: datetime) -> None:
    """How often it answers, how fast its model is, and how soon a held answer is decided."""
    for indicator, threshold, objective in (
        ("errors", None, "90"),
        ("latency", 20_000, "90"),
        ("hold_time", 240, "95"),
    ):
        if not ServiceLevel.objects.filter(use_case=pilot, indicator=indicator).exists():
            levels.set_level(
                actor=actor,
                use_case=pilot,
                indicator=indicator,
                threshold=threshold,
                objective=Decimal(objective),
                window_days=28,
                minimum_events=20,
                now=now,
            )
