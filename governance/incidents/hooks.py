"""What incidents plug in: the kill switch, their words, their place in the shell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.urls import reverse

from governance.access.models import User
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.incidents.models import Incident
from governance.incidents.registries import ContainmentKind, Target, containment_actions
from governance.incidents.rules import INCIDENT_STATES
from governance.kernel.authority import Actor, Permission
from governance.kernel.registries import transition_tables
from governance.registry import services as registry
from governance.registry.models import UseCase

transition_tables.add("Incident.state", INCIDENT_STATES)

for action, sentence in {
    "playbook.installed": "{actor} installed the playbook {subject}",
    "incident.declared": "{actor} declared the incident {subject}",
    "incident.confirm": "{actor} confirmed {subject}",
    "incident.dismiss": "{actor} found that {subject} is no incident",
    "incident.contain": "{actor} declared {subject} contained",
    "incident.contained": "{actor} contained {subject}",
    "incident.undone": "{actor} took a containment of {subject} back",
    "incident.resolve": "{actor} resolved {subject}",
    "incident.review": "{actor} wrote the post-mortem of {subject}",
    "incident.close": "{actor} closed {subject}",
    "incident.reopen": "{actor} reopened {subject}",
    "incident.step_done": "{actor} did a step of {subject}",
    "incident.step_skipped": "{actor} skipped a step of {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "incidents",
    NavigationItem(
        "Run", "Incidents", "incidents:list", "siren", (Permission.INCIDENT_VIEW,), order=30
    ),
)


def _answering() -> list[Target]:
    running = UseCase.objects.filter(suspended_at=None, stage__in=["pilot", "production"])
    return [Target(one.pk, one.title) for one in running]


def _suspend(target_id: int, actor: Actor, reason: str, now: datetime) -> dict[str, Any]:
    registry.suspend_use_case(actor=actor, use_case_id=target_id, reason=reason, now=now)
    return {}


def _resume(
    target_id: int, facts: dict[str, Any], actor: Actor, reason: str, now: datetime
) -> None:
    registry.resume_use_case(actor=actor, use_case_id=target_id, reason=reason, now=now)


containment_actions.add(
    "kill_switch",
    ContainmentKind(
        "kill_switch",
        "Kill switch on a use case",
        "Every call of it is refused from the next one on, until it is resumed.",
        _answering,
        _suspend,
        _resume,
    ),
)


def incidents_open(user: User, now: datetime) -> list[InboxItem]:
    """Unclosed incidents, for those who command them."""
    if not user.may(Permission.INCIDENT_COMMAND):
        return []
    unclosed = Incident.objects.exclude(state__in=["closed", "not_incident"])[:20]
    return [
        InboxItem(
            title=incident.title,
            detail=f"{incident.severity} incident, {incident.state}",
            url=reverse("incidents:detail", args=[incident.pk]),
            due_at=None,
            kind="incident",
        )
        for incident in unclosed
    ]


inbox.add("incidents", incidents_open)

INCIDENT_COLUMNS = (
    "id",
    "title",
    "playbook",
    "severity",
    "state",
    "use_case",
    "team",
    "description",
    "declared_by",
    "declared_at",
    "commander",
    "closed_at",
    "post_mortem",
)
# Written by name: to read them as attributes would be a query per row.
INCIDENT_RELATED = {"playbook", "use_case", "team", "declared_by", "commander"}


def incident_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Incidents that were open at some time of the period."""
    rows = Incident.objects.filter(declared_at__lt=scope.ends_at)
    rows = rows.exclude(closed_at__lt=scope.starts_at)
    if scope.team_id is not None:
        rows = rows.filter(use_case__team_id=scope.team_id)
    related = ("playbook", "use_case__team", "declared_by", "commander")
    for one in rows.select_related(*related).order_by("pk").iterator(chunk_size=500):
        row = {
            name: None if name in INCIDENT_RELATED else getattr(one, name)
            for name in INCIDENT_COLUMNS
        }
        yield row | {
            "playbook": one.playbook.slug,
            "use_case": one.use_case.slug if one.use_case else None,
            "team": one.use_case.team.slug if one.use_case else None,
            "declared_by": one.declared_by.email,
            "commander": one.commander.email if one.commander else None,
        }


evidence_sections.add(
    "incidents",
    EvidenceSection(
        "incidents",
        "Incidents",
        INCIDENT_COLUMNS,
        incident_rows,
        counted_by=("severity", "state"),
    ),
)
