"""Several requests that are decided as one."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Bundle(models.Model):
    """What its parts and the request that decides on all of them hold on to."""

    change = models.OneToOneField(
        "approvals.ChangeRequest",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="made_bundle",
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    not_applied_because = models.CharField(max_length=1000, blank=True)
    not_applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return f"Bundle {self.pk}"
