"""Playbooks, incidents, their steps, timeline and containment."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from governance.incidents.rules import INCIDENT_STATES, SEVERITIES
from governance.registry.models import UseCase


class Playbook(models.Model):
    """Versioned steps for one kind of incident."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=100)
    kind = models.CharField(max_length=30)
    version = models.PositiveIntegerField(default=1)
    steps: Any = models.JSONField()

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class Incident(models.Model):
    """Something went wrong, or may have."""

    title = models.CharField(max_length=200)
    description = models.TextField()
    playbook = models.ForeignKey(Playbook, models.PROTECT, related_name="incidents")
    severity = models.CharField(max_length=10, choices=[(s, s) for s in SEVERITIES])
    state = models.CharField(
        max_length=12,
        choices=[(s, s.replace("_", " ")) for s in INCIDENT_STATES.states],
        default=INCIDENT_STATES.initial,
    )
    use_case = models.ForeignKey(
        UseCase, models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="declared_incidents"
    )
    declared_at = models.DateTimeField()
    commander = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    post_mortem = models.TextField(blank=True)

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
