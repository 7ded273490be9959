"""Rules in versions; a version stands from its time until the next one's."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

from reviews.intake.rules import Conditions, Effect, Rule
from reviews.queues.models import Queue, ReviewItem

EFFECTS = [(one.value, one.value) for one in Effect]


class IntakeRule(models.Model):
    """A rule by its name; what it says stands in its versions."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100, unique=True)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class IntakeRuleVersion(models.Model):
    """What a rule says from `at` on, until its next version. Insert only.

    A version that is not active ends the rule until another is written.
    """

    rule = models.ForeignKey(IntakeRule, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    is_active = models.BooleanField()
    position = models.PositiveSmallIntegerField(default=50)
    conditions: Any = models.JSONField(default=dict, blank=True)
    effect = models.CharField(max_length=10, choices=EFFECTS)
    share = models.DecimalField(max_digits=6, decimal_places=3, default=Decimal(100))
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="intake_versions")
    priority = models.SmallIntegerField(default=0)
    by_label = models.CharField(max_length=200)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        ordering = ["rule", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="one_intake_version"),
            models.CheckConstraint(
                condition=Q(share__gt=0, share__lte=100), name="intake_share_is_percent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule}, version {self.number}"

    def as_rule(self) -> Rule:
        """The pure rule; `self.rule` should be read already."""
        return Rule(
            slug=self.rule.slug,
            number=self.number,
            position=self.position,
            conditions=conditions_of(self.conditions),
            effect=self.effect,
            share=self.share,
            queue=self.queue_id,
            priority=self.priority,
        )


class IntakeScan(models.Model):
    """Up to when (by admission) delivered calls have been looked through. One row."""

    scanned_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"Samples taken until {self.scanned_until}"


class Intake(models.Model):
    """By which version of which rule an item came. Insert only."""

    item = models.OneToOneField(ReviewItem, models.PROTECT, related_name="intake")
    version = models.ForeignKey(IntakeRuleVersion, models.PROTECT, related_name="taken")

    def __str__(self) -> str:
        return f"{self.item} by {self.version}"


def conditions_of(plain: dict[str, Any]) -> Conditions:
    """Kept conditions as the rules ask them."""
    below = plain.get("confidence_below")
    lists = [one.name for one in fields(Conditions) if one.name != "confidence_below"]
    return Conditions(
        **{name: tuple(plain.get(name, ())) for name in lists},
        confidence_below=None if below in (None, "") else Decimal(str(below)),
    )
