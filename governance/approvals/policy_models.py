"""Versions of approval policies."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from governance.approvals.shapes import in_words, shape_of


class ApprovalPolicyQuerySet(models.QuerySet["ApprovalPolicy"]):
    def versions_of(self, kind: str, tier: str) -> ApprovalPolicyQuerySet:
        """All there were, newest first."""
        return self.filter(kind=kind, tier=tier).order_by("-version")


class ApprovalPolicy(models.Model):
    """Who must sign one kind of change at one tier, how fast, and for how long it holds."""

    kind = models.CharField(max_length=30)
    tier = models.CharField(max_length=15)
    version = models.PositiveIntegerField(default=1)
    sign_offs: Any = models.JSONField()
    veto: Any = models.JSONField(default=list, blank=True)
    decision_hours = models.PositiveIntegerField()
    validity_days = models.PositiveIntegerField()
    active = models.BooleanField(default=True)
    change = models.OneToOneField(
        "ChangeRequest", models.PROTECT, null=True, blank=True, related_name="made_policy"
    )
    made_at = models.DateTimeField(null=True, blank=True)

    objects = ApprovalPolicyQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "tier"]
        verbose_name_plural = "approval policies"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "tier"], condition=Q(active=True), name="one_active_policy"
            ),
            models.UniqueConstraint(
                fields=["kind", "tier", "version"], name="one_policy_of_a_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.tier}, version {self.version}"

    @property
    def needed(self) -> str:
        """As in "2 × Board member, 1 × Compliance, then 1 × Safety officer"."""
        return in_words(map(shape_of, self.sign_offs), self.veto)
