"""Slots of double reviews, calibrations with their answers, and the price of an hour."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.kernel.encryption import SealedField, decrypt
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import Verdict
from reviews.quality.rules import FEWEST_SLOTS, MOST_SLOTS, DoubleState
from reviews.queues.models import Queue, ReviewItem
from telemetry.ledger.models import LedgerEntry, money

VERDICTS = [(v.value, v.value) for v in Verdict]
DOUBLE_STATE_CHOICES = [(state.value, state.value) for state in DoubleState]


def somebody() -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")


class QualitySettings(models.Model):
    """How a queue looks after the judgement of its people; shares in percent."""

    queue = models.OneToOneField(Queue, models.PROTECT, primary_key=True, related_name="quality")
    double_share = models.PositiveSmallIntegerField(default=0)
    slots = models.PositiveSmallIntegerField(default=FEWEST_SLOTS)
    is_blind = models.BooleanField(default=True)
    calibration_share = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "quality settings"
        constraints = [
            models.CheckConstraint(
                condition=Q(double_share__lte=100) & Q(calibration_share__lte=50),
                name="quality_shares",
            ),
            models.CheckConstraint(
                condition=Q(slots__gte=FEWEST_SLOTS, slots__lte=MOST_SLOTS), name="quality_slots"
            ),
        ]

    def __str__(self) -> str:
        return f"Quality of {self.queue}"


class DoubleReview(models.Model):
    """So many people decide this item, each for themselves. Fixed when the item was opened.

    `share` is the percentage of that moment, from which the choice can be derived again.
    """

    item = models.OneToOneField(
        ReviewItem, models.PROTECT, primary_key=True, related_name="double_review"
    )
    slots = models.PositiveSmallIntegerField()
    share = models.PositiveSmallIntegerField()
    is_blind = models.BooleanField()
    state = models.CharField(
        max_length=12, choices=DOUBLE_STATE_CHOICES, default=DoubleState.COLLECTING
    )
    closed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.item} by {self.slots} people"

    @property
    def is_full(self) -> bool:
        return self.state != DoubleState.COLLECTING


def opinion_context(one: Any) -> str:
    return f"opinion:{one.item_id}:{one.slot}"


class Opinion(models.Model):
    """What one person found on an item that several decide. Fills one slot; insert only.

    `answer_sha256` is of the normalised correction, empty for other verdicts: agreement can be
    checked after the text is destroyed.
    """

    item = models.ForeignKey(ReviewItem, models.PROTECT, related_name="opinions")
    slot = models.PositiveSmallIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="opinions")
    verdict = models.CharField(max_length=10, choices=VERDICTS)
    rationale = models.TextField(blank=True)
    # Of a rationale that was erased.
    rationale_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    labels = models.JSONField(default=list, blank=True)
    seconds_spent = models.PositiveIntegerField(default=0)
    answer_sha256 = models.CharField(max_length=64, blank=True)
    text_sealed = SealedField(null=True, context=opinion_context)
    at = models.DateTimeField()
    keep_until = models.DateTimeField(null=True, blank=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["item", "slot"]
        indexes = [
            models.Index(
                fields=["keep_until"],
                condition=Q(destroyed_at=None, text_sealed__isnull=False),
                name="opinion_kept_until",
            ),
            models.Index(fields=["person", "at"], name="opinion_of_person"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["item", "slot"], name="one_opinion_per_slot"),
            models.UniqueConstraint(fields=["item", "person"], name="one_slot_per_person"),
            models.CheckConstraint(condition=~Q(verdict="escalate"), name="opinion_is_a_verdict"),
        ]

    def __str__(self) -> str:
        return f"Slot {self.slot} of {self.item}"

    def text(self) -> str | None:
        """The corrected text, opened; None for other verdicts and once it is destroyed."""
        if self.text_sealed is None:
            return None
        return decrypt(bytes(self.text_sealed), context=opinion_context(self))


class Calibration(models.Model):
    """A decided item whose answer is known, shown again to see how people judge it.

    It has no text of its own: what is shown is the call's, as long as that is kept.
    """

    source = models.OneToOneField(ReviewItem, models.PROTECT, related_name="calibration")
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="calibrations")
    verdict = models.CharField(max_length=10, choices=VERDICTS)
    why = models.TextField()
    made_by = somebody()
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return f"Calibration {self.pk}: {self.verdict}"


class Exercise(models.Model):
    """A calibration put before one person, by an item that gates nothing."""

    item = models.OneToOneField(
        ReviewItem, models.PROTECT, primary_key=True, related_name="exercise"
    )
    calibration = models.ForeignKey(Calibration, models.PROTECT, related_name="exercises")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="exercises")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calibration", "person"], name="one_exercise_each")
        ]

    def __str__(self) -> str:
        return f"{self.calibration} for {self.person}"


class CalibrationAnswer(models.Model):
    """What the person said. Insert only, but that its words can be erased. `is_right` is None where they escalated."""

    exercise = models.OneToOneField(
        Exercise, models.PROTECT, primary_key=True, related_name="answer"
    )
    verdict = models.CharField(max_length=10, choices=VERDICTS)
    rationale = models.TextField(blank=True)
    # Of a rationale that was erased.
    rationale_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    labels = models.JSONField(default=list, blank=True)
    is_right = models.BooleanField(null=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="escalate", is_right=None)
                | (~Q(verdict="escalate") & Q(is_right__isnull=False)),
                name="escalating_is_not_wrong",
            )
        ]

    def __str__(self) -> str:
        return f"{self.verdict} on {self.exercise}"


class ReviewRate(models.Model):
    """What an hour of reviewing in a queue costs from a day on. Insert only; the latest holds."""

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="rates")
    hourly = money()
    currency = models.CharField(max_length=3)
    starts_on = models.DateField()
    reason = models.CharField(max_length=300)
    set_by = somebody()
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["-starts_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(hourly__gte=0), name="rate_is_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.hourly} {self.currency} an hour in {self.queue} from {self.starts_on}"


class ReviewCost(models.Model):
    """The money line of one piece of work: a decision, or a slot that was filled. Insert only."""

    entry = models.OneToOneField(
        LedgerEntry, models.PROTECT, primary_key=True, related_name="review_cost"
    )
    decision = models.OneToOneField(
        ReviewDecision, models.PROTECT, null=True, related_name="review_cost"
    )
    opinion = models.OneToOneField(Opinion, models.PROTECT, null=True, related_name="review_cost")
    seconds = models.PositiveIntegerField()
    rate = models.ForeignKey(ReviewRate, models.PROTECT, related_name="costs")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decision=None, opinion__isnull=False)
                | Q(decision__isnull=False, opinion=None),
                name="cost_of_one_piece_of_work",
            )
        ]

    def __str__(self) -> str:
        return f"{self.seconds} s, {self.entry}"
