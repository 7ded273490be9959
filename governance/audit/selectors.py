"""Reads that pages, API and other apps share."""

from __future__ import annotations

from django.db import models

from governance.audit.models import AuditEvent, AuditEventQuerySet


def timeline_for(subject: models.Model) -> AuditEventQuerySet:
    """All events about this very row, newest first."""
    return AuditEvent.objects.filter(
        subject_type=subject._meta.label, subject_id=str(subject.pk)
    ).select_related("leaf")
