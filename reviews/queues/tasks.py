"""Housekeeping of the queues, by beat."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from reviews.queues import escalating, retiming, services


@shared_task(name="reviews.queues.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """Give back what was claimed and left, and act on what is past its due time."""
    now = timezone.now()
    services.return_expired(now=now)
    retiming.catch_up(now=now)
    escalating.mark_untouched(now=now)
    escalating.mark_breaches(now=now)
    escalating.take_steps(now=now)
