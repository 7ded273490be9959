"""What the registry plugs into the engine, the shell and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.urls import reverse

from governance.access.models import User
from governance.approvals.registries import change_subjects
from governance.audit.registries import (
    EvidenceSection,
    PackScope,
    audit_actions,
    evidence_sections,
)
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.registry.models import RiskAssessment, UseCase
from governance.registry.rules import USE_CASE_STAGES
from governance.registry.subjects import StageSubject

transition_tables.add("UseCase.stage", USE_CASE_STAGES)
change_subjects.add("use_case_stage", StageSubject())

for action, sentence in {
    "use_case.created": "{actor} registered {subject}",
    "use_case.changed": "{actor} changed {subject}",
    "use_case.scored": "{actor} scored {subject}",
    "use_case.assessed": "{actor} assessed the risk of {subject}",
    "use_case.suspended": "{actor} suspended {subject}",
    "use_case.resumed": "{actor} resumed {subject}",
    "use_case.metric_added": "{actor} added a success metric to {subject}",
    "use_case.measured": "{actor} measured {subject}",
    "use_case.item_done": "{actor} ticked a checklist item of {subject}",
    "use_case.datasets_named": "{actor} named the data of {subject}",
    "dataset.registered": "{actor} registered the dataset {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "use-cases",
    NavigationItem(
        "Govern", "Use cases", "registry:list", "layers", (Permission.USE_CASE_VIEW,), 20
    ),
)
navigation.add(
    "map",
    NavigationItem(
        "Govern", "Portfolio map", "registry:map", "chart-scatter", (Permission.USE_CASE_VIEW,), 30
    ),
)


def drafts(user: User, now: datetime) -> list[InboxItem]:
    """Use cases that this person began and has not proposed."""
    begun = UseCase.objects.filter(owner=user, is_draft=True, stage="proposed")[:20]
    return [
        InboxItem(
            title=f"Finish the intake of {use_case}",
            detail="Saved as a draft; nothing is lost.",
            url=reverse("registry:detail", args=[use_case.slug]),
            due_at=None,
            kind="draft",
        )
        for use_case in begun
    ]


inbox.add("drafts", drafts)


def register_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """The register as it stands, for the scope's team; not cut by period."""
    use_cases = UseCase.objects.select_related("team", "owner")
    if scope.team_id is not None:
        use_cases = use_cases.filter(team_id=scope.team_id)
    for one in use_cases.order_by("slug").iterator():
        yield {
            "slug": one.slug,
            "title": one.title,
            "team": one.team.code,
            "owner": one.owner.email,
            "stage": one.stage,
            "tier": one.tier,
            "sensitivity": one.sensitivity,
            "oversight": one.oversight,
            "suspended_at": one.suspended_at.isoformat() if one.suspended_at else "",
        }


def risk_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Risk assessments of the period, with the rules that fired."""
    assessments = RiskAssessment.objects.select_related("use_case", "assessor").filter(
        at__gte=scope.starts_at, at__lt=scope.ends_at
    )
    if scope.team_id is not None:
        assessments = assessments.filter(use_case__team_id=scope.team_id)
    for one in assessments.order_by("at", "pk").iterator():
        yield {
            "use_case": one.use_case.slug,
            "at": one.at.isoformat(),
            "assessor": one.assessor.email,
            "tier": one.tier,
            "questionnaire": one.questionnaire_version,
            "rules": ", ".join(rule["code"] for rule in one.fired_rules),
        }


for section in (
    EvidenceSection(
        "use_cases",
        "Use cases",
        (
            "slug",
            "title",
            "team",
            "owner",
            "stage",
            "tier",
            "sensitivity",
            "oversight",
            "suspended_at",
        ),
        register_rows,
        counted_by=("stage", "tier"),
    ),
    EvidenceSection(
        "risk_assessments",
        "Risk assessments",
        ("use_case", "at", "assessor", "tier", "questionnaire", "rules"),
        risk_rows,
        counted_by=("tier",),
    ),
):
    evidence_sections.add(section.name, section)
