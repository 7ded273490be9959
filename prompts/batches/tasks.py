"""Celery: a step of a batch, and the batches whose next step is due."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from prompts.batches import running


@shared_task(name="prompts.batches.tasks.run", queue="calls")
def run(batch_id: str) -> None:
    """One step, then a hint at the next; delivered twice, one of them finds it taken."""
    again_at = running.run_step(batch_id=UUID(batch_id), clock=timezone.now)
    if again_at is not None and again_at <= timezone.now():
        run.delay(batch_id)


@shared_task(name="prompts.batches.tasks.sweep", queue="housekeeping")
def sweep() -> None:
    """Hint at what is due."""
    for batch_id in running.due(timezone.now()):
        run.delay(str(batch_id))
