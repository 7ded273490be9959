"""Monitors: made, changed, switched; and checks asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from governance.kernel.web import get_or_404
from governance.registry.models import UseCase
from telemetry.drift.models import DriftCheck, DriftMonitor
from telemetry.drift.rules import DEFAULT_THRESHOLDS, DRIFT_CHECK_STATES, Measure, out_of_bounds


class Settings(TypedDict, total=False):
    """What of a monitor can be changed later."""

    reference_days: int
    current_days: int
    minimum_sample: int
    threshold: Decimal
    interval_minutes: int


@transaction.atomic
def create_monitor(
    *,
    actor: Actor,
    use_case: UseCase,
    measure: Measure | str,
    now: datetime,
    **settings: Unpack[Settings],
) -> DriftMonitor:
    """A monitor that is switched on and due at once. Raises Invalid naming the fields."""
    check_can_manage(actor, use_case)
    if measure not in list(Measure):
        known = ", ".join(one.label.lower() for one in Measure)
        raise Invalid("No monitor was made.", fields={"measure": [f"Choose one of: {known}."]})
    measure = Measure(measure)
    settings.setdefault("threshold", DEFAULT_THRESHOLDS[measure])
    # The use case's row makes two who press the button at once wait for each other.
    UseCase.objects.select_for_update(of=("self",)).get(pk=use_case.pk)
    monitor = DriftMonitor(
        use_case=use_case,
        measure=measure,
        next_due_at=now,
        created_by_label=actor.label[:200],
        created_at=now,
        **settings,
    )
    _check_settings(monitor, "No monitor was made.")
    monitor.save(force_insert=True)
    _record(actor, "drift_monitor.created", monitor, now, after=_facts(monitor))
    return monitor


@transaction.atomic
def change_monitor(
    *, actor: Actor, monitor_id: int, version: int, now: datetime, **settings: Unpack[Settings]
) -> DriftMonitor:
    """Other settings, from the next check on; raises Conflict if `version` is not the newest."""
    monitor = _locked(monitor_id)
    check_can_manage(actor, monitor.use_case)
    if monitor.version != version:
        raise Conflict(
            f"Nothing was saved: somebody changed this monitor since you read it. It now compares "
            f"{monitor.current_days} days with the {monitor.reference_days} before them, at a "
            f"threshold of {monitor.threshold:.2f}. What you typed is kept; save again to set it."
        )
    before = _facts(monitor)
    for name, value in settings.items():
        setattr(monitor, name, value)
    _check_settings(monitor, "Nothing was saved.")
    monitor.next_due_at = min(monitor.next_due_at, next_due(monitor, now))
    monitor.version += 1
    monitor.save()
    _record(actor, "drift_monitor.changed", monitor, now, before=before, after=_facts(monitor))
    return monitor


@transaction.atomic
def switch_monitor(
    *, actor: Actor, monitor_id: int, is_enabled: bool, now: datetime
) -> DriftMonitor:
    """On (and due at once) or off; an alert that stands stays until somebody resolves it."""
    monitor = _locked(monitor_id)
    check_can_manage(actor, monitor.use_case)
    if monitor.is_enabled == is_enabled:
        return monitor
    monitor.is_enabled = is_enabled
    if is_enabled:
        monitor.next_due_at = now
    monitor.version += 1
    monitor.save(update_fields=["is_enabled", "next_due_at", "version"])
    _record(actor, f"drift_monitor.switched_{'on' if is_enabled else 'off'}", monitor, now)
    return monitor


@transaction.atomic
def request_check(*, actor: Actor, monitor_id: int, now: datetime) -> DriftCheck:
    """The check that a worker will run now, also of a monitor that is off.

    Whoever asks while one is open gets that one: it measures the same calls.
    """
    monitor = _locked(monitor_id)
    check_can_manage(actor, monitor.use_case)
    check, is_new = open_check(monitor, actor, now)
    if is_new:
        asked = {"check": check.pk}
        _record(actor, "drift_monitor.check_requested", monitor, now, after=asked)
    return check


def open_check(monitor: DriftMonitor, actor: Actor, now: datetime) -> tuple[DriftCheck, bool]:
    """The one check of the locked monitor that is not over, and whether it was made now."""
    return DriftCheck.objects.open().get_or_create(
        monitor=monitor,
        defaults={
            "state": DRIFT_CHECK_STATES.initial,
            "requested_by": actor.user,
            "requested_at": now,
        },
    )


def next_due(monitor: DriftMonitor, now: datetime) -> datetime:
    return now + timedelta(minutes=monitor.interval_minutes)


def check_can_manage(actor: Actor, use_case: UseCase) -> None:
    if not actor.may(Permission.DRIFT_MANAGE, use_case.team):
        raise NotAllowed(
            "Nothing was changed: drift monitors are kept by ML engineers of the use case's team "
            "and by safety officers."
        )


def _locked(monitor_id: int) -> DriftMonitor:
    monitors = DriftMonitor.objects.select_related("use_case__team")
    found: DriftMonitor = get_or_404(monitors.select_for_update(of=("self",)), pk=monitor_id)
    return found


def _check_settings(monitor: DriftMonitor, consequence: str) -> None:
    wrong = out_of_bounds(_settings(monitor))
    if wrong:
        raise Invalid(consequence, fields=wrong)
    twin = DriftMonitor.objects.filter(
        use_case=monitor.use_case,
        measure=monitor.measure,
        reference_days=monitor.reference_days,
        current_days=monitor.current_days,
    ).exclude(pk=monitor.pk)
    if twin.exists():
        same = "Another monitor compares the same windows of this use case already."
        raise Invalid(consequence, fields={"current_days": [same]})


def _settings(monitor: DriftMonitor) -> dict[str, Any]:
    return {name: getattr(monitor, name) for name in Settings.__annotations__}


def _facts(monitor: DriftMonitor) -> dict[str, Any]:
    names = {"use_case": monitor.use_case.slug, "measure": monitor.measure}
    return names | _settings(monitor)


def _record(
    actor: Actor,
    action: str,
    monitor: DriftMonitor,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=monitor,
        now=now,
        before=before,
        after=after,
        team_id=monitor.use_case.team_id,
    )
