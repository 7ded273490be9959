"""Decisions and corrections. Both are written once; the database refuses changes."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from governance.kernel.encryption import decrypt
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
    labels = models.JSONField(default=list, blank=True)
    seconds_spent = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["item"],
                condition=~models.Q(verdict="escalate"),
                name="one_final_decision_per_item",
            )
        ]

    def __str__(self) -> str:
        return f"{self.verdict} on {self.item}"


class Correction(models.Model):
    """The pair of what the model said and what a person made of it, sealed.

    Keeps the sensitivity and retention of its call: `keep_until` is the payload's.
    """

    decision = models.OneToOneField(ReviewDecision, models.PROTECT, related_name="correction")
    model_text_sealed = models.BinaryField()
    human_text_sealed = models.BinaryField()
    characters_changed = models.PositiveIntegerField()
    keep_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Correction by {self.decision.person}"

    def texts(self) -> tuple[str, str]:
        """(model's text, person's text); opens the seals."""
        context = f"correction:{self.decision_id}"
        return (
            decrypt(bytes(self.model_text_sealed), context=f"{context}:model"),
            decrypt(bytes(self.human_text_sealed), context=f"{context}:human"),
        )
