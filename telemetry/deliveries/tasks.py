"""Celery: write down what is due, carry one delivery out, forget old files."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from telemetry.deliveries import delivering, outbox


@shared_task(name="telemetry.deliveries.tasks.deliver", queue="housekeeping")
def deliver(delivery_id: str) -> None:
    """One try; delivered twice, it is sent once. The next try is found in the table."""
    delivering.deliver(delivery_id=UUID(delivery_id), now=timezone.now())


@shared_task(name="telemetry.deliveries.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """What is due, what waits since a hint was lost, what webhooks answered, old files."""
    now = timezone.now()
    outbox.order_due(now=now)
    for delivery_id in outbox.due(now):
        deliver.delay(str(delivery_id))
    delivering.follow(now=now)
    delivering.forget_files(now=now)
