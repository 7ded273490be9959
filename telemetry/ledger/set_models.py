"""Calls that belong together: sealed in one go, or loaded from one file of history."""

from __future__ import annotations

from django.db import models

from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.ledger.amounts import money


class LedgerSeal(models.Model):
    """A batch of settled calls, fixed by one audit event that carries the same figures."""

    sealed_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    cost = money()
    currency = models.CharField(max_length=3)
    root = models.CharField(max_length=64)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Seal {self.pk} over {self.count} calls"


class ReplayBatch(models.Model):
    """One file of history that was loaded, once for a use case. Its calls were not made here."""

    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="replay_batches")
    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="replay_batches")
    rows = models.PositiveIntegerField()
    cost = money()
    currency = models.CharField(max_length=3)
    placement = models.CharField(max_length=200)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    loaded_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["sha256", "use_case"], name="replayed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} replayed for {self.use_case}"
