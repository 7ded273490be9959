"""What time does to incidents."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.incidents import clocks


@shared_task(name="governance.incidents.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """Tell of legal clocks that have run out."""
    clocks.keep_house(now=timezone.now())
