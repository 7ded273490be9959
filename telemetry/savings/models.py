"""What was computed of a month from its ledger: written over by the next time it is computed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models

from governance.access.models import Team
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.ledger.amounts import money
from telemetry.savings.rules import WORDS, Lever


class MonthFigures(models.Model):
    """One row a month: when somebody asked for its figures, and as of when they stand."""

    month = models.DateField(unique=True)
    asked_at = models.DateTimeField()
    computed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-month"]
        verbose_name_plural = "month figures"

    def __str__(self) -> str:
        return f"Figures of {self.month:%B %Y}"

    @property
    def is_waiting(self) -> bool:
        """Asked for and not computed since."""
        return self.computed_at is None or self.computed_at < self.asked_at


class Saving(models.Model):
    """What one lever would have saved for one use case in a month."""

    figures = models.ForeignKey(MonthFigures, models.CASCADE, related_name="savings")
    lever = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Lever])
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="+")
    deployment = models.ForeignKey(Deployment, models.PROTECT, null=True, related_name="+")
    calls = models.PositiveBigIntegerField()
    amount = money()
    facts: Any = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-amount", "pk"]

    def __str__(self) -> str:
        return f"{self.title}: {self.amount}"

    @property
    def title(self) -> str:
        return WORDS[Lever(self.lever)].title


class UnitCost(models.Model):
    """What a use case's month came to, for a call, a task and an accepted output."""

    figures = models.ForeignKey(MonthFigures, models.CASCADE, related_name="units")
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="+")
    calls = models.PositiveBigIntegerField()
    tasks = models.PositiveBigIntegerField()
    accepted = models.PositiveBigIntegerField()
    reviewed = models.PositiveBigIntegerField()
    cost = money()

    class Meta:
        ordering = ["-cost", "pk"]

    def __str__(self) -> str:
        return f"{self.use_case}: {self.cost}"

    @property
    def per_call(self) -> Decimal | None:
        return self.cost / self.calls if self.calls else None

    @property
    def per_task(self) -> Decimal | None:
        return self.cost / self.tasks if self.tasks else None

    @property
    def per_accepted(self) -> Decimal | None:
        return self.cost / self.accepted if self.accepted else None
