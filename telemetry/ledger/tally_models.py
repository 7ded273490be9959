"""Settled calls, counted once when they are sealed; tallies.py adds what no seal covers yet."""

from __future__ import annotations

from django.db import models

from governance.access.models import Team
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.ledger.amounts import money
from telemetry.ledger.rules import CallSource


class CallTally(models.Model):
    """Settled calls that were made here, counted when they are sealed: each exactly once.

    What no seal covers yet is counted beside it (tallies.py), so that the sum is always exact.
    """

    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="+")
    deployment = models.ForeignKey(Deployment, models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=8)
    reason = models.CharField(max_length=60, blank=True)
    calls = models.BigIntegerField()
    tokens_input = models.BigIntegerField()
    tokens_cached = models.BigIntegerField()
    tokens_output = models.BigIntegerField()
    cost = money()

    class Meta:
        verbose_name_plural = "call tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["use_case", "deployment", "outcome", "reason"],
                nulls_distinct=False,
                name="one_tally_of_a_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(calls__gt=0), name="a_tally_counts_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.calls} calls of {self.use_case}: {self.outcome}"


class LatencyTally(models.Model):
    """How many of them took the model how long: `bucket` is the place in tallies.BOUNDS_MS."""

    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="+")
    deployment = models.ForeignKey(Deployment, models.PROTECT, null=True, related_name="+")
    bucket = models.PositiveSmallIntegerField()
    calls = models.BigIntegerField()
    total_ms = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "latency tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["use_case", "deployment", "bucket"],
                nulls_distinct=False,
                name="one_latency_tally_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.calls} calls of {self.use_case} in bucket {self.bucket}"


class DayOutcome(models.Model):
    """Settled calls of a day (UTC, of their admission) by how the gateway settled them."""

    day = models.DateField()
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="+")
    source = models.CharField(max_length=10, choices=[(s.value, s.value) for s in CallSource])
    outcome = models.CharField(max_length=8)
    calls = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "team", "use_case", "source", "outcome"],
                name="one_outcome_of_a_day",
            ),
            models.CheckConstraint(condition=models.Q(calls__gt=0), name="an_outcome_has_calls"),
        ]

    def __str__(self) -> str:
        return f"{self.calls} calls on {self.day}: {self.outcome}"
