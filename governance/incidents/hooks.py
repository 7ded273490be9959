"""What incidents plug in: the kill switch, their words, their place in the shell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.urls import reverse

from governance.access.models import User
from governance.approvals.registries import decisive_evidence
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.incidents.commanding import url_of
from governance.incidents.decisive import incident_evidence
from governance.incidents.models import Incident, NotificationClock, Playbook, PostMortemAction
from governance.incidents.registries import ContainmentKind, Target, containment_actions
from governance.incidents.rules import INCIDENT_STATES, kinds_to_prepare_for
from governance.incidents.selectors import incidents_listed, narrowed_incidents
from governance.kernel.authority import Actor, Permission
from governance.kernel.registries import transition_tables
from governance.kernel.terms import Sensitivity
from governance.registry import services as registry
from governance.registry.models import UseCase
from governance.registry.registries import GateEvidence, gate_evidence

transition_tables.add("Incident.state", INCIDENT_STATES)

decisive_evidence.add("incidents", incident_evidence)

for action, sentence in {
    "playbook.installed": "{actor} installed the playbook {subject}",
    "incident.declared": "{actor} declared the incident {subject}",
    "incident.classified": "{actor} classified {subject}",
    "incident.handed_over": "{actor} named who commands {subject}",
    "incident.clock_started": "{actor} started a legal clock of {subject}",
    "incident.clock_met": "{actor} met a legal clock of {subject}",
    "incident.clock_waived": "{actor} found that a legal clock of {subject} does not apply",
    "incident.clock_overdue": "{actor} saw a legal clock of {subject} run out",
    "incident.action_added": "{actor} added an action to {subject}",
    "incident.action_assigned": "{actor} gave an action of {subject} its owner",
    "incident.action_done": "{actor} finished an action of {subject}",
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
    return [
        InboxItem(
            title=incident.title,
            detail=f"{incident.severity} incident, {incident.state}",
            url=url_of(incident),
            due_at=incident.next_due_at,
            kind="incident",
        )
        for incident in narrowed_incidents(incidents_listed(user, now), "open")[:20]
    ]


def clocks_running(user: User, now: datetime) -> list[InboxItem]:
    """Legal clocks, for compliance; commanders see them with their incidents."""
    if not user.may(Permission.SIGN_COMPLIANCE):
        return []
    return [
        InboxItem(
            title=clock.name,
            detail=f"{clock.legal_basis}: {clock.incident}",
            url=url_of(clock.incident),
            due_at=clock.due_at,
            kind="clock",
        )
        for clock in NotificationClock.objects.running().select_related("incident")[:20]
    ]


def actions_owned(user: User, now: datetime) -> list[InboxItem]:
    """What this person is to change after an incident."""
    owned = PostMortemAction.objects.filter(owner=user, done_at=None).select_related("incident")
    return [
        InboxItem(
            title=action.text,
            detail=f"After the incident “{action.incident}”",
            url=url_of(action.incident),
            due_at=datetime.combine(action.due_on + timedelta(days=1), time.min, UTC),
            kind="action",
        )
        for action in owned[:20]
    ]


inbox.add("incidents", incidents_open)
inbox.add("clocks", clocks_running)
inbox.add("actions", actions_owned)


def playbook_gap(use_case: UseCase, now: datetime) -> str:
    """The playbooks that are not there for what may go wrong with it."""
    kinds = kinds_to_prepare_for(Sensitivity(use_case.sensitivity))
    there = set(Playbook.objects.filter(kind__in=kinds).values_list("kind", flat=True))
    absent = [kind.replace("_", " ") for kind in kinds if kind not in there]
    return f"a playbook for: {', '.join(absent)}." if absent else ""


gate_evidence.add(
    "playbook", GateEvidence(playbook_gap, lambda use_case: reverse("incidents:list"))
)

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
