"""What time does to model cards."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.model_cards import reviewing


@shared_task(name="governance.model_cards.tasks.remind_of_reviews", queue="housekeeping")
def remind_of_reviews() -> None:
    """Tell authors of cards whose review is near."""
    reviewing.remind_of_reviews(now=timezone.now())
