"""Figures of the months that may still change, and of the one that somebody asked for."""

from __future__ import annotations

from datetime import date

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from telemetry.savings import services
from telemetry.savings.models import MonthFigures


@shared_task(name="telemetry.savings.tasks.compute", queue="checks", ignore_result=True)
def compute(month: str) -> None:
    """One month (its first day, ISO); delivered twice, it is computed again."""
    services.compute(month=date.fromisoformat(month), now=timezone.now())


@shared_task(name="telemetry.savings.tasks.compute_due", queue="checks", ignore_result=True)
def compute_due() -> None:
    """This month and the one before, and whatever was asked for and got lost on its way."""
    now = timezone.now()
    waiting = [one.month for one in MonthFigures.objects.all() if one.is_waiting]
    for month in sorted({*services.months_due(now), *waiting}):
        services.compute(month=month, now=now)


def enqueue(figures: MonthFigures) -> None:
    """Onto the queue once it is committed; without a broker the regular round does it."""
    month = figures.month.isoformat()
    transaction.on_commit(lambda: compute.delay(month), robust=True)
