"""What time does to policies, and the evidence of controls, asked beside the pages."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.compliance import keeping, library_reminding


@shared_task(name="governance.compliance.tasks.remind_of_acknowledging", queue="housekeeping")
def remind_of_acknowledging() -> None:
    """Tell who has not acknowledged a policy, once a week."""
    library_reminding.remind_of_acknowledging(now=timezone.now())


@shared_task(name="governance.compliance.tasks.keep_evidence", queue="housekeeping")
def keep_evidence() -> None:
    """Ask every query of the controls and keep what it said."""
    keeping.keep_evidence(now=timezone.now())
