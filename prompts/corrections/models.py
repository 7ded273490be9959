"""Exports: what was asked for and which decisions it holds. No text is copied into them.

The texts are opened when a file is downloaded, so what was erased or has ended since then is
in no later download.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, Q

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.canonical import uuid7
from prompts.catalogue.models import Prompt
from prompts.corrections.rules import ExportKind, ExportState, sentence_of
from reviews.decisions.models import ReviewDecision

EXPORT_STATE_CHOICES = [(one.value, one.value) for one in ExportState]
EXPORT_KIND_CHOICES = [(one.value, one.value) for one in ExportKind]


class CorrectionExportQuerySet(models.QuerySet["CorrectionExport"]):
    def visible_to(self, user: User) -> CorrectionExportQuerySet:
        """One's own; all of them for who may read every body."""
        reach = user.reach(Permission.CALL_BODY_VIEW)
        return self if reach.everywhere else self.filter(requested_by=user)


class CorrectionExport(models.Model):
    """Decisions that fit `wanted`, up to the decision `last` that was the newest when asked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=10, choices=EXPORT_KIND_CHOICES)
    wanted: Any = models.JSONField(default=dict, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(
        max_length=9, choices=EXPORT_STATE_CHOICES, default=ExportState.REQUESTED
    )
    last = models.BigIntegerField()
    position = models.BigIntegerField(default=0)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    form_token = models.UUIDField(null=True, blank=True, unique=True)

    objects = CorrectionExportQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-pk"]
        indexes = [
            models.Index(
                fields=["requested_at"],
                condition=Q(state__in=["requested", "building"]),
                name="export_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"Export {str(self.pk)[-12:]}"

    @property
    def is_open(self) -> bool:
        return self.state in (ExportState.REQUESTED, ExportState.BUILDING)

    def left_out(self) -> list[dict[str, Any]]:
        """Why, and how many: the most first."""
        counted = self.lines.exclude(left_out="").order_by().values("left_out", "dataset")
        rows = counted.annotate(count=Count("pk")).order_by("-count", "left_out", "dataset")
        return [
            {
                "code": row["left_out"],
                "says": sentence_of(row["left_out"], row["dataset"]),
                "count": row["count"],
            }
            for row in rows
        ]

    def included(self) -> int:
        return self.lines.filter(left_out="").count()


class ExportLine(models.Model):
    """One decision of an export, and why it is left out if it is."""

    export = models.ForeignKey(CorrectionExport, models.CASCADE, related_name="lines")
    decision = models.ForeignKey(ReviewDecision, models.PROTECT, related_name="+")
    left_out = models.CharField(max_length=20, blank=True)
    dataset = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["export", "decision"], name="decision_once_in_export")
        ]

    def __str__(self) -> str:
        return f"Decision {self.decision_id} in {self.export_id}"


class RevisionRule(models.Model):
    """From `percent` of corrections on, on at least so many decisions, a revision is asked for."""

    prompt = models.OneToOneField(Prompt, models.CASCADE, related_name="revision_rule")
    percent = models.PositiveSmallIntegerField()
    least = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.prompt} from {self.percent} % on"
