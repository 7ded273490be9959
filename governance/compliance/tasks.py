"""What time does to policies."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.compliance import library_reminding


@shared_task(name="governance.compliance.tasks.remind_of_acknowledging", queue="housekeeping")
def remind_of_acknowledging() -> None:
    """Tell who has not acknowledged a policy, once a week."""
    library_reminding.remind_of_acknowledging(now=timezone.now())
