"""Rule sets of the screens and their versions; beside them the encryption keys that were used."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from governance.policy.encryption_models import EncryptionKey as EncryptionKey
from governance.policy.rule_content import SCREENS, RuleSetContent, read_content


class RuleSet(models.Model):
    """Rules that belong together; what they say is in its versions."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    screen = models.CharField(max_length=20, choices=list(SCREENS.items()))
    purpose = models.CharField(max_length=500)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["screen", "slug"]

    def __str__(self) -> str:
        return f"Rule set {self.title}"


class RuleSetVersionQuerySet(models.QuerySet["RuleSetVersion"]):
    def in_force(self) -> RuleSetVersionQuerySet:
        return self.filter(active=True)


class RuleSetVersion(models.Model):
    """What a rule set says from one signed change to the next; written once."""

    rule_set = models.ForeignKey(RuleSet, models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    rules: Any = models.JSONField()
    tests: Any = models.JSONField()
    active = models.BooleanField(default=True)
    # The installation brings its own first versions; every other is somebody's signed change.
    change = models.OneToOneField(
        "approvals.ChangeRequest", models.PROTECT, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField()

    objects = RuleSetVersionQuerySet.as_manager()

    class Meta:
        ordering = ["rule_set_id", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule_set", "version"], name="one_of_each_rule_version"
            ),
            models.UniqueConstraint(
                fields=["rule_set"], condition=Q(active=True), name="one_active_rule_version"
            ),
            models.CheckConstraint(
                condition=Q(version=1) | Q(change__isnull=False), name="rule_version_was_decided"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_set}, version {self.version}"

    @property
    def content(self) -> RuleSetContent:
        return read_content({"rules": self.rules, "tests": self.tests})
