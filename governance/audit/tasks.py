"""The sequencer and the pack builder."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.audit import packs, services


@shared_task(name="governance.audit.tasks.sequence", queue="housekeeping")
def sequence() -> None:
    """Put what is pending under the tree."""
    services.sequence(now=timezone.now())


@shared_task(name="governance.audit.tasks.build_pack", queue="packs")
def build_pack(pack_id: str) -> None:
    """Build one pack; a second delivery of a finished one does nothing."""
    packs.build(pack_id=pack_id, now=timezone.now())
