"""The score that counts of each use case: a row that the database keeps, so that lists stay quick."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Round

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.registry import scoring

_PRIORITY = Case(
    When(impact__gte=F("threshold"), effort__lt=F("threshold"), then=Value(0)),
    When(impact__gte=F("threshold"), then=Value(1)),
    When(effort__lt=F("threshold"), then=Value(2)),
    default=Value(3),
)
"""Places of scoring.QUADRANTS; what `scoring.quadrant` says, in SQL."""


class DecidingScoreQuerySet(models.QuerySet["DecidingScore"]):
    def visible_to(self, user: User) -> DecidingScoreQuerySet:
        """Of the use cases that the person sees."""
        reach = user.reach(Permission.USE_CASE_VIEW)
        return self if reach.everywhere else self.filter(use_case__team_id__in=reach.team_ids)


class DecidingScore(models.Model):
    """A consensus before what one person said, of each the newest; written by a trigger (sql.py).

    It follows the scores alone: what is handed in to a round that is not agreed is none yet.
    """

    use_case = models.OneToOneField(
        "registry.UseCase", models.CASCADE, primary_key=True, related_name="deciding_score"
    )
    score = models.OneToOneField("registry.Score", models.CASCADE, related_name="+")
    impact = models.DecimalField(max_digits=3, decimal_places=2)
    effort = models.DecimalField(max_digits=3, decimal_places=2)
    threshold = models.DecimalField(max_digits=3, decimal_places=2)
    points: Any = models.JSONField()
    model_version = models.PositiveIntegerField()
    # The use case's, which a trigger carries over: the map counts by it.
    tier = models.CharField(max_length=15, blank=True)
    priority = models.GeneratedField(
        expression=_PRIORITY, output_field=models.SmallIntegerField(), db_persist=True
    )
    # Twice the value, as a whole number: the half point that the map counts it under.
    impact_halves = models.GeneratedField(
        expression=Round(F("impact") * 2),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    effort_halves = models.GeneratedField(
        expression=Round(F("effort") * 2),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

    objects = DecidingScoreQuerySet.as_manager()

    class Meta:
        ordering = ["use_case_id"]
        indexes = [
            models.Index(
                F("priority").asc(), F("impact").desc(), F("effort").asc(), name="score_by_rank"
            )
        ]

    def __str__(self) -> str:
        return f"{self.impact} impact, {self.effort} effort"

    @property
    def quadrant(self) -> str:
        return scoring.QUADRANTS[self.priority]
