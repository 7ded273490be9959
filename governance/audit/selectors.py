"""Reads that pages, API and other apps share."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import models

from governance.audit.merkle import Tree
from governance.audit.models import AuditEvent, AuditEventQuerySet, LogLeaf
from governance.audit.registries import PackTeam, pack_teams


def timeline_for(subject: models.Model) -> AuditEventQuerySet:
    """All events about this very row, newest first."""
    return AuditEvent.objects.filter(
        subject_type=subject._meta.label, subject_id=str(subject.pk)
    ).select_related("leaf")


def events_found(
    user: Any,
    *,
    actor: str = "",
    action: str = "",
    subject_type: str = "",
    subject_id: str = "",
    since: date | None = None,
    until: date | None = None,
) -> AuditEventQuerySet:
    """Events in the person's reach, newest first; days are whole ones in UTC, both included."""
    exact = {"action": action, "subject_type": subject_type, "subject_id": subject_id}
    found = AuditEvent.objects.visible_to(user).select_related("leaf")
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if actor:
        found = found.filter(actor_label__icontains=actor)
    if since:
        found = found.filter(at__gte=datetime.combine(since, time(), UTC))
    if until:
        found = found.filter(at__lt=datetime.combine(until, time(), UTC) + timedelta(days=1))
    return found


def tree_of(size: int) -> Tree:
    """The tree over the log's first events, for proofs; 64 bytes of memory each."""
    leaves = LogLeaf.objects.filter(index__lt=size).order_by("index")
    hashes = leaves.values_list("leaf_hash", flat=True)
    return Tree(bytes(one) for one in hashes.iterator(chunk_size=10_000))


def teams_to_pack(user: Any) -> list[PackTeam]:
    """Teams that this person may build a pack of, by name."""
    known = [team for teams_of in pack_teams.values() for team in teams_of(user)]
    return sorted(known, key=lambda team: team.name)
