"""Workers at once: one due monitor is checked once, and two are shared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from governance.kernel.authority import Actor
from telemetry.drift import checks, services
from telemetry.drift.models import DriftCheck, DriftMonitor
from tests.factories.drift import fill_windows, make_monitor
from tests.factories.ledger import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(work: Callable[[], Any], connections: int) -> list[Any]:
    barrier = threading.Barrier(connections)

    def run(_: int) -> Any:
        barrier.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(connections) as pool:
        return list(pool.map(run, range(connections)))


def test_a_due_monitor_is_run_once_by_workers_at_once() -> None:
    monitors = [make_monitor() for _ in range(3)]
    fill_windows(monitors[0].use_case, range(50), range(50))
    taken = at_once(lambda: checks.run_due(now=NOW), 4)
    assert sum(taken) == 3
    assert [one.checks.count() for one in monitors] == [1, 1, 1]
    assert set(DriftCheck.objects.values_list("state", flat=True)) == {
        "stable",
        "insufficient_data",
    }


def test_a_monitor_that_another_worker_holds_is_left_to_it() -> None:
    held, free = make_monitor(), make_monitor()
    with transaction.atomic():
        DriftMonitor.objects.select_for_update().get(pk=held.pk)
        assert at_once(lambda: checks.run_due(now=NOW), 1) == [1]
        assert (held.checks.count(), free.checks.count()) == (0, 1)


def test_one_check_delivered_to_many_workers_runs_once() -> None:
    monitor = make_monitor()
    system = Actor.system("test")
    check = services.request_check(actor=system, monitor_id=monitor.pk, now=NOW)
    at_once(lambda: checks.carry_out(check_id=check.pk, now=NOW), 4)
    check.refresh_from_db()
    assert check.state == "insufficient_data"
    assert (
        at_once(
            lambda: services.request_check(actor=system, monitor_id=monitor.pk, now=NOW).pk, 4
        ).count(check.pk + 1)
        == 4
    )
