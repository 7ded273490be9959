"""Celery: send one delivery, and find those whose hint was lost or whose time has come."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from telemetry.webhooks import delivering

# Within this time a worker keeps the next try in mind; longer pauses are found in the table.
SOON_SECONDS = 60


@shared_task(name="telemetry.webhooks.tasks.deliver", queue="housekeeping")
def deliver(delivery_id: str) -> None:
    """One try; delivered twice, it is sent once."""
    now = timezone.now()
    again_at = delivering.deliver(delivery_id=UUID(delivery_id), now=now)
    if again_at is not None and (again_at - now).total_seconds() <= SOON_SECONDS:
        deliver.apply_async((delivery_id,), eta=again_at)


@shared_task(name="telemetry.webhooks.tasks.deliver_due", queue="housekeeping")
def deliver_due() -> None:
    """Hint at everything that is due, and forget what ended long ago."""
    now = timezone.now()
    for delivery_id in delivering.due(now):
        deliver.delay(str(delivery_id))
    delivering.forget_old(now=now)
