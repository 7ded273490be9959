"""The append-only log, its tree, and the packs built from it.

`AuditEvent`, `LogLeaf` and `Checkpoint` refuse UPDATE, DELETE and TRUNCATE by triggers
that stay on in every replication role (sql.py).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models

from governance.audit.registries import audit_actions
from governance.audit.rules import KEPT, PackState
from governance.kernel.authority import Permission
from governance.kernel.canonical import uuid7


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: Any) -> AuditEventQuerySet:
        """Everything, or only what concerns the person's teams."""
        reach = user.reach(Permission.AUDIT_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


class AuditEvent(models.Model):
    """Who did what to what, when and why. `canonical` holds the exact bytes that are hashed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(db_index=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=100)
    actor_label = models.CharField(max_length=200)
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=300)
    team_id = models.BigIntegerField(null=True, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    canonical = models.BinaryField()
    leaf_hash = models.BinaryField(max_length=32)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "-at"]),
            models.Index(fields=["team_id", "-at"]),
            models.Index(fields=["action", "-at"]),
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """The event in words; an action that is no longer registered is shown by its code."""
        known = self.action in audit_actions
        pattern = audit_actions[self.action] if known else self.action
        return pattern.format(actor=self.actor_label, subject=self.subject_label)


class PendingEvent(models.Model):
    """An event that the sequencer has not yet put under the tree; deleted when it has."""

    event = models.OneToOneField(
        AuditEvent, models.PROTECT, primary_key=True, related_name="pending", db_constraint=False
    )

    def __str__(self) -> str:
        return str(self.pk)


class LogLeaf(models.Model):
    """The place of an event in the log; `index` counts from 0 without a gap."""

    index = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(
        AuditEvent, models.PROTECT, related_name="leaf", db_constraint=False
    )
    leaf_hash = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"leaf {self.index}"


class Checkpoint(models.Model):
    """Size and root of the tree as a signed note; `frontier` continues it."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    frontier = models.BinaryField()
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-size"]

    def __str__(self) -> str:
        return f"checkpoint at {self.size}"


class AuditPackQuerySet(models.QuerySet["AuditPack"]):
    def visible_to(self, user: Any) -> AuditPackQuerySet:
        """Every pack, or only those that were cut down to the person's teams."""
        reach = user.reach(Permission.AUDIT_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


class AuditPack(models.Model):
    """A ZIP for a period and scope, built by a worker."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="audit_packs"
    )
    requested_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    team_id = models.BigIntegerField(null=True, blank=True)
    team_label = models.CharField(max_length=200, blank=True)
    state = models.CharField(
        max_length=10,
        choices=[(s.value, s.value) for s in PackState],
        default=PackState.REQUESTED,
    )
    queued_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    steps_done = models.PositiveIntegerField(default=0)
    steps_total = models.PositiveIntegerField(default=0)
    step_label = models.CharField(max_length=100, blank=True)
    rows_done = models.PositiveBigIntegerField(default=0)
    failure = models.CharField(max_length=500, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = AuditPackQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]

    def __str__(self) -> str:
        of_team = f" of {self.team_label}" if self.team_label else ""
        return f"Audit pack{of_team}, {self.first_day} to {self.last_day}"

    @property
    def first_day(self) -> date:
        return self.starts_at.date()

    @property
    def last_day(self) -> date:
        """The last whole day in it; `ends_at` is the midnight after."""
        return (self.ends_at - timedelta(microseconds=1)).date()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is built."""
        return self.state not in (PackState.REQUESTED, PackState.BUILDING)

    @property
    def expires_at(self) -> datetime | None:
        return self.finished_at + KEPT if self.finished_at else None
