"""A release exists only because an approved change stands behind it (trigger in sql.py)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from governance.access.models import User
from governance.approvals.models import Approval
from governance.kernel.authority import Permission
from governance.kernel.terms import Environment
from governance.registry.models import UseCase
from prompts.catalogue.models import Prompt, PromptVersion


class ReleaseQuerySet(models.QuerySet["Release"]):
    def running(self, now: datetime) -> ReleaseQuerySet:
        return self.filter(starts_at__lte=now, ended_at=None)

    def visible_to(self, user: User) -> ReleaseQuerySet:
        reach = user.reach(Permission.PROMPT_VIEW)
        return self if reach.everywhere else self.filter(use_case__team_id__in=reach.team_ids)


class Release(models.Model):
    """A version on deployments in order, in one environment, from and until."""

    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="releases")
    version = models.ForeignKey(PromptVersion, models.PROTECT, related_name="releases")
    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="releases")
    approval = models.ForeignKey(Approval, models.PROTECT, related_name="releases")
    environment = models.CharField(max_length=12, choices=[(e.value, e.value) for e in Environment])
    deployment_ids: Any = models.JSONField()
    # What is asked beside the answer: see checks.py. The trigger holds it to what was decided.
    checks: Any = models.JSONField(default=dict, db_default={}, blank=True)
    digest = models.CharField(max_length=64)
    starts_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=300, blank=True)
    rolled_back_to = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["prompt", "environment"],
                condition=models.Q(ended_at=None),
                name="one_running_release",
            )
        ]

    @property
    def all_deployment_ids(self) -> list[int]:
        """Where it answers, in order, and who judges."""
        judge = self.checks.get("judge")
        return [*self.deployment_ids, *([judge] if judge is not None else [])]

    def __str__(self) -> str:
        return f"{self.version} in {self.environment}"
