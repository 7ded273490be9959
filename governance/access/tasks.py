"""What time does to grants."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.access import services
from governance.kernel.authority import Actor


@shared_task(name="governance.access.tasks.end_expired_grants", queue="housekeeping")
def end_expired_grants() -> None:
    """Close grants that ran out."""
    services.end_expired_grants(actor=Actor.system("grants"), now=timezone.now())
