"""What time does to assessments and waivers."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.registry import checking, disclosures, measuring, noticing


@shared_task(name="governance.registry.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """Tell of what runs out soon or ran out; replace notices whose successor took effect."""
    now = timezone.now()
    noticing.give_notices(now=now)
    checking.tell_of_waivers(now=now)
    disclosures.replace_those_past(now=now)


@shared_task(name="governance.registry.tasks.measure_from_ledger", queue="housekeeping")
def measure_from_ledger() -> None:
    """Write yesterday's figures of the metrics that the ledger measures."""
    measuring.measure_from_ledger(now=timezone.now())
