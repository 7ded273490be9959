"""What is said about a change: the points that must be answered, and the threads on its lines."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from governance.approvals.rules import POINT_STATES

POINT_STATE_CHOICES = [(state, state) for state in POINT_STATES.states]
POINT_ACTION_CHOICES = [("resolve", "resolve"), ("reopen", "reopen")]


class ChangePointQuerySet(models.QuerySet["ChangePoint"]):
    def open(self) -> ChangePointQuerySet:
        return self.filter(state="open")

    def of_change(self, change_id: int) -> ChangePointQuerySet:
        """Of all revisions, in the order in which they were asked."""
        return self.filter(decision__change=change_id)


class ChangePoint(models.Model):
    """One named thing that a decision asks to be changed."""

    decision = models.ForeignKey("approvals.Decision", models.PROTECT, related_name="points")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=500)
    state = models.CharField(
        max_length=10,
        choices=POINT_STATE_CHOICES,
        default=POINT_STATES.initial,
    )

    objects = ChangePointQuerySet.as_manager()

    class Meta:
        ordering = ["decision", "position"]
        verbose_name = "point"
        constraints = [
            models.UniqueConstraint(fields=["decision", "position"], name="one_point_per_position")
        ]

    def __str__(self) -> str:
        return self.text


class PointAnswer(models.Model):
    """What was done about a point, or why it is open again. Insert only."""

    point = models.ForeignKey(ChangePoint, models.PROTECT, related_name="answers")
    action = models.CharField(max_length=10, choices=POINT_ACTION_CHOICES)
    text = models.CharField(max_length=1000)
    revision = models.PositiveIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.person}: {self.action}"


class CommentQuerySet(models.QuerySet["Comment"]):
    def threads(self) -> CommentQuerySet:
        """What others answer to, with its people and answers."""
        answers = models.Prefetch("answers", Comment.objects.select_related("person"))
        found = self.filter(parent=None).select_related("person", "resolved_by")
        return found.prefetch_related(answers)


class Comment(models.Model):
    """A word in the discussion of a change: on all of it, on a line, or in answer to another.

    `line` names the line in the revision it was said on; `quote` keeps that line's words.
    """

    change = models.ForeignKey("approvals.ChangeRequest", models.CASCADE, related_name="comments")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="answers"
    )
    revision = models.PositiveIntegerField(default=1)
    line = models.CharField(max_length=300, blank=True)
    line_label = models.CharField(max_length=300, blank=True)
    quote = models.TextField(blank=True)
    mentioned: Any = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.person} on {self.change}"
