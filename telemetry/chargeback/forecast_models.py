"""The last forecast of each running budget, and of this month's parts."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from governance.access.models import Team
from governance.registry.models import UseCase
from telemetry.chargeback.forecast import Method, Outlook
from telemetry.ledger.amounts import money


class Forecast(models.Model):
    """What a budget's period, or a calendar month, will have cost by its end; written over.

    Without a budget it is of a month with all that is booked to it: of a use case with its team,
    of a team, or without either of the organisation. `ends_on` is the first day after the period.
    """

    budget = models.ForeignKey(
        "chargeback.Budget", models.CASCADE, null=True, related_name="forecasts"
    )
    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="+")
    use_case = models.ForeignKey(UseCase, models.CASCADE, null=True, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField()
    as_of = models.DateTimeField()
    expected = money()
    low = money()
    high = money()
    method = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Method])
    days = models.PositiveSmallIntegerField()
    # How many earlier forecasts the range was measured on.
    tested = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "team", "use_case", "starts_on"],
                nulls_distinct=False,
                name="one_forecast_of_a_period",
            ),
            models.CheckConstraint(
                condition=Q(low__lte=F("expected"), high__gte=F("expected")),
                name="forecast_is_in_its_range",
            ),
        ]

    def __str__(self) -> str:
        return f"Forecast of {self.expected} by {self.ends_on}"

    def outlook(self, booked: Decimal) -> Outlook:
        """As figures of the whole period, of which so much is booked by now."""
        found = Outlook(
            self.expected,
            self.low,
            self.high,
            self.days,
            Method(self.method),
            self.as_of,
            self.tested,
        )
        return found.at_least(booked)
