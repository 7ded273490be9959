"""What time does to absences."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.home.absences import begin_due


@shared_task(name="governance.home.tasks.begin_absences", queue="housekeeping")
def begin_absences() -> None:
    """Give back what waited for people who are away from now on."""
    begin_due(now=timezone.now())
