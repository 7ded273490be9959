"""What time does to requests and approvals."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.approvals import last_holders, services


@shared_task(name="governance.approvals.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """Expire, suspend under overdue conditions, mark what went stale."""
    services.keep_house(now=timezone.now())


@shared_task(name="governance.approvals.tasks.remind_people", queue="housekeeping")
def remind_people() -> None:
    """Tell of trainings that run out, and of signing roles that end with nobody to follow."""
    now = timezone.now()
    last_holders.remind_of_trainings(now=now)
    last_holders.warn_of_last_holders(now=now)
