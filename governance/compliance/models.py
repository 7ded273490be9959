"""What is done about a gap: an action with an owner and a day."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

from governance.access.models import User
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.kept_models import KeptEvidence
from governance.compliance.library_models import (
    Acknowledgement,
    AcknowledgementReminder,
    PolicyDocument,
    PolicyVersion,
)
from governance.kernel.authority import Permission

__all__ = [
    "VIEWING",
    "Acknowledgement",
    "AcknowledgementReminder",
    "ComplianceAction",
    "ComplianceActionQuerySet",
    "Confirmation",
    "KeptEvidence",
    "PolicyDocument",
    "PolicyVersion",
]
VIEWING = (Permission.SIGN_COMPLIANCE, Permission.AUDIT_VIEW)


class ComplianceActionQuerySet(models.QuerySet["ComplianceAction"]):
    def open(self) -> ComplianceActionQuerySet:
        return self.filter(done_at=None)

    def visible_to(self, user: User) -> ComplianceActionQuerySet:
        """All for who may read the controls of the whole organisation, else their own."""
        if any(user.reach(one).everywhere for one in VIEWING):
            return self
        return self.filter(owner=user)


class ComplianceAction(models.Model):
    """What shall close a gap. `framework` and `control` name what stands in the code."""

    framework = models.CharField(max_length=40)
    control = models.CharField(max_length=40)
    text = models.CharField(max_length=300)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="compliance_actions"
    )
    due_on = models.DateField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)

    objects = ComplianceActionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        indexes = [models.Index(fields=["framework", "control"])]

    def __str__(self) -> str:
        return self.text

    @property
    def control_label(self) -> str:
        """The framework and its control as people read them; by code when they left the code."""
        framework = FRAMEWORKS.get(self.framework)
        control = framework.control(self.control) if framework else None
        if framework is None or control is None:
            return f"{self.framework} {self.control}"
        return f"{framework.title}, {control.code} {control.title}"

    def state(self, now: datetime) -> str:
        """done, overdue (its day is over, in UTC) or open."""
        if self.done_at is not None:
            return "done"
        return "overdue" if self.due_on < now.date() else "open"


class Confirmation(models.Model):
    """Somebody compared a control's words with its source. Insert only: the next one is newer."""

    framework = models.CharField(max_length=40)
    control = models.CharField(max_length=40)
    # Of what was compared (`confirming.wording_of`).
    wording = models.CharField(max_length=64)
    note = models.CharField(max_length=300)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField()

    class Meta:
        ordering = ["-confirmed_at", "-pk"]
        indexes = [models.Index(fields=["framework", "control"])]

    def __str__(self) -> str:
        return f"{self.framework} {self.control}"
