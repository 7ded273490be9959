"""To whom an item that waits was given or handed, and how much each person takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from governance.home.models import Absence
from governance.kernel.encryption import SealedField, decrypt
from reviews.board.rules import HandOverState
from reviews.quality.models import Opinion
from reviews.queues.models import Queue, ReviewItem, Skip

HAND_OVER_STATE_CHOICES = [(one.value, one.value) for one in HandOverState]


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def live(self) -> AssignmentQuerySet:
        """Those that keep an item now: not run out, and their person is there and still to act.

        Who has judged or skipped it since, or whose queue it left, would only keep it from others.
        """
        away = Absence.objects.live().filter(person=OuterRef("person"))
        theirs = {"item": OuterRef("item"), "person": OuterRef("person")}
        judged = Opinion.objects.filter(**theirs)
        skipped = Skip.objects.filter(**theirs, at__gte=OuterRef("given_at"))
        stayed = Q(item__escalated_at=None) | Q(item__escalated_at__lte=models.F("given_at"))
        there = self.filter(~Exists(away), until__gt=Now(), person__is_active=True)
        return there.filter(stayed).exclude(Exists(judged) | Exists(skipped))


class Assignment(models.Model):
    """Until then only this person gets the item; after it anybody may. It keeps its due time."""

    item = models.OneToOneField(
        ReviewItem, models.PROTECT, primary_key=True, related_name="assignment"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="assigned_items"
    )
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    until = models.DateTimeField()
    # By a colleague and not by a lead: it comes before everything else.
    is_handed = models.BooleanField(default=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["person", "until"], name="assignment_of_person")]

    def __str__(self) -> str:
        return f"{self.item} for {self.person}"


def note_context(which: str) -> Callable[[Any], str]:
    """What the text (“note” or “reply”) is bound to."""
    return lambda one: f"hand-over:{one.item_id}:{one.by_id}:{one.to_id}:{which}"


class HandOver(models.Model):
    """One reviewer hands an item to another, with a note, and what became of it.

    `until` is by the database's clock; the texts are sealed and go with the call's body.
    """

    item = models.ForeignKey(ReviewItem, models.PROTECT, related_name="hand_overs")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    state = models.CharField(
        max_length=10, choices=HAND_OVER_STATE_CHOICES, default=HandOverState.WAITING
    )
    at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    note_sealed = SealedField(null=True, context=note_context("note"))
    reply_sealed = SealedField(null=True, context=note_context("reply"))
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(
                fields=["until"], condition=Q(state="waiting"), name="hand_over_waits_until"
            ),
            models.Index(fields=["item", "-at"], name="hand_over_of_item"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(state="waiting"), name="one_waiting_hand_over"
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", ended_at=None)
                | (~Q(state="waiting") & Q(ended_at__isnull=False)),
                name="hand_over_ended_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(by=models.F("to")), name="nobody_hands_to_themselves"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} from {self.by} to {self.to}"

    @property
    def note(self) -> str | None:
        """What was said with it; None once it is destroyed."""
        return self._opened("note", self.note_sealed)

    @property
    def reply(self) -> str | None:
        """What was said when it was given back; None where it was not, and once destroyed."""
        return self._opened("reply", self.reply_sealed)

    def _opened(self, which: str, sealed: Any) -> str | None:
        return None if sealed is None else decrypt(bytes(sealed), context=note_context(which)(self))


class Capacity(models.Model):
    """How many items of the queue a person has at a time and decides a day; null: any number.

    Without a person it is what holds for everybody who has none of their own.
    """

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="capacities")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    at_once = models.PositiveSmallIntegerField(null=True, blank=True)
    a_day = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "capacities"
        constraints = [
            models.UniqueConstraint(
                fields=["queue", "person"], nulls_distinct=False, name="one_capacity_per_person"
            ),
            models.CheckConstraint(
                condition=(Q(at_once=None) | Q(at_once__gte=1)) & (Q(a_day=None) | Q(a_day__gte=1)),
                name="capacity_is_some",
            ),
        ]

    def __str__(self) -> str:
        return f"Capacity of {self.person or 'everybody'} in {self.queue}"
