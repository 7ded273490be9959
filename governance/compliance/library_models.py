"""The policy library: documents, their signed versions, and who acknowledged them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import models

from governance.kernel.authority import ROLES


class PolicyDocument(models.Model):
    """A document of rules for people. What it says stands in its versions."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=150)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["title", "pk"]

    def __str__(self) -> str:
        return self.title


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def latest_effective(self, today: date) -> PolicyVersionQuerySet:
        """Of each document the newest that has begun, ended or not."""
        begun = self.filter(effective_from__lte=today)
        return begun.order_by("document_id", "-number").distinct("document_id")


class PolicyVersion(models.Model):
    """What a document says, who must acknowledge it, from which day. Signed; written once."""

    document = models.ForeignKey(PolicyDocument, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.TextField()
    roles: Any = models.JSONField(default=list, blank=True)
    effective_from = models.DateField()
    change = models.OneToOneField(
        "approvals.ChangeRequest", models.PROTECT, related_name="made_policy_version"
    )
    made_at = models.DateTimeField()
    # Its approval was suspended, was revoked or ran out.
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["document", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="one_text_of_a_version")
        ]

    def __str__(self) -> str:
        return f"{self.document}, version {self.number}"

    @property
    def role_titles(self) -> list[str]:
        return [ROLES[one].title for one in self.roles if one in ROLES]

    def content(self) -> dict[str, Any]:
        """What is decided on."""
        return {
            "body": self.body,
            "roles": sorted(self.roles),
            "effective_from": self.effective_from.isoformat(),
        }

    def state_on(self, now: datetime) -> str:
        """ended, planned (its day has not come) or in_force; an older one is replaced by it."""
        if self.ended_at is not None:
            return "ended"
        return "in_force" if self.effective_from <= now.date() else "planned"


class Acknowledgement(models.Model):
    """Somebody has read a version and will keep to it. Written once."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="acknowledgements")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["person", "version"], name="acknowledged_once")
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.version}"


class AcknowledgementReminder(models.Model):
    """How often a person was reminded of a version, and when last."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="reminders")
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "version"], name="one_count_of_reminders")
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.version}, {self.count} times"
