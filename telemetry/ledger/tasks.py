"""Seal what is settled; empty what is past its retention."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from telemetry.ledger import retention, seals


@shared_task(name="telemetry.ledger.tasks.seal", ignore_result=True)
def seal() -> int:
    """Every minute. Delivered twice, the second finds nothing left."""
    now = timezone.now()
    retention.destroy_payloads(now=now)
    return seals.seal_settled(now=now)
