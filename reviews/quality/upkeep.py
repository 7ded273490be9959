"""Change how a queue looks after the judgement of its people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from reviews.quality.models import QualitySettings
from reviews.quality.rules import FEWEST_SLOTS, MOST_SLOTS
from reviews.queues.models import Queue

MOST_CALIBRATION = 50


@transaction.atomic
def change_settings(
    *,
    actor: Actor,
    queue: Queue,
    double_share: int,
    slots: int,
    is_blind: bool,
    calibration_share: int,
    now: datetime,
) -> QualitySettings:
    """For items opened from now on; what is open keeps its slots."""
    if not actor.may(Permission.REVIEW_MANAGE, queue):
        raise NotAllowed(f"Nothing was changed: the review leads of {queue} manage it.")
    problems: dict[str, list[str]] = {}
    if not 0 <= double_share <= 100:
        problems["double_share"] = ["From 0 to 100 percent."]
    if not FEWEST_SLOTS <= slots <= MOST_SLOTS:
        problems["slots"] = [f"From {FEWEST_SLOTS} to {MOST_SLOTS} people."]
    if not 0 <= calibration_share <= MOST_CALIBRATION:
        problems["calibration_share"] = [f"From 0 to {MOST_CALIBRATION} percent."]
    if problems:
        raise Invalid("Nothing was saved. What you typed is still here.", fields=problems)
    Queue.objects.select_for_update(no_key=True).get(pk=queue.pk)
    found, _ = QualitySettings.objects.get_or_create(queue=queue)
    before = settings_facts(found)
    found.double_share, found.slots = double_share, slots
    found.is_blind, found.calibration_share = is_blind, calibration_share
    found.save()
    after = settings_facts(found)
    if before != after:
        record(
            actor=actor,
            action="queue.quality_changed",
            subject=queue,
            now=now,
            before=before,
            after=after,
        )
    return found


def settings_facts(settings: QualitySettings) -> dict[str, Any]:
    return {
        "double_share": settings.double_share,
        "slots": settings.slots,
        "is_blind": settings.is_blind,
        "calibration_share": settings.calibration_share,
    }
