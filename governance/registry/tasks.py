"""What time does to assessments."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.registry import noticing


@shared_task(name="governance.registry.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """Tell of assessments that run out soon."""
    noticing.give_notices(now=timezone.now())
