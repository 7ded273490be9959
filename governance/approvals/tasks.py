"""What time does to requests and approvals."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.approvals import services


@shared_task(name="governance.approvals.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """Expire, suspend under overdue conditions, mark what went stale."""
    services.keep_house(now=timezone.now())
