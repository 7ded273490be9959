"""Celery: check what is due, and the check that somebody asked for."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from telemetry.drift import checks


@shared_task(name="telemetry.drift.tasks.check_due", queue="checks")
def check_due() -> None:
    """Every monitor whose time has come, and checks whose hint was lost."""
    checks.run_due(now=timezone.now())


@shared_task(name="telemetry.drift.tasks.run_check", queue="checks")
def run_check(check_id: int) -> None:
    """One check; delivered twice, it is run once."""
    checks.carry_out(check_id=check_id, now=timezone.now())
