"""Meetings of the board: their agenda, who was there, and the minutes."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from governance.access.models import User
from governance.approvals.rules import ITEM_STATES, MEETING_STATES
from governance.kernel.authority import Permission

MEETING_STATE_CHOICES = [(state, state) for state in MEETING_STATES.states]
AGENDA_STATE_CHOICES = [(state, state) for state in ITEM_STATES.states]


class MeetingQuerySet(models.QuerySet["Meeting"]):
    def visible_to(self, user: User) -> MeetingQuerySet:
        """All of them for who sees every change; none for the others."""
        return self if user.reach(Permission.CHANGE_VIEW).everywhere else self.none()


class Meeting(models.Model):
    """People who come together to decide. The minutes are written once, when it closes."""

    title = models.CharField(max_length=200)
    held_on = models.DateField()
    chaired_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    planned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=MEETING_STATE_CHOICES, default=MEETING_STATES.initial
    )
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    minutes = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True)
    event = models.UUIDField(null=True, blank=True)

    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = ["-held_on", "-pk"]

    def __str__(self) -> str:
        return self.title


class AgendaItem(models.Model):
    """One change request on the agenda, and what became of it in the meeting."""

    meeting = models.ForeignKey(Meeting, models.CASCADE, related_name="items")
    change = models.ForeignKey("approvals.ChangeRequest", models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    state = models.CharField(
        max_length=10, choices=AGENDA_STATE_CHOICES, default=ITEM_STATES.initial
    )
    note = models.TextField(blank=True)
    deferred_because = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "change"], name="once_on_an_agenda")
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.change}"


class Attendance(models.Model):
    """Somebody was there."""

    meeting = models.ForeignKey(Meeting, models.CASCADE, related_name="attendances")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "person"], name="once_in_a_meeting")
        ]

    def __str__(self) -> str:
        return f"{self.person} at {self.meeting}"
