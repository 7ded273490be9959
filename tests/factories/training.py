"""Trainings and records, put together through their services."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils import timezone

from governance.access import training
from governance.access.models import Training, TrainingRecord, User
from governance.kernel.authority import Actor

SYSTEM = Actor.system("tests")


def make_training(title: str = "AI literacy", *, roles: tuple[str, ...] = ()) -> Training:
    """Required for these roles as if that had been signed."""
    made = training.define_training(
        actor=SYSTEM,
        title=title,
        covers="What models can do.",
        validity_days=365,
        now=timezone.now(),
    )
    Training.objects.filter(pk=made.pk).update(roles=list(roles))
    made.refresh_from_db()
    return made


def train(person: User, made: Training, *, days_left: int = 300) -> TrainingRecord:
    """A record that holds for so many days more; a negative number: ran out so long ago."""
    today: date = timezone.now().date()
    return training.record_training(
        actor=SYSTEM,
        person=person,
        training=made,
        completed_on=today - timedelta(days=made.validity_days - days_left),
        evidence="https://learn.example/1",
        now=timezone.now(),
    )
