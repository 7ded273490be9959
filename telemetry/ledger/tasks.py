"""Seal what is settled; empty what is past its retention; erase what was asked for."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from telemetry.ledger import erasing, retention, seals
from telemetry.ledger.models import Erasure

STEPS_PER_RUN = 50


@shared_task(name="telemetry.ledger.tasks.seal", ignore_result=True)
def seal() -> int:
    """Every minute. Delivered twice, the second finds nothing left."""
    return seals.seal_settled(now=timezone.now())


@shared_task(name="telemetry.ledger.tasks.keep_house", ignore_result=True)
def keep_house() -> None:
    """Every minute: a bounded round of what is due, and erasures that nobody works on."""
    now = timezone.now()
    retention.destroy_due(now=now)
    for erasure_id in erasing.unfinished(now):
        erase.delay(str(erasure_id))


@shared_task(name="telemetry.ledger.tasks.erase", ignore_result=True)
def erase(erasure_id: str) -> None:
    """Some steps, then on the queue again; delivered twice, one of them finds it taken."""
    for _ in range(STEPS_PER_RUN):
        if not erasing.run_step(erasure_id=UUID(erasure_id), now=timezone.now()):
            return
    erase.delay(erasure_id)


def enqueue(erasure: Erasure) -> None:
    """Onto the queue once it is committed; without a broker the housekeeping job does it."""
    erasure_id = str(erasure.pk)
    transaction.on_commit(lambda: erase.delay(erasure_id), robust=True)
