"""What time does to model cards."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.model_cards import reviewing, vendors


@shared_task(name="governance.model_cards.tasks.remind_of_reviews", queue="housekeeping")
def remind_of_reviews() -> None:
    """Tell authors of cards, and owners of vendors, whose review is near."""
    now = timezone.now()
    reviewing.remind_of_reviews(now=now)
    vendors.remind_of_vendor_reviews(now=now)
