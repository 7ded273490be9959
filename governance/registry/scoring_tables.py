"""Versions of the scoring model, and rounds in which several people score on their own."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.registry import round_rules
from governance.registry.round_rules import SCORING_ROUNDS
from governance.registry.scoring_content import ModelContent, read_content


class ScoringModelQuerySet(models.QuerySet["ScoringModel"]):
    def newest_first(self) -> ScoringModelQuerySet:
        return self.order_by("-version")


class ScoringModel(models.Model):
    """One version of what is scored, by which weights, and what each point means."""

    version = models.PositiveIntegerField(unique=True)
    dimensions: Any = models.JSONField()
    threshold = models.DecimalField(max_digits=3, decimal_places=2)
    active = models.BooleanField(default=True)
    change = models.OneToOneField(
        "approvals.ChangeRequest", models.PROTECT, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField()

    objects = ScoringModelQuerySet.as_manager()

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["active"], condition=Q(active=True), name="one_active_scoring_model"
            )
        ]

    def __str__(self) -> str:
        return f"Scoring model, version {self.version}"

    @property
    def content(self) -> ModelContent:
        return read_content({"dimensions": self.dimensions, "threshold": self.threshold})


class ScoringRound(models.Model):
    """Several people score one use case, none seeing another's until all are in."""

    use_case = models.ForeignKey("registry.UseCase", models.CASCADE, related_name="scoring_rounds")
    lead = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # All score by the version that was in force when it began.
    model_version = models.PositiveIntegerField()
    state = models.CharField(
        max_length=12,
        choices=[(one, one) for one in SCORING_ROUNDS.states],
        default=SCORING_ROUNDS.initial,
    )
    due_on = models.DateField()
    opened_at = models.DateTimeField()
    revealed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Why it was shown before all were in, or given up.
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["use_case"],
                condition=Q(state__in=round_rules.UNDECIDED),
                name="one_undecided_scoring_round",
            )
        ]

    def __str__(self) -> str:
        return f"Scoring round of {self.use_case}"


class RoundSeat(models.Model):
    """One invited assessor, and what they handed in; only they read it until it is revealed."""

    round = models.ForeignKey(ScoringRound, models.CASCADE, related_name="seats")
    assessor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    points: Any = models.JSONField(default=dict)
    rationales: Any = models.JSONField(default=dict)
    submitted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["round", "assessor"], name="one_seat_per_assessor")
        ]

    def __str__(self) -> str:
        return f"{self.assessor} in {self.round}"
