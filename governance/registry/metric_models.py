"""What an improvement of a metric is worth in money, as somebody estimates it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

PER_CHOICES = [("call", "per call"), ("month", "per month")]


class MetricWorth(models.Model):
    """Money saved by one unit of improvement, for each call or once a month; the last one counts."""

    metric = models.ForeignKey("registry.SuccessMetric", models.CASCADE, related_name="worths")
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    currency = models.CharField(max_length=3)
    per = models.CharField(max_length=5, choices=PER_CHOICES)
    rationale = models.CharField(max_length=500)
    estimated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="worth_is_positive")
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} per {self.per}"
