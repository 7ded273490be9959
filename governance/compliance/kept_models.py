"""What each evidence query last said: it counts the whole organisation, so pages do not wait."""

from __future__ import annotations

from django.db import models


class KeptEvidence(models.Model):
    """One row of each query, written over by the next time it is asked; packs ask live."""

    key = models.CharField(max_length=60, primary_key=True)
    sentence = models.TextField()
    numerator = models.BigIntegerField()
    denominator = models.BigIntegerField()
    freshness = models.DateTimeField(null=True)
    url = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField()

    class Meta:
        ordering = ["key"]
        verbose_name_plural = "kept evidence"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(numerator__gte=0, denominator__gte=0),
                name="kept_evidence_counts",
            )
        ]

    def __str__(self) -> str:
        return self.sentence
