"""Exchange rates by day, and what was promised to a provider. Rows are entered and never changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ExchangeRate(models.Model):
    """What one unit of `currency` is in `to_currency` from a day on, until the next day's rate.

    One for a day; a mistake is corrected by another row that points at it, and what was booked
    meanwhile keeps the rate it was booked at.
    """

    currency = models.CharField(max_length=3)
    to_currency = models.CharField(max_length=3)
    day = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=9)
    source = models.CharField(max_length=200)
    corrects = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="correction"
    )
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ["-day", "currency", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "to_currency", "day"],
                condition=Q(corrects=None),
                name="one_rate_a_day",
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="rate_is_positive"),
            models.CheckConstraint(
                condition=~Q(currency=F("to_currency")), name="rate_is_between_two"
            ),
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.rate.normalize():f} {self.to_currency} on {self.day}"


class Commitment(models.Model):
    """What was promised to be spent at a deployment in a period, last day included.

    `change` is the decided one that made it. What is not used of it is a shared cost
    (telemetry.chargeback.commitments).
    """

    deployment = models.ForeignKey(
        "model_cards.Deployment", models.PROTECT, related_name="commitments"
    )
    starts_on = models.DateField()
    ends_on = models.DateField()
    amount = models.DecimalField(max_digits=18, decimal_places=9)
    currency = models.CharField(max_length=3)
    source = models.CharField(max_length=200)
    change = models.ForeignKey("approvals.ChangeRequest", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-starts_on", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="commitment_is_positive"),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="commitment_has_days"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount:,.2f} {self.currency} from {self.starts_on} to {self.ends_on}"
