"""Months closed by a worker, the books proven, forecasts worked out, budgets watched."""

from __future__ import annotations

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from telemetry.chargeback import closing, forecasting, verification
from telemetry.chargeback.burning_down import watch_budgets
from telemetry.chargeback.models import ClosingRun


@shared_task(name="telemetry.chargeback.tasks.close_month", ignore_result=True)
def close_month(run_id: int) -> None:
    closing.run_closing(run_id=run_id, now=timezone.now())


@shared_task(name="telemetry.chargeback.tasks.keep_house", ignore_result=True)
def keep_house() -> None:
    """Runs whose message or worker was lost go on."""
    for run_id in closing.unfinished_runs(timezone.now()):
        close_month.delay(run_id)


@shared_task(name="telemetry.chargeback.tasks.check_books", queue="checks", ignore_result=True)
def check_books() -> None:
    """Several times a day: rollups, budgets and statements against the ledger's lines."""
    verification.check_books(now=timezone.now())


@shared_task(name="telemetry.chargeback.tasks.work_out_forecasts", queue="checks")
def work_out_forecasts() -> int:
    """Once a day and every six hours, then alerts of budgets that will not last; how many new."""
    now = timezone.now()
    if not forecasting.are_due(now):
        return 0
    forecasting.work_out(now=now)
    return watch_budgets(now=now)


def enqueue(run: ClosingRun) -> None:
    """Onto the queue once it is committed; without a broker the housekeeping job does it."""
    run_id = run.pk
    transaction.on_commit(lambda: close_month.delay(run_id), robust=True)
