"""A change that could not wait: applied at once, ratified in time or reverted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models


class EmergencyQuerySet(models.QuerySet["Emergency"]):
    def unratified(self) -> EmergencyQuerySet:
        return self.filter(change__state="provisional")

    def overdue(self, now: datetime) -> EmergencyQuerySet:
        return self.unratified().filter(ratify_by__lte=now)


class Emergency(models.Model):
    """Why a request could not wait, and once it is applied what taking it back needs to know."""

    change = models.OneToOneField(
        "approvals.ChangeRequest", models.CASCADE, related_name="emergency"
    )
    why_now = models.CharField(max_length=1000)
    asked_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)
    ratify_by = models.DateTimeField(null=True, blank=True)
    remembered: Any = models.JSONField(default=dict)
    replaced: Any = models.JSONField(default=list)

    objects = EmergencyQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-pk"]
        verbose_name_plural = "emergencies"

    def __str__(self) -> str:
        return f"Emergency: {self.change}"
