"""Celery: prove the books, and say so where they differ."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from telemetry.chargeback import verification


@shared_task(name="telemetry.chargeback.tasks.check_books", queue="checks", ignore_result=True)
def check_books() -> None:
    """Several times a day: rollups, budgets and statements against the ledger's lines."""
    verification.check_books(now=timezone.now())
