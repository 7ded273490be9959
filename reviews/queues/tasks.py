"""Housekeeping of the queues, by beat."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from reviews.queues import escalating, retiming, retiming_job, services


@shared_task(name="reviews.queues.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """Give back what was claimed and left, and act on what is past its due time."""
    now = timezone.now()
    services.return_expired(now=now)
    retiming.catch_up(now=now)
    retiming_job.catch_up(now=now)
    escalating.mark_untouched(now=now)
    escalating.mark_breaches(now=now)
    escalating.take_steps(now=now)
    retiming_job.run_unfinished(now=now)


@shared_task(name="reviews.queues.tasks.retime", queue="housekeeping")
def retime(retiming_id: int) -> None:
    """Work out due times again, until done; what a crash leaves, `keep_house` goes on with."""
    retiming_job.run(retiming_id=retiming_id, now=timezone.now())
