"""What time does to hand-overs."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from reviews.board import handing


@shared_task(name="reviews.board.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """Free for all what a colleague did not take in time."""
    handing.return_untaken(now=timezone.now())
