"""Decisions become final when their undo time has passed."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from reviews.decisions import undoing


@shared_task(name="reviews.decisions.tasks.finalise", queue="housekeeping")
def finalise(pending_id: str) -> None:
    """One decision; run twice, it is final once."""
    undoing.finalise(pending_id=UUID(pending_id), now=timezone.now())


@shared_task(name="reviews.decisions.tasks.finalise_due", queue="housekeeping")
def finalise_due() -> None:
    """Those whose hint was lost."""
    for pending_id in undoing.due_ids():
        undoing.finalise(pending_id=pending_id, now=timezone.now())
