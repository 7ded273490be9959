"""Celery: a step of a run, and the runs whose next step is due."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from prompts.evaluation import running


@shared_task(name="prompts.evaluation.tasks.run", queue="checks")
def run(run_id: str) -> None:
    """One step, then a hint at the next; delivered twice, one of them finds it taken."""
    again_at = running.run_step(run_id=UUID(run_id), clock=timezone.now)
    if again_at is not None and again_at <= timezone.now():
        run.delay(run_id)


@shared_task(name="prompts.evaluation.tasks.sweep", queue="housekeeping")
def sweep() -> None:
    for run_id in running.due(timezone.now()):
        run.delay(str(run_id))
