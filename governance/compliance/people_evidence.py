"""Live queries over people: are they trained for their roles? They count; they name nobody."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max
from django.urls import reverse

from governance.access.models import TrainingRecord, User
from governance.access.training_selectors import register
from governance.compliance.rules import Evidence


def training(now: datetime, user: User | None) -> Evidence:
    """Of the trainings that people's roles require: those that hold today."""
    needed = [one for row in register(now) for one in row.trainings]
    held = sum(one.state in ("valid", "runs_out_soon") for one in needed)
    newest = TrainingRecord.objects.standing().aggregate(at=Max("recorded_at"))["at"]
    words = f"{held} of {len(needed)} trainings that people's roles require are valid today."
    return Evidence(words, held, len(needed), newest, reverse("access:training-register"))
