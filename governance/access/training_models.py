"""Trainings, of which roles they are required, and who completed them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from governance.kernel.authority import ROLES


class Training(models.Model):
    """What is taught, for how long it holds, and for which roles it is required.

    Who teaches what is written once; roles and days of validity change by a change request.
    """

    code = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=150)
    covers = models.TextField(max_length=5000)
    validity_days = models.PositiveIntegerField()
    roles: Any = models.JSONField(default=list, blank=True)
    link = models.URLField(max_length=300, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["title", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(validity_days__gte=1), name="training_holds_a_day")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def role_titles(self) -> list[str]:
        return [ROLES[one].title for one in self.roles if one in ROLES]


class TrainingRecordQuerySet(models.QuerySet["TrainingRecord"]):
    def standing(self) -> TrainingRecordQuerySet:
        return self.filter(revoked_at=None)

    def valid_on(self, day: date) -> TrainingRecordQuerySet:
        return self.standing().filter(completed_on__lte=day, valid_until__gte=day)


class TrainingRecord(models.Model):
    """Somebody completed a training. Written once; revoked with a reason, never deleted."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="training_records"
    )
    training = models.ForeignKey(Training, models.PROTECT, related_name="records")
    completed_on = models.DateField()
    valid_until = models.DateField()
    evidence = models.CharField(max_length=300)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField()
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = models.CharField(max_length=300, blank=True)

    objects = TrainingRecordQuerySet.as_manager()

    class Meta:
        ordering = ["-completed_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "training", "completed_on"],
                condition=Q(revoked_at=None),
                name="one_record_of_a_day",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__gte=F("completed_on")), name="training_ends_after_it"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.training}, {self.completed_on}"
