"""Celery: count what the service levels count."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from telemetry.alerts import level_checks


@shared_task(name="telemetry.alerts.tasks.check_service_levels", queue="checks")
def check_service_levels() -> int:
    """Every minute. Delivered twice, the second counts the same again."""
    return level_checks.check_all(now=timezone.now())
