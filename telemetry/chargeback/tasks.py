"""What chargeback does by itself."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from telemetry.chargeback.burning_down import watch_budgets


@shared_task(name="telemetry.chargeback.tasks.watch_budgets", queue="checks")
def watch() -> int:
    """Budgets whose forecast passes their limit; the same day again changes nothing."""
    return watch_budgets(now=timezone.now())
