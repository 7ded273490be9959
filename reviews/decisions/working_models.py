"""What stands beside decisions for a while: those not final yet, drafts, marks of likeness."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from governance.kernel.canonical import uuid7
from governance.kernel.encryption import SealedField, decrypt, encrypt
from reviews.decisions.rules import PENDING_STATES, Verdict
from reviews.queues.models import ReviewItem


def pending_context(one: Any) -> str:
    """What the text of a decision that is not final yet is bound to."""
    return f"pending-decision:{one.pk}"


def draft_context(one: Any) -> str:
    """What a draft is bound to: its item and who writes it."""
    return f"review-draft:{one.item_id}:{one.person_id}"


class PendingDecision(models.Model):
    """A decision in its undo window. It becomes a ReviewDecision when the window ends.

    `final_at` is by the database's clock. The corrected text is emptied once this is settled.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(ReviewItem, models.PROTECT, related_name="pending_decisions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=10, choices=[(v.value, v.value) for v in Verdict])
    rationale = models.TextField(blank=True)
    labels = models.JSONField(default=list, blank=True)
    seconds_spent = models.PositiveIntegerField(default=0)
    text_sealed = SealedField(null=True, context=pending_context)
    at = models.DateTimeField()
    final_at = models.DateTimeField()
    state = models.CharField(
        max_length=10,
        choices=[(one, one) for one in PENDING_STATES.states],
        default=PENDING_STATES.initial,
    )
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(
                fields=["final_at"], condition=models.Q(state="waiting"), name="decision_due_final"
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["item"],
                condition=models.Q(state="waiting"),
                name="one_waiting_decision_per_item",
            ),
            models.CheckConstraint(
                condition=models.Q(state="waiting", settled_at=None)
                | (~models.Q(state="waiting") & models.Q(text_sealed=None)),
                name="settled_decision_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} on {self.item}, {self.state}"

    def seal(self, text: str | None) -> None:
        self.text_sealed = None if text is None else encrypt(text, context=pending_context(self))

    def text(self) -> str | None:
        if self.text_sealed is None:
            return None
        return decrypt(bytes(self.text_sealed), context=pending_context(self))


class ReviewDraft(models.Model):
    """What somebody has typed and not sent: sealed JSON of the fields. Gone with the decision."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="drafts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    content_sealed = SealedField(context=draft_context)
    saved_at = models.DateTimeField()
    keep_until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["keep_until"], name="draft_kept_until")]
        constraints = [
            models.UniqueConstraint(fields=["item", "person"], name="one_draft_per_person")
        ]

    def __str__(self) -> str:
        return f"Draft of {self.person} on {self.item}"


class AnswerLikeness(models.Model):
    """Keyed marks by which a decided answer is found again; no text can be read from them."""

    item = models.OneToOneField(
        ReviewItem, models.CASCADE, primary_key=True, related_name="likeness"
    )
    exact = models.CharField(max_length=64)
    sketch = ArrayField(models.BigIntegerField())
    bands = ArrayField(models.BigIntegerField())
    keep_until = models.DateTimeField()

    class Meta:
        verbose_name_plural = "answer likenesses"
        indexes = [
            GinIndex(fields=["bands"], name="likeness_bands"),
            models.Index(fields=["exact"], name="likeness_exact"),
            models.Index(fields=["keep_until"], name="likeness_kept_until"),
        ]

    def __str__(self) -> str:
        return f"Marks of {self.item}"
