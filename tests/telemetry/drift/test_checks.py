"""Checks: what they count, how they end, and what alert stands after them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from governance.audit.models import AuditEvent
from governance.config.schedule import BEAT_SCHEDULE
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from telemetry.alerts.models import Alert
from telemetry.drift import checks, services, tasks
from telemetry.drift.models import DriftCheck, DriftMonitor
from telemetry.drift.rules import FINAL_STATES, OPEN_STATES
from telemetry.drift.selectors import monitors_visible_to
from tests.factories.drift import (
    IN_CURRENT,
    IN_REFERENCE,
    answer,
    fill_windows,
    make_monitor,
)
from tests.factories.ledger import NOW, make_person, make_team, make_use_case
from tests.factories.organisation import provider, world

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
FAILED = {"state": "failed", "refusal_code": "output_contract_failed"}
REPAIRED = {"findings": [{"code": "repaired_output", "stage": "screen output", "detail": ""}]}


def run(monitor: DriftMonitor, later: timedelta = timedelta()) -> DriftCheck:
    return checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW + later)


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("at", "pk").values_list("action", flat=True))


def test_same_lengths_are_stable_and_raise_nothing() -> None:
    monitor = make_monitor()
    fill_windows(monitor.use_case, range(200), range(200))
    check = run(monitor)
    assert (check.state, check.effect, check.failure) == ("stable", 0, "")
    assert (check.reference_count, check.current_count) == (200, 200)
    assert (check.reference_from, check.current_until) == (NOW - timedelta(days=35), NOW)
    assert check.reference_until == check.current_from == NOW - timedelta(days=7)
    assert not Alert.objects.exists()
    assert actions()[-2:] == ["drift_monitor.check_requested", "drift_check.finished"]


def test_drift_raises_one_alert_that_stable_resolves_and_drift_reopens() -> None:
    monitor = make_monitor()
    fill_windows(monitor.use_case, range(200), range(500, 700))
    assert [run(monitor).state, run(monitor).state] == ["drift", "drift"]
    alert = Alert.objects.get()
    assert (alert.cause, alert.state, alert.count) == (f"drift:{monitor.pk}", "open", 2)
    assert (alert.team, alert.url) == (monitor.use_case.team, f"/drift/{monitor.pk}/")
    assert (alert.severity, "Drift: output length of" in alert.title) == ("warning", True)

    later = timedelta(days=14)
    answer(monitor.use_case, range(500, 700), IN_CURRENT, NOW + later)
    services.change_monitor(
        actor=SYSTEM, monitor_id=monitor.pk, version=1, reference_days=14, now=NOW
    )
    assert run(monitor, later).state == "stable"
    alert.refresh_from_db()
    assert (alert.state, alert.resolved_by_label) == ("resolved", "Placet (drift)")

    answer(monitor.use_case, range(300), IN_CURRENT, NOW + later)
    assert run(monitor, later).state == "drift"
    alert.refresh_from_db()
    assert (alert.state, alert.count) == ("open", 3)
    assert Alert.objects.count() == 1


def test_too_few_calls_say_so_and_leave_the_alert_as_it_is() -> None:
    monitor = make_monitor()
    fill_windows(monitor.use_case, range(200), range(500, 700))
    run(monitor)
    check = run(monitor, timedelta(days=7))
    assert check.state == "insufficient_data"
    assert "the current window has 0 of the 20 calls it needs, 20 are missing" in check.sentence
    assert (check.p_value, check.effect, check.current_count) == (None, None, 0)
    assert Alert.objects.get().state == "open"


def test_what_is_counted() -> None:
    monitor = make_monitor()
    other = make_use_case(monitor.use_case.team)
    answer(other, range(50), IN_CURRENT)
    answer(monitor.use_case, range(3), IN_CURRENT, mode="internal")
    answer(monitor.use_case, range(3), IN_CURRENT, attempts=0, state="blocked")
    answer(monitor.use_case, range(3), timedelta(days=36))
    answer(monitor.use_case, range(3), timedelta())
    answer(monitor.use_case, range(3), timedelta(days=7))
    answer(monitor.use_case, range(2), IN_REFERENCE, source="replayed", mode="replay")
    answer(monitor.use_case, range(1), IN_REFERENCE)
    check = run(monitor)
    assert (check.current_count, check.current_replayed) == (3, 0)
    assert (check.reference_count, check.reference_replayed) == (3, 2)


def test_failures_count_repaired_answers_and_no_replayed_ones() -> None:
    use_case = make_use_case()
    monitor = make_monitor(use_case, "validation_failures")
    assert float(monitor.threshold) == 0.05
    answer(use_case, [1] * 100, IN_REFERENCE)
    answer(use_case, [1] * 500, IN_REFERENCE, source="replayed", mode="replay")
    answer(use_case, [1] * 70, IN_CURRENT)
    answer(use_case, [1] * 10, IN_CURRENT, **FAILED)
    answer(use_case, [1] * 20, IN_CURRENT, **REPAIRED)
    check = run(monitor)
    assert (check.state, check.test, check.effect) == ("drift", "two-proportion z", 0.3)
    assert (check.reference_count, check.reference_replayed) == (100, 0)
    assert check.picture["current"]["failures"] == 30
    assert Alert.objects.get().severity == "critical"


def test_the_gateway_writes_what_the_monitor_counts(settings: Any) -> None:
    """One answer kept, one repaired, one refused: two of three failed validation."""
    here = world()
    good = '{"spdx": "MIT", "copyleft": false, "obligations": []}'
    with provider(good, "no json", good, "no json", "no json again") as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        for number in range(3):
            text = {"licence_text": f"MIT License {number}"}
            pipeline.run(GovernedRequest("licence-review", here.key, variables=text))
    now = timezone.now() + timedelta(minutes=5)
    monitor = make_monitor(here.use_case, "validation_failures", now=now)
    check = checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=now)
    tally = check.picture["current"]
    assert (tally["failures"], tally["calls"], check.state) == (2, 3, "insufficient_data")


def test_a_finished_check_never_changes() -> None:
    check = run(make_monitor())
    assert check.state in FINAL_STATES
    for change in (
        lambda: DriftCheck.objects.filter(pk=check.pk).update(state="stable"),
        lambda: DriftCheck.objects.filter(pk=check.pk).update(sentence="Fine."),
        lambda: DriftCheck.objects.filter(pk=check.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="what was measured stays"), transaction.atomic():
            change()


def test_a_check_delivered_twice_runs_once() -> None:
    monitor = make_monitor()
    check = services.request_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    assert services.request_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW) == check
    for _ in range(2):
        checks.carry_out(check_id=check.pk, now=NOW)
    assert actions().count("drift_check.finished") == 1
    assert actions().count("drift_monitor.check_requested") == 1


def test_a_lost_check_fails_and_the_next_one_runs() -> None:
    monitor = make_monitor()
    check = services.request_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    DriftCheck.objects.filter(pk=check.pk).update(state="running", started_at=NOW)
    assert checks.run_due(now=NOW + timedelta(minutes=9)) == 1
    check.refresh_from_db()
    assert check.state == "running"
    monitor.refresh_from_db()
    checks.run_due(now=monitor.next_due_at)
    check.refresh_from_db()
    assert (check.state, check.failure[:10]) == ("failed", "The worker")
    assert "says nothing about drift" in check.sentence
    assert monitor.checks.over().count() == 2


def test_a_forgotten_request_is_picked_up() -> None:
    monitor = make_monitor()
    services.switch_monitor(actor=SYSTEM, monitor_id=monitor.pk, is_enabled=False, now=NOW)
    check = services.request_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    assert checks.run_due(now=NOW + timedelta(seconds=30)) == 0
    assert checks.run_due(now=NOW + timedelta(seconds=90)) == 1
    check.refresh_from_db()
    assert check.state == "insufficient_data"


def test_due_monitors_run_at_their_own_pace() -> None:
    hourly, daily = make_monitor(), make_monitor(interval_minutes=1440)
    off = make_monitor()
    services.switch_monitor(actor=SYSTEM, monitor_id=off.pk, is_enabled=False, now=NOW)
    assert checks.run_due(now=NOW) == 2
    assert checks.run_due(now=NOW + timedelta(minutes=59)) == 0
    assert checks.run_due(now=NOW + timedelta(minutes=60)) == 1
    assert [one.checks.count() for one in (hourly, daily, off)] == [2, 1, 0]


def test_beat_runs_what_is_due() -> None:
    monitor = make_monitor()
    task = BEAT_SCHEDULE[tasks.check_due.name]["task"]
    current_app.tasks[task]()
    current_app.tasks[task]()
    assert monitor.checks.over().count() == 1


def test_since_is_when_it_came_into_its_state() -> None:
    monitor = make_monitor()
    fill_windows(monitor.use_case, range(200), range(500, 700))
    hours = [timedelta(hours=hour) for hour in range(3)]
    for hour in hours[1:]:
        run(monitor, hour)
    safety = make_person("safety")
    found = monitors_visible_to(safety).get()
    assert (found.last_state, found.since) == ("drift", NOW + hours[1])  # type: ignore[attr-defined]  # annotated
    assert found.last_checked_at == NOW + hours[2]  # type: ignore[attr-defined]  # annotated
    run(monitor, timedelta(days=7))
    found = monitors_visible_to(safety).get()
    assert (found.last_state, found.since) == (  # type: ignore[attr-defined]  # annotated
        "insufficient_data",
        NOW + timedelta(days=7),
    )


def test_settings_out_of_bounds_and_twins_are_refused() -> None:
    monitor = make_monitor()
    with pytest.raises(Invalid) as refused:
        make_monitor(monitor.use_case, current_days=0, minimum_sample=5, threshold=2)
    assert set(refused.value.fields) == {"current_days", "minimum_sample", "threshold"}
    with pytest.raises(Invalid, match="No monitor was made"):
        make_monitor(monitor.use_case)
    with pytest.raises(Invalid, match="No monitor was made"):
        make_monitor(monitor.use_case, "mood")
    assert DriftMonitor.objects.count() == 1


def test_a_change_names_the_version_it_was_made_from() -> None:
    monitor = make_monitor(interval_minutes=1440)
    checks.run_due(now=NOW)
    changed = services.change_monitor(
        actor=SYSTEM, monitor_id=monitor.pk, version=1, interval_minutes=10, now=NOW
    )
    assert (changed.version, changed.next_due_at) == (2, NOW + timedelta(minutes=10))
    with pytest.raises(Conflict, match="somebody changed this monitor"):
        services.change_monitor(
            actor=SYSTEM, monitor_id=monitor.pk, version=1, current_days=3, now=NOW
        )
    event = AuditEvent.objects.get(action="drift_monitor.changed")
    assert (event.before or {})["interval_minutes"] == 1440
    assert (event.after or {})["interval_minutes"] == 10


@pytest.mark.parametrize("role", ["owner", "prompt_engineer", "board", "ml_engineer"])
def test_who_may_not_keep_a_monitor(role: str) -> None:
    """An ML engineer keeps those of their own team only."""
    monitor = make_monitor()
    team = make_team("elsewhere") if role == "ml_engineer" else monitor.use_case.team
    actor = Actor.person(make_person(role, None if role == "board" else team))
    with pytest.raises(NotAllowed):
        services.create_monitor(
            actor=actor, use_case=monitor.use_case, measure="validation_failures", now=NOW
        )
    with pytest.raises(NotAllowed):
        services.change_monitor(
            actor=actor, monitor_id=monitor.pk, version=1, current_days=3, now=NOW
        )
    with pytest.raises(NotAllowed):
        services.switch_monitor(actor=actor, monitor_id=monitor.pk, is_enabled=False, now=NOW)
    with pytest.raises(NotAllowed):
        services.request_check(actor=actor, monitor_id=monitor.pk, now=NOW)
    assert actions() == ["drift_monitor.created"]


def test_open_and_final_states_are_all_there_are() -> None:
    monitor = make_monitor()
    DriftCheck.objects.create(monitor=monitor, requested_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        DriftCheck.objects.create(monitor=monitor, requested_at=NOW, state="running")
    assert len(OPEN_STATES) + len(FINAL_STATES) == 7


def test_calls_that_cannot_be_read_fail_the_check() -> None:
    """The table is renamed away inside the test's transaction, which takes that back."""
    monitor = make_monitor()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_call RENAME TO ledger_call_away")
    check = run(monitor)
    assert (check.state, check.picture) == ("failed", {})
    assert check.failure == "The calls could not be compared (ProgrammingError)."
    assert "drift_check.finished" in actions()
