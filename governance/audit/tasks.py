"""The sequencer, the pack builder, and the housekeeping among packs."""

from __future__ import annotations

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from governance.audit import building, packs, services
from governance.audit.models import AuditPack


@shared_task(name="governance.audit.tasks.sequence", queue="housekeeping")
def sequence() -> None:
    """Put what is pending under the tree."""
    services.sequence(now=timezone.now())


@shared_task(name="governance.audit.tasks.build_pack", queue="packs", acks_late=True)
def build_pack(pack_id: str) -> None:
    """Build one pack; a second delivery finds the lease taken, or the pack finished."""
    building.build(pack_id=pack_id)


@shared_task(name="governance.audit.tasks.keep_house", queue="housekeeping")
def keep_house() -> None:
    """Expire old packs; have those built again whose worker died or whose message was lost."""
    for pack_id in packs.keep_house(now=timezone.now()):
        build_pack.delay(pack_id)


def enqueue(pack: AuditPack) -> None:
    """Onto the queue once it is committed. Robust: without a broker the housekeeping job does it."""
    pack_id = str(pack.pk)
    transaction.on_commit(lambda: build_pack.delay(pack_id), robust=True)
