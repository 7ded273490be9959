"""Questions and answers, sealed like the bodies of the call that they are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.encryption import SealedField, decrypt
from reviews.questions.rules import QuestionState
from reviews.queues.models import ReviewItem

QUESTION_STATE_CHOICES = [(one.value, one.value) for one in QuestionState]


def text_context(which: str) -> Callable[[Any], str]:
    """What the text (“question” or “answer”) is bound to."""
    return lambda one: f"review-question:{one.item_id}:{one.asked_by_id}:{which}"


class QuestionQuerySet(models.QuerySet["Question"]):
    def open(self) -> QuestionQuerySet:
        return self.filter(state=QuestionState.OPEN)

    def waiting_for(self, user: User) -> QuestionQuerySet:
        """Open ones that this person may answer."""
        return self.open().filter(Q(asked=user) | Q(item__call__use_case__owner=user))

    def visible_to(self, user: User) -> QuestionQuerySet:
        """Who asked, who was asked, the owner of the use case, and who works in or leads the queue."""
        work, manage = user.reach(Permission.REVIEW_WORK), user.reach(Permission.REVIEW_MANAGE)
        if work.everywhere or manage.everywhere:
            return self
        return self.filter(
            Q(asked=user)
            | Q(asked_by=user)
            | Q(item__call__use_case__owner=user)
            | Q(item__queue__in=work.queue_ids | manage.queue_ids)
        )


class Question(models.Model):
    """One question about one held answer, and what was said to it."""

    item = models.ForeignKey(ReviewItem, models.PROTECT, related_name="questions")
    state = models.CharField(
        max_length=10, choices=QUESTION_STATE_CHOICES, default=QuestionState.OPEN
    )
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="review_questions"
    )
    asked_at = models.DateTimeField()
    text_sealed = SealedField(null=True, context=text_context("question"))
    answer_sealed = SealedField(null=True, context=text_context("answer"))
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(state="open"), name="one_open_question_of_an_item"
            ),
            models.CheckConstraint(
                condition=Q(state="open", ended_at=None)
                | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="question_ended_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Question about {self.item}"

    @property
    def text(self) -> str | None:
        """The question; None once it is destroyed."""
        return self._opened("question", self.text_sealed)

    @property
    def answer(self) -> str | None:
        """What was said to it; None while nothing was, and once it is destroyed."""
        return self._opened("answer", self.answer_sealed)

    def _opened(self, which: str, sealed: Any) -> str | None:
        return None if sealed is None else decrypt(bytes(sealed), context=text_context(which)(self))
