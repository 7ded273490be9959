"""Decisions and corrections. Both are written once; the database refuses changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import models

from governance.kernel.encryption import SealedField, decrypt
from reviews.decisions.rules import Verdict
from reviews.queues.models import ReviewItem


class ReviewDecision(models.Model):
    """What one person decided on one item, and why. Insert only."""

    item = models.ForeignKey(ReviewItem, models.PROTECT, related_name="decisions")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="review_decisions"
    )
    verdict = models.CharField(max_length=10, choices=[(v.value, v.value) for v in Verdict])
    rationale = models.TextField(blank=True)
    # Of a rationale that was erased.
    rationale_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    labels = models.JSONField(default=list, blank=True)
    seconds_spent = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    overturns = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="overturned_by"
    )

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["item"],
                condition=~models.Q(verdict="escalate") & models.Q(overturns=None),
                name="one_final_decision_per_item",
            )
        ]

    def __str__(self) -> str:
        return f"{self.verdict} on {self.item}"


def text_context(whose: str) -> Callable[[Any], str]:
    """What a text of that author (“model” or “human”) is bound to, of a correction."""
    return lambda one: f"correction:{one.decision_id}:{whose}"


class Correction(models.Model):
    """The pair of what the model said and what a person made of it, sealed.

    Keeps the sensitivity and retention of its call: `keep_until` is the payload's.
    """

    decision = models.OneToOneField(ReviewDecision, models.PROTECT, related_name="correction")
    model_text_sealed = SealedField(null=True, context=text_context("model"))
    human_text_sealed = SealedField(null=True, context=text_context("human"))
    characters_changed = models.PositiveIntegerField()
    # What it is a share of; null for what was corrected before it was counted.
    characters_compared = models.PositiveIntegerField(null=True)
    keep_until = models.DateTimeField(null=True, blank=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["keep_until"],
                condition=models.Q(destroyed_at=None),
                name="correction_kept_until",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    destroyed_at=None,
                    model_text_sealed__isnull=False,
                    human_text_sealed__isnull=False,
                )
                | models.Q(
                    destroyed_at__isnull=False,
                    model_text_sealed=None,
                    human_text_sealed=None,
                ),
                name="correction_whole_or_empty",
            )
        ]

    def __str__(self) -> str:
        return f"Correction by {self.decision.person}"

    def texts(self) -> tuple[str, str] | None:
        """(model's text, person's text), opened; None once they are destroyed."""
        if self.model_text_sealed is None or self.human_text_sealed is None:
            return None
        return (
            decrypt(bytes(self.model_text_sealed), context=text_context("model")(self)),
            decrypt(bytes(self.human_text_sealed), context=text_context("human")(self)),
        )
