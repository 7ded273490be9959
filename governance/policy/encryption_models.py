"""Which encryption keys were ever used here, so that one that is missing is noticed."""

from __future__ import annotations

from typing import Any

from django.db import models


class EncryptionKey(models.Model):
    """A key by its id; the key itself stands in the environment alone.

    `position` is how far a re-wrap to this key has come: the last row per column, as text.
    """

    number = models.PositiveSmallIntegerField(unique=True)
    first_seen_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)
    position: Any = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"encryption key {self.number}"
