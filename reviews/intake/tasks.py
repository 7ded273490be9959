"""Taking samples, by beat."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from reviews.intake.sampling import take_samples


@shared_task(name="reviews.intake.tasks.take_samples", queue="housekeeping")
def take() -> None:
    """Idempotent: a call that has an item gets no second one."""
    take_samples(now=timezone.now())
