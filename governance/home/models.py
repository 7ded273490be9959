"""Notices to people."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Notification(models.Model):
    """One notice to one person. Nothing else depends on it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    title = models.CharField(max_length=300)
    url = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, default="info")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["user", "-at"])]

    def __str__(self) -> str:
        return self.title
