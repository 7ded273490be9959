"""Playbooks, incidents, their steps, timeline and containment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.access.models import User
from governance.incidents.rules import INCIDENT_STATES, SEVERITIES, clock_state
from governance.kernel.authority import Permission
from governance.registry.models import UseCase

SEVERITY_CHOICES = [(s, s) for s in SEVERITIES]
INCIDENT_STATE_CHOICES = [(s, s.replace("_", " ")) for s in INCIDENT_STATES.states]


class Playbook(models.Model):
    """Versioned steps and legal clocks for one kind of incident."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=100)
    kind = models.CharField(max_length=30)
    version = models.PositiveIntegerField(default=1)
    steps: Any = models.JSONField()
    clocks: Any = models.JSONField(default=list)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: User) -> IncidentQuerySet:
        """What touches no use case, or one in the person's reach; and where they have a part.

        Everybody declares. That is no right to read what went wrong in another team.
        """
        reach = user.reach(Permission.USE_CASE_VIEW)
        answers = user.may(Permission.INCIDENT_COMMAND) or user.may(Permission.SIGN_COMPLIANCE)
        if reach.everywhere or answers:
            return self
        owned = PostMortemAction.objects.filter(owner=user).values("incident")
        return self.filter(
            Q(use_case=None)
            | Q(use_case__team_id__in=reach.team_ids)
            | Q(declared_by=user)
            | Q(commander=user)
            | Q(pk__in=owned)
        )


class Incident(models.Model):
    """Something went wrong, or may have."""

    title = models.CharField(max_length=200)
    description = models.TextField()
    playbook = models.ForeignKey(Playbook, models.PROTECT, related_name="incidents")
    severity = models.CharField(max_length=10, choices=SEVERITY_CHOICES)
    state = models.CharField(
        max_length=12,
        choices=INCIDENT_STATE_CHOICES,
        default=INCIDENT_STATES.initial,
    )
    use_case = models.ForeignKey(
        UseCase, models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="declared_incidents"
    )
    declared_at = models.DateTimeField()
    aware_at = models.DateTimeField()
    facts: Any = models.JSONField(default=list)
    commander = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    post_mortem = models.TextField(blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-declared_at", "-pk"]

    def __str__(self) -> str:
        return self.title


class IncidentStep(models.Model):
    """One step of the playbook as it went: open, done, or skipped with its reason."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    phase = models.CharField(max_length=15)
    text = models.CharField(max_length=300)
    outcome = models.CharField(max_length=10, default="open")
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.text


class ContainmentAction(models.Model):
    """What was done at once, by whom, and whether it was taken back."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="containments")
    kind = models.CharField(max_length=30)
    target_id = models.BigIntegerField()
    target_label = models.CharField(max_length=300)
    reason = models.CharField(max_length=300)
    facts: Any = models.JSONField(default=dict)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    done_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-done_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')}: {self.target_label}"


class NotificationClockQuerySet(models.QuerySet["NotificationClock"]):
    def running(self) -> NotificationClockQuerySet:
        """Neither met nor found not applicable, of what may be an incident."""
        open_clocks = self.filter(met_at=None, waived_at=None)
        return open_clocks.exclude(incident__state="not_incident")

    def overdue(self, now: datetime) -> NotificationClockQuerySet:
        return self.running().filter(due_at__lt=now)


class NotificationClock(models.Model):
    """A legal deadline to tell somebody. Met, late or found not applicable; never deleted."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="clocks")
    code = models.CharField(max_length=30)
    name = models.CharField(max_length=150)
    legal_basis = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    met_at = models.DateTimeField(null=True, blank=True)
    met_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    met_note = models.CharField(max_length=500, blank=True)
    waived_at = models.DateTimeField(null=True, blank=True)
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    waived_reason = models.CharField(max_length=500, blank=True)
    overdue_told_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationClockQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "code"], name="one_clock_per_duty")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.legal_basis})"

    def state(self, now: datetime) -> str:
        return clock_state(self.due_at, self.met_at, self.waived_at, now)


class PostMortemAction(models.Model):
    """What shall be changed so that it does not happen again."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="actions")
    text = models.CharField(max_length=300)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    due_on = models.DateField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["due_on", "pk"]

    def __str__(self) -> str:
        return self.text

    def state(self, now: datetime) -> str:
        """done, overdue (its day is over, in UTC) or open."""
        if self.done_at is not None:
            return "done"
        return "overdue" if self.due_on < now.date() else "open"
