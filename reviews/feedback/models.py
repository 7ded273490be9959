"""Feedback on calls, and the rules in versions by which people look at it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.access.models import ApiKey, User
from governance.kernel.authority import Permission
from governance.kernel.canonical import uuid7
from governance.kernel.encryption import SealedField, decrypt, encrypt
from governance.registry.models import UseCase
from reviews.decisions.models import ReviewDecision
from reviews.feedback.rules import FEEDBACK_STATES, OPEN_STATES, Conditions, Rule, Thumb
from reviews.queues.models import Queue, ReviewItem
from telemetry.ledger.models import Call

STATES = [(one, one.replace("_", " ")) for one in FEEDBACK_STATES.states]
THUMBS = [(one.value, one.value) for one in Thumb]
TEXTS = ("text", "correction")


class FeedbackRule(models.Model):
    """A rule by its name; what it says stands in its versions."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100, unique=True)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class FeedbackRuleVersion(models.Model):
    """What a rule says from `at` on, until its next version. Insert only.

    A version that is not active ends the rule until another is written.
    """

    rule = models.ForeignKey(FeedbackRule, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    is_active = models.BooleanField()
    position = models.PositiveSmallIntegerField(default=50)
    conditions: Any = models.JSONField(default=dict, blank=True)
    share = models.DecimalField(max_digits=6, decimal_places=3, default=Decimal(100))
    most_open = models.PositiveIntegerField(default=50)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="feedback_versions")
    priority = models.SmallIntegerField(default=0)
    by_label = models.CharField(max_length=200)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        ordering = ["rule", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="one_feedback_rule_version"),
            models.CheckConstraint(
                condition=Q(share__gt=0, share__lte=100), name="feedback_share_is_percent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule}, version {self.number}"

    def as_rule(self) -> Rule:
        """The pure rule; `self.rule` should be read already."""
        plain = self.conditions
        return Rule(
            slug=self.rule.slug,
            number=self.number,
            position=self.position,
            conditions=Conditions(
                use_cases=tuple(plain.get("use_cases", ())),
                thumbs=tuple(plain.get("thumbs", ())),
                with_text=bool(plain.get("with_text")),
                with_correction=bool(plain.get("with_correction")),
            ),
            share=self.share,
            most_open=self.most_open,
        )


def said_context(which: str) -> Callable[[Any], str]:
    """What a text of a feedback (“text” or “correction”) is bound to."""
    return lambda one: f"feedback:{one.pk}:{which}"


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def visible_to(self, user: User) -> FeedbackQuerySet:
        """Of calls of the teams whose reviews the person may see, and in queues they manage."""
        view, manage = user.reach(Permission.REVIEW_VIEW), user.reach(Permission.REVIEW_MANAGE)
        if view.everywhere or manage.everywhere:
            return self
        queues = view.queue_ids | manage.queue_ids
        return self.filter(Q(call__team_id__in=view.team_ids) | Q(item__queue_id__in=queues))

    @staticmethod
    def is_whole_for(user: User) -> bool:
        """Whether more is visible than what came into queues: shares of complaints alone mislead."""
        reaches = [user.reach(one) for one in (Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)]
        return any(one.everywhere for one in reaches) or bool(reaches[0].team_ids)

    def open(self) -> FeedbackQuerySet:
        """A person is still to say what comes of it."""
        return self.filter(state__in=OPEN_STATES)


class Feedback(models.Model):
    """What one end user (or a person of the organisation) says of one given answer.

    Its texts are sealed, and kept for as long as those of its call. `breaks_contract` is about
    the suggested correction; null where there is none, or nothing to hold it against. `item` is
    where people look at it: one that was opened for it, or the one that its call has already.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    call = models.ForeignKey(Call, models.PROTECT, related_name="feedback")
    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="feedback")
    thumb = models.CharField(max_length=4, choices=THUMBS)
    has_text = models.BooleanField(default=False)
    has_correction = models.BooleanField(default=False)
    text_sealed = SealedField(null=True, context=said_context("text"))
    correction_sealed = SealedField(null=True, context=said_context("correction"))
    breaks_contract = models.BooleanField(null=True)
    redactions: Any = models.JSONField(default=dict, blank=True)
    findings: Any = models.JSONField(default=list, blank=True)
    end_user_hash = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=200, blank=True)
    idempotency_hash = models.CharField(max_length=64, blank=True)
    api_key = models.ForeignKey(ApiKey, models.PROTECT, null=True, blank=True, related_name="+")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="feedback"
    )
    given_at = models.DateTimeField()
    keep_until = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True, blank=True)

    state = models.CharField(max_length=12, choices=STATES, default=FEEDBACK_STATES.initial)
    item = models.ForeignKey(
        ReviewItem, models.PROTECT, null=True, blank=True, related_name="feedback"
    )
    taken_by = models.ForeignKey(
        FeedbackRuleVersion, models.PROTECT, null=True, blank=True, related_name="taken"
    )
    decision = models.ForeignKey(
        ReviewDecision, models.PROTECT, null=True, blank=True, related_name="feedback"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        ordering = ["-given_at", "-pk"]
        verbose_name_plural = "feedback"
        indexes = [
            models.Index(fields=["use_case", "-given_at"], name="feedback_newest"),
            models.Index(
                fields=["state", "-given_at"],
                condition=Q(state__in=["in_review", "second_look"]),
                name="feedback_open",
            ),
            models.Index(
                fields=["keep_until"], condition=Q(destroyed_at=None), name="feedback_kept_until"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["call", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_feedback_per_key",
            ),
            models.CheckConstraint(
                condition=Q(destroyed_at=None)
                | Q(text_sealed=None, correction_sealed=None, idempotency_hash=""),
                name="destroyed_feedback_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"Feedback on call {str(self.call_id)[-8:]}"

    def seal(self, which: str, text: str) -> None:
        setattr(self, f"{which}_sealed", encrypt(text, context=said_context(which)(self)))

    def opened(self, which: str) -> str | None:
        """The text as it is kept, redacted; None where there is none (any more)."""
        sealed = getattr(self, f"{which}_sealed")
        return None if sealed is None else decrypt(bytes(sealed), context=said_context(which)(self))

    @property
    def taken_words(self) -> str:
        """By which rule people look at it."""
        return f"by “{self.taken_by.rule}”" if self.taken_by else ""


def kept_texts(one: Feedback) -> dict[str, bool]:
    """Which of its texts stand now."""
    return {name: getattr(one, f"{name}_sealed") is not None for name in TEXTS}
