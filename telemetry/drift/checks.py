"""Run checks: each by one worker only, kept with all its numbers, told to people by an alert."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, transaction
from django.urls import reverse

from governance.audit.services import record
from governance.kernel.authority import Actor
from telemetry.alerts.rules import Severity
from telemetry.alerts.services import clear_cause, raise_alert
from telemetry.drift import services
from telemetry.drift.models import DriftCheck, DriftMonitor
from telemetry.drift.readings import Reading, read
from telemetry.drift.rules import DRIFT_CHECK_STATES, CheckState, Measure, windows

log = structlog.get_logger(__name__)

# A check takes seconds; after that long its worker is gone.
LOST_AFTER = timedelta(minutes=10)
# A check that was asked for and not begun by then: the hint to the worker was lost.
FORGOTTEN_AFTER = timedelta(minutes=1)


def run_check(*, actor: Actor, monitor_id: int, now: datetime) -> DriftCheck:
    """Ask for a check and run it here; the check, over unless another worker has it."""
    check = services.request_check(actor=actor, monitor_id=monitor_id, now=now)
    carry_out(check_id=check.pk, now=now)
    check.refresh_from_db()
    return check


def carry_out(*, check_id: int, now: datetime) -> None:
    """Run a check that is due; delivered twice, it is run once."""
    check = _start(check_id, now)
    if check is not None:
        _measure(check, now)


def run_due(*, now: datetime) -> int:
    """Run every check that is due, one after the other; how many this worker took.

    Other workers do the same at the same time and get other monitors.
    """
    _fail_lost(now)
    taken = 0
    forgotten = DriftCheck.objects.filter(
        state=CheckState.DUE, requested_at__lt=now - FORGOTTEN_AFTER
    )
    for check_id in forgotten.values_list("pk", flat=True)[:50]:
        carry_out(check_id=check_id, now=now)
        taken += 1
    while (claimed := _claim(now)) is not None:
        carry_out(check_id=claimed, now=now)
        taken += 1
    return taken


@transaction.atomic
def _claim(now: datetime) -> int | None:
    """The check of one due monitor that no other worker holds; its next turn is set."""
    due = DriftMonitor.objects.due(now).order_by("next_due_at")
    monitor = due.select_for_update(skip_locked=True).first()
    if monitor is None:
        return None
    monitor.next_due_at = services.next_due(monitor, now)
    monitor.save(update_fields=["next_due_at"])
    check, _ = services.open_check(monitor, Actor.system("drift"), now)
    return check.pk


@transaction.atomic
def _start(check_id: int, now: datetime) -> DriftCheck | None:
    """The check, running, unless somebody else has it; with the settings it is measured by."""
    check = (
        DriftCheck.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("monitor__use_case__team")
        .filter(pk=check_id, state=CheckState.DUE)
        .first()
    )
    if check is None:
        return None
    monitor = check.monitor
    reference, current = windows(now, monitor.reference_days, monitor.current_days)
    check.state = DRIFT_CHECK_STATES.target(check.state, "start")
    check.started_at = now
    check.reference_from, check.reference_until = reference.starts_at, reference.ends_at
    check.current_from, check.current_until = current.starts_at, current.ends_at
    check.minimum_sample, check.threshold = monitor.minimum_sample, monitor.threshold
    check.save()
    return check


def _measure(check: DriftCheck, now: datetime) -> None:
    monitor = check.monitor
    try:
        with transaction.atomic():
            reading = read(monitor, *windows(now, monitor.reference_days, monitor.current_days))
    except (DatabaseError, ArithmeticError, ValueError) as error:
        log.exception("drift check failed", check=check.pk)
        _fail(check.pk, f"The calls could not be compared ({type(error).__name__}).", now)
        return
    _report(check.pk, reading, now)


@transaction.atomic
def _report(check_id: int, reading: Reading, now: datetime) -> None:
    """The end of a check: what was found, in the same transaction as its alert and audit entry."""
    check = _locked_running(check_id)
    if check is None:
        return
    finding = reading.finding
    check.state = DRIFT_CHECK_STATES.target(check.state, f"report_{finding.verdict}")
    check.measured_at = now
    check.reference_count, check.current_count = reading.counts
    check.reference_replayed, check.current_replayed = reading.replayed
    check.test, check.statistic, check.p_value = finding.test, finding.statistic, finding.p_value
    check.effect, check.sentence, check.picture = finding.effect, finding.sentence, finding.picture
    check.save()
    _record(check, now)
    _tell(check, now)


@transaction.atomic
def _fail(check_id: int, failure: str, now: datetime) -> None:
    check = _locked_running(check_id)
    if check is None:
        return
    check.state = DRIFT_CHECK_STATES.target(check.state, "fail")
    check.measured_at, check.failure = now, failure[:500]
    check.sentence = f"This check failed, so it says nothing about drift: {failure}"
    check.save()
    _record(check, now)


def _fail_lost(now: datetime) -> None:
    lost = DriftCheck.objects.filter(state=CheckState.RUNNING, started_at__lt=now - LOST_AFTER)
    for check_id in lost.values_list("pk", flat=True):
        _fail(check_id, "The worker that ran it ended before it was done.", now)


def _locked_running(check_id: int) -> DriftCheck | None:
    """The check while it runs; None once somebody ended it."""
    return (
        DriftCheck.objects.select_for_update(of=("self",))
        .select_related("monitor__use_case__team")
        .filter(pk=check_id, state=CheckState.RUNNING)
        .first()
    )


def _tell(check: DriftCheck, now: datetime) -> None:
    """Drift raises the monitor's one alert, stable resolves it; anything between leaves it."""
    monitor = check.monitor
    if check.state == CheckState.DRIFT:
        raise_alert(
            cause=monitor.alert_cause,
            title=f"Drift: {monitor.title.lower()} of {monitor.use_case}"[:300],
            severity=_severity(check),
            now=now,
            url=reverse("drift:detail", args=[monitor.pk]),
            team=monitor.use_case.team,
        )
    elif check.state == CheckState.STABLE:
        clear_cause(cause=monitor.alert_cause, job="drift", now=now)


def _severity(check: DriftCheck) -> Severity:
    """More failures are harm done now; any other movement is a reason to look."""
    failures_rose = (
        check.monitor.measure == Measure.VALIDATION_FAILURES and (check.effect or 0.0) > 0
    )
    return Severity.CRITICAL if failures_rose else Severity.WARNING


def _record(check: DriftCheck, now: datetime) -> None:
    """Numbers as text: the audit log takes no floats, which two machines may print differently."""
    numbers = {"statistic": check.statistic, "p_value": check.p_value, "effect": check.effect}
    after = {
        "state": check.state,
        "reference_calls": check.reference_count,
        "current_calls": check.current_count,
        "threshold": check.threshold,
        "sentence": check.sentence,
    }
    record(
        actor=Actor.system("drift"),
        action="drift_check.finished",
        subject=check,
        now=now,
        after=after
        | {name: f"{value:.6g}" for name, value in numbers.items() if value is not None},
        team_id=check.monitor.use_case.team_id,
    )
