"""Celery: go on with a rotation of keys."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.kernel.authority import Actor
from governance.policy import rewrapping


@shared_task(name="governance.policy.tasks.rewrap", ignore_result=True)
def rewrap() -> int:
    """Every minute, some rows; nothing while there is no older key."""
    now = timezone.now()
    rewrapping.note_keys(now=now)
    if not rewrapping.is_rewrap_due():
        return 0
    return rewrapping.rewrap(actor=Actor.system("key rotation"), now=now).moved
